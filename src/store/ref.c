/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names, one file each (store/ref.h). A name appears last of all that an import writes and is synced
 * with its directory, so that a name that can be read has complete content behind it.
 */
#include "store/ref.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/field.h"
#include "base/io.h"
#include "base/record.h"
#include "base/str.h"
#include "store/layout.h"
#include "store/name.h"

enum { REF_SIZE_MAX = 4096 };

static const struct field ref_fields[] = {
	FIELD(struct ref, name, "name", FIELD_STR, .required = true),
	FIELD(struct ref, digest, "digest", FIELD_STR, .required = true),
	FIELD(struct ref, tagged_ns, "tagged_ns", FIELD_TIME),
};
static const struct field_set ref_set = FIELD_SET("reference", struct ref, ref_fields);

int ref_put(const struct store *s, const struct ref *ref, struct err *e)
{
	char file[NAME_FILE_MAX];
	autostr text = {};

	name_to_file(ref->name, file);
	record_write(&text, &ref_set, ref, RECORD_COMPACT);
	int r = layout_put_file(s, "refs", file, str_text(&text), text.len, e);

	return r < 0 ? r : layout_sync_dir(s, "refs", e);
}

static int read_ref(const struct store *s, struct arena *a, const char *file, struct ref *ret, struct err *e)
{
	char path[NAME_FILE_MAX + 8];
	autofree char *text = NULL;
	struct ref ref = {};
	size_t n;

	snprintf(path, sizeof(path), "refs/%s", file);
	int r = io_read_file(s->dirfd, path, REF_SIZE_MAX, &text, &n, e);

	if (r < 0)
		return r;
	r = record_read(a, &ref_set, text, n, &ref, e);
	if (r < 0)
		return r;
	if (!ref.name || !layout_digest_hex(ref.digest))
		return err_new(e, ERR_FAILED, "%s/%s is damaged", s->path, path);
	*ret = ref;
	return 0;
}

int ref_get(const struct store *s, struct arena *a, const char *name, struct ref *ret, struct err *e)
{
	char file[NAME_FILE_MAX];
	struct ref ref;

	name_to_file(name, file);
	int r = read_ref(s, a, file, &ref, e);

	if (r < 0 && e->errnum == ENOENT)
		return err_recode(e, ERR_NOT_FOUND);
	if (r < 0)
		return r;
	if (strcmp(ref.name, name))
		return err_new(e, ERR_NOT_FOUND, "there is no image named %.120s", name);
	*ret = ref;
	return 0;
}

int ref_remove(const struct store *s, const char *name, struct err *e)
{
	char file[NAME_FILE_MAX], path[NAME_FILE_MAX + 8];

	name_to_file(name, file);
	snprintf(path, sizeof(path), "refs/%s", file);
	if (unlinkat(s->dirfd, path, 0) < 0 && errno != ENOENT)
		return layout_err(e, "can't remove the name %.120s", name);
	return layout_sync_dir(s, "refs", e);
}

static int compare_refs(const void *x, const void *y)
{
	return strcmp(((const struct ref *)x)->name, ((const struct ref *)y)->name);
}

int ref_list(const struct store *s, struct arena *a, enum ref_care care, struct ref **ret, size_t *ret_n,
	     struct err *e)
{
	LIST(struct ref) list = {};
	int fd = openat(s->dirfd, "refs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclosedir DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir)
		return layout_err(e, "can't list %s/refs", s->path);
	for (struct dirent *d; (d = readdir(dir));) {
		struct err damaged = {};
		struct ref ref;

		if (d->d_name[0] == '.')
			continue;
		int r = read_ref(s, a, d->d_name, &ref, &damaged);

		if (r == 0) {
			*list_add(a, &list) = ref;
		} else if (care == REF_STOP_AT_DAMAGED && damaged.errnum != ENOENT) {
			*e = damaged;
			return r;
		}
	}
	if (list.n)
		qsort(list.v, list.n, sizeof(*list.v), compare_refs);
	*ret = list.v;
	*ret_n = list.n;
	return 0;
}
