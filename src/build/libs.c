/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loader's search as a queue: each object that is found is appended once per program, and its needs are
 * looked for in the order of ld.so(8). Objects are read once per build.
 */
#include "build/libs.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"

enum {
	MAX_CONF_BYTES = 1 << 20,
	MAX_CONF_DEPTH = 8,
	MAX_CONF_DIRS = 1024,
	MAX_QUEUE = 8192,
};

/* ---- ld.so.conf ---- */

static int read_conf(struct libs *l, const char *path, unsigned depth, struct err *e);

static int read_include(struct libs *l, const char *pattern, unsigned depth, struct err *e)
{
	char **paths = NULL;
	int rc;

	if (pattern[0] != '/')
		pattern = arena_printf(l->arena, "/etc/%s", pattern);
	rc = source_glob(l->source, l->arena, pattern, &paths, e);
	for (size_t i = 0; !rc && paths && paths[i]; i++)
		rc = read_conf(l, paths[i], depth + 1, e);
	return rc;
}

/* One line: a directory, "include PATTERN", or something that only ldconfig knows. */
static int read_conf_line(struct libs *l, char *line, unsigned depth, struct err *e)
{
	char *end = line + strcspn(line, "#");

	while (end > line && strchr(" \t\r", end[-1]))
		end--;
	*end = 0;
	line += strspn(line, " \t");
	if (str_has_prefix(line, "include ") || str_has_prefix(line, "include\t"))
		return read_include(l, line + 8 + strspn(line + 8, " \t"), depth, e);
	if (line[0] == '/' && strv_len(l->conf_dirs) < MAX_CONF_DIRS)
		arena_strv_add(l->arena, &l->conf_dirs, line);
	return 0;
}

static int read_conf(struct libs *l, const char *path, unsigned depth, struct err *e)
{
	struct source_place place = {};
	autofree char *text = NULL;
	autoclose int fd = -1;
	char *rest, *line;
	size_t len;
	int rc = source_resolve(l->source, l->arena, path, &place, e);

	if (rc || !place.exists || !S_ISREG(place.st.st_mode) || depth > MAX_CONF_DEPTH)
		return rc;
	fd = source_open_file(l->source, place.path);
	if (fd < 0)
		return err_errno(e, "cannot open %s in %s", path, l->source->name);
	rc = io_read_fd(fd, MAX_CONF_BYTES, &text, &len, e);
	rest = text;
	while (!rc && rest && (line = strsep(&rest, "\n")))
		rc = read_conf_line(l, line, depth, e);
	return rc;
}

int libs_open(struct libs *l, const struct source *source, struct arena *a, struct err *e)
{
	*l = (struct libs){.source = source, .arena = a};
	return read_conf(l, "/etc/ld.so.conf", 0, e);
}

/* ---- objects ---- */

static const struct libs_object *known_object(const struct libs *l, const struct source *where,
					      const char *path)
{
	for (size_t i = 0; i < l->objects.n; i++)
		if (l->objects.v[i].where == where && str_equal(l->objects.v[i].path, path))
			return &l->objects.v[i];
	return NULL;
}

/* The object at a place that exists; its path is free of links. */
static int read_place(struct libs *l, const struct source *where, const struct source_place *place,
		      struct libs_object *ret, struct err *e)
{
	const struct libs_object *known = known_object(l, where, place->path);
	struct libs_object object = {.where = where, .path = place->path};
	autoclose int fd = -1;
	int rc;

	if (known) {
		*ret = *known;
		return 0;
	}
	if (S_ISREG(place->st.st_mode)) {
		fd = source_open_file(where, place->path);
		if (fd < 0)
			return err_errno(e, "cannot open %s in %s", place->path, where->name);
		rc = elf_read(l->arena, fd, place->path, &object.elf, e);
		if (rc)
			return rc;
	}
	*list_add(l->arena, &l->objects) = object;
	*ret = object;
	return 0;
}

int libs_read(struct libs *l, const struct source *where, const char *path, struct libs_object *ret,
	      struct err *e)
{
	struct source_place place = {};
	int rc = source_resolve(where, l->arena, path, &place, e);

