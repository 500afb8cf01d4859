/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names to images and back. On the path of every start: a name as it was typed costs two small files
 * (reference, record), each opened, measured, read and closed; everything else (other spellings, prefixes
 * of ids, the nearest name for a message) is looked at only after that failed.
 */
#include "store/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/record.h"
#include "base/str.h"
#include "store/find.h"
#include "store/layout.h"
#include "store/name.h"
#include "store/ref.h"

enum { FIND_PREFIX_MIN = 4 };

int find_read_image(const struct store *s, struct arena *a, const char *digest, struct image *ret, struct err *e)
{
	const char *hex = layout_digest_hex(digest);
	autofree char *text = NULL;
	struct image img = {};
	char path[160];
	size_t n;

	if (!hex)
		return err_new(e, ERR_NOT_FOUND, "'%.140s' is no digest of an image", digest ? digest : "");
	snprintf(path, sizeof(path), "images/%.128s", hex);
	int r = io_read_file(s->dirfd, path, LAYOUT_RECORD_MAX, &text, &n, e);

	if (r < 0 && e->errnum == ENOENT) {
		err_new(e, ERR_NOT_FOUND, "there is no image %.80s", digest);
		err_because(e, "%s/%s is not there", s->path, path);
		return err_try(e, "rocket image list");
	}
	if (r == 0)
		r = record_read(a, &image_set, text, n, &img, e);
	if (r < 0)
		return r;
	if (!layout_digest_hex(img.manifest_digest) || strcmp(layout_digest_hex(img.manifest_digest), hex) != 0 ||
	    !layout_is_view_id(img.view)) {
		err_new(e, ERR_FAILED, "the record of image %.80s is damaged", digest);
		err_because(e, "%s/%s does not describe that image", s->path, path);
		return err_try(e, "rocket image import FILE   (once more)");
	}
	*ret = img;
	return 0;
}

int find_each_image(const struct store *s, find_visit *visit, void *arg, struct err *e)
{
	int r = 0, fd = openat(s->dirfd, "images", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclosedir DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir)
		return layout_err(e, "can't list %s/images", s->path);
	for (struct dirent *d; r == 0 && (d = readdir(dir));) {
		char digest[160];

		if (!layout_is_hex(d->d_name, 64, 64) && !layout_is_hex(d->d_name, 128, 128))
			continue;
		snprintf(digest, sizeof(digest), "%s%.128s", strlen(d->d_name) == 64 ? "sha256:" : "sha512-", d->d_name);
		r = visit(digest, arg, e);
	}
	return r;
}

/* An image looked for by its id or manifest digest, or the first digits of one. */
struct id_search {
	const struct store *store;
	struct arena *arena;
	const char *hex; /* what was typed */
	bool whole;      /* all digits are there */
	size_t found;
	struct image image;
};

static bool hex_matches(const struct id_search *q, const char *digest)
{
	const char *hex = layout_digest_hex(digest);

	if (!hex)
		return false;
	return q->whole ? !strcmp(hex, q->hex) : str_has_prefix(hex, q->hex);
}

static int match_id(const char *digest, void *arg, struct err *e)
{
	struct id_search *q = arg;
	struct err damaged = {};
	struct image img;

	/* A damaged record hides one image, not all that come after it. */
	if (find_read_image(q->store, q->arena, digest, &img, &damaged) < 0)
		return 0;
	if (!hex_matches(q, digest) && !hex_matches(q, img.id))
		return 0;
	/* The same config under two manifests: the ids are equal, and either is right. */
	if (q->found && str_equal(q->image.id, img.id))
		return 0;
	q->image = img;
	q->found++;
	return 0;
}

static int find_by_hex(const struct store *s, struct arena *a, const char *hex, bool whole, struct store_image *ret,
		       struct err *e)
{
	struct id_search q = {.store = s, .arena = a, .hex = hex, .whole = whole};
	int r = find_each_image(s, match_id, &q, e);

