/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registries.conf and registries.conf.d (containers-registries.conf(5)): where names are looked for. Its version 2, as
 * podman, skopeo and CRI-O read it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

enum conf_pull { CONF_PULL_ALL, CONF_PULL_DIGEST, CONF_PULL_TAG };

struct conf_mirror {
	char *location;
	bool insecure;
	enum conf_pull pull; /* for which references it serves */
};

struct conf_registry {
	char *prefix;   /* "example.com/team", "*.example.com"; what names begin with that this is about */
	char *location; /* what stands there instead; NULL: nothing else */
	bool insecure, blocked, by_digest_only;
	LIST(struct conf_mirror) mirrors;
};

struct conf {
	char **search;  /* unqualified-search-registries */
	char **aliases; /* "SHORT=HOST/REPOSITORY" */
	LIST(struct conf_registry) registries;
};

/* One file more; what it says replaces what files before it said of the same prefix, alias or list. Pure. */
[[nodiscard]] int conf_add(struct arena *a, struct conf *conf, const char *file, const char *text, size_t len,
			   struct err *e);
/*
 * All files of this host and user: $CONTAINERS_REGISTRIES_CONF, else the user's, else /etc/containers/registries.conf; and
 * the *.conf of registries.conf.d in both places. None is needed.
 */
[[nodiscard]] int conf_load(struct arena *a, struct conf *ret, struct err *e);
/* The entry with the longest prefix of "HOST/REPOSITORY", or NULL. */
const struct conf_registry *conf_find(const struct conf *conf, const char *repository);
/* "HOST/REPOSITORY" by the entry's location, or by a mirror's; NULL when that is no place. */
char *conf_rewrite(struct arena *a, const struct conf_registry *entry, const char *location, const char *repository);
