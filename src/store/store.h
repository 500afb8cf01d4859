/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The content-addressed store: the only code that knows the layout on disk. The file system is the
 * database; what is visible is complete. This header is what `rocket` itself uses (no heavy library);
 * what imports, exports and verifies is in store/import.h and runs in rocket-import.
 *
 *   DIR/blobs/sha256/HEX   layer tars (by diffID), manifests, configs     DIR/refs/NAME   name -> image
 *   DIR/views/ID.erofs     merged index over the tars (.tars: which)      DIR/trees/ID/   directory form
 *   DIR/images/HEX         struct image, a record, by manifest digest     DIR/from/…      compressed digest -> diffID
 *   DIR/images/HEX.passwd, .group   the image's /etc/passwd and /etc/group (at most 1 MiB each)
 *   DIR/images/HEX.artifacts, .trust   signatures and attestations that came with it; how it was judged (artifact.h)
 *   DIR/trust/ID           what `rocket trust` was told (trust/rules.h)
 *   DIR/tmp, DIR/dead      being written where O_TMPFILE is missing; swept, being deleted
 *   DIR/lock               flock: shared while content is used, exclusive for the sweep
 *   RUN/views/ID           the view, mounted at its first use; RUN/views/ID.lock: flock, shared by its users
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "image/image.h"

struct store {
	int dirfd;      /* DIR */
	char *path;     /* for messages */
	char *run_path; /* the run directory, below which views are mounted; opened when needed */
	/*
	 * The program that builds trees/ID where EROFS can't serve: rocket-image. NULL, as store_open() leaves
	 * it: the one beside the running program or where it was installed. The text stays the caller's.
	 */
	const char *builder;
};
#define STORE_NONE ((struct store){.dirfd = -1})

/* Opens the store at dir, making what is missing (0700). Needs write permission; root or the user. */
[[nodiscard]] int store_open(const char *dir, const char *run_dir, struct store *ret, struct err *e);
void store_close(struct store *s);
#define autostore [[gnu::cleanup(store_close)]] struct store

/* Takes the store's lock shared: what exists now stays until the descriptor is closed. */
[[nodiscard]] int store_lock_shared(const struct store *s, int *ret_fd, struct err *e);

struct store_image {
	char *name;     /* the full name that it was found by, or NULL when by digest */
	struct image image;
	int64_t tagged_ns;
};

/*
 * Finds an image by name (as typed: "nginx", "nginx:1.27", a digest, a unique prefix of an id of at
 * least 4 digits; see store_normalise_name). ERR_NOT_FOUND with the nearest name.
 */
[[nodiscard]] int store_find_image(const struct store *s, struct arena *a, const char *name, struct store_image *ret,
				   struct err *e);
/* All images that have a name, one entry a name, sorted by name. */
[[nodiscard]] int store_list_images(const struct store *s, struct arena *a, struct store_image **ret, size_t *ret_n,
				    struct err *e);
[[nodiscard]] int store_tag_image(const struct store *s, const char *name, const char *manifest_digest, struct err *e);
/* Removes a name. The content goes with the next sweep when nothing else needs it. */
[[nodiscard]] int store_untag_image(const struct store *s, const char *name, struct err *e);
/* "nginx" -> "nginx:latest" (kept as typed before the tag; registries are not guessed). ERR_USAGE for what is no name. */
[[nodiscard]] int store_normalise_name(struct arena *a, const char *name, char **ret, struct err *e);

/* The image's own /etc/passwd or /etc/group ("passwd", "group"), at most 1 MiB; empty text when it has none. */
[[nodiscard]] int store_read_accounts(const struct store *s, const struct image *img, const char *which, char **ret_text,
				      struct err *e);

/*
 * A detached, read-only, nodev clone of the image's root: the EROFS view (mounted once below the run
 * directory, shared by all pods of the image), or the directory form where EROFS can't serve. The caller
 * owns both descriptors; use_fd holds the view's flock (shared) as long as it is open, and store_release_view()
 * drops the mount when nobody else holds it.
 */
[[nodiscard]] int store_open_view(const struct store *s, const char *view, int *ret_tree_fd, int *ret_use_fd,
				  struct err *e);
void store_release_view(const struct store *s, const char *view, int *use_fd);

/*
 * Writes the files of a view into an empty directory, shift added to every id: an app's own root where the file
 * system can neither map ids nor carry an overlay. Runs s->builder; syncs nothing. Root.
 */
[[nodiscard]] int store_unpack_view(const struct store *s, const char *view, int dirfd, uint32_t shift, struct err *e);

/*
 * Removes the views, blobs and images that no name and no pod needs; works on a full disk. ERR_BUSY while
 * somebody holds the store's lock: nothing was done, later will do. ERR_FAILED at a damaged record of an
 * image that a name or pod needs, before anything is removed.
 */
struct store_sweep {
	/*
	 * Gives the manifest digests that pods use, NULL-terminated, in the arena. Called with the store's
	 * lock held, since a pod may have been made until then. NULL: there are no pods.
	 */
	int (*list_pods)(void *context, struct arena *a, char ***ret_digests, struct err *e);
	void *context;
	const char *only;       /* manifest digest: nothing but what this image names; NULL: everything */
	int64_t grace_ns;       /* what is younger stays */
	bool dry_run;
	uint64_t freed_bytes;   /* out */
	uint64_t freed_files;   /* out */
};
[[nodiscard]] int store_sweep(const struct store *s, struct store_sweep *sweep, struct err *e);

/* What the store takes on disk, in bytes of blocks. What could go: a store_sweep with dry_run and no grace. */
struct store_usage {
	uint64_t images, names;
	uint64_t blob_bytes; /* tars, manifests, configs, and the records and names beside them */
	uint64_t view_bytes; /* indexes */
	uint64_t tree_bytes; /* views in the directory form */
	uint64_t dead_bytes; /* swept, not yet deleted; what a fetch that was cut keeps for the next */
};
[[nodiscard]] int store_measure(const struct store *s, struct store_usage *ret, struct err *e);