	if (r < 0)
		return r;
	if (q.found > 1) {
		err_new(e, ERR_USAGE, "'%.130s' means more than one image", hex);
		err_because(e, "the ids of %zu images begin with it", q.found);
		return err_try(e, "rocket image list -o wide   (shows the whole ids)");
	}
	if (!q.found) {
		err_new(e, ERR_NOT_FOUND, "there is no image %.140s", hex);
		err_because(e, "the store %.200s has none of that digest", s->path);
		return err_try(e, "rocket image list");
	}
	*ret = (struct store_image){.image = q.image};
	return 0;
}

static int load_ref(const struct store *s, struct arena *a, const struct ref *ref, struct store_image *ret,
		    struct err *e)
{
	struct store_image found = {.name = ref->name, .tagged_ns = ref->tagged_ns};
	int r = find_read_image(s, a, ref->digest, &found.image, e);

	if (r == 0)
		*ret = found;
	return r;
}


/*
 * An image that was fetched by the digest of its index is kept under that. A name proves nothing: the index itself, which lies
 * beside the image under its own digest, must speak of the manifest.
 */
static bool index_names(const struct store *s, const char *index, const char *manifest)
{
	const char *hex = layout_digest_hex(index);
	autofree char *text = NULL;
	struct err ignored = {};
	char path[160];
	size_t n;

	snprintf(path, sizeof(path), "blobs/sha256/%.128s", hex ? hex : "");
	return hex && io_read_file(s->dirfd, path, LAYOUT_RECORD_MAX, &text, &n, &ignored) == 0 && strstr(text, manifest);
}

/* A whole digest: of the manifest (the record's own name) or of the config. */
static int find_by_digest(const struct store *s, struct arena *a, const char *digest, struct store_image *ret,
			  struct err *e)
{
	struct store_image found = {};
	struct err ignored = {};
	struct ref ref;
	int r = find_read_image(s, a, digest, &found.image, e);

	if (r == -ERR_NOT_FOUND && ref_get(s, a, digest, &ref, &ignored) == 0 && index_names(s, digest, ref.digest))
		r = load_ref(s, a, &ref, &found, e);
	if (r == -ERR_NOT_FOUND)
		return find_by_hex(s, a, layout_digest_hex(digest), true, ret, e);
	if (r == 0)
		*ret = found;
	return r;
}

/* Another spelling of the name that exists. Two that mean different images are refused, naming both. */
static int find_alias(const struct store *s, struct arena *a, const char *name, struct ref *ret, struct err *e)
{
	char *aliases[NAME_ALIASES_MAX + 1];
	struct ref found = {};

	name_aliases(a, name, aliases);
	for (size_t i = 0; aliases[i]; i++) {
		struct ref ref;
		int r = ref_get(s, a, aliases[i], &ref, e);

		if (r == -ERR_NOT_FOUND)
			continue;
		if (r < 0)
			return r;
		if (found.name && strcmp(found.digest, ref.digest) != 0) {
			err_new(e, ERR_USAGE, "'%.100s' can mean two images", name);
			err_because(e, "both %.150s and %.150s are here", found.name, ref.name);
			return err_try(e, "give the whole name");
		}
		if (!found.name)
			found = ref;
	}
	if (!found.name)
		return -ERR_NOT_FOUND;
	*ret = found;
	return 0;
}

static int err_no_image(const struct store *s, struct arena *a, const char *typed, const char *name, struct err *e)
{
	struct err ignored = {};
	char **names = NULL;
	struct ref *refs = NULL;
	size_t n = 0;

	err_new(e, ERR_NOT_FOUND, "there is no image %.140s", typed);
	err_because(e, "the store %.200s has none of that name", s->path);
	if (ref_list(s, a, REF_SKIP_DAMAGED, &refs, &n, &ignored) < 0 || n == 0)
		return err_try(e, "rocket image import FILE %.100s", typed);
	for (size_t i = 0; i < n; i++)
		arena_strv_add(a, &names, refs[i].name);
	const char *near = str_nearest(name, (const char *const *)names);

	return near ? err_try(e, "%.140s   (the nearest name that is here)", near) : err_try(e, "rocket image list");
}

static int find_by_name(const struct store *s, struct arena *a, const char *typed, struct store_image *ret,
			struct err *e)
{
	char *name = NULL;
	struct ref ref;
	int r = store_normalise_name(a, typed, &name, e);

