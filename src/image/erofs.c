/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In two passes over the tree's order: where everything goes, then the bytes. Directories stand before
 * their content in that order, so a directory's inodes lie together.
 */
#include "image/erofs_parts.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"

enum { INODE = sizeof(struct erofs_inode), DEVICES_MAX = TREE_LAYERS_MAX };
#define CHUNK_MAPS_MAX (64ULL << 20) /* bytes of chunk maps in one view */
#define COPIES_MAX     (64ULL << 20) /* bytes of unaligned sparse files copied into one view */

struct writer {
	const struct tree *t;
	const struct erofs_device *devices;
	size_t n_devices;
	struct erofs_place *place; /* by node */
	uint64_t meta_block;       /* first block of the inodes */
	uint64_t blocks;           /* of the whole image */
	uint64_t *uniaddr;         /* by device */
	uint64_t chunk_bytes, copied_bytes;
	uint8_t *bytes;
};

static int too_large(struct err *e, const char *because)
{
	err_new(e, ERR_FAILED, "can't make a view of the image");
	return err_because(e, "%s", because);
}

static uint64_t blocks_of(uint64_t bytes)
{
	return bytes / EROFS_BLOCK + (bytes % EROFS_BLOCK != 0);
}

/* Data of its own: at its end inline where that fits into one block behind the inode, else in blocks. */
static void place_own_data(struct erofs_place *p, uint64_t full_blocks, uint32_t tail)
{
	p->size = full_blocks * EROFS_BLOCK + tail;
	p->layout = EROFS_PLAIN;
	p->n_blocks = (uint32_t)full_blocks;
	if (!tail)
		return;
	if (INODE + p->xattr_bytes + tail <= EROFS_BLOCK) {
		p->layout = EROFS_INLINE;
		p->inline_bytes = tail;
	} else {
		p->n_blocks++;
	}
}

static void place_dir(struct writer *w, uint32_t node)
{
	uint64_t full;
	uint32_t tail;

	erofs_dir_size(w->t, node, &full, &tail);
	place_own_data(&w->place[node], full, tail);
}

static int place_sparse(struct writer *w, const struct tree_node *n, struct erofs_place *p, struct err *e)
{
	uint8_t bits = erofs_chunk_bits(n);

	if (bits != EROFS_UNALIGNED) {
		uint64_t map = erofs_chunk_count(n->size, bits) * sizeof(struct erofs_chunk);

		w->chunk_bytes += map;
		if (w->chunk_bytes > CHUNK_MAPS_MAX)
			return too_large(e, "its sparse files are too large");
		p->layout = EROFS_CHUNKS;
		p->chunk_bits = bits;
		p->inline_bytes = (uint32_t)map;
		return 0;
	}
	if (n->size > COPIES_MAX || (w->copied_bytes += n->size) > COPIES_MAX)
		return too_large(e, "it has large sparse files whose pieces are no whole blocks of 512 bytes");
	p->n_blocks = (uint32_t)blocks_of(n->size);
	return 0;
}

static int place_node(struct writer *w, uint32_t node, struct err *e)
{
	const struct tree_node *n = &w->t->node[node];
	struct erofs_place *p = &w->place[node];
	int r = erofs_xattr_size(n, &p->xattr_bytes, e);

	p->size = n->size;
	if (r)
		return r;
	if (S_ISDIR(n->mode))
		place_dir(w, node);
	else if (S_ISLNK(n->mode) && n->size < EROFS_BLOCK)
		place_own_data(p, 0, (uint32_t)n->size);
	else if (S_ISLNK(n->mode))
		p->n_blocks = (uint32_t)blocks_of(n->size);
	else if (n->sparse)
		return place_sparse(w, n, p, e);
	return 0;
}

