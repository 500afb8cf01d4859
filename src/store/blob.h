/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing into the store: what import, build and fetch use. Nothing here hashes or parses: the caller
 * knows the digest. Each piece appears complete or not at all (O_TMPFILE, fdatasync, linkat), and the
 * order makes a visible name imply complete content:
 *
 *   store_lock_shared()                         from the first "is it there already?" to the end
 *     blob_writer_open/commit, blob_put         tars, manifest, config
 *     blob_writer_open(BLOB_VIEW)/commit        the index of the view
 *     blob_put_view_recipe                      which tars that index needs (before the index's commit)
 *     blob_put_image                            the record, with the image's passwd and group
 *     blob_sync                                 the directories, once
 *     store_tag_image                           the name: last
 *
 * A crash before the last step leaves content that no name needs; the sweep removes it.
 * All functions run on the host, as the store's owner, and need no privilege beyond write permission.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "image/image.h"
#include "store/store.h"

enum blob_place {
	BLOB_SHA256, /* blobs/sha256/HEX, 64 hex digits */
	BLOB_SHA512, /* blobs/sha512/HEX, 128 hex digits: ACIs */
	BLOB_VIEW,   /* views/ID.erofs, ID in hex, 16 to 128 digits */
};

/*
 * One file being written. fd is open for reading and writing, close-on-exec, without a name; write to it
 * in any order, set O_DIRECT on it with fcntl(2), mmap it. Start with BLOB_WRITER_NONE so that
 * blob_writer_close() takes what was never opened.
 */
struct blob_writer {
	int fd;
	enum blob_place place;
	const struct store *store;
	char tmp_name[64]; /* where the file system has no O_TMPFILE: its name in tmp/; else empty */
};
#define BLOB_WRITER_NONE ((struct blob_writer){.fd = -1})

[[nodiscard]] int blob_writer_open(const struct store *s, enum blob_place place, struct blob_writer *ret,
				   struct err *e);
/*
 * fdatasync, then the name. `hex` is the digest or view id in hex digits, and checked to be that. The
 * name existing already is success: somebody else finished first. The writer is closed either way.
 */
[[nodiscard]] int blob_writer_commit(struct blob_writer *w, const char *hex, struct err *e);
void blob_writer_close(struct blob_writer *w);
#define autoblob [[gnu::cleanup(blob_writer_close)]] struct blob_writer

/* A small blob (manifest, config) at once; place is BLOB_SHA256 or BLOB_SHA512. */
[[nodiscard]] int blob_put(const struct store *s, enum blob_place place, const char *hex, const void *bytes, size_t n,
			   struct err *e);

/*
 * "sha256:HEX", "sha512-HEX" or "sha512:HEX" into place and the hex digits (pointing into digest).
 * False for everything else: wrong length, upper case, other algorithms. Use it on every digest from outside.
 */
bool blob_parse_digest(const char *digest, enum blob_place *ret_place, const char **ret_hex);

/* Is the blob there? Its size, when ret_size is not NULL. False for what is no digest, too. */
bool blob_exists(const struct store *s, const char *digest, uint64_t *ret_size);
/* Opens a blob for reading; the caller owns the descriptor. ERR_NOT_FOUND. */
[[nodiscard]] int blob_open(const struct store *s, const char *digest, int *ret_fd, struct err *e);
bool blob_view_exists(const struct store *s, const char *view);
/* Opens views/ID.erofs for reading. ERR_NOT_FOUND. */
[[nodiscard]] int blob_open_view(const struct store *s, const char *view, int *ret_fd, struct err *e);

/* Takes a damaged blob or view away, so that the next import or fetch brings it again. Missing is success. */
[[nodiscard]] int blob_remove(const struct store *s, const char *digest, struct err *e);
[[nodiscard]] int blob_remove_view(const struct store *s, const char *view, struct err *e);

/* from/sha256/HEX: what a compressed layer, named by its own digest, became. */
struct blob_from {
	char *digest;     /* of the bytes as they came: sha256:… */
	char *diff_id;    /* of the tar */
	uint64_t size;    /* of the bytes as they came */
	uint64_t tar_size;
	char *media_type; /* as the manifest that brought it says */
};
[[nodiscard]] int blob_put_from(const struct store *s, const struct blob_from *from, struct err *e);
/* ERR_NOT_FOUND when there is none, or when the tar is gone. Strings lie in the arena. */
[[nodiscard]] int blob_get_from(const struct store *s, struct arena *a, const char *digest, struct blob_from *ret,
				struct err *e);

/* All compressed forms of a tar that are known, in the arena. */
struct blob_forms {
	LIST(struct blob_from) list;
};
[[nodiscard]] int blob_list_forms(const struct store *s, struct arena *a, const char *diff_id, struct blob_forms *ret,
				  struct err *e);

/*
 * views/ID.tars: what a view is made from, lowest layer first. The order is that of the index's
 * devices: blob n is EROFS device n + 1. The directory form and `image verify` rebuild the view from it.
 */
struct blob_view_tar {
	char *blob;       /* "sha256:HEX" or "sha512-HEX" */
	char *rules;      /* "oci" or "aci": how the tar is read (image/tree) */
	char **whitelist; /* ACI: absolute paths that are kept; NULL keeps all */
};
struct blob_view_recipe {
	LIST(struct blob_view_tar) tars;
};
[[nodiscard]] int blob_put_view_recipe(const struct store *s, const char *view, const struct blob_view_recipe *recipe,
				       struct err *e);
[[nodiscard]] int blob_get_view_recipe(const struct store *s, struct arena *a, const char *view,
				       struct blob_view_recipe *ret, struct err *e);

/*
 * The record images/HEX, named by img->manifest_digest. Every blob that the image needs must be named in
 * it (manifest_digest, id, layers[].diff_id; layers[].digest where the original is kept too): the sweep
 * goes by that. An ACI has no manifest digest: it uses its image ID (sha512-…) there. passwd and group
 * are the view's /etc/passwd and /etc/group, NULL when it has none, cut at 1 MiB by the caller's refusal.
 */
[[nodiscard]] int blob_put_image(const struct store *s, const struct image *img, const char *passwd, size_t passwd_len,
				 const char *group, size_t group_len, struct err *e);

/* Makes the names durable: fsync of blobs/, views/, images/ and from/. Never syncfs: it waits for everybody. */
[[nodiscard]] int blob_sync(const struct store *s, struct err *e);

/* Can this host mount the view from this store? Mounts it detached and drops it; needs CAP_SYS_ADMIN to be true. */
bool blob_view_mountable(const struct store *s, const char *view);

/*
 * The directory form, trees/ID: begin gives an empty directory (0755) under a temporary name, locked while
 * its descriptor is open; commit syncs and renames it. EEXIST is success. Abort removes what was written.
 */
struct blob_tree {
	int fd;
	const struct store *store;
	char tmp_name[64];
};
#define BLOB_TREE_NONE ((struct blob_tree){.fd = -1})
[[nodiscard]] int blob_tree_begin(const struct store *s, struct blob_tree *ret, struct err *e);
[[nodiscard]] int blob_tree_commit(struct blob_tree *t, const char *view, struct err *e);
void blob_tree_abort(struct blob_tree *t);
bool blob_tree_exists(const struct store *s, const char *view);
