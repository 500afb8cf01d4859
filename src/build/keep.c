/* SPDX-License-Identifier: Apache-2.0 */
/* The view is made by the same code that rebuilds it for verifying, so it will be found good. */
#include "build/keep.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"
#include "image/digest.h"
#include "image/erofs.h"
#include "image/tree.h"
#include "store/blob.h"
#include "store/rebuild.h"

enum { MAX_ACCOUNTS = 1 << 20 };

static const char *hex_of(const char *digest)
{
	return digest + strlen("sha256:");
}

static int put_document(struct arena *a, const struct store *s, const char *bytes, size_t n, char **ret_digest,
			struct err *e)
{
	char digest[DIGEST_TEXT_MAX];
	int rc;

	digest_text(bytes, n, digest);
	rc = blob_put(s, BLOB_SHA256, hex_of(digest), bytes, n, e);
	if (!rc)
		*ret_digest = arena_strdup(a, digest);
	return rc;
}

/* The chain of diff_ids (image-spec, config.md, "Layer ChainID"), in hex: equal layers share a view. */
static char *chain_id(struct arena *a, const struct image *img)
{
	char chain[DIGEST_TEXT_MAX];
	autostr text = {};

	snprintf(chain, sizeof(chain), "%s", img->layers.v[0].diff_id);
	for (size_t i = 1; i < img->layers.n; i++) {
		str_reset(&text);
		str_addf(&text, "%s %s", chain, img->layers.v[i].diff_id);
		digest_text(text.text, text.len, chain);
	}
	return arena_strdup(a, hex_of(chain));
}

static int put_view_recipe(struct arena *a, const struct store *s, const struct image *img, struct err *e)
{
	struct blob_view_recipe recipe = {};

	for (size_t i = 0; i < img->layers.n; i++) {
		struct blob_view_tar *tar = list_add(a, &recipe.tars);

		tar->blob = img->layers.v[i].diff_id;
		tar->rules = arena_strdup(a, tree_rules_names[TREE_OCI]);
	}
	return blob_put_view_recipe(s, img->view, &recipe, e);
}

static int put_view(const struct store *s, const char *view, const struct rebuilt *r, uint64_t *ret_size, struct err *e)
{
	autoblob w = BLOB_WRITER_NONE;
	autofree uint8_t *bytes = NULL;
	size_t n = 0;
	int rc = erofs_write(r->tree, r->devices, r->n_devices, &bytes, &n, e);

	if (!rc)
		rc = blob_writer_open(s, BLOB_VIEW, &w, e);
	if (rc)
		return rc;
	if (io_write_all(w.fd, bytes, n))
		return err_errno(e, "cannot write the image's view");
	*ret_size = n;
	return blob_writer_commit(&w, view, e);
}

/* A small file of the image as text; NULL when it has none, or one that is too large to be looked at. */
static int read_file(struct arena *a, const struct rebuilt *r, const char *path, char **ret, struct err *e)
{
	uint32_t at = tree_find(r->tree, path, true);
	const struct tree_node *node = &r->tree->node[at];
	char *text;
	ssize_t n;

	*ret = NULL;
	if (!at || !S_ISREG(node->mode) || node->sparse || node->size > MAX_ACCOUNTS)
		return 0;
	text = arena_alloc(a, (size_t)node->size + 1);
	n = pread(r->devices[node->layer].fd, text, (size_t)node->size, (off_t)node->offset);
	if (n != (ssize_t)node->size)
		return n < 0 ? err_errno(e, "cannot read %s of the image", path) :
			       err_new(e, ERR_FAILED, "%s of the image is shorter than it was", path);
	*ret = text;
	return 0;
}

static int put_record(struct arena *a, const struct store *s, const struct image *img, const struct rebuilt *r,
		      struct err *e)
{
	char *passwd, *group;
	int rc = read_file(a, r, "/etc/passwd", &passwd, e);

	if (!rc)
		rc = read_file(a, r, "/etc/group", &group, e);
	if (rc)
		return rc;
	return blob_put_image(s, img, passwd, passwd ? strlen(passwd) : 0, group, group ? strlen(group) : 0, e);
}

static int keep_view(struct arena *a, const struct store *s, struct image *img, struct err *e)
{
	autorebuilt r = {};
	uint64_t view_size = 0;
	int rc;

	img->view = chain_id(a, img);
	rc = put_view_recipe(a, s, img, e);
	if (!rc)
		rc = rebuild_open(s, img->view, &r, e);
	if (!rc)
		rc = put_view(s, img->view, &r, &view_size, e);
	if (rc)
		return rc;
	img->max_id = r.tree->max_id;
	img->size = view_size;
	for (size_t i = 0; i < img->layers.n; i++)
		img->size += img->layers.v[i].tar_size;
	return put_record(a, s, img, &r, e);
}

int keep_image(struct arena *a, const struct store *s, struct keep *k, struct err *e)
{
	int rc = put_document(a, s, k->config, k->config_len, &k->image.id, e);

	if (!rc)
		rc = put_document(a, s, k->manifest, k->manifest_len, &k->image.manifest_digest, e);
	if (!rc)
		rc = keep_view(a, s, &k->image, e);
	if (!rc)
		rc = blob_sync(s, e);
	return rc ? rc : store_tag_image(s, k->name, k->image.manifest_digest, e);
}
