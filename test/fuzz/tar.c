/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a layer: the reader's promises about entries hold, it reads the same in one piece and in
 * parts, and what the tree takes becomes an index that is equal when written twice.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "image/erofs.h"
#include "image/tar.h"
#include "image/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

struct seen {
	struct tree *tree;
	uint64_t entries, hash;
	uint64_t size; /* of the archive */
	bool refused;  /* by the tree */
};

static void mix(struct seen *s, const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		s->hash = (s->hash ^ ((const uint8_t *)p)[i]) * 1099511628211ULL;
}

static void check_entry(const struct seen *s, const struct tar_entry *x)
{
	bool link = x->type == TAR_SYMLINK || x->type == TAR_HARD_LINK;

	if (!x->path || !*x->path || strlen(x->path) > 4095 || (link && (!x->link || !*x->link)))
		abort();
	if (x->type != TAR_FILE && (x->size || x->stored || x->sparse))
		abort();
	if (x->mode & ~07777U || x->mtime_ns >= 1000000000 || x->offset % TAR_BLOCK || x->at >= s->size)
		abort();
	uint64_t end = 0, sum = 0;

	for (size_t i = 0; x->sparse && i < x->sparse->n; i++) {
		const struct tar_piece *p = &x->sparse->piece[i];

		if (p->offset < end || p->offset + p->len > x->size || !p->len)
			abort();
		end = p->offset + p->len;
		sum += p->len;
	}
	if (x->sparse && sum != x->stored)
		abort();
}

static int on_entry(void *ctx, const struct tar_entry *x, struct err *e)
{
	struct seen *s = ctx;

	check_entry(s, x);
	s->entries++;
	mix(s, x->path, strlen(x->path));
	mix(s, &x->size, sizeof(x->size));
	mix(s, &x->offset, sizeof(x->offset));
	if (s->tree && !s->refused && tree_add(s->tree, x, e))
		s->refused = true;
	return 0;
}

static int read_in_parts(struct arena *a, struct seen *s, const uint8_t *bytes, size_t n, size_t part)
{
	struct tar_callbacks call = {.on_entry = on_entry, .ctx = s};
	struct err e = {};
	autotar *t = tar_open(a, &call);
	int r = 0;

	s->size = n;
	for (size_t at = 0; at < n && !r; at += part)
		r = tar_push(t, bytes + at, n - at < part ? n - at : part, &e);
	if (!r)
		r = tar_finish(t, &e);
	if (r && (!e.what[0] || !e.because[0]))
		abort();
	return r;
}

static void check_index(const struct tree *t, uint64_t size)
{
	struct erofs_device d = {.fd = -1, .size = size};
	autofree uint8_t *one = NULL, *two = NULL;
	size_t n1 = 0, n2 = 0;
	struct err e = {};

	/* Unaligned sparse files would be read from the tar, which is not there. */
	for (uint32_t i = 1; i < t->n_nodes; i++)
		if (t->node[i].sparse)
			return;
	if (erofs_write(t, &d, 1, &one, &n1, &e))
		return;
	if (erofs_write(t, &d, 1, &two, &n2, &e) || n1 != n2 || memcmp(one, two, n1))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	autoarena a = {};
	autotree *tree = tree_new();
	struct seen whole = {.tree = tree}, parts = {};
	struct err e = {};

	if (tree_begin_layer(tree, n % 2 ? TREE_OCI : TREE_ACI, NULL, &e))
		abort();
	int r1 = read_in_parts(&a, &whole, bytes, n, n ? n : 1);
	int r2 = read_in_parts(&a, &parts, bytes, n, 97);

	if (!r1 != !r2 || whole.entries != parts.entries || whole.hash != parts.hash)
		abort();
	if (r1 || whole.refused || tree_add_mount_points(tree, &e))
		return 0;
	tree_finish(tree);
	check_index(tree, n);
	return 0;
}

/* ---- so that mutated headers get past their checksum ---- */

size_t LLVMFuzzerMutate(uint8_t *bytes, size_t n, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t n, size_t max, unsigned seed);
#pragma weak LLVMFuzzerMutate

static void fix_checksum(uint8_t *block)
{
	unsigned sum = 8 * ' ';

	if (memcmp(block + 257, "ustar", 5))
		return;
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += i >= 148 && i < 156 ? 0 : block[i];
	for (int i = 5; i >= 0; i--, sum >>= 3)
		block[148 + i] = (uint8_t)('0' + (sum & 7));
	block[154] = 0;
	block[155] = ' ';
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t n, size_t max, unsigned seed)
{
	if (!LLVMFuzzerMutate)
		return n;
	n = LLVMFuzzerMutate(bytes, n, max);
	for (size_t at = 0; seed % 8 && at + TAR_BLOCK <= n; at += TAR_BLOCK)
		fix_checksum(bytes + at);
	return n;
}
