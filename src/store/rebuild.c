/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recipe and tars to a merged tree (store/rebuild.h). The same steps in the same order as the import that
 * made the view, so that the same tars give the same tree and the same index.
 */
#include "store/rebuild.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "image/tar.h"
#include "store/blob.h"
#include "store/layout.h"

enum { REBUILD_CHUNK = 16 << 10 };

static int add_entry(void *tree, const struct tar_entry *entry, struct err *e)
{
	return tree_add(tree, entry, e);
}

/* Payload is seeked over, so that little more than the headers is read. */
static int read_headers(struct tar *t, int fd, uint64_t size, struct err *e)
{
	uint8_t chunk[REBUILD_CHUNK];
	uint64_t at = 0;

	while (at < size) {
		uint64_t skip = tar_skippable(t);

		if (skip) {
			skip = skip < size - at ? skip : size - at;
			tar_skip(t, skip);
			at += skip;
			continue;
		}
		/* A header at a time where files are large, many where they are small: read on, skip what is not asked. */
		ssize_t n = pread(fd, chunk, sizeof(chunk), (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? layout_err(e, "can't read a tar of the store")
				     : err_new(e, ERR_FAILED, "a tar of the store is shorter than it was");
		if (tar_push(t, chunk, (size_t)n, e) < 0)
			return -e->code;
		at += (uint64_t)n;
	}
	return tar_finish(t, e);
}

static int add_tar(struct rebuilt *r, const struct erofs_device *device, struct err *e)
{
	const struct tar_callbacks callbacks = {.on_entry = add_entry, .ctx = r->tree};
	autotar *t = tar_open(&r->arena, &callbacks);

	return read_headers(t, device->fd, device->size, e);
}

static int open_tar(const struct store *s, const struct blob_view_tar *tar, struct rebuilt *r, struct err *e)
{
	struct erofs_device *device = &r->devices[r->n_devices];
	struct stat st;

	if (blob_open(s, tar->blob, &device->fd, e) < 0)
		return err_recode(e, ERR_FAILED);
	r->n_devices++;
	if (fstat(device->fd, &st) < 0)
		return layout_err(e, "can't read %.80s", tar->blob);
	device->size = (uint64_t)st.st_size;
	return 0;
}

static int apply_tar(const struct store *s, struct blob_view_tar *tar, struct rebuilt *r, struct err *e)
{
	enum tree_rules rules = str_equal(tar->rules, tree_rules_names[TREE_ACI]) ? TREE_ACI : TREE_OCI;

	if (rules == TREE_OCI && !str_equal(tar->rules, tree_rules_names[TREE_OCI]))
		return err_new(e, ERR_FAILED, "the recipe of a view has unknown rules '%.20s'", tar->rules);
	if (tar->whitelist)
		tree_sort_whitelist(tar->whitelist);
	if (open_tar(s, tar, r, e) < 0 || tree_begin_layer(r->tree, rules, tar->whitelist, e) < 0)
		return -e->code;
	return add_tar(r, &r->devices[r->n_devices - 1], e);
}

int rebuild_open(const struct store *s, const char *view, struct rebuilt *ret, struct err *e)
{
	autorebuilt r = {.tree = tree_new()};
	struct blob_view_recipe recipe = {};

	if (blob_get_view_recipe(s, &r.arena, view, &recipe, e) < 0)
		return err_recode(e, ERR_FAILED);
	r.devices = arena_alloc(&r.arena, (recipe.tars.n + 1) * sizeof(*r.devices));
	for (size_t i = 0; i < recipe.tars.n; i++)
		if (apply_tar(s, &recipe.tars.v[i], &r, e) < 0)
			return err_recode(e, ERR_FAILED);
	if (tree_add_mount_points(r.tree, e) < 0)
		return -e->code;
	tree_finish(r.tree);
	*ret = r;
	r = (struct rebuilt){};
	return 0;
}

void rebuild_close(struct rebuilt *r)
{
	while (r->n_devices)
		close(r->devices[--r->n_devices].fd);
	tree_free(r->tree);
	arena_free(&r->arena);
	*r = (struct rebuilt){};
}