	if (rc)
		return rc;
	if (!place.exists) {
		err_new(e, ERR_NOT_FOUND, "%s does not exist in %s", path, where->name);
		err_because(e, "%s is missing there", place.path);
		return err_try(e, "correct the path, or name the tree that has it: --from TREE");
	}
	return read_place(l, where, &place, ret, e);
}

/* ---- the search ---- */

/* An object in the queue of one program. */
struct queued {
	char *path;   /* as found */
	char *origin; /* directory that $ORIGIN means */
	char *name;   /* DT_NEEDED that it was found by, NULL for the program */
	size_t parent; /* who loaded it; itself for the program */
	struct elf elf;
};

struct search {
	struct libs *l;
	LIST(struct queued) queue;
	struct libs_needs *needs;
	struct str looked; /* directories, for the message */
	struct err *e;
};

/* What one look-up found. */
struct hit {
	char *path;
	bool by_cache; /* in a directory of ld.so.conf: the loader knows it only from its cache */
	struct elf elf;
};

static char *directory_of(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash != path ? arena_strndup(a, path, (size_t)(slash - path)) :
					arena_strdup(a, slash ? "/" : ".");
}

static bool same_machine(const struct elf *a, const struct elf *b)
{
	return a->is_elf && a->machine == b->machine && a->is_64 == b->is_64 &&
	       a->big_endian == b->big_endian;
}

/* Is there a fitting object at this path? 1: no. */
static int try_path(struct libs *l, const struct elf *like, char *path, struct hit *ret, struct err *e)
{
	struct source_place place = {};
	struct libs_object object = {};
	int rc = strlen(path) >= PATH_MAX ? 1 : source_resolve(l->source, l->arena, path, &place, e);

	if (rc || !place.exists || !S_ISREG(place.st.st_mode))
		return rc ? rc : 1;
	rc = read_place(l, l->source, &place, &object, e);
	if (rc)
		return rc;
	if (!same_machine(&object.elf, like))
		return 1;
	ret->path = path;
	ret->elf = object.elf;
	return 0;
}

static int try_directory(struct search *s, const struct elf *like, const char *dir, const char *name, struct hit *ret)
{
	if (s->looked.len < 240)
		str_addf(&s->looked, "%s%s", s->looked.len ? " " : "", dir);
	return try_path(s->l, like, arena_printf(s->l->arena, "%s/%s", dir, name), ret, s->e);
}

/* $LIB of Debian and of the others: the loader has one of them built in. Both are tried. */
static const char *lib_word(const struct elf *like, unsigned variant)
{
	if (variant == 0)
		return elf_multiarch(like);
	return like->is_64 ? "lib64" : "lib";
}

/* Adds the value of the $WORD or ${WORD} at *at; false for a word that is not known. */
static bool expand_word(struct str *out, const char **at, const struct queued *from, unsigned variant)
{
	bool brace = (*at)[1] == '{';
	const char *word = *at + 1 + brace;
	size_t n = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");

	if (brace && word[n] != '}')
		return false;
	*at = word + n + brace;
	if (n == 6 && !memcmp(word, "ORIGIN", 6)) {
		str_add(out, from->origin);
		return true;
	}
	if (n == 3 && !memcmp(word, "LIB", 3)) {
		str_addf(out, "%s%s", variant == 0 ? "lib/" : "", lib_word(&from->elf, variant) ?: "lib");
		return true;
	}
	return false;
}

/* One directory of a search path with its words replaced; NULL when it can't be, or is not absolute. */
static char *expand_directory(struct arena *a, const char *dir, const struct queued *from, unsigned variant)
{
	autostr out = {};

	while (*dir) {
		if (*dir != '$')
			str_add_char(&out, *dir++);
		else if (!expand_word(&out, &dir, from, variant))
			return NULL;
	}
	return str_text(&out)[0] == '/' ? arena_strdup(a, out.text) : NULL;
}

static int try_expanded(struct search *s, const struct queued *from, const char *dir, const char *name, struct hit *ret)
{
	unsigned variants = strstr(dir, "LIB") ? 2 : 1;
	int rc = 1;

	for (unsigned v = 0; rc == 1 && v < variants; v++) {
		char *expanded = expand_directory(s->l->arena, dir, from, v);

		if (expanded)
			rc = try_directory(s, &from->elf, expanded, name, ret);
	}
	return rc;
}

