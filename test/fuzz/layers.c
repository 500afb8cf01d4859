/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A little language of entries, so that the fuzzer reaches the merging of layers instead of checksums:
 * a byte for what, bytes for which names. The tree that comes out must hold together.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "image/erofs.h"
#include "image/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

struct input {
	const uint8_t *at;
	size_t left;
};

static uint8_t next(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->at++;
}

/* Paths from a few names, so that they meet each other. */
static char *make_path(struct arena *a, struct input *in)
{
	static const char *const parts[] = {"a", "b", "c", "lnk", ".wh.a", ".wh..wh..opq", "..", ".", "", "rootfs", "etc",
					    "hosts", "proc", "/", ".wh.lnk", "d"};
	char *path = arena_alloc(a, 256);
	unsigned n = next(in) % 6;

	for (unsigned i = 0; i <= n; i++) {
		if (i)
			strcat(path, "/");
		strcat(path, parts[next(in) % ARRAY_SIZE(parts)]);
	}
	return *path ? path : strcpy(path, ".");
}

static void check_tree(const struct tree *t)
{
	autofree uint8_t *seen = calloc(t->n_nodes, 1);

	if (!seen || t->n_order < 1 || t->order[0] != TREE_ROOT)
		abort();
	for (uint32_t i = 0; i < t->n_order; i++) {
		const struct tree_node *n = &t->node[t->order[i]];

		if (seen[t->order[i]]++ || !n->nlink)
			abort();
		for (uint32_t k = 0; S_ISDIR(n->mode) && k < n->n_kids; k++) {
			const struct tree_name *name = &t->name[n->kids[k]];
			const struct tree_node *kid = &t->node[name->node];

			if (name->dead || name->parent != t->order[i] || !name->len || memchr(name->text, '/', name->len))
				abort();
			if (S_ISDIR(kid->mode) && (kid->up != t->order[i] || kid->depth != n->depth + 1))
				abort();
		}
	}
}

static void check_index(const struct tree *t, unsigned layers)
{
	struct erofs_device devices[300] = {};
	autofree uint8_t *bytes = NULL;
	size_t n = 0;
	struct err e = {};

	for (unsigned i = 0; i < layers; i++)
		devices[i] = (struct erofs_device){-1, 1 << 20};
	if (!erofs_write(t, devices, layers, &bytes, &n, &e) && (n % EROFS_BLOCK || n < 1152))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	autoarena a = {};
	autotree *t = tree_new();
	struct input in = {bytes, n};
	struct err e = {};
	unsigned layers = 1;
	int r = tree_begin_layer(t, next(&in) % 4 ? TREE_OCI : TREE_ACI, NULL, &e);

	while (!r && in.left) {
		uint8_t what = next(&in);
		struct tar_entry x = {.type = (enum tar_type)(what % 7), .mode = 0755, .major = 1, .path = make_path(&a, &in)};

		if (what > 240 && layers < 300) {
			r = tree_begin_layer(t, t->rules, NULL, &e);
			layers++;
			continue;
		}
		if (x.type == TAR_HARD_LINK || x.type == TAR_SYMLINK)
			x.link = make_path(&a, &in);
		if (x.type == TAR_FILE)
			x.size = x.stored = what;
		r = tree_add(t, &x, &e);
	}
	if (r || tree_add_mount_points(t, &e))
		return 0;
	tree_finish(t);
	check_tree(t);
	check_index(t, layers);
	return 0;
}
