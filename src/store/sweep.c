/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sweep: what no name and no pod needs goes.
 *
 *   mark    every name and every pod names a manifest; its record names blobs and a view; the view's recipe
 *           names tars. What is marked stays.
 *   move    everything else that is older than the grace period is renamed into dead/, records before
 *           what they name, and the records' directory synced between: after a crash at any point a record
 *           that can be read still has all of its content.
 *   delete  dead/ is emptied without the lock, so that nobody waits for large files to be freed.
 *
 * It runs under the exclusive lock, and only if that is free: somebody who imports or starts holds it
 * shared. It writes nothing, so a full disk doesn't stop it; a rename into dead/ that the file system can't
 * afford becomes an unlink on the spot.
 */
#include "store/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"
#include "store/artifact.h"
#include "store/blob.h"
#include "store/find.h"
#include "store/layout.h"
#include "store/ref.h"
#include "store/view.h"

/* Hex names, sorted once before they are looked up. Images, blobs and views have no name in common. */
struct marks {
	LIST(const char *) names;
};

struct sweep {
	const struct store *store;
	struct store_sweep *ask;
	struct arena *arena;
	struct marks keep; /* what stays */
	struct marks only; /* ask->only: what may go at all */
	int64_t now_ns;
};

static void mark(struct sweep *w, struct marks *m, const char *name)
{
	if (name)
		*list_add(w->arena, &m->names) = name;
}

static void mark_digest(struct sweep *w, struct marks *m, const char *digest)
{
	mark(w, m, layout_digest_hex(digest));
}

static int compare_marks(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static void marks_sort(struct marks *m)
{
	if (m->names.n)
		qsort(m->names.v, m->names.n, sizeof(*m->names.v), compare_marks);
}

static bool is_marked(const struct marks *m, const char *name)
{
	return m->names.n && bsearch(&name, m->names.v, m->names.n, sizeof(name), compare_marks);
}

/*
 * A record that is missing marks nothing. One that is there and can't be read stops the sweep: what it
 * names can't be known, and deleting is the one thing that can't be taken back.
 */
static int mark_image(struct sweep *w, struct marks *m, const char *digest, struct err *e)
{
	struct blob_view_recipe recipe = {};
	struct artifacts artifacts = {};
	struct image img;
	int r = find_read_image(w->store, w->arena, digest, &img, e);

	if (r == -ERR_NOT_FOUND)
		return 0;
	if (r < 0)
		return r;
	mark_digest(w, m, img.manifest_digest);
	mark_digest(w, m, img.id);
	mark(w, m, img.view);
	for (size_t i = 0; i < img.layers.n; i++) {
		mark_digest(w, m, img.layers.v[i].diff_id);
		mark_digest(w, m, img.layers.v[i].digest);
	}
	r = artifact_list(w->store, w->arena, digest, &artifacts, e);
	for (size_t i = 0; r == 0 && i < artifacts.list.n; i++)
		mark_digest(w, m, artifacts.list.v[i].blob);
	if (r == 0)
		r = blob_get_view_recipe(w->store, w->arena, img.view, &recipe, e);
	for (size_t i = 0; r == 0 && i < recipe.tars.n; i++)
		mark_digest(w, m, recipe.tars.v[i].blob);
	return r == -ERR_NOT_FOUND ? 0 : r;
}

static int mark_all(struct sweep *w, struct err *e)
{
	struct ref *refs = NULL;
	char **pods = NULL;
	size_t n = 0;
	int r = ref_list(w->store, w->arena, REF_STOP_AT_DAMAGED, &refs, &n, e);

	for (size_t i = 0; r == 0 && i < n; i++)
		r = mark_image(w, &w->keep, refs[i].digest, e);
	if (r == 0 && w->ask->list_pods)
		r = w->ask->list_pods(w->ask->context, w->arena, &pods, e);
	for (; r == 0 && pods && *pods; pods++)
		r = mark_image(w, &w->keep, *pods, e);
	if (r == 0 && w->ask->only)
		r = mark_image(w, &w->only, w->ask->only, e);
	marks_sort(&w->keep);
	marks_sort(&w->only);
	return r;
}

/* The part of a file name that the marks know: up to the first dot. */
static bool stays(const struct sweep *w, const char *file)
{
	char name[160];

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(file, "."), file);
	return is_marked(&w->keep, name) || (w->ask->only && !is_marked(&w->only, name));
}

static bool is_young(const struct sweep *w, const struct stat *st)
{
	int64_t changed = (int64_t)st->st_ctim.tv_sec * 1000000000 + st->st_ctim.tv_nsec;

	return w->now_ns - changed < w->ask->grace_ns;
}

static void count(struct sweep *w, const char *dir, const char *name, const struct stat *st)
{
	struct err ignored = {};
	uint64_t bytes = (uint64_t)st->st_blocks * 512;
	char path[LAYOUT_NAME_MAX + 32];

	if (S_ISDIR(st->st_mode)) {
		snprintf(path, sizeof(path), "%s/%s", dir, name);
		if (io_disk_usage(w->store->dirfd, path, &bytes, &ignored) < 0)
			bytes = 0;
	}
	w->ask->freed_bytes += bytes;
	w->ask->freed_files++;
}