/* A DT_RPATH or DT_RUNPATH: directories with ":" between them. */
static int try_search_path(struct search *s, const struct queued *from, const char *path, const char *name,
			   struct hit *ret)
{
	char *copy = path ? arena_strdup(s->l->arena, path) : NULL, *dir;
	int rc = 1;

	while (rc == 1 && copy && (dir = strsep(&copy, ":")))
		rc = try_expanded(s, from, dir, name, ret);
	return rc;
}

static int try_rpaths(struct search *s, size_t at, const char *name, struct hit *ret)
{
	int rc = 1;

	if (s->queue.v[at].elf.runpath)
		return 1;
	for (;;) {
		const struct queued *from = &s->queue.v[at];

		if (!from->elf.runpath)
			rc = try_search_path(s, from, from->elf.rpath, name, ret);
		if (rc != 1 || from->parent == at)
			return rc;
		at = from->parent;
	}
}

static int try_conf_dirs(struct search *s, const struct elf *like, const char *name, struct hit *ret)
{
	int rc = 1;

	for (char **dir = s->l->conf_dirs; rc == 1 && dir && *dir; dir++)
		rc = try_directory(s, like, *dir, name, ret);
	return rc;
}

/* What every loader searches by itself. */
static int try_default_dirs(struct search *s, const struct elf *like, const char *name, struct hit *ret)
{
	static const char *const plain[] = {"/lib64", "/usr/lib64", "/lib", "/usr/lib", NULL};
	const char *multiarch = elf_multiarch(like);
	const char *musl = s->queue.n ? s->queue.v[0].elf.interp : NULL;
	struct arena *a = s->l->arena;
	int rc = 1;

	if (multiarch)
		rc = try_directory(s, like, arena_printf(a, "/lib/%s", multiarch), name, ret);
	if (multiarch && rc == 1)
		rc = try_directory(s, like, arena_printf(a, "/usr/lib/%s", multiarch), name, ret);
	for (size_t i = 0; rc == 1 && plain[i]; i++)
		if (like->is_64 || !str_has_suffix(plain[i], "64"))
			rc = try_directory(s, like, plain[i], name, ret);
	if (rc == 1 && musl && strstr(musl, "ld-musl"))
		rc = try_directory(s, like, "/usr/local/lib", name, ret);
	return rc;
}

/*
 * The cache stands between RUNPATH and the default directories, and holds those too; a library of
 * ld.so.conf that has a twin in a default directory is the one the tree's programs use.
 */
static int try_system(struct search *s, const struct elf *like, const char *name, struct hit *ret)
{
	int rc = try_conf_dirs(s, like, name, ret);

	if (rc == 0)
		ret->by_cache = true;
	return rc == 1 ? try_default_dirs(s, like, name, ret) : rc;
}

static int find_library(struct search *s, size_t at, const char *name, struct hit *ret)
{
	const struct elf *like = &s->queue.v[at].elf;
	int rc;

	str_reset(&s->looked);
	if (strchr(name, '/'))
		return name[0] == '/' ? try_path(s->l, like, arena_strdup(s->l->arena, name), ret, s->e) : 1;
	rc = try_rpaths(s, at, name, ret);
	if (rc == 1)
		rc = try_search_path(s, &s->queue.v[at], like->runpath, name, ret);
	return rc == 1 ? try_system(s, like, name, ret) : rc;
}

/* ---- the queue ---- */

static bool is_loaded(const struct search *s, const char *name)
{
	for (size_t i = 0; i < s->queue.n; i++)
		if (str_equal(s->queue.v[i].name, name) || str_equal(s->queue.v[i].elf.soname, name))
			return true;
	return false;
}

/* A directory that the loader of the program searches without a cache. */
static char *default_directory(const struct search *s)
{
	const char *multiarch = elf_multiarch(&s->queue.v[0].elf);

	return multiarch ? arena_printf(s->l->arena, "/usr/lib/%s", multiarch) :
			   arena_strdup(s->l->arena, "/usr/lib");
}

