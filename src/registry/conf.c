/* SPDX-License-Identifier: Apache-2.0 */
/* registries.conf (conf.h). Keys that say how others should behave and that mean nothing here are known and passed over. */
#include "registry/conf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/doc.h"
#include "base/io.h"
#include "base/str.h"

enum { CONF_FILE_MAX = 256 << 10, CONF_FILES_MAX = 200 };

/* ---- one file ---- */

static int get_text(struct arena *a, const struct doc *map, const char *key, char **ret, struct err *e)
{
	const struct doc *v = doc_get(map, key);

	if (v && v->kind != DOC_STR)
		return doc_err(v, e, "%s is no text", key);
	if (v)
		*ret = arena_strdup(a, v->text);
	return 0;
}

static int get_bool(const struct doc *map, const char *key, bool *ret, struct err *e)
{
	const struct doc *v = doc_get(map, key);

	if (v && v->kind != DOC_BOOL)
		return doc_err(v, e, "%s is neither true nor false", key);
	if (v)
		*ret = !strcmp(v->text, "true");
	return 0;
}

/* "HOST[:PORT][/PATH]", without scheme, tag or trailing slash; a "*." before it where that is allowed. */
static int check_location(const struct doc *at, const char *text, bool wildcard, struct err *e)
{
	const char *rest = wildcard && str_has_prefix(text, "*.") ? text + 2 : text;

	if (!*rest || strspn(rest, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:/@") != strlen(rest) ||
	    strstr(rest, "//") || rest[strlen(rest) - 1] == '/' || *rest == '/' || *rest == '.' || *rest == '-')
		return doc_err(at, e, "'%.150s' is no HOST[:PORT][/PATH]", text);
	return 0;
}

static int check_keys(const struct doc *map, const char *const *known, struct err *e)
{
	for (const struct doc *c = map->child; c; c = c->next) {
		bool found = false;

		for (const char *const *k = known; *k && !found; k++)
			found = !strcmp(*k, c->key);
		if (!found)
			return doc_key_err(c, e, "there is no key %.80s here", c->key);
	}
	return 0;
}

static int read_mirror(struct arena *a, const struct doc *node, struct conf_mirror *m, struct err *e)
{
	static const char *const keys[] = {"location", "insecure", "pull-from-mirror", NULL};
	static const char *const words[] = {"all", "digest-only", "tag-only"};
	char *pull = NULL;
	int r;

	if (node->kind != DOC_MAP)
		return doc_err(node, e, "a mirror is no table");
	if ((r = check_keys(node, keys, e)) || (r = get_text(a, node, "location", &m->location, e)) ||
	    (r = get_bool(node, "insecure", &m->insecure, e)) || (r = get_text(a, node, "pull-from-mirror", &pull, e)))
		return r;
	if (!m->location)
		return doc_err(node, e, "the mirror has no location");
	for (size_t i = 0; pull && i <= ARRAY_SIZE(words); i++) {
		if (i == ARRAY_SIZE(words))
			return doc_err(node, e, "pull-from-mirror is all, digest-only or tag-only");
		m->pull = (enum conf_pull)i;
		if (!strcmp(pull, words[i]))
			break;
	}
	return check_location(node, m->location, false, e);
}

static int read_mirrors(struct arena *a, const struct doc *node, struct conf_registry *entry, struct err *e)
{
	const struct doc *list = doc_get(node, "mirror");
	int r = 0;

	if (list && list->kind != DOC_LIST)
		return doc_err(list, e, "mirror is no list of tables");
	for (const struct doc *c = list ? list->child : NULL; c && !r; c = c->next)
		r = read_mirror(a, c, list_add(a, &entry->mirrors), e);
	return r;
}

/* Where its prefix had an entry, the new one takes its place. */
static void put_registry(struct arena *a, struct conf *conf, const struct conf_registry *entry)
{
	for (size_t i = 0; i < conf->registries.n; i++) {
		if (strcmp(conf->registries.v[i].prefix, entry->prefix))
			continue;
		conf->registries.v[i] = *entry;
		return;
	}
	*list_add(a, &conf->registries) = *entry;
}

static int read_registry(struct arena *a, struct conf *conf, const struct doc *node, struct err *e)
{
	static const char *const keys[] = {"prefix",  "location",	       "insecure", "blocked",
					   "mirror", "mirror-by-digest-only", NULL};
	struct conf_registry entry = {};
	int r;

	if (node->kind != DOC_MAP)
		return doc_err(node, e, "a registry is no table");
	if ((r = check_keys(node, keys, e)) || (r = get_text(a, node, "prefix", &entry.prefix, e)) ||
	    (r = get_text(a, node, "location", &entry.location, e)) ||
	    (r = get_bool(node, "insecure", &entry.insecure, e)) || (r = get_bool(node, "blocked", &entry.blocked, e)) ||
	    (r = get_bool(node, "mirror-by-digest-only", &entry.by_digest_only, e)) ||
	    (r = read_mirrors(a, node, &entry, e)))
		return r;
	if (entry.location && !*entry.location)
		entry.location = NULL;
	if (!entry.prefix || !*entry.prefix)
		entry.prefix = entry.location;
	if (!entry.prefix)
		return doc_err(node, e, "the registry has neither prefix nor location");
	r = check_location(node, entry.prefix, true, e);
	if (!r && entry.location)
		r = check_location(node, entry.location, false, e);
	if (!r)
		put_registry(a, conf, &entry);
	return r;
}

static int read_search(struct arena *a, struct conf *conf, const struct doc *list, struct err *e)
{
	int r = 0;

	if (!list)
		return 0;
	if (list->kind != DOC_LIST)
		return doc_err(list, e, "unqualified-search-registries is no list");
	conf->search = NULL;
	for (const struct doc *c = list->child; c && !r; c = c->next) {
		r = c->kind == DOC_STR ? check_location(c, c->text, false, e) : doc_err(c, e, "it is no text");
		if (!r)
			arena_strv_add(a, &conf->search, c->text);
	}
	return r;
}

static void put_alias(struct arena *a, struct conf *conf, const char *name, const char *value)
{
	size_t n = strlen(name);
	char *pair = arena_printf(a, "%s=%s", name, value);

	for (char **p = conf->aliases; p && *p; p++) {
		if (strncmp(*p, name, n) || (*p)[n] != '=')
			continue;
		*p = pair;
		return;
	}
	arena_strv_add(a, &conf->aliases, pair);
}

/* An empty value takes an alias away. */
static int read_aliases(struct arena *a, struct conf *conf, const struct doc *map, struct err *e)
{
	if (map && map->kind != DOC_MAP)
		return doc_err(map, e, "aliases is no table");
	for (const struct doc *c = map ? map->child : NULL; c; c = c->next) {
		if (c->kind != DOC_STR || strchr(c->key, '='))
			return doc_err(c, e, "an alias is NAME = \"HOST/REPOSITORY\"");
		put_alias(a, conf, c->key, c->text);
	}
	return 0;
}

int conf_add(struct arena *a, struct conf *conf, const char *file, const char *text, size_t len, struct err *e)
{
	static const char *const keys[] = {"unqualified-search-registries", "registry", "aliases", "short-name-mode",
					   "credential-helpers", "additional-layer-store-auth-helper", NULL};
	struct doc *root;
	const struct doc *list;
	int r = doc_parse_toml(a, file, text, len, &root, e);

	if (!r && doc_get(root, "registries"))
		return doc_err(doc_get(root, "registries"), e,
			       "this is the old format of registries.conf: write [[registry]] tables");
	if (r || (r = check_keys(root, keys, e)) ||
	    (r = read_search(a, conf, doc_get(root, "unqualified-search-registries"), e)) ||
	    (r = read_aliases(a, conf, doc_get(root, "aliases"), e)))
		return r;
	list = doc_get(root, "registry");
	if (list && list->kind != DOC_LIST)
		return doc_err(list, e, "write [[registry]] with two brackets: there may be several");
	for (const struct doc *c = list ? list->child : NULL; c && !r; c = c->next)
		r = read_registry(a, conf, c, e);
	return r;
}

/* ---- all files ---- */

static int add_file(struct arena *a, struct conf *conf, const char *path, bool *ret_found, struct err *e)
{
	autofree char *text = NULL;
	struct err why = {};
	size_t len;
	int r = io_read_file(AT_FDCWD, path, CONF_FILE_MAX, &text, &len, &why);

	*ret_found = r == 0;
	if (r && (why.errnum == ENOENT || why.errnum == ENOTDIR || why.errnum == EACCES))
		return 0;
	if (r) {
		*e = why;
		return r;
	}
	r = conf_add(a, conf, arena_strdup(a, path), text, len, e);
	if (r && !e->hint[0]) {
		if (!e->because[0])
			err_because(e, "it is read to know where images come from");
		err_try(e, "man containers-registries.conf");
	}
	return r;
}

static int compare_names(const void *x, const void *y)
{
	return strcmp(*(char *const *)x, *(char *const *)y);
}

static int add_dir(struct arena *a, struct conf *conf, const char *path, struct err *e)
{
	autoclosedir DIR *dir = opendir(path);
	char **names = NULL;
	bool found;
	int r = 0;

	if (!dir)
		return 0;
	for (struct dirent *d; (d = readdir(dir));)
		if (str_has_suffix(d->d_name, ".conf") && d->d_name[0] != '.' && strv_len(names) < CONF_FILES_MAX)
			arena_strv_add(a, &names, d->d_name);
	if (names)
		qsort(names, strv_len(names), sizeof(*names), compare_names);
	for (; names && *names && !r; names++)
		r = add_file(a, conf, arena_printf(a, "%s/%s", path, *names), &found, e);
	return r;
}

static char *user_dir(struct arena *a)
{
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (xdg && *xdg == '/')
		return arena_printf(a, "%s/containers", xdg);
	return home && *home == '/' ? arena_printf(a, "%s/.config/containers", home) : NULL;
}

int conf_load(struct arena *a, struct conf *ret, struct err *e)
{
	const char *own = getenv("CONTAINERS_REGISTRIES_CONF");
	char *user = user_dir(a);
	struct conf conf = {};
	bool found = false;
	int r = 0;

	if (own && *own)
		r = add_file(a, &conf, own, &found, e);
	if (!r && !(own && *own) && user)
		r = add_file(a, &conf, arena_printf(a, "%s/registries.conf", user), &found, e);
	if (!r && !(own && *own) && !found)
		r = add_file(a, &conf, "/etc/containers/registries.conf", &found, e);
	if (!r)
		r = add_dir(a, &conf, "/etc/containers/registries.conf.d", e);
	if (!r && user)
		r = add_dir(a, &conf, arena_printf(a, "%s/registries.conf.d", user), e);
	if (!r)
		*ret = conf;
	return r;
}

/* ---- lookups ---- */

/* How many characters of the name the prefix takes; 0 when it is none. */
static size_t prefix_len(const char *prefix, const char *name)
{
	size_t n = strlen(prefix);

	if (str_has_prefix(prefix, "*.")) {
		size_t host = strcspn(name, ":/"), tail = n - 1;

		return host > tail && !strncmp(name + host - tail, prefix + 1, tail) ? host : 0;
	}
	if (strncmp(prefix, name, n) || (name[n] && name[n] != '/' && name[n] != ':' && name[n] != '@'))
		return 0;
	return n;
}

const struct conf_registry *conf_find(const struct conf *conf, const char *repository)
{
	const struct conf_registry *best = NULL;
	size_t best_len = 0;

	for (size_t i = 0; i < conf->registries.n; i++) {
		const struct conf_registry *entry = &conf->registries.v[i];
		size_t n = prefix_len(entry->prefix, repository) ? strlen(entry->prefix) : 0;

		if (n > best_len) {
			best = entry;
			best_len = n;
		}
	}
	return best;
}

char *conf_rewrite(struct arena *a, const struct conf_registry *entry, const char *location, const char *repository)
{
	size_t n = prefix_len(entry->prefix, repository);
	char *place = arena_printf(a, "%s%s", location, repository + n);

	return strchr(place, '/') && !strpbrk(place, "@ ") ? place : NULL;
}
