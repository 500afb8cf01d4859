/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An LXC container's config (lxc.container.conf(5), LXC 3 to 6) as a native manifest of one app. What the manifest can't
 * say, or Rocket does not do, is named with its place and the reason; nothing is dropped in silence. What LXC does to its
 * own processes (logs, monitor) is no part of the container and left out. Pure: included files come through a callback.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct lxc_input {
	struct arena *arena;
	const char *file; /* for messages */
	/* A file, or all "*.conf" of a folder one after the other. The text ends with 0 and lives as long as the arena. */
	int (*read_file)(void *context, const char *path, const char **ret_text, size_t *ret_len, struct err *e);
	void *context;
};

struct lxc_lost {
	char *place; /* "config:12" */
	char *what;  /* "lxc.net.0.type = veth" */
	char *why;
};

struct lxc_losses {
	LIST(struct lxc_lost) list;
};

/*
 * Adds the manifest's text, which manifest_parse() takes. ERR_USAGE for what is no config (a line without '=', a broken
 * include), and for a container without a root file system of its own.
 */
[[nodiscard]] int lxc_convert(const struct lxc_input *in, const char *text, size_t n, struct str *manifest,
			      struct lxc_losses *losses, struct err *e);
