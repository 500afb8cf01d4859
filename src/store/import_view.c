/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The view of an image: the tree of all its layers, written as an index over their tars. The same steps in
 * the same order as store/rebuild.c, which compares or unpacks it later.
 */
#include "store/import_view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"
#include "image/erofs.h"
#include "image/erofs_parts.h"
#include "image/tree.h"

enum { ACCOUNTS_MAX = 1 << 20 };

struct merge {
	struct tree *tree;
	struct erofs_device *devices;
	size_t n;
};

static void cleanup_merge(struct merge *m)
{
	free(m->devices);
	tree_free(m->tree);
}
#define automerge [[gnu::cleanup(cleanup_merge)]] struct merge

static bool is_aci(const struct blob_view_tar *tar)
{
	return !strcmp(tar->rules, tree_rules_names[TREE_ACI]);
}

static int apply_layer(struct import_view *v, struct merge *m, size_t i, struct err *e)
{
	const struct blob_view_tar *tar = &v->recipe->tars.v[i];
	const struct import_entries *x = &v->layers[i]->entries;

	m->devices[m->n++] = (struct erofs_device){.fd = v->layers[i]->out.fd, .size = x->tar_size};
	if (tar->whitelist)
		tree_sort_whitelist(tar->whitelist);
	int r = tree_begin_layer(m->tree, is_aci(tar) ? TREE_ACI : TREE_OCI, tar->whitelist, e);
	for (size_t k = 0; k < x->n && !r; k++)
		r = tree_add(m->tree, &x->v[k], e);
	return r;
}

static int merge_layers(struct import_view *v, struct merge *m, struct err *e)
{
	size_t n = v->recipe->tars.n;
	int r = 0;

	m->devices = calloc(n + 1, sizeof(*m->devices));
	if (!m->devices)
		abort();
	m->tree = tree_new();
	for (size_t i = 0; i < n && !r; i++)
		r = apply_layer(v, m, i, e);
	if (!r)
		r = tree_add_mount_points(m->tree, e);
	if (!r)
		tree_finish(m->tree);
	return r;
}

/* Of tars alone, the chain id of OCI, so that equal layers have one view whatever brought them. */
char *import_view_id(struct arena *a, const struct blob_view_recipe *recipe)
{
	char chain[DIGEST_TEXT_MAX] = "";
	autostr text = {};

	for (size_t i = 0; i < recipe->tars.n; i++) {
		const struct blob_view_tar *tar = &recipe->tars.v[i];
		bool first_of_oci = !i && !is_aci(tar);

		if (first_of_oci) {
			snprintf(chain, sizeof(chain), "%s", tar->blob);
			continue;
		}
		str_reset(&text);
		str_addf(&text, "%s %s", chain, tar->blob);
		for (char **w = tar->whitelist; w && *w; w++)
			str_addf(&text, "\n%s", *w);
		digest_text(text.text, text.len, chain);
	}
	if (!*chain)
		digest_text("", 0, chain); /* an image without layers */
	return arena_strdup(a, chain + strlen("sha256:"));
}

int import_view_put(const struct import_view *v, struct err *e)
{
	autoblob w = BLOB_WRITER_NONE;
	int r = blob_put_view_recipe(v->store, v->id, v->recipe, e);

	if (!r)
		r = blob_writer_open(v->store, BLOB_VIEW, &w, e);
	if (r)
		return r;
	if (io_write_all(w.fd, v->index, v->size))
		return err_errno(e, "can't write the image's view into the store");
	return blob_writer_commit(&w, v->id, e);
}

static int read_payload(const struct tree_node *n, int fd, char *to, struct err *e)
{
	struct tar_piece whole = {0, n->size};
	struct tar_sparse plain = {.n = 1, .piece = &whole};
	struct tree_node as_sparse = *n;

	if (!n->sparse)
		as_sparse.sparse = &plain;
	return erofs_copy_sparse(&as_sparse, fd, (uint8_t *)to, e);
}

/* A regular file at that path, through the image's own symlinks; anything else there is "none". */
static int read_accounts(const struct merge *m, const char *path, char **ret, size_t *ret_len, struct err *e)
{
	uint32_t node = tree_find(m->tree, path, true);
	const struct tree_node *n = &m->tree->node[node];

	if (!node || !S_ISREG(n->mode) || n->synthetic)
		return 0;
	if (n->size > ACCOUNTS_MAX) {
		err_new(e, ERR_FAILED, "the image's %s is too large", path);
		return err_because(e, "it has %llu bytes and 1 MiB is the limit", (unsigned long long)n->size);
	}
	char *text = calloc(n->size + 1, 1);

	if (!text)
		abort();
	int r = n->size ? read_payload(n, m->devices[n->layer].fd, text, e) : 0;

	if (r) {
		free(text);
		return r;
	}
	*ret = text;
	*ret_len = n->size;
	return 0;
}

static int make_index(struct import_view *v, const struct merge *m, struct err *e)
{
	size_t len = 0;
	int r = erofs_write(m->tree, m->devices, m->n, &v->index, &len, e);

	v->size = len;
	v->max_id = m->tree->max_id;
	return r;
}

int import_view_make(struct arena *a, struct import_view *v, struct err *e)
{
	automerge m = {};
	int r = merge_layers(v, &m, e);

	v->id = import_view_id(a, v->recipe);
	if (!r)
		r = make_index(v, &m, e);
	if (!r)
		r = read_accounts(&m, "/etc/passwd", &v->passwd, &v->passwd_len, e);
	if (!r)
		r = read_accounts(&m, "/etc/group", &v->group, &v->group_len, e);
	return r;
}

void import_view_free(struct import_view *v)
{
	free(v->index);
	free(v->passwd);
	free(v->group);
	v->index = NULL;
	v->passwd = v->group = NULL;
}
