/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tree of files as a tar stream (ustar, with pax records where ustar is too small), for cp, export and
 * volume export. The tree may be a running app's: everything is opened by descriptor, one component at a
 * time, no link is followed, and nothing but regular files is read.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* Takes the bytes. 0, or -code with e. */
typedef int tar_sink_fn(void *context, const void *bytes, size_t n, struct err *e);

struct tar_links; /* files with several names, met before */

struct tar_out {
	tar_sink_fn *sink;
	void *context;
	/* On disk id base + n is n in the archive (what lies outside becomes 65534); count 0: as on disk. */
	uint32_t id_base, id_count;
	bool xattrs;          /* all of user.* and security.capability, else none */
	bool keep_privileges; /* setuid and setgid bits, else they are left out */
	struct tar_links *links;
	uint64_t left_out;    /* sockets, and devices where there is no keep_privileges */
};

/*
 * Adds dirfd/name (name "." for the directory itself) and all below it, as `as` in the archive: "." or a
 * relative path. A file that shrinks meanwhile is filled up with zeros, one that grows is cut.
 */
[[nodiscard]] int tar_out_add(struct tar_out *t, int dirfd, const char *name, const char *as, struct err *e);
/* The end of the archive; frees what t holds. Call tar_out_free() alone after an error. */
[[nodiscard]] int tar_out_finish(struct tar_out *t, struct err *e);
void tar_out_free(struct tar_out *t);

/* A sink that writes to the descriptor that context points to. */
int tar_sink_fd(void *context, const void *bytes, size_t n, struct err *e);