/* Into dead/, or away at once where that can't be afforded. */
static int bury(struct sweep *w, const char *path, struct err *e)
{
	char grave[64] = "dead/";

	layout_unique_name(grave + 5, sizeof(grave) - 5, "d");
	if (renameat(w->store->dirfd, path, w->store->dirfd, grave) == 0 || errno == ENOENT)
		return 0;
	if (unlinkat(w->store->dirfd, path, 0) == 0)
		return 0;
	return errno == EISDIR || errno == EPERM ? io_remove_tree(w->store->dirfd, path, e) :
						   layout_err(e, "can't remove %s/%s", w->store->path, path);
}

typedef bool sweep_keep(const struct sweep *w, const char *file);

static int sweep_entry(struct sweep *w, const char *dir, const char *file, sweep_keep *keep, struct err *e)
{
	char path[LAYOUT_NAME_MAX + 32];
	struct stat st;

	if (!strcmp(file, ".") || !strcmp(file, "..") || keep(w, file))
		return 0;
	snprintf(path, sizeof(path), "%s/%s", dir, file);
	if (fstatat(w->store->dirfd, path, &st, AT_SYMLINK_NOFOLLOW) < 0 || is_young(w, &st))
		return 0;
	count(w, dir, file, &st);
	return w->ask->dry_run ? 0 : bury(w, path, e);
}

static int each_entry(struct sweep *w, const char *dir, sweep_keep *keep, struct err *e)
{
	int r = 0, fd = openat(w->store->dirfd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclosedir DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d)
		return layout_err(e, "can't list %s/%s", w->store->path, dir);
	for (struct dirent *entry; r == 0 && (entry = readdir(d));)
		r = sweep_entry(w, dir, entry->d_name, keep, e);
	return r;
}

/* from/: an entry is worth as much as the tar that it leads to. */
static bool keep_from(const struct sweep *w, const char *file)
{
	struct err ignored = {};
	struct blob_from from;
	char digest[LAYOUT_NAME_MAX + 16];

	snprintf(digest, sizeof(digest), "sha256:%s", file);
	if (w->ask->only && !is_marked(&w->only, file))
		return true;
	if (blob_get_from(w->store, w->arena, digest, &from, &ignored) < 0)
		return false;
	return is_marked(&w->keep, layout_digest_hex(from.diff_id));
}

/* trees/.tmp.*: its writer holds a lock on it as long as it lives. */
static bool keep_tree(const struct sweep *w, const char *file)
{
	char path[LAYOUT_NAME_MAX + 16];

	if (file[0] != '.')
		return stays(w, file);
	snprintf(path, sizeof(path), "trees/%s", file);
	autoclose int fd = openat(w->store->dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0;
}

/* tmp/: under the exclusive lock nobody writes there. */
static bool keep_none(const struct sweep *w, const char *file)
{
	return false;
}

/* In this order: what names before what is named. */
static const struct {
	const char *dir;
	sweep_keep *keep;
	bool sync_after;
} steps[] = {
	{"images", stays, true},
	{"from/sha256", keep_from, false},
	{"views", stays, false},
	{"trees", keep_tree, false},
	{"blobs/sha256", stays, false},
	{"blobs/sha512", stays, false},
	{"tmp", keep_none, false},
};

static int sweep_store(struct sweep *w, struct err *e)
{
	int r = mark_all(w, e);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(steps); i++) {
		uint64_t before = w->ask->freed_files;

		r = each_entry(w, steps[i].dir, steps[i].keep, e);
		if (r == 0 && steps[i].sync_after && w->ask->freed_files > before && !w->ask->dry_run)
			r = layout_sync_dir(w->store, steps[i].dir, e);
	}
	return r;
}

static int empty_dead(const struct store *s, struct err *e)
{
	int r = 0, fd = openat(s->dirfd, "dead", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclosedir DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d)
		return layout_err(e, "can't list %s/dead", s->path);
	for (struct dirent *entry; r == 0 && (entry = readdir(d));)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = io_remove_tree(dirfd(d), entry->d_name, e);
	return r;
}

/* Mounts that a killed supervisor left: their lock is free. */
static void drop_stale_views(const struct store *s)
{
	struct err ignored = {};
	int fd = -1;

	if (!s->run_path || view_open_run(s, &fd, &ignored) < 0)
		return;
	autoclosedir DIR *d = fdopendir(fd);

	if (!d)
		return;
	for (struct dirent *entry; (entry = readdir(d));) {
		char view[160];

		snprintf(view, sizeof(view), "%.*s", (int)strcspn(entry->d_name, "."), entry->d_name);
		if (layout_is_view_id(view))
			view_drop_unused(fd, view);
	}
}

int store_sweep(const struct store *s, struct store_sweep *ask, struct err *e)
{
	autoclose int lock = openat(s->dirfd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	autoarena a = {};
	struct sweep w = {.store = s, .ask = ask, .arena = &a, .now_ns = io_now_ns()};

	ask->freed_bytes = ask->freed_files = 0;
	if (lock < 0)
		return layout_err(e, "can't open %s/lock", s->path);
	if (flock(lock, LOCK_EX | LOCK_NB) < 0) {
		err_new(e, ERR_BUSY, "the image store %s is in use", s->path);
		err_because(e, "somebody imports an image or starts a pod at this moment");
		return err_try(e, "rocket gc   (in a moment)");
	}
	if (!ask->dry_run)
		drop_stale_views(s);
	int r = sweep_store(&w, e);

	close(take_fd(&lock));
	if (ask->dry_run)
		return r;
	struct err late = {};
	int deleted = empty_dead(s, &late);

	if (r == 0 && deleted < 0)
		*e = late;
	return r < 0 ? r : deleted;
}
