/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rocket-image extract: the root file system of an image into a directory of the caller's; and
 * --build-tree, the same into the store's directory form. Both from the tars, through image/unpack.h, which
 * follows no link. Without privilege, owners and devices can't be had and the count of them is said.
 */
#include "libexec/image_tool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/opt.h"
#include "base/path.h"
#include "base/rootless.h"
#include "base/str.h"
#include "image/unpack.h"
#include "libexec/image_merge.h"
#include "store/blob.h"
#include "store/rebuild.h"

static const struct opt extract_opts[] = {
	{"force", .id = 'f', .help = "into a directory that is not empty: files of the same name are replaced"},
	{},
};

/* The caller has filled in where to, and with what. */
static int unpack_view(struct image_tool *t, const char *view, struct unpack *u, struct err *e)
{
	autorebuilt rebuilt = {};
	int r = rebuild_open(&t->store, view, &rebuilt, e);

	if (r < 0)
		return r;
	int *fds = arena_alloc(&t->arena, (rebuilt.n_devices + 1) * sizeof(int));

	for (size_t i = 0; i < rebuilt.n_devices; i++)
		fds[i] = rebuilt.devices[i].fd;
	u->tree = rebuilt.tree;
	u->layer_fds = fds;
	u->n_layers = rebuilt.n_devices;
	struct rootless user;

	u->as_user = geteuid() != 0;
	u->no_devices = rootless_here(&user);
	/* Of an ordinary user with one id all files are, whoever the image says. */
	u->as_user |= u->no_devices && user.sub_count == 0;
	r = unpack_tree(u, e);
	u->tree = NULL;
	return r;
}

int image_build_tree(struct image_tool *t, const char *view, struct err *e)
{
	struct blob_tree tree = BLOB_TREE_NONE;

	if (blob_tree_exists(&t->store, view))
		return 0;
	umask(0);
	int r = blob_tree_begin(&t->store, &tree, e);

	if (r < 0)
		return r;
	struct unpack u = {.dirfd = tree.fd, .mount_points = true};

	r = unpack_view(t, view, &u, e);
	if (r == 0 && u.as_user && u.left_out)
		image_say(t, "you have one user id: %llu files of other owners, devices or attributes are root's in the pod, "
			  "or left out   (rocket doctor)", (unsigned long long)u.left_out);
	if (r == 0)
		return blob_tree_commit(&tree, view, e);
	blob_tree_abort(&tree);
	return r;
}

int image_build_root(struct image_tool *t, const char *view, const char *dir, uint32_t shift, struct err *e)
{
	autoclose int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct unpack u = {.dirfd = fd, .mount_points = true, .shift = shift};

	if (fd < 0)
		return image_err(e, "can't open %.200s", dir);
	return unpack_view(t, view, &u, e);
}

/* Where the files go: the directory itself, or one beside or in it that is moved when it is whole. */
struct target {
	int parent, fd;
	const char *name;   /* in parent */
	char tmp_name[48];  /* in parent (a new directory) or in fd (a merge) */
	bool is_new, merge;
};

static void target_close(struct target *g)
{
	struct err ignored = {};
	int at = g->merge ? g->fd : g->parent;

	if (g->tmp_name[0] && io_remove_tree(at, g->tmp_name, &ignored) < 0)
		fprintf(stderr, "%s could not be removed\n", g->tmp_name);
	if (g->fd >= 0)
		close(g->fd);
	if (g->parent >= 0)
		close(g->parent);
}

