/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resolution is done here and not by the kernel, because the image needs every symlink on the way too.
 * The walk keeps a path that is free of symlinks ("done") and the rest that is still to be walked; the
 * kernel sees only the former plus one name, with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS.
 */
#include "build/source.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "base/str.h"

enum {
	MAX_LINKS = 40, /* as the kernel */
	MAX_NAMES = 1000000,
};

int source_open(int dirfd, const char *path, const char *name, struct source *ret, struct err *e)
{
	int fd = openat(dirfd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(e, "cannot open the tree %s", name);
	*ret = (struct source){.rootfd = fd, .name = name};
	return 0;
}

void source_close(struct source *src)
{
	if (src->rootfd >= 0)
		close(src->rootfd);
	src->rootfd = -1;
}

/* The kernel resolves relative to the root; the root itself is ".". */
static const char *below_root(const char *path)
{
	while (*path == '/')
		path++;
	return *path ? path : ".";
}

static int open_node(const struct source *src, const char *path)
{
	return path_open_beneath(src->rootfd, below_root(path), O_PATH | O_NOFOLLOW, 0);
}

int source_lstat(const struct source *src, const char *path, struct stat *ret)
{
	autoclose int fd = open_node(src, path);

	return fd < 0 ? -1 : fstat(fd, ret);
}

char *source_readlink(const struct source *src, struct arena *a, const char *path)
{
	autoclose int fd = open_node(src, path);
	char target[PATH_MAX];
	ssize_t n = fd < 0 ? -1 : readlinkat(fd, "", target, sizeof(target));

	if (n < 0)
		return NULL;
	if (n == 0 || n == sizeof(target)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	return arena_strndup(a, target, (size_t)n);
}

int source_open_file(const struct source *src, const char *path)
{
	struct stat st;
	autoclose int fd = -1;

	/* O_NONBLOCK: a FIFO that took the file's place must not hang the build. */
	fd = path_open_beneath(src->rootfd, below_root(path), O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	if (fd < 0 || fstat(fd, &st))
		return -1;
	if (!S_ISREG(st.st_mode)) {
		errno = EINVAL;
		return -1;
	}
	return take_fd(&fd);
}

static int refuse_long(const struct source *src, struct err *e)
{
	err_new(e, ERR_FAILED, "a path in %s is too long", src->name);
	err_because(e, "with the links on its way it is longer than the kernel allows");
	return err_try(e, "correct the tree, or leave it out");
}

/* The state of one resolution. */
struct walk {
	const struct source *src;
	struct arena *a;
	struct source_place place;
	struct str done; /* "" is the root, else "/a/b" without symlinks */
	struct str rest; /* still to be walked */
	size_t at;       /* into rest */
	struct err *e;
};

static void walk_free(struct walk *w)
{
	str_free(&w->done);
	str_free(&w->rest);
}

static void walk_up(struct walk *w)
{
	while (w->done.len && w->done.text[--w->done.len] != '/')
		;
	if (w->done.text)
		w->done.text[w->done.len] = 0;
}

/* The next component into name; false at the end. */
static bool walk_next(struct walk *w, char *name, size_t cap)
{
	const char *s = str_text(&w->rest) + w->at;
	size_t n;

	s += strspn(s, "/");
	n = strcspn(s, "/");
	if (!n)
		return false;
	if (n >= cap)
		n = cap - 1; /* NAME_MAX is less: the kernel refuses it */
	memcpy(name, s, n);
	name[n] = 0;
	w->at = (size_t)(s - str_text(&w->rest)) + n;
	return true;
}

/* A symlink stands at done: note it, and walk its target instead. */
static int walk_link(struct walk *w)
{
	char *target = source_readlink(w->src, w->a, w->done.text);
	autostr rest = {};
	struct source_link *link;

	if (!target)
		return err_errno(w->e, "cannot read the link %s in %s", w->done.text, w->src->name);
	if (w->place.links.n == MAX_LINKS) {
		err_new(w->e, ERR_FAILED, "%s in %s goes through more than %d links",
			w->done.text, w->src->name, MAX_LINKS);
		err_because(w->e, "the links probably point at each other");
		return err_try(w->e, "correct the tree, or leave it out");
	}
	link = list_add(w->a, &w->place.links);
	link->path = arena_strdup(w->a, w->done.text);
	link->target = target;
	walk_up(w);
	if (target[0] == '/')
		str_reset(&w->done);
	str_addf(&rest, "%s/%s", target, str_text(&w->rest) + w->at);
	str_free(&w->rest);
	w->rest = rest;
	rest = (struct str){};
	w->at = 0;
	return 0;
}

static bool is_missing(int errnum)
{
	return errnum == ENOENT || errnum == ENOTDIR || errnum == ENAMETOOLONG;
}

/* Goes into one name. 1: it is missing. */
static int walk_into(struct walk *w, const char *name)
{
	if (w->done.len + w->rest.len > 2 * PATH_MAX)
		return refuse_long(w->src, w->e);
	str_addf(&w->done, "/%s", name);
	if (source_lstat(w->src, w->done.text, &w->place.st)) {
		if (is_missing(errno))
			return 1;
		return err_errno(w->e, "cannot look at %s in %s", w->done.text, w->src->name);
	}
	return S_ISLNK(w->place.st.st_mode) ? walk_link(w) : 0;
}

/* What is missing keeps its remaining names, for the message. */
static void walk_missing(struct walk *w)
{
	char name[NAME_MAX + 2];

	while (walk_next(w, name, sizeof(name)))
		str_addf(&w->done, "/%s", name);
}

static int walk_all(struct walk *w)
{
	char name[NAME_MAX + 2];
	int rc = 0;

	while (rc == 0 && walk_next(w, name, sizeof(name))) {
		if (str_equal(name, "."))
			continue;
		if (str_equal(name, ".."))
			walk_up(w);
		else
			rc = walk_into(w, name);
	}
	if (rc == 1)
		walk_missing(w);
	w->place.exists = rc == 0;
	return rc == 1 ? 0 : rc;
}

int source_resolve(const struct source *src, struct arena *a, const char *path, struct source_place *ret, struct err *e)
{
	[[gnu::cleanup(walk_free)]] struct walk w = {.src = src, .a = a, .e = e};
	int rc;

	if (strlen(path) >= PATH_MAX)
		return refuse_long(src, e);
	str_add(&w.rest, path);
	rc = walk_all(&w);
	if (rc)
		return rc;
	w.place.path = arena_strdup(a, w.done.len ? w.done.text : "/");
	if (w.place.exists && source_lstat(src, w.place.path, &w.place.st))
		return err_errno(e, "cannot look at %s in %s", w.place.path, src->name);
	*ret = w.place;
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_names(char **names)
{
	if (names)
		qsort(names, strv_len(names), sizeof(*names), compare_names);
}

/* A growing list of names whose end is known: arena_strv_add() would count from the start each time. */
struct names {
	LIST(char *) list;
};

static char **names_finish(struct arena *a, struct names *names)
{
	if (!names->list.n)
		return NULL;
	*list_add(a, &names->list) = NULL;
	sort_names(names->list.v);
	return names->list.v;
}

static int read_names(DIR *dir, struct arena *a, struct names *ret)
{
	struct dirent *d;

	errno = 0;
	while ((d = readdir(dir))) {
		if (str_equal(d->d_name, ".") || str_equal(d->d_name, ".."))
			continue;
		if (ret->list.n >= MAX_NAMES) {
			errno = E2BIG;
			return -1;
		}
		*list_add(a, &ret->list) = arena_strdup(a, d->d_name);
		errno = 0;
	}
	return errno ? -1 : 0;
}

int source_list(const struct source *src, struct arena *a, const char *path, char ***ret, struct err *e)
{
	autoclose int fd = path_open_beneath(src->rootfd, below_root(path), O_RDONLY | O_DIRECTORY, 0);
	autoclosedir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct names names = {};

	if (!dir)
		return err_errno(e, "cannot list %s in %s", path, src->name);
	(void)take_fd(&fd);
	if (read_names(dir, a, &names))
		return err_errno(e, "cannot list %s in %s", path, src->name);
	*ret = names_finish(a, &names);
	return 0;
}

bool source_is_pattern(const char *text)
{
	return strpbrk(text, "*?[") != NULL;
}

struct glob_walk {
	const struct source *src;
	struct arena *a;
	struct names found;
	struct err *e;
};

static int glob_from(struct glob_walk *g, const char *prefix, const char *rest);

/* The names of one directory against one component of the pattern. */
static int glob_directory(struct glob_walk *g, const char *prefix, const char *component, const char *rest)
{
	struct source_place place = {};
	char **names = NULL;
	int rc = source_resolve(g->src, g->a, *prefix ? prefix : "/", &place, g->e);

	if (rc || !place.exists || !S_ISDIR(place.st.st_mode))
		return rc;
	rc = source_list(g->src, g->a, place.path, &names, g->e);
	for (size_t i = 0; !rc && names && names[i]; i++)
		if (fnmatch(component, names[i], FNM_PERIOD) == 0)
			rc = glob_from(g, arena_printf(g->a, "%s/%s", prefix, names[i]), rest);
	return rc;
}

static int refuse_pattern(struct err *e)
{
	err_new(e, ERR_FAILED, "a pattern matches too much");
	err_because(e, "it leads to more than %d paths, or to one that is too long", MAX_NAMES);
	return err_try(e, "write a narrower one, or name the directory");
}

/* The whole pattern is walked: what stands there, be it a dangling link, is a match. */
static int glob_match(struct glob_walk *g, const char *path)
{
	struct source_place place = {};
	int rc = source_resolve(g->src, g->a, path, &place, g->e);

	if (rc || (!place.exists && !place.links.n))
		return rc;
	if (g->found.list.n >= MAX_NAMES)
		return refuse_pattern(g->e);
	*list_add(g->a, &g->found.list) = arena_strdup(g->a, path);
	return 0;
}

static int glob_from(struct glob_walk *g, const char *prefix, const char *rest)
{
	const char *s = rest + strspn(rest, "/");
	size_t n = strcspn(s, "/");
	char *component = arena_strndup(g->a, s, n);

	if (!n)
		return glob_match(g, *prefix ? prefix : "/");
	if (strlen(prefix) + n >= PATH_MAX)
		return refuse_pattern(g->e);
	if (source_is_pattern(component))
		return glob_directory(g, prefix, component, s + n);
	return glob_from(g, arena_printf(g->a, "%s/%s", prefix, component), s + n);
}

int source_glob(const struct source *src, struct arena *a, const char *pattern, char ***ret, struct err *e)
{
	struct glob_walk g = {.src = src, .a = a, .e = e};
	int rc = glob_from(&g, "", pattern);

	if (!rc)
		*ret = names_finish(a, &g.found);
	return rc;
}