/* The next inode's place: no inode and no inline tail crosses a block. */
static uint64_t align_inode(uint64_t at, const struct erofs_place *p)
{
	uint64_t whole = INODE + p->xattr_bytes + p->inline_bytes;

	at = (at + EROFS_SLOT - 1) & ~(uint64_t)(EROFS_SLOT - 1);
	uint64_t in_block = at % EROFS_BLOCK;
	bool fits = in_block + INODE <= EROFS_BLOCK && (p->layout != EROFS_INLINE || in_block + whole <= EROFS_BLOCK);

	return fits ? at : (at + EROFS_BLOCK - 1) & ~(uint64_t)(EROFS_BLOCK - 1);
}

static int place_inodes(struct writer *w, struct err *e)
{
	uint64_t at = 0;

	for (uint32_t i = 0; i < w->t->n_order; i++) {
		struct erofs_place *p = &w->place[w->t->order[i]];
		int r = place_node(w, w->t->order[i], e);

		if (r)
			return r;
		at = align_inode(at, p);
		p->nid = at / EROFS_SLOT;
		at += INODE + p->xattr_bytes;
		if (p->layout == EROFS_CHUNKS)
			at = (at + 7) & ~7ULL;
		at += p->inline_bytes;
	}
	w->blocks = w->meta_block + blocks_of(at);
	return 0;
}

static int place_blocks(struct writer *w, struct err *e)
{
	for (uint32_t i = 0; i < w->t->n_order; i++) {
		struct erofs_place *p = &w->place[w->t->order[i]];

		if (p->n_blocks)
			p->block = (uint32_t)w->blocks;
		w->blocks += p->n_blocks;
		if (w->blocks > UINT32_MAX)
			return too_large(e, "it has too many files");
	}
	uint64_t at = w->blocks;

	for (size_t i = 0; i < w->n_devices; i++) {
		w->uniaddr[i] = at;
		at += blocks_of(w->devices[i].size);
		if (at > UINT32_MAX)
			return too_large(e, "its layers are larger than 2 TiB together");
	}
	return 0;
}

static void write_super(struct writer *w)
{
	struct erofs_super s = {
		.magic = EROFS_MAGIC,
		.block_bits = EROFS_BLOCK_BITS,
		.root_nid = (uint16_t)w->place[TREE_ROOT].nid,
		.inodes = w->t->n_order,
		.blocks = (uint32_t)w->blocks,
		.meta_block = (uint32_t)w->meta_block,
		.feature_incompat = (w->n_devices ? EROFS_INCOMPAT_DEVICES : 0) |
				    (w->chunk_bytes ? EROFS_INCOMPAT_CHUNKED : 0),
		.extra_devices = (uint16_t)w->n_devices,
		.device_slot = (EROFS_SUPER_OFFSET + sizeof(struct erofs_super)) / 128,
	};
	uint8_t *to = w->bytes + EROFS_SUPER_OFFSET;

	memcpy(to, &s, sizeof(s));
	for (size_t i = 0; i < w->n_devices; i++) {
		struct erofs_device_slot d = {
			.blocks = (uint32_t)blocks_of(w->devices[i].size),
			.uniaddr = (uint32_t)w->uniaddr[i],
		};

		snprintf((char *)d.tag, sizeof(d.tag), "layer%zu", i);
		memcpy(to + sizeof(s) + i * sizeof(d), &d, sizeof(d));
	}
}

static uint32_t encode_device(const struct tree_node *n)
{
	return (n->minor & 0xff) | n->major << 8 | (n->minor & ~0xffU) << 12;
}

static uint64_t tar_block(const struct writer *w, const struct tree_node *n)
{
	return w->uniaddr[n->layer] + n->offset / EROFS_BLOCK;
}

/* The field whose meaning depends on the type of the file. */
static uint32_t union_of(const struct writer *w, const struct tree_node *n, const struct erofs_place *p)
{
	if (S_ISCHR(n->mode) || S_ISBLK(n->mode))
		return encode_device(n);
	if (p->layout == EROFS_CHUNKS)
		return p->chunk_bits | EROFS_CHUNK_INDEXES;
	if (S_ISREG(n->mode) && !p->n_blocks)
		return n->size ? (uint32_t)tar_block(w, n) : 0;
	return p->block;
}

