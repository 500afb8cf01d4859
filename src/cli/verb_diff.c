/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rocket diff: what an app has changed in its root: its writable layer beside the image. In an overlay's
 * upper layer a character device 0:0 says "removed", and an opaque directory hides what the image has there
 * (kernel: Documentation/filesystems/overlayfs.rst).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "base/rootless.h"
#include "cli/emit.h"
#include "cli/pod_ref.h"
#include "cli/tar_parts.h"
#include "cli/user_half.h"
#include "cli/verb_image.h"
#include "cli/verbs.h"

enum { DEPTH_MAX = 200 };

static int take_none(void *context, const struct opt *o, const char *value, struct err *e)
{
	return 0; /* the verb has no options of its own */
}

struct change {
	char kind; /* 'A', 'C', 'D' */
	char *path;
};

struct diff {
	struct arena *arena;
	struct plan_ids ids;
	LIST(struct change) list;
};

static void add_change(struct diff *d, char kind, const char *path)
{
	*list_add(d->arena, &d->list) = (struct change){kind, arena_strdup(d->arena, path)};
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a directory, sorted; NULL for none. */
static char **sorted_names(struct arena *a, int fd)
{
	autoclosedir DIR *dir = tar_open_dir(fd);
	const struct dirent *d;
	LIST(char *) names = {};

	while (dir && (d = readdir(dir))) {
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			*list_add(a, &names) = arena_strdup(a, d->d_name);
	}
	if (names.n)
		qsort(names.v, names.n, sizeof(*names.v), compare_text);
	*list_add(a, &names) = NULL;
	return names.v;
}

static bool is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
}

/* An ordinary user's overlay keeps its marks where he may write them (overlayfs.rst, userxattr). */
static bool is_opaque(int fd)
{
	const char *name = rootless_here(NULL) ? "user.overlay.opaque" : "trusted.overlay.opaque";
	char value[2];

	return fgetxattr(fd, name, value, sizeof(value)) == 1 && value[0] == 'y';
}

