/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the pod that is asked for to the plan: every default, every lookup, every refusal that needs
 * more than one value. Pure: what must be looked up outside comes through callbacks, so that all of
 * it is tested from documents.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "image/image.h"
#include "pod/plan.h"
#include "pod/pod.h"

enum host_file_kind {
	HOST_FILE_DIR,
	HOST_FILE_REGULAR,
	HOST_FILE_SOCKET,
	HOST_FILE_CHAR,
	HOST_FILE_BLOCK,
	HOST_FILE_OTHER
};

struct host_file {
	enum host_file_kind kind;
	uint32_t major, minor; /* of a device */
};

/* A folder of an image, as a unix link asks for it. */
struct image_folder {
	bool exists, is_folder, empty;
	uint32_t uid, gid, mode; /* mode: the permission bits */
};

/* What is looked up outside. Each gives 0 or -code with e filled; all pointers live as long as the
 * arena. */
struct pod_sources {
	void *context;
	int (*find_image)(void *context, const char *name, const struct image **ret, struct err *e);
	/* The image's own "passwd" or "group", at most 1 MiB; "" when it has none. */
	int (*read_accounts)(void *context, const struct image *img, const char *which,
			     const char **ret_text, struct err *e);
	/* What lies at a path of the host, links followed. ERR_NOT_FOUND. Asked only where a hole
	 * names the path. */
	int (*stat_host)(void *context, const char *path, struct host_file *ret, struct err *e);
	/* The bytes of a zone file: "Europe/Berlin", or "local" for the host's own. Asked only with
	 * tz. */
	int (*read_zone)(void *context, const char *zone, const void **ret_bytes, size_t *ret_n,
			 struct err *e);
	/* May a new pod have this name? Asked only for names that Rocket makes up. */
	bool (*name_is_free)(void *context, const char *name);
	/* What lies at a path inside the image, links followed inside it. Asked only where a unix link names the path. */
	int (*stat_folder)(void *context, const struct image *img, const char *path, struct image_folder *ret,
			   struct err *e);
};

/* Facts of the host and of this start. */
struct pod_host {
	const char *boot_id;
	const char *cgroup;   /* below each hierarchy's root; NULL: the pod has none */
	const char *no_limits; /* why no limit can be enforced here; NULL: they can */
	bool no_pids_limit;   /* not even the default one */
	bool rootless;        /* an ordinary user's pod */
	uint32_t ids_most;    /* … and how many ids he has */
	const char *limits_try; /* the command that brings what no_limits misses */
	struct plan_ids ids;  /* the range that this pod was given */
	uint64_t nofile_hard; /* the host's hard limit on open files; 0: unlimited */
	const char *term;     /* the caller's TERM, or NULL */
};

struct pod_inputs {
	struct arena *arena;
	const struct pod *pod;
	const char *id; /* 32 hex digits */
	int64_t created_ns;
	uint64_t random; /* for a made-up name */
	struct pod_host host;
	struct pod_sources sources;
};

/*
 * ERR_USAGE for what contradicts itself or can't be done, ERR_NOT_FOUND for an image, user or path
 * that is not there, and what the callbacks give. The message starts with the place in the manifest
 * where one is known.
 */
[[nodiscard]] int plan_resolve(const struct pod_inputs *in, struct plan *ret, struct err *e);