static void write_link(const struct tree_node *n, const struct erofs_place *p, uint8_t *behind, uint8_t *blocks)
{
	memcpy(p->layout == EROFS_INLINE ? behind : blocks, n->link, n->size);
}

static int write_data(struct writer *w, uint32_t node, uint8_t *behind, struct err *e)
{
	const struct tree_node *n = &w->t->node[node];
	const struct erofs_place *p = &w->place[node];
	uint8_t *blocks = w->bytes + (uint64_t)p->block * EROFS_BLOCK;

	if (S_ISDIR(n->mode))
		erofs_dir_write(w->t, w->place, node, blocks, p->layout == EROFS_INLINE ? behind : NULL);
	else if (S_ISLNK(n->mode))
		write_link(n, p, behind, blocks);
	else if (p->layout == EROFS_CHUNKS)
		erofs_chunks_write(n, p->chunk_bits, tar_block(w, n), behind);
	else if (n->sparse)
		return erofs_copy_sparse(n, w->devices[n->layer].fd, blocks, e);
	return 0;
}

static int write_node(struct writer *w, uint32_t number, struct err *e)
{
	uint32_t node = w->t->order[number];
	const struct tree_node *n = &w->t->node[node];
	const struct erofs_place *p = &w->place[node];
	struct erofs_inode i = {
		.format = (uint16_t)(1 | p->layout << 1),
		.xattr_count = p->xattr_bytes ? (uint16_t)((p->xattr_bytes - sizeof(struct erofs_xattr_header)) / 4 + 1) : 0,
		.mode = (uint16_t)n->mode,
		.size = p->size,
		.u = union_of(w, n, p),
		.ino = number + 1,
		.uid = n->uid,
		.gid = n->gid,
		.mtime = (uint64_t)n->mtime,
		.mtime_ns = n->mtime_ns,
		.nlink = n->nlink,
	};
	uint64_t at = w->meta_block * EROFS_BLOCK + p->nid * EROFS_SLOT;

	memcpy(w->bytes + at, &i, sizeof(i));
	at += INODE;
	if (p->xattr_bytes)
		erofs_xattr_write(n, w->bytes + at);
	at += p->xattr_bytes;
	if (p->layout == EROFS_CHUNKS)
		at = (at + 7) & ~7ULL;
	return write_data(w, node, w->bytes + at, e);
}

static int write_all(struct writer *w, struct err *e)
{
	int r = place_inodes(w, e);

	if (!r)
		r = place_blocks(w, e);
	if (r)
		return r;
	w->bytes = calloc(w->blocks, EROFS_BLOCK);
	if (!w->bytes)
		return too_large(e, "it has too many files for this machine's memory");
	write_super(w);
	for (uint32_t i = 0; i < w->t->n_order && !r; i++)
		r = write_node(w, i, e);
	return r;
}

int erofs_write(const struct tree *t, const struct erofs_device *devices, size_t n_devices, uint8_t **ret_bytes,
		size_t *ret_len, struct err *e)
{
	if (n_devices > DEVICES_MAX)
		return too_large(e, "it has too many layers");
	autofree struct erofs_place *place = calloc(t->n_nodes, sizeof(*place));
	autofree uint64_t *uniaddr = calloc(n_devices + 1, sizeof(*uniaddr));
	struct writer w = {
		.t = t, .devices = devices, .n_devices = n_devices, .place = place, .uniaddr = uniaddr,
		.meta_block = blocks_of(EROFS_SUPER_OFFSET + sizeof(struct erofs_super) +
					n_devices * sizeof(struct erofs_device_slot)),
	};

	if (!place || !uniaddr)
		abort();
	int r = write_all(&w, e);

	if (r) {
		free(w.bytes);
		return r;
	}
	*ret_bytes = w.bytes;
	*ret_len = w.blocks * EROFS_BLOCK;
	return 0;
}