static bool is_empty(int dirfd)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclosedir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	while (d && (entry = readdir(d)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			return false;
	return d != NULL;
}

static int open_parent(struct image_tool *t, const char *dir, struct target *g, struct err *e)
{
	size_t n = strlen(dir);

	while (n > 1 && dir[n - 1] == '/')
		n--;
	char *clean = arena_strndup(&t->arena, dir, n);
	char *slash = strrchr(clean, '/');

	g->name = slash ? arena_strdup(&t->arena, slash[1] ? slash + 1 : ".") : clean;
	if (slash)
		slash[slash == clean] = 0;
	g->parent = open(slash ? clean : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return g->parent < 0 ? image_err(e, "can't extract into %.200s", dir) : 0;
}

static int open_target(struct image_tool *t, const char *dir, bool force, struct target *g, struct err *e)
{
	if (open_parent(t, dir, g, e) < 0)
		return -e->code;
	g->fd = openat(g->parent, g->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (g->fd < 0 && errno != ENOENT)
		return image_err(e, "can't extract into %.200s", dir);
	g->is_new = g->fd < 0;
	g->merge = !g->is_new && !is_empty(g->fd);
	if (!g->merge || force)
		return 0;
	err_new(e, ERR_STATE, "can't extract into %.200s", dir);
	err_because(e, "the directory is not empty");
	return err_try(e, "give another one, or --force: files of the same name are then replaced");
}

/* An empty directory to unpack into. */
static int make_room(struct target *g, struct err *e)
{
	int at = g->merge ? g->fd : g->parent;

	if (!g->is_new && !g->merge)
		return fcntl(g->fd, F_DUPFD_CLOEXEC, 3);
	snprintf(g->tmp_name, sizeof(g->tmp_name), ".rocket-extract.%d", (int)getpid());
	int fd = mkdirat(at, g->tmp_name, 0700) < 0 ? -1 :
		openat(at, g->tmp_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? image_err(e, "can't write into the directory") : fd;
}

static int settle(struct target *g, const char *dir, struct err *e)
{
	int r = 0;

	if (g->merge)
		r = image_merge(g->fd, g->tmp_name, e);
	else if (g->is_new && renameat2(g->parent, g->tmp_name, g->parent, g->name, RENAME_NOREPLACE) < 0)
		r = image_err(e, "can't make %.200s", dir);
	if (r == 0)
		g->tmp_name[0] = 0;
	return r;
}

/* A directory that was empty is empty again. */
static void empty_again(int dirfd)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclosedir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct err ignored = {};

	for (struct dirent *entry; d && (entry = readdir(d));)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    io_remove_tree(dirfd, entry->d_name, &ignored) < 0)
			return;
}

static int report(struct image_tool *t, const struct store_image *found, const char *dir, const struct unpack *u,
		  struct err *e)
{
	autostr out = {};

	if (u->left_out)
		image_say(t, "%llu owners, devices or attributes need privilege and were left out",
			  (unsigned long long)u->left_out);
	if (!t->json)
		return image_say(t, "extracted %llu files of %s into %s", (unsigned long long)u->files,
				 found->name ? found->name : found->image.id, dir), 0;
	str_add(&out, "{\"name\":");
	str_add_json(&out, found->name ? found->name : "");
	str_addf(&out, ",\"id\":\"%s\",\"to\":", found->image.id);
	str_add_json(&out, dir);
	str_addf(&out, ",\"files\":%llu,\"bytes\":%llu,\"left_out\":%llu}\n", (unsigned long long)u->files,
		 (unsigned long long)u->bytes, (unsigned long long)u->left_out);
	return image_print(out.text, out.len, e);
}

static int run_extract(struct image_tool *t, const char *name, const char *dir, bool force, struct err *e)
{
	[[gnu::cleanup(target_close)]] struct target g = {.parent = -1, .fd = -1};
	struct store_image found = {};
	autoclose int room = -1;
	struct unpack u = {};
	int r = store_find_image(&t->store, &t->arena, name, &found, e);

	if (r == 0)
		r = open_target(t, dir, force, &g, e);
	if (r < 0)
		return r;
	umask(0);
	room = make_room(&g, e);
	if (room < 0)
		return -e->code;
	u.dirfd = room;
	r = unpack_view(t, found.image.view, &u, e);
	if (r < 0 && !g.is_new && !g.merge)
		empty_again(g.fd);
	if (r == 0)
		r = settle(&g, dir, e);
	return r < 0 ? r : report(t, &found, dir, &u, e);
}

int image_extract(struct image_tool *t, int argc, char **argv, struct err *e)
{
	const struct opt *const tables[] = {extract_opts, NULL};
	struct opt_walk w = {.argc = argc, .argv = argv, .tables = tables};
	const struct opt *o;
	const char *value;
	bool force = false;
	int r;

	while ((r = opt_next(&w, &o, &value, e)) > 0)
		force = true;
	if (r < 0)
		return r;
	if (argc - w.at != 2) {
		err_new(e, ERR_USAGE, "extract takes an image and a directory");
		err_because(e, "it was given %d words", argc - w.at);
		return err_try(e, "rocket image extract NAME DIR");
	}
	return run_extract(t, argv[w.at], argv[w.at + 1], force, e);
}
