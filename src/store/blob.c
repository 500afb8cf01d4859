/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blobs, views' indexes and the records beside them, written (store/blob.h). The rules that keep a crash
 * harmless stand there; the mechanics of one file in layout.c.
 */
#include "store/blob.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/field.h"
#include "base/io.h"
#include "base/record.h"
#include "base/str.h"
#include "store/layout.h"

enum { BLOB_PATH_MAX = 192 };

static const struct {
	const char *dir, *suffix;
	size_t min, max; /* hex digits */
} places[] = {
	[BLOB_SHA256] = {"blobs/sha256", "", 64, 64},
	[BLOB_SHA512] = {"blobs/sha512", "", 128, 128},
	[BLOB_VIEW] = {"views", ".erofs", 16, 128},
};
static_assert(ARRAY_SIZE(places) == BLOB_VIEW + 1);

static void place_path(enum blob_place place, const char *hex, char path[BLOB_PATH_MAX])
{
	snprintf(path, BLOB_PATH_MAX, "%s/%.128s%s", places[place].dir, hex, places[place].suffix);
}

static int check_hex(enum blob_place place, const char *hex, struct err *e)
{
	if (layout_is_hex(hex, places[place].min, places[place].max))
		return 0;
	return err_new(e, ERR_FAILED, "'%.140s' is no name for a file in %s", hex, places[place].dir);
}

static int err_no_digest(struct err *e, const char *digest)
{
	err_new(e, ERR_FAILED, "'%.140s' is no digest", digest ? digest : "");
	err_because(e, "a digest is sha256: and 64, or sha512- and 128 hex digits in lower case");
	return err_try(e, "rocket image verify   (is the store as it was?)");
}

int blob_writer_open(const struct store *s, enum blob_place place, struct blob_writer *ret, struct err *e)
{
	struct blob_writer w = {.place = place, .store = s};

	w.fd = layout_open_tmp(s, places[place].dir, w.tmp_name);
	if (w.fd < 0)
		return layout_err(e, "can't write into %s/%s", s->path, places[place].dir);
	*ret = w;
	return 0;
}

int blob_writer_commit(struct blob_writer *w, const char *hex, struct err *e)
{
	char path[BLOB_PATH_MAX];
	int r = check_hex(w->place, hex, e);

	if (r == 0) {
		place_path(w->place, hex, path);
		if (fdatasync(w->fd) < 0)
			r = layout_err(e, "can't write %s/%s", w->store->path, path);
		else if (layout_link_tmp(w->store, w->fd, w->tmp_name, path) == 0)
			w->tmp_name[0] = 0;
		else if (errno != EEXIST)
			r = layout_err(e, "can't name %s/%s", w->store->path, path);
	}
	blob_writer_close(w);
	return r;
}

void blob_writer_close(struct blob_writer *w)
{
	if (w->fd < 0)
		return;
	if (w->tmp_name[0])
		unlinkat(w->store->dirfd, w->tmp_name, 0);
	close(w->fd);
	*w = BLOB_WRITER_NONE;
}

