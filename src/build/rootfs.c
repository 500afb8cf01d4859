/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list of entries and a hash index over their paths. Path resolution inside the image is the same walk
 * as in source.c, over this table instead of the kernel.
 */
#include "build/rootfs.h"

#include <limits.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "base/str.h"

enum {
	MAX_ENTRIES = 1000000,
	MAX_LINKS = 40,
	FIRST_INDEX = 1024,
};

static uint64_t hash_path(const char *path)
{
	uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */

	for (; *path; path++)
		hash = (hash ^ (uint8_t)*path) * 0x100000001b3;
	return hash ^ hash >> 32;
}

/* The slot of the path: where it is, or where it would go. */
static uint32_t *find_slot(const struct rootfs *fs, const char *path)
{
	size_t at = hash_path(path) & (fs->index_size - 1);

	while (fs->index[at] && !str_equal(fs->entries.v[fs->index[at] - 1].path, path))
		at = (at + 1) & (fs->index_size - 1);
	return &fs->index[at];
}

static void index_all(struct rootfs *fs, size_t size)
{
	fs->index = arena_alloc(fs->arena, size * sizeof(*fs->index));
	fs->index_size = size;
	for (size_t i = 0; i < fs->entries.n; i++)
		*find_slot(fs, fs->entries.v[i].path) = (uint32_t)i + 1;
}

void rootfs_init(struct rootfs *fs, struct arena *a)
{
	*fs = (struct rootfs){.arena = a};
	index_all(fs, FIRST_INDEX);
}

struct rootfs_entry *rootfs_find(const struct rootfs *fs, const char *path)
{
	uint32_t at = *find_slot(fs, path + strspn(path, "/"));

	return at ? &fs->entries.v[at - 1] : NULL;
}

/* done is "" or "a/b" without links; rest is still to be walked. */
struct resolve {
	const struct rootfs *fs;
	struct str done, rest;
	size_t at;
	unsigned links;
	bool follow_last; /* is a link in the last place followed, too? */
};

static void resolve_free(struct resolve *r)
{
	str_free(&r->done);
	str_free(&r->rest);
}

static void resolve_up(struct resolve *r)
{
	while (r->done.len && r->done.text[r->done.len - 1] != '/')
		r->done.len--;
	if (r->done.len)
		r->done.len--;
	if (r->done.text)
		r->done.text[r->done.len] = 0;
}

/* done ends in the link `entry`: its target goes before what is left. */
static int resolve_link(struct resolve *r, const struct rootfs_entry *entry)
{
	autostr rest = {};

	if (++r->links > MAX_LINKS || r->rest.len + strlen(entry->target) > 2 * PATH_MAX)
		return -1;
	resolve_up(r);
	if (entry->target[0] == '/')
		str_reset(&r->done);
	str_addf(&rest, "%s/%s", entry->target, str_text(&r->rest) + r->at);
	str_free(&r->rest);
	r->rest = rest;
	rest = (struct str){};
	r->at = 0;
	return 0;
}

static int resolve_into(struct resolve *r, const char *name, size_t n)
{
	const struct rootfs_entry *entry;

	if (r->done.len)
		str_add_char(&r->done, '/');
	str_add_bytes(&r->done, name, n);
	if (!r->follow_last && !name[n + strspn(name + n, "/")])
		return 0;
	entry = rootfs_find(r->fs, r->done.text);
	return entry && entry->kind == ROOTFS_LINK ? resolve_link(r, entry) : 0;
}

/* -1: a loop of links, or a path that is too long. */
static int resolve_all(struct resolve *r)
{
	for (;;) {
		const char *name = str_text(&r->rest) + r->at;
		size_t n;

		name += strspn(name, "/");
		n = strcspn(name, "/");
		if (!n)
			return 0;
		if (n > NAME_MAX || r->done.len > PATH_MAX)
			return -1;
		r->at = (size_t)(name - str_text(&r->rest)) + n;
		if (n == 1 && name[0] == '.')
			continue;
		if (n == 2 && name[0] == '.' && name[1] == '.')
			resolve_up(r);
		else if (resolve_into(r, name, n))
			return -1;
	}
}