static bool is_default_directory(const struct search *s, const char *dir)
{
	const char *multiarch = elf_multiarch(&s->queue.v[0].elf);
	const char *rest = str_has_prefix(dir, "/usr/lib") ? dir + 8 : dir + 4;

	if (!str_has_prefix(dir, "/lib") && !str_has_prefix(dir, "/usr/lib"))
		return false;
	return !*rest || str_equal(rest, "64") || (multiarch && *rest == '/' && str_equal(rest + 1, multiarch));
}

static int missing(struct search *s, size_t at, const char *name)
{
	err_new(s->e, ERR_NOT_FOUND, "%s needs %s, which %s does not have", s->queue.v[at].path, name,
		s->l->source->name);
	err_because(s->e, "looked in: %s", s->looked.len ? s->looked.text : "its own path");
	return err_try(s->e, "put the package with %s into the tree, or write `libraries: none`", name);
}

static int refuse_many(struct search *s)
{
	err_new(s->e, ERR_FAILED, "%s needs too many libraries", s->queue.v[0].path);
	err_because(s->e, "more than %d", MAX_QUEUE);
	return err_try(s->e, "libraries: none");
}

static int need(struct search *s, size_t at, const char *name)
{
	struct hit hit = {};
	struct libs_need *found;
	struct queued *q;
	char *dir;
	int rc;

	if (is_loaded(s, name))
		return 0;
	rc = find_library(s, at, name, &hit);
	if (rc)
		return rc == 1 ? missing(s, at, name) : rc;
	if (s->queue.n >= MAX_QUEUE)
		return refuse_many(s);
	dir = directory_of(s->l->arena, hit.path);
	q = list_add(s->l->arena, &s->queue);
	*q = (struct queued){.path = hit.path, .name = arena_strdup(s->l->arena, name), .parent = at, .elf = hit.elf};
	q->origin = dir;
	found = list_add(s->l->arena, &s->needs->list);
	*found = (struct libs_need){.path = hit.path, .name = q->name};
	if (hit.by_cache && !is_default_directory(s, dir))
		found->shortcut = default_directory(s);
	return 0;
}

/* The loader is in the process from the start: libraries that need it by its soname are served. */
static void take_interp(struct search *s, const struct hit *hit)
{
	struct queued *q = list_add(s->l->arena, &s->queue);
	struct libs_need *found = list_add(s->l->arena, &s->needs->list);

	*q = (struct queued){.path = hit->path, .name = hit->path, .elf = hit->elf};
	q->origin = directory_of(s->l->arena, hit->path);
	*found = (struct libs_need){.path = hit->path, .name = hit->path};
}

static int need_interp(struct search *s)
{
	const char *interp = s->queue.v[0].elf.interp;
	struct hit hit = {};
	int rc;

	if (!interp)
		return 0;
	rc = interp[0] == '/' ?
		     try_path(s->l, &s->queue.v[0].elf, arena_strdup(s->l->arena, interp), &hit, s->e) : 1;
	if (rc == 1) {
		str_reset(&s->looked);
		return missing(s, 0, interp);
	}
	if (!rc)
		take_interp(s, &hit);
	return rc;
}

static int need_all(struct search *s)
{
	int rc = need_interp(s);

	for (size_t at = 0; !rc && at < s->queue.n; at++) {
		char **names = s->queue.v[at].elf.needed;

		for (size_t i = 0; !rc && names && names[i]; i++)
			rc = need(s, at, names[i]);
	}
	return rc;
}

int libs_find(struct libs *l, const struct source *where, const char *path, struct libs_needs *needs,
	      struct err *e)
{
	struct search s = {.l = l, .needs = needs, .e = e};
	struct libs_object object = {};
	struct queued *first;
	int rc = libs_read(l, where, path, &object, e);

	if (rc || !object.elf.is_dynamic)
		return rc;
	first = list_add(l->arena, &s.queue);
	first->path = object.path;
	first->origin = directory_of(l->arena, object.path);
	first->elf = object.elf;
	rc = need_all(&s);
	str_free(&s.looked);
	return rc;
}

int libs_find_name(struct libs *l, const struct elf *like, const char *name, char **ret_path, struct err *e)
{
	struct search s = {.l = l, .e = e};
	struct hit hit = {};
	int rc = try_system(&s, like, name, &hit);

	str_free(&s.looked);
	if (rc < 0)
		return rc;
	*ret_path = rc == 0 ? hit.path : NULL;
	return 0;
}
