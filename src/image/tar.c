/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader's state machine: which bytes are a header, an extension, a map, payload or padding. What
 * the bytes of each mean stands in tar_header.c, tar_pax.c and tar_sparse.c.
 */
#include "image/tar_parts.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

int tar_bad(const struct tar *t, struct err *e, const char *fmt, ...)
{
	char because[sizeof(e->because)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(because, sizeof(because), fmt, ap);
	va_end(ap);
	err_new(e, ERR_FAILED, "bad tar archive at byte %llu", (unsigned long long)t->at);
	return err_because(e, "%s", because);
}

void *tar_alloc(struct tar *t, size_t n, struct err *e)
{
	t->meta += n + sizeof(max_align_t);
	if (t->meta <= TAR_META_MAX)
		return arena_alloc(t->arena, n);
	tar_bad(t, e, "its names and attributes take more than %llu MiB", TAR_META_MAX >> 20);
	return NULL;
}

int tar_take_path(struct tar *t, const char *what, const char *bytes, size_t n, const char **ret, struct err *e)
{
	if (!n)
		return tar_bad(t, e, "an entry has an empty %s", what);
	if (n > TAR_PATH_MAX)
		return tar_bad(t, e, "an entry has a %s of more than %d bytes", what, TAR_PATH_MAX);
	if (memchr(bytes, 0, n))
		return tar_bad(t, e, "an entry has a 0 byte in its %s", what);
	char *copy = tar_alloc(t, n + 1, e);

	if (!copy)
		return -ERR_FAILED;
	*ret = memcpy(copy, bytes, n);
	return 0;
}

struct tar *tar_open(struct arena *arena, const struct tar_callbacks *callbacks)
{
	struct tar *t = calloc(1, sizeof(*t));

	if (!t)
		abort();
	t->arena = arena;
	t->call = *callbacks;
	return t;
}

void tar_close(struct tar *t)
{
	if (!t)
		return;
	free(t->ext_bytes);
	free(t);
}

static void start_payload(struct tar *t, uint64_t size)
{
	t->left = size;
	t->padding = -size & (TAR_BLOCK - 1);
	t->state = size ? TAR_IN_PAYLOAD : TAR_AT_HEADER;
}

/* GNU's L and K: the whole payload is one string, ended by a 0 byte. */
static int take_gnu_string(struct tar *t, const char *what, const char **ret, struct err *e)
{
	size_t n = strnlen(t->ext_bytes, t->ext_len);

	for (size_t i = n; i < t->ext_len; i++)
		if (t->ext_bytes[i])
			return tar_bad(t, e, "a long %s goes on behind its end", what);
	t->ext.has_gnu = true;
	return tar_take_path(t, what, t->ext_bytes, n, ret, e);
}

static int end_extension(struct tar *t, struct err *e)
{
	t->state = TAR_AT_HEADER;
	switch (t->ext_type) {
	case 'L':
		return take_gnu_string(t, "name", &t->ext.path, e);
	case 'K':
		return take_gnu_string(t, "link target", &t->ext.link, e);
	case 'x':
		t->ext.has_pax = true;
		return tar_parse_pax(t, t->ext_bytes, t->ext_len, false, e);
	default:
		return tar_parse_pax(t, t->ext_bytes, t->ext_len, true, e);
	}
}

/* One header of a kind for one entry, and never both dialects: readers disagree about which one wins. */
static int check_extension(const struct tar *t, char type, struct err *e)
{
	bool twice = (type == 'L' && t->ext.has_gnu && t->ext.path) || (type == 'K' && t->ext.has_gnu && t->ext.link) ||
		     (type == 'x' && t->ext.has_pax);

	if (twice)
		return tar_bad(t, e, "an entry has two extension headers of type %c", type);
	if (type == 'g' && (t->ext.has_gnu || t->ext.has_pax))
		return tar_bad(t, e, "a global header stands between an entry and its extension header");
	if ((type == 'x' && t->ext.has_gnu) || ((type == 'L' || type == 'K') && t->ext.has_pax))
		return tar_bad(t, e, "an entry has extension headers of GNU and of pax, so that its name is ambiguous");
	return 0;
}

static int begin_extension(struct tar *t, const struct tar_header *h, struct err *e)
{
	int r = check_extension(t, h->type, e);

	if (r)
		return r;
	if (h->size > TAR_EXTENSION_MAX)
		return tar_bad(t, e, "an extension header is larger than %d bytes", TAR_EXTENSION_MAX);
	if (t->ext_cap < h->size + 1) {
		free(t->ext_bytes);
		t->ext_cap = h->size + 1;
		t->ext_bytes = malloc(t->ext_cap);
		if (!t->ext_bytes)
			abort();
	}
	t->ext_type = h->type;
	t->ext_len = 0;
	start_payload(t, h->size);
	t->state = TAR_IN_EXTENSION;
	return h->size ? 0 : end_extension(t, e);
}

static bool is_extension(char type)
{
	return type == 'x' || type == 'g' || type == 'L' || type == 'K';
}

static int refuse_type(const struct tar *t, char type, struct err *e)
{
	static const struct {
		char type;
		const char *what;
	} known[] = {
		{'D', "a directory of an incremental archive"},
		{'M', "the continuation of another volume"},
		{'N', "a rename of an incremental archive"},
		{'V', "a volume label"},
		{'A', "a Solaris ACL"},
		{'E', "a Solaris extended attribute"},
		{'X', "a Solaris extended header"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].type == type)
			return tar_bad(t, e, "an entry is %s (type %c), which is not read", known[i].what, type);
	return tar_bad(t, e, "an entry is of the unknown type 0x%02x", (unsigned char)type);
}

static int entry_type(const struct tar *t, char type, enum tar_type *ret, struct err *e)
{
	static const enum tar_type types[] = {TAR_FILE,     TAR_HARD_LINK, TAR_SYMLINK, TAR_CHAR,
					      TAR_BLOCKDEV, TAR_DIR,       TAR_FIFO,    TAR_FILE};
	size_t len = strlen(t->entry.path);
	bool slash = t->entry.path[len - 1] == '/';

	if (type && type != 'S' && (type < '0' || type > '7'))
		return refuse_type(t, type, e);
	*ret = type >= '0' && type <= '7' ? types[type - '0'] : TAR_FILE;
	if (!type && slash) /* the oldest format has no type for directories */
		*ret = TAR_DIR;
	else if (slash && *ret != TAR_DIR)
		return tar_bad(t, e, "%s is no directory, but its name ends with a slash", t->entry.path);
	return 0;
}

static int choose_path(struct tar *t, const uint8_t *block, const struct tar_header *h, struct err *e)
{
	if (t->ext.sparse_name || t->ext.path) {
		t->entry.path = t->ext.sparse_name ? t->ext.sparse_name : t->ext.path;
		return 0;
	}
	return tar_header_path(t, block, h, &t->entry.path, e);
}

static int choose_link(struct tar *t, const uint8_t *block, struct err *e)
{
	if (t->entry.type != TAR_HARD_LINK && t->entry.type != TAR_SYMLINK)
		return 0;
	if (t->ext.link) {
		t->entry.link = t->ext.link;
		return 0;
	}
	return tar_header_link(t, block, &t->entry.link, e);
}

/* A size in a pax record overrides the header's: so let them differ only where the header can't hold it. */
static int choose_size(struct tar *t, const struct tar_header *h, struct err *e)
{
	uint64_t size = h->size;

	if (t->ext.has_size) {
		if (t->ext.size != h->size && t->ext.size <= TAR_OCTAL_SIZE_MAX)
			return tar_bad(t, e, "%s has two different sizes", t->entry.path);
		size = t->ext.size;
	}
	if (size && t->entry.type != TAR_FILE)
		return tar_bad(t, e, "%s is no regular file, but has data", t->entry.path);
	t->entry.size = t->entry.stored = size;
	return 0;
}

static void fill_entry(struct tar *t, const struct tar_header *h)
{
	struct tar_entry *n = &t->entry;

	n->mode = h->mode;
	n->uid = t->ext.has_uid ? t->ext.uid : h->uid;
	n->gid = t->ext.has_gid ? t->ext.gid : h->gid;
	n->mtime = t->ext.has_mtime ? t->ext.mtime : h->mtime;
	n->mtime_ns = t->ext.mtime_ns;
	n->major = h->major;
	n->minor = h->minor;
	n->xattrs = t->ext.xattrs;
}

/* The entry is complete: out with it, and on to its payload. `offset` is the payload's. */
static int call_entry(struct tar *t, uint64_t offset, struct err *e)
{
	struct tar_entry *n = &t->entry;

	n->offset = n->type == TAR_FILE ? offset : 0;
	start_payload(t, n->stored);
	t->ext = (struct tar_ext){};
	if (++t->entries > TAR_ENTRIES_MAX)
		return tar_bad(t, e, "it has more than %d entries", TAR_ENTRIES_MAX);
	int r = t->call.on_entry(t->call.ctx, n, e);

	return r < 0 ? r : 0;
}

static int keep_sparse(struct tar *t, const struct tar_sparse *map, struct err *e)
{
	struct tar_sparse *s = tar_alloc(t, sizeof(*s), e);
	int r = s ? tar_check_sparse(t, map, t->entry.size, t->entry.stored, e) : -ERR_FAILED;

	if (r)
		return r;
	*s = *map;
	t->entry.sparse = s;
	return 0;
}

static int begin_old_sparse(struct tar *t, const uint8_t *block, struct err *e)
{
	bool more;
	int r = tar_parse_old_map(t, block, true, &more, e);

	if (r)
		return r;
	if (more) {
		t->state = TAR_IN_OLD_MAP;
		return 0;
	}
	r = keep_sparse(t, &t->sparse, e);
	return r ? r : call_entry(t, t->at + TAR_BLOCK, e);
}

static int on_old_map_block(struct tar *t, const uint8_t *block, struct err *e)
{
	bool more;
	int r = tar_parse_old_map(t, block, false, &more, e);

	if (r || more)
		return r;
	r = keep_sparse(t, &t->sparse, e);
	return r ? r : call_entry(t, t->at + TAR_BLOCK, e);
}

static int on_map_block(struct tar *t, const uint8_t *block, struct err *e)
{
	bool done;
	int r = tar_parse_map_block(t, block, &done, e);

	if (r)
		return r;
	t->sparse.map_bytes += TAR_BLOCK;
	if (t->entry.stored < TAR_BLOCK)
		return tar_bad(t, e, "a sparse file's map is longer than its data");
	t->entry.stored -= TAR_BLOCK;
	if (!done)
		return 0;
	r = keep_sparse(t, &t->sparse, e);
	return r ? r : call_entry(t, t->at + TAR_BLOCK, e);
}

/* Which of pax's two sparse formats, if any. */
static int begin_pax_sparse(struct tar *t, struct err *e)
{
	struct tar_ext *x = &t->ext;

	if (t->entry.type != TAR_FILE || !x->has_real_size)
		return tar_bad(t, e, "%s is marked as sparse, but the marks are incomplete", t->entry.path);
	t->entry.size = x->real_size;
	if (x->has_sparse_map) {
		int r = keep_sparse(t, &x->map, e);

		return r ? r : call_entry(t, t->at + TAR_BLOCK, e);
	}
	if (!x->has_sparse_major || x->sparse_major != 1 || x->sparse_minor != 0)
		return tar_bad(t, e, "%s is in an unknown format of sparse files", t->entry.path);
	if (t->entry.stored < TAR_BLOCK)
		return tar_bad(t, e, "%s is sparse, but has no map", t->entry.path);
	t->sparse = (struct tar_sparse){};
	t->map_text = (struct tar_map_text){};
	t->state = TAR_IN_MAP;
	return 0;
}

static bool has_sparse_marks(const struct tar_ext *x)
{
	return x->has_real_size || x->has_sparse_map || x->has_sparse_major || x->sparse_name;
}

static int begin_entry(struct tar *t, const uint8_t *block, const struct tar_header *h, struct err *e)
{
	int r;

	t->entry = (struct tar_entry){.at = t->at};
	if ((r = choose_path(t, block, h, e)) || (r = entry_type(t, h->type, &t->entry.type, e)) ||
	    (r = choose_link(t, block, e)) || (r = choose_size(t, h, e)))
		return r;
	fill_entry(t, h);
	if (has_sparse_marks(&t->ext))
		return h->type == 'S' ? tar_bad(t, e, "%s is sparse in two formats", t->entry.path) :
					begin_pax_sparse(t, e);
	if (h->type == 'S')
		return begin_old_sparse(t, block, e);
	return call_entry(t, t->at + TAR_BLOCK, e);
}

static int on_header_block(struct tar *t, const uint8_t *block, struct err *e)
{
	struct tar_header h;

	if (tar_is_zero_block(block)) {
		if (t->ext.has_pax || t->ext.has_gnu)
			return tar_bad(t, e, "an extension header has no entry behind it");
		t->state = TAR_AT_END;
		return 0;
	}
	int r = tar_parse_header(t, block, &h, e);

	if (r)
		return r;
	return is_extension(h.type) ? begin_extension(t, &h, e) : begin_entry(t, block, &h, e);
}

static int on_block(struct tar *t, const uint8_t *block, struct err *e)
{
	int r;

	switch (t->state) {
	case TAR_IN_OLD_MAP:
		r = on_old_map_block(t, block, e);
		break;
	case TAR_IN_MAP:
		r = on_map_block(t, block, e);
		break;
	default:
		r = on_header_block(t, block, e);
	}
	t->at += TAR_BLOCK;
	return r;
}

/* Collects a block that came in parts; gives how many bytes it took. */
static size_t push_block(struct tar *t, const uint8_t *bytes, size_t n, int *ret_r, struct err *e)
{
	size_t take = TAR_BLOCK - t->block_len;

	if (!t->block_len && n >= TAR_BLOCK) {
		*ret_r = on_block(t, bytes, e);
		return TAR_BLOCK;
	}
	if (take > n)
		take = n;
	memcpy(t->block + t->block_len, bytes, take);
	t->block_len += take;
	if (t->block_len == TAR_BLOCK) {
		t->block_len = 0;
		*ret_r = on_block(t, t->block, e);
	}
	return take;
}

static void pass_padding(struct tar *t, uint64_t n)
{
	t->padding -= n;
	t->at += n;
}

static size_t push_payload(struct tar *t, const uint8_t *bytes, size_t n, int *ret_r, struct err *e)
{
	size_t take = n < t->left ? n : (size_t)t->left;

	if (take && t->state == TAR_IN_EXTENSION) {
		memcpy(t->ext_bytes + t->ext_len, bytes, take);
		t->ext_len += take;
	} else if (take && t->call.on_data) {
		*ret_r = t->call.on_data(t->call.ctx, bytes, take, e);
	}
	t->left -= take;
	t->at += take;
	size_t pad = n - take < t->padding ? n - take : (size_t)t->padding;

	if (!t->left)
		pass_padding(t, pad);
	if (*ret_r || t->left || t->padding)
		return take + (t->left ? 0 : pad);
	if (t->state == TAR_IN_EXTENSION)
		*ret_r = end_extension(t, e);
	else
		t->state = TAR_AT_HEADER;
	return take + pad;
}

/* Only zeros may stand behind the end: everything else, some reader would take for more entries. */
static size_t push_end(struct tar *t, const uint8_t *bytes, size_t n, int *ret_r, struct err *e)
{
	if (bytes[0] || memcmp(bytes, bytes + 1, n - 1))
		*ret_r = tar_bad(t, e, "there is something behind the end of the archive");
	t->at += n;
	return n;
}

int tar_push(struct tar *t, const uint8_t *bytes, size_t n, struct err *e)
{
	int r = 0;

	while (n && !r) {
		size_t used;

		if (t->state == TAR_IN_PAYLOAD || t->state == TAR_IN_EXTENSION)
			used = push_payload(t, bytes, n, &r, e);
		else if (t->state == TAR_AT_END)
			used = push_end(t, bytes, n, &r, e);
		else
			used = push_block(t, bytes, n, &r, e);
		bytes += used;
		n -= used;
	}
	return r;
}

int tar_finish(struct tar *t, struct err *e)
{
	if (t->state == TAR_AT_END)
		return 0;
	if (t->state == TAR_AT_HEADER && !t->block_len && !t->ext.has_pax && !t->ext.has_gnu)
		return 0;
	return tar_bad(t, e, "it is cut off");
}

uint64_t tar_skippable(const struct tar *t)
{
	return t->state == TAR_IN_PAYLOAD && !t->call.on_data ? t->left + t->padding : 0;
}

void tar_skip(struct tar *t, uint64_t n)
{
	uint64_t payload = n < t->left ? n : t->left;

	t->left -= payload;
	t->padding -= n - payload;
	t->at += n;
	if (!t->left && !t->padding)
		t->state = TAR_AT_HEADER;
}