	if (r == 0)
		r = ref_get(s, a, name, &ref, e);
	if (r == -ERR_NOT_FOUND)
		r = find_alias(s, a, name, &ref, e);
	if (r == 0)
		return load_ref(s, a, &ref, ret, e);
	if (r != -ERR_NOT_FOUND)
		return r;
	if (layout_is_hex(typed, FIND_PREFIX_MIN, 128)) {
		r = find_by_hex(s, a, typed, false, ret, e);
		if (r != -ERR_NOT_FOUND)
			return r;
	}
	return err_no_image(s, a, typed, name, e);
}

/* NAME@DIGEST: the digest decides; the name is kept when it still means that image. */
static int find_pinned(const struct store *s, struct arena *a, const char *name, const char *digest,
		       struct store_image *ret, struct err *e)
{
	struct store_image by_name = {}, by_digest = {};
	struct err ignored = {};
	int r = find_by_digest(s, a, digest, &by_digest, e);

	if (r < 0)
		return r;
	if (name && find_by_name(s, a, name, &by_name, &ignored) == 0 &&
	    str_equal(by_name.image.manifest_digest, by_digest.image.manifest_digest))
		by_digest = by_name;
	*ret = by_digest;
	return 0;
}

int store_find_image(const struct store *s, struct arena *a, const char *name, struct store_image *ret, struct err *e)
{
	char *base = NULL, *digest = NULL;
	struct err first = {};
	int r;

	if (name_split_digest(a, name, &base, &digest))
		r = find_pinned(s, a, base, digest, ret, &first);
	else
		r = find_by_name(s, a, name, ret, &first);
	if (r < 0)
		*e = first;
	return r;
}

int store_list_images(const struct store *s, struct arena *a, struct store_image **ret, size_t *ret_n, struct err *e)
{
	LIST(struct store_image) list = {};
	struct ref *refs = NULL;
	size_t n = 0;
	int r = ref_list(s, a, REF_SKIP_DAMAGED, &refs, &n, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		struct err damaged = {};
		struct store_image image;

		if (load_ref(s, a, &refs[i], &image, &damaged) == 0)
			*list_add(a, &list) = image;
	}
	*ret = list.v;
	*ret_n = list.n;
	return 0;
}

int store_tag_image(const struct store *s, const char *name, const char *manifest_digest, struct err *e)
{
	autoarena a = {};
	struct ref ref = {.tagged_ns = io_now_ns()};
	struct image img;

	if (store_normalise_name(&a, name, &ref.name, e) < 0 || find_read_image(s, &a, manifest_digest, &img, e) < 0)
		return -e->code;
	ref.digest = img.manifest_digest;
	return ref_put(s, &ref, e);
}

int store_untag_image(const struct store *s, const char *name, struct err *e)
{
	autoarena a = {};
	char *full = NULL;
	struct ref ref;
	int r = store_normalise_name(&a, name, &full, e);

	if (r == 0)
		r = ref_get(s, &a, full, &ref, e);
	if (r == -ERR_NOT_FOUND)
		return err_no_image(s, &a, name, full, e);
	return r < 0 ? r : ref_remove(s, full, e);
}

int store_read_accounts(const struct store *s, const struct image *img, const char *which, char **ret_text,
			struct err *e)
{
	const char *hex = layout_digest_hex(img->manifest_digest);
	char path[176];
	size_t n;

	if (!hex || (strcmp(which, "passwd") != 0 && strcmp(which, "group") != 0))
		return err_new(e, ERR_FAILED, "there is no %.40s of image %.140s", which,
			       img->manifest_digest ? img->manifest_digest : "?");
	snprintf(path, sizeof(path), "images/%.128s.%s", hex, which);
	int r = io_read_file(s->dirfd, path, LAYOUT_ACCOUNTS_MAX, ret_text, &n, e);

	if (r == 0 || e->errnum != ENOENT)
		return r;
	*e = (struct err){};
	*ret_text = strdup("");
	if (!*ret_text)
		abort();
	return 0;
}