struct rootfs_entry *rootfs_follow(const struct rootfs *fs, const char *path)
{
	[[gnu::cleanup(resolve_free)]] struct resolve r = {.fs = fs, .follow_last = true};

	str_add(&r.rest, path);
	if (resolve_all(&r))
		return NULL;
	return rootfs_find(fs, str_text(&r.done));
}

static const char *kind_name(enum rootfs_kind kind)
{
	static const char *const names[] = {
		[ROOTFS_DIR] = "a directory",
		[ROOTFS_FILE] = "a file",
		[ROOTFS_LINK] = "a link",
	};

	return names[kind];
}

static struct rootfs_entry *append(struct rootfs *fs, const struct rootfs_entry *entry)
{
	struct rootfs_entry *added = list_add(fs->arena, &fs->entries);

	*added = *entry;
	if (fs->entries.n * 2 > fs->index_size)
		index_all(fs, fs->index_size * 2);
	else
		*find_slot(fs, added->path) = (uint32_t)fs->entries.n;
	return added;
}

static int refuse_many(struct err *e)
{
	err_new(e, ERR_USAGE, "the image would have too many entries");
	err_because(e, "%d is the limit", MAX_ENTRIES);
	return err_try(e, "leave out what it does not need with except:");
}

/* Puts the entry, whose path is resolved, into the table. */
static int put(struct rootfs *fs, const struct rootfs_entry *entry, struct err *e)
{
	struct rootfs_entry *old = rootfs_find(fs, entry->path);

	if (!old && fs->entries.n >= MAX_ENTRIES)
		return refuse_many(e);
	if (!old) {
		append(fs, entry);
		return 0;
	}
	if ((old->kind == ROOTFS_DIR) != (entry->kind == ROOTFS_DIR)) {
		err_new(e, ERR_USAGE, "/%s can't be %s in the image", entry->path,
			kind_name(entry->kind));
		err_because(e, "it is %s already", kind_name(old->kind));
		return err_try(e, "choose another path, or leave one of the two out");
	}
	if (!entry->implied)
		*old = *entry;
	return 0;
}

static int put_parents(struct rootfs *fs, char *path, struct err *e)
{
	struct rootfs_entry parent = {.kind = ROOTFS_DIR, .mode = 0755, .implied = true};

	for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		int rc;

		parent.path = arena_strndup(fs->arena, path, (size_t)(slash - path));
		rc = put(fs, &parent, e);
		if (rc)
			return rc;
	}
	return 0;
}

static int refuse_path(struct err *e, const char *path)
{
	err_new(e, ERR_USAGE, "/%.150s can't be put into the image", path + strspn(path, "/"));
	err_because(e, "the path is the root or too long, or links of the image on its way form a loop");
	return err_try(e, "choose another path");
}

int rootfs_add(struct rootfs *fs, const struct rootfs_entry *entry, struct err *e)
{
	[[gnu::cleanup(resolve_free)]] struct resolve r = {.fs = fs};
	struct rootfs_entry copy = *entry;
	int rc;

	if (strlen(entry->path) >= PATH_MAX)
		return refuse_path(e, entry->path);
	str_add(&r.rest, entry->path);
	r.follow_last = entry->kind == ROOTFS_DIR;
	if (resolve_all(&r)) {
		return refuse_path(e, entry->path);
	}
	if (!r.done.len)
		return entry->kind == ROOTFS_DIR ? 0 : refuse_path(e, "/");
	copy.path = arena_strdup(fs->arena, r.done.text);
	rc = put_parents(fs, copy.path, e);
	return rc ? rc : put(fs, &copy, e);
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(((const struct rootfs_entry *)a)->path, ((const struct rootfs_entry *)b)->path);
}

void rootfs_sort(struct rootfs *fs)
{
	if (fs->entries.n)
		qsort(fs->entries.v, fs->entries.n, sizeof(*fs->entries.v), compare_paths);
	index_all(fs, fs->index_size);
}
