/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tar stream into a directory, for cp and volume import. The archive and what lies in the directory may
 * both be hostile: every path is resolved below the directory by openat2(2) without following any link,
 * and a link that stands in the way is replaced, not followed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

struct tar_in_options {
	int dirfd;               /* the directory, open for reading; not owned */
	/* Id n of the archive becomes base + n (n must be below count); count 0: as it is. */
	uint32_t id_base, id_count;
	bool one_owner;          /* everything gets owner_uid and owner_gid (as they are on disk) instead */
	uint32_t owner_uid, owner_gid;
	bool keep_privileges;    /* setuid and setgid bits and security.capability, else they are left out */
	bool keep_root;          /* an entry "." changes nothing of the directory itself */
};

struct tar_in; /* opaque */

[[nodiscard]] int tar_in_open(struct arena *a, const struct tar_in_options *options, struct tar_in **ret, struct err *e);
/* A tar_sink_fn: context is the struct tar_in. */
int tar_in_push(void *context, const void *bytes, size_t n, struct err *e);
/* No more bytes come; gives directories their times. */
[[nodiscard]] int tar_in_finish(struct tar_in *t, struct err *e);
/* Device nodes, which are never made. */
uint64_t tar_in_left_out(const struct tar_in *t);
void tar_in_close(struct tar_in *t); /* NULL is fine */

static inline void cleanup_tar_in(struct tar_in **t)
{
	tar_in_close(*t);
}
#define autotarin [[gnu::cleanup(cleanup_tar_in)]] struct tar_in
