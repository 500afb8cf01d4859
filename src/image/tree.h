/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The merged tree of an image: its layers, lowest first, applied to each other in memory. Whiteouts,
 * opaque directories, implied directories, hard links across layers, replaced entries and symlinked
 * parents are all resolved here, once, and never by the kernel: no path of an archive reaches a system call.
 *
 * A node is a file (an inode); a name is an entry of a directory that leads to one. Both are known by
 * index, 0 meaning none. Strings belong to the arena that the entries came from: it must outlive the tree.
 *
 * Rules of OCI (image-spec, layer.md): the parent of an entry is found through symlinks, inside the tree,
 * clamped at its root, over at most 40 links; ".wh.NAME" and ".wh..wh..opq" remove what lower layers have.
 * Rules of ACI (appc spec, aci.md): files stand below "rootfs/"; a symlink in the way is replaced, never
 * followed; no whiteouts; no path twice; what a whitelist does not name is left out.
 * What both refuse: "..", names over 255 bytes, more than 512 directories in each other, hard links to
 * nothing or to a directory, and 0:0 character devices (overlayfs reads them as whiteouts).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "image/tar.h"

enum tree_rules { TREE_OCI, TREE_ACI };
extern const char *const tree_rules_names[]; /* "oci", "aci" */

enum { TREE_ROOT = 1, TREE_DEPTH_MAX = 512, TREE_NAME_MAX = 255, TREE_LAYERS_MAX = 512 };

struct tree_node {
	uint32_t mode;             /* with the file type, as in stat(2) */
	uint32_t uid, gid;
	uint32_t mtime_ns;
	int64_t mtime;
	uint64_t size;             /* regular files; symlinks: length of the target */
	uint64_t stored;           /* regular files: bytes of it that the layer's tar holds */
	uint64_t offset;           /* regular files: where they begin in that tar */
	const char *link;          /* symlinks */
	const struct tar_sparse *sparse;
	const struct tar_xattr *xattrs;
	uint32_t major, minor;     /* devices */
	uint32_t nlink;            /* set by tree_finish(), as are the next two */
	uint32_t n_kids;           /* directories: */
	uint32_t *kids;            /* … their names, sorted by bytes */
	uint32_t first;            /* directories: newest name, linked by tree_name.next */
	uint32_t up;               /* directories: the parent directory's node */
	uint16_t layer;            /* the layer that it comes from */
	uint16_t touched;          /* directories: the newest layer, plus 1, that put something below */
	uint16_t depth;            /* directories: 0 for the root */
	bool implied;              /* a directory that no archive lists */
	bool synthetic;            /* a mount point that Rocket added: not part of the image */
};

struct tree_name {
	const char *text;          /* not 0-terminated */
	uint32_t parent;           /* node of the directory */
	uint32_t node;
	uint32_t next;
	uint16_t len;
	uint16_t layer;            /* that put it here last */
	bool dead;
};

struct tree {
	struct tree_node *node;
	struct tree_name *name;
	uint32_t n_nodes, n_names; /* the first is unused */
	uint32_t cap_nodes, cap_names;
	uint32_t *slot;            /* hash of (parent, text) to name */
	uint32_t n_slots;
	enum tree_rules rules;
	char *const *whitelist;
	unsigned n_layers;         /* begun so far; the current one is the last */
	/* Set by tree_finish(): */
	uint32_t *order;           /* all nodes that have a name, the root first, directories before their content */
	uint32_t n_order;
	uint32_t *kids;            /* storage of all tree_node.kids */
	uint64_t max_id;           /* largest uid or gid */
};

struct tree *tree_new(void);
void tree_free(struct tree *t); /* NULL is fine */
static inline void cleanup_tree(struct tree **t)
{
	tree_free(*t);
}
#define autotree [[gnu::cleanup(cleanup_tree)]] struct tree

/* The next layer begins. whitelist (TREE_ACI): sorted by tree_sort_whitelist(), NULL keeps all; the caller keeps it. */
[[nodiscard]] int tree_begin_layer(struct tree *t, enum tree_rules rules, char *const *whitelist, struct err *e);
void tree_sort_whitelist(char **whitelist);
/* Applies one entry of the current layer. ERR_FAILED: the image is refused, and the tree is of no use any more. */
[[nodiscard]] int tree_add(struct tree *t, const struct tar_entry *entry, struct err *e);
/*
 * Adds the places that a pod mounts on, where they are missing: /proc /sys /dev /etc /etc/hosts
 * /etc/hostname /etc/resolv.conf, through the image's symlinks. Marked synthetic.
 */
[[nodiscard]] int tree_add_mount_points(struct tree *t, struct err *e);
/* No more entries: sorts, counts links, numbers the nodes. */
void tree_finish(struct tree *t);

/* The node at an absolute path, symlinks followed inside the tree (the last one too when asked); 0 when there is none. */
uint32_t tree_find(const struct tree *t, const char *path, bool follow_last);