int blob_put(const struct store *s, enum blob_place place, const char *hex, const void *bytes, size_t n, struct err *e)
{
	autoblob w = BLOB_WRITER_NONE;
	char path[BLOB_PATH_MAX];
	int r = check_hex(place, hex, e);

	if (r < 0)
		return r;
	place_path(place, hex, path);
	if (faccessat(s->dirfd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	r = blob_writer_open(s, place, &w, e);
	if (r < 0)
		return r;
	if (io_write_all(w.fd, bytes, n) < 0)
		return layout_err(e, "can't write %s/%s", s->path, path);
	return blob_writer_commit(&w, hex, e);
}

bool blob_parse_digest(const char *digest, enum blob_place *ret_place, const char **ret_hex)
{
	const char *hex = layout_digest_hex(digest);

	if (!hex)
		return false;
	*ret_place = strlen(hex) == 64 ? BLOB_SHA256 : BLOB_SHA512;
	*ret_hex = hex;
	return true;
}

static bool file_exists(const struct store *s, const char *path, uint64_t *ret_size)
{
	struct stat st;

	if (fstatat(s->dirfd, path, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return false;
	if (ret_size)
		*ret_size = (uint64_t)st.st_size;
	return true;
}

static int open_file(const struct store *s, const char *path, const char *what, int *ret_fd, struct err *e)
{
	int fd = openat(s->dirfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 && errno == ENOENT) {
		err_new(e, ERR_NOT_FOUND, "the store has no %.150s", what);
		return err_because(e, "%s/%s is not there", s->path, path);
	}
	if (fd < 0)
		return layout_err(e, "can't open %s/%s", s->path, path);
	*ret_fd = fd;
	return 0;
}

bool blob_exists(const struct store *s, const char *digest, uint64_t *ret_size)
{
	char path[BLOB_PATH_MAX];
	enum blob_place place;
	const char *hex;

	if (!blob_parse_digest(digest, &place, &hex))
		return false;
	place_path(place, hex, path);
	return file_exists(s, path, ret_size);
}

int blob_open(const struct store *s, const char *digest, int *ret_fd, struct err *e)
{
	char path[BLOB_PATH_MAX];
	enum blob_place place;
	const char *hex;

	if (!blob_parse_digest(digest, &place, &hex))
		return err_no_digest(e, digest);
	place_path(place, hex, path);
	return open_file(s, path, digest, ret_fd, e);
}

bool blob_view_exists(const struct store *s, const char *view)
{
	char path[BLOB_PATH_MAX];

	if (!layout_is_view_id(view))
		return false;
	place_path(BLOB_VIEW, view, path);
	return file_exists(s, path, NULL);
}

int blob_open_view(const struct store *s, const char *view, int *ret_fd, struct err *e)
{
	char path[BLOB_PATH_MAX];
	int r = check_hex(BLOB_VIEW, view, e);

	if (r < 0)
		return r;
	place_path(BLOB_VIEW, view, path);
	return open_file(s, path, "such view", ret_fd, e);
}

static int remove_file(const struct store *s, enum blob_place place, const char *hex, struct err *e)
{
	char path[BLOB_PATH_MAX];

	place_path(place, hex, path);
	if (unlinkat(s->dirfd, path, 0) < 0 && errno != ENOENT)
		return layout_err(e, "can't remove %s/%s", s->path, path);
	return layout_sync_dir(s, places[place].dir, e);
}

int blob_remove(const struct store *s, const char *digest, struct err *e)
{
	enum blob_place place;
	const char *hex;

	if (!blob_parse_digest(digest, &place, &hex))
		return err_no_digest(e, digest);
	return remove_file(s, place, hex, e);
}

int blob_remove_view(const struct store *s, const char *view, struct err *e)
{
	int r = check_hex(BLOB_VIEW, view, e);

	return r < 0 ? r : remove_file(s, BLOB_VIEW, view, e);
}

static const struct field from_fields[] = {
	FIELD(struct blob_from, digest, "digest", FIELD_STR, .required = true),
	FIELD(struct blob_from, diff_id, "diff_id", FIELD_STR, .required = true),
	FIELD(struct blob_from, size, "size", FIELD_U64),
	FIELD(struct blob_from, tar_size, "tar_size", FIELD_U64),
	FIELD(struct blob_from, media_type, "media_type", FIELD_STR),
};
static const struct field_set from_set = FIELD_SET("layer origin", struct blob_from, from_fields);

static const struct field tar_fields[] = {
	FIELD(struct blob_view_tar, blob, "blob", FIELD_STR, .required = true),
	FIELD(struct blob_view_tar, rules, "rules", FIELD_STR, .required = true),
	FIELD(struct blob_view_tar, whitelist, "whitelist", FIELD_STRV),
};
static const struct field_set tar_set = FIELD_SET("tar of a view", struct blob_view_tar, tar_fields);

static const struct field recipe_fields[] = {
	FIELD(struct blob_view_recipe, tars, "tars", FIELD_LIST, .sub = &tar_set),
};
static const struct field_set recipe_set = FIELD_SET("view", struct blob_view_recipe, recipe_fields);

static int put_record(const struct store *s, const char *dir, const char *name, const struct field_set *set,
		      const void *object, struct err *e)
{
	autostr text = {};

	record_write(&text, set, object, RECORD_COMPACT);
	return layout_put_file(s, dir, name, str_text(&text), text.len, e);
}

static int get_record(const struct store *s, struct arena *a, const char *path, const struct field_set *set, void *ret,
		      struct err *e)
{
	autofree char *text = NULL;
	size_t n;
	int r = io_read_file(s->dirfd, path, LAYOUT_RECORD_MAX, &text, &n, e);

	if (r < 0)
		return e->errnum == ENOENT ? err_recode(e, ERR_NOT_FOUND) : r;
	return record_read(a, set, text, n, ret, e);
}

int blob_put_from(const struct store *s, const struct blob_from *from, struct err *e)
{
	const char *hex;
	enum blob_place place;

	if (!blob_parse_digest(from->digest, &place, &hex) || place != BLOB_SHA256)
		return err_no_digest(e, from->digest);
	return put_record(s, "from/sha256", hex, &from_set, from, e);
}

int blob_get_from(const struct store *s, struct arena *a, const char *digest, struct blob_from *ret, struct err *e)
{
	struct blob_from from = {};
	char path[BLOB_PATH_MAX];
	enum blob_place place;
	const char *hex;

	if (!blob_parse_digest(digest, &place, &hex) || place != BLOB_SHA256)
		return err_new(e, ERR_NOT_FOUND, "'%.140s' is no digest of a layer", digest ? digest : "");
	snprintf(path, sizeof(path), "from/sha256/%s", hex);
	int r = get_record(s, a, path, &from_set, &from, e);

	if (r < 0)
		return r;
	if (!str_equal(from.digest, digest) || !blob_exists(s, from.diff_id, NULL))
		return err_new(e, ERR_NOT_FOUND, "the tar of layer %.80s is gone", digest);
	*ret = from;
	return 0;
}

int blob_list_forms(const struct store *s, struct arena *a, const char *diff_id, struct blob_forms *ret, struct err *e)
{
	int fd = openat(s->dirfd, "from/sha256", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclosedir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct blob_forms forms = {};

	if (!dir)
		return layout_err(e, "can't list %s/from/sha256", s->path);
	for (struct dirent *d; (d = readdir(dir));) {
		struct blob_from from;
		struct err ignored = {};
		char digest[80];

		snprintf(digest, sizeof(digest), "sha256:%.64s", d->d_name);
		if (!blob_get_from(s, a, digest, &from, &ignored) && str_equal(from.diff_id, diff_id))
			*list_add(a, &forms.list) = from;
	}
	*ret = forms;
	return 0;
}

int blob_put_view_recipe(const struct store *s, const char *view, const struct blob_view_recipe *recipe, struct err *e)
{
	char name[BLOB_PATH_MAX];
	int r = check_hex(BLOB_VIEW, view, e);

	if (r < 0)
		return r;
	snprintf(name, sizeof(name), "%.128s.tars", view);
	return put_record(s, "views", name, &recipe_set, recipe, e);
}

int blob_get_view_recipe(const struct store *s, struct arena *a, const char *view, struct blob_view_recipe *ret,
			 struct err *e)
{
	char path[BLOB_PATH_MAX];
	int r = check_hex(BLOB_VIEW, view, e);

	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "views/%.128s.tars", view);
	return get_record(s, a, path, &recipe_set, ret, e);
}

static int put_accounts(const struct store *s, const char *hex, const char *which, const char *text, size_t n,
			struct err *e)
{
	char name[BLOB_PATH_MAX];

	if (!text)
		return 0;
	if (n > LAYOUT_ACCOUNTS_MAX) {
		err_new(e, ERR_USAGE, "the image's /etc/%s is too large", which);
		return err_because(e, "it has %zu bytes and 1 MiB is the limit", n);
	}
	snprintf(name, sizeof(name), "%.128s.%s", hex, which);
	return layout_put_file(s, "images", name, text, n, e);
}

int blob_put_image(const struct store *s, const struct image *img, const char *passwd, size_t passwd_len,
		   const char *group, size_t group_len, struct err *e)
{
	const char *hex = layout_digest_hex(img->manifest_digest);

	if (!hex)
		return err_no_digest(e, img->manifest_digest);
	int r = put_accounts(s, hex, "passwd", passwd, passwd_len, e);

	if (r == 0)
		r = put_accounts(s, hex, "group", group, group_len, e);
	return r < 0 ? r : put_record(s, "images", hex, &image_set, img, e);
}

int blob_sync(const struct store *s, struct err *e)
{
	static const char *const dirs[] = {"blobs/sha256", "blobs/sha512", "from/sha256", "views", "images"};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(dirs); i++)
		r = layout_sync_dir(s, dirs[i], e);
	return r;
}