static int open_child(int dirfd, const char *name)
{
	return path_open_beneath(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
}

/* Owner and mode of a directory that both layers have; the upper one's ids are the host's. */
static bool is_touched(const struct diff *d, const struct stat *upper, const struct stat *lower)
{
	uint32_t base = d->ids.count ? d->ids.base : 0;

	return upper->st_mode != lower->st_mode || upper->st_uid - base != lower->st_uid ||
	       upper->st_gid - base != lower->st_gid;
}

static int compare_dirs(struct diff *d, int upper, int lower, const char *path, unsigned depth, struct err *e);

/* What an opaque directory hides, by name. */
static void add_hidden(struct diff *d, int upper, int lower, const char *path)
{
	char **names = sorted_names(d->arena, lower);
	struct stat st;

	for (; *names; names++) {
		if (fstatat(upper, *names, &st, AT_SYMLINK_NOFOLLOW) < 0)
			add_change(d, 'D', arena_printf(d->arena, "%s/%s", path, *names));
	}
}

static int compare_dir(struct diff *d, int upper_parent, int lower_parent, const char *name, const char *path,
		       const struct stat *upper_st, const struct stat *lower_st, unsigned depth, struct err *e)
{
	autoclose int upper = open_child(upper_parent, name);
	autoclose int lower = lower_st && S_ISDIR(lower_st->st_mode) ? open_child(lower_parent, name) : -1;
	size_t before = d->list.n;

	if (upper < 0)
		return errno == ENOENT ? 0 : err_errno(e, "cannot read the changes of %.200s", path);
	add_change(d, lower_st ? 'C' : 'A', path);
	if (lower >= 0 && is_opaque(upper))
		add_hidden(d, upper, lower, path);
	bool opaque = lower >= 0 && is_opaque(upper);

	if (compare_dirs(d, upper, opaque ? -1 : lower, path, depth + 1, e) < 0)
		return -e->code;
	/* A directory that was only gone through is no change. */
	if (lower >= 0 && d->list.n == before + 1 && !is_touched(d, upper_st, lower_st))
		d->list.n--;
	return 0;
}

static int compare_entry(struct diff *d, int upper, int lower, const char *name, const char *path, unsigned depth,
			 struct err *e)
{
	struct stat up, low;

	if (fstatat(upper, name, &up, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_errno(e, "cannot read the changes of %.200s", path);
	bool in_image = lower >= 0 && fstatat(lower, name, &low, AT_SYMLINK_NOFOLLOW) == 0;

	if (S_ISDIR(up.st_mode))
		return compare_dir(d, upper, lower, name, path, &up, in_image ? &low : NULL, depth, e);
	if (!is_whiteout(&up))
		add_change(d, in_image ? 'C' : 'A', path);
	else if (in_image)
		add_change(d, 'D', path);
	return 0;
}

static int compare_dirs(struct diff *d, int upper, int lower, const char *path, unsigned depth, struct err *e)
{
	if (depth > DEPTH_MAX) {
		err_new(e, ERR_FAILED, "%.100s… lies too deep", path);
		return err_because(e, "more than %d directories", DEPTH_MAX);
	}
	for (char **names = sorted_names(d->arena, upper); *names; names++) {
		const char *child = arena_printf(d->arena, "%s/%s", path, *names);

		if (compare_entry(d, upper, lower, *names, child, depth, e) < 0)
			return -e->code;
	}
	return 0;
}

/* Where overlay can't serve, the app's files lie in one directory with the image's (boundary/own_root.h). */
static int refuse_own_root(struct cli *cli, const struct pod_ref *ref, struct err *e)
{
	const char *name = arena_printf(cli->arena, "%s.root", ref->app->name);

	if (faccessat(ref->pod.fd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	err_new(e, ERR_STATE, "the changes of %s can't be told", ref->app->name);
	err_because(e, "this file system carries no overlay, so the app writes into its copy of the image");
	return err_try(e, "rocket export %s   (all of its files)", ref->plan.name);
}

static int compare_app(struct cli *cli, const struct pod_ref *ref, struct diff *d, struct err *e)
{
	autostore store = STORE_NONE;
	autoclose int upper = openat(ref->pod.fd, arena_printf(cli->arena, "%s.upper", ref->app->name),
				     O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclose int view = -1;
	int use_fd = -1;

	if (refuse_own_root(cli, ref, e) < 0)
		return -e->code;
	if (upper < 0)
		return errno == ENOENT ? 0 : err_errno(e, "cannot open the writable layer of %s", ref->app->name);
	if (image_open_store(cli, &store, e) < 0 || store_open_view(&store, ref->app->view, &view, &use_fd, e) < 0)
		return -e->code;
	int r = compare_dirs(d, upper, view, "", 0, e);

	cleanup_close(&view);
	view = -1;
	store_release_view(&store, ref->app->view, &use_fd);
	return r;
}

static const char *kind_name(char kind)
{
	return kind == 'A' ? "added" : kind == 'D' ? "removed" : "changed";
}

static int print(struct cli *cli, const struct diff *d)
{
	autoemit m = emit_new(cli);
	bool document = cli->output == CLI_JSON || cli->output == CLI_YAML;

	if (document)
		emit_open_list(&m, NULL);
	for (size_t i = 0; i < d->list.n; i++) {
		const struct change *c = &d->list.v[i];

		if (!document) {
			str_addf(&m.out, "%c ", c->kind);
			str_add_visible(&m.out, c->path);
			str_add_char(&m.out, '\n');
			continue;
		}
		emit_open_map(&m, NULL);
		emit_str(&m, "kind", kind_name(c->kind));
		emit_str(&m, "path", c->path);
		emit_close(&m);
	}
	if (document)
		emit_close(&m);
	return document ? emit_print(&m, cli) : cli_print(cli, str_text(&m.out), m.out.len);
}

static int run(struct cli *cli, int argc, char **argv)
{
	autopodref ref = POD_REF_NONE;
	struct diff d = {.arena = cli->arena};
	struct err e = {};
	char **words;
	int n;

	if (cli_parse(cli, argc, argv, take_none, NULL, &words, &n, &e) < 0 || cli_check_words(cli, n, 1, 1, &e) < 0 ||
	    user_half_enter(cli, &e) < 0 || pod_ref_open(cli, words[0], &ref, &e) < 0 ||
	    pod_ref_need_app(&ref, words[0], &e) < 0)
		return cli_fail(cli, &e);
	d.ids = ref.plan.ids;
	if (compare_app(cli, &ref, &d, &e) < 0)
		return cli_fail(cli, &e);
	return print(cli, &d);
}

const struct verb cli_verb_diff = {
	.name = "diff",
	.summary = "list what an app has added (A), changed (C) and removed (D) in its root",
	.usage = "POD[/APP]",
	.words = (const char *const[]){"app", NULL},
	.example = "rocket diff shop/web",
	.json = "kind: added, changed or removed\npath: in the app's root",
	.exits = "4: no such pod or app",
	.documents = true,
	.run = run,
};
