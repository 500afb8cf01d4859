/* SPDX-License-Identifier: Apache-2.0 */
/* The format of auth.json (auth_file.h): base64 of USER:PASSWORD below auths, helpers by host. Pure. */
#include "registry/auth_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/doc.h"
#include "base/str.h"
#include "registry/base64.h"

enum { AUTH_BASE64_MAX = 64 << 10 };

/* docker's keys may be URLs: the scheme goes, and the version that docker.io's has. */
static char *normal_key(struct arena *a, const char *key)
{
	char *k;

	if (str_has_prefix(key, "https://"))
		key += strlen("https://");
	else if (str_has_prefix(key, "http://"))
		key += strlen("http://");
	k = arena_strdup(a, key);
	for (size_t n = strlen(k); n && k[n - 1] == '/'; n--)
		k[n - 1] = 0;
	if (str_has_suffix(k, "/v1") || str_has_suffix(k, "/v2"))
		k[strlen(k) - 3] = 0;
	return str_equal(k, "index.docker.io") || str_equal(k, "registry-1.docker.io") ? arena_strdup(a, "docker.io") : k;
}

/* Text in base64; NULL when it is none. */
static char *decode(struct arena *a, const char *text)
{
	size_t n = 0;
	char *bytes = strlen(text) > AUTH_BASE64_MAX ? NULL : base64_decode(a, text, &n);

	return bytes && !memchr(bytes, 0, n) ? bytes : NULL;
}

static int read_auth(struct arena *a, const struct doc *node, struct credentials *c, struct err *e)
{
	const char *auth = doc_get_str(node, "auth"), *token = doc_get_str(node, "identitytoken");
	const char *user = doc_get_str(node, "username"), *password = doc_get_str(node, "password");
	char *pair = auth && *auth ? decode(a, auth) : NULL, *colon = pair ? strchr(pair, ':') : NULL;

	if (auth && *auth && !colon)
		return doc_err(node, e, "auth is no base64 of USER:PASSWORD");
	if (colon) {
		*colon = 0;
		c->user = pair;
		c->password = colon + 1;
		c->password[strcspn(c->password, "\r\n")] = 0;
	} else if (user && password) {
		c->user = arena_strdup(a, user);
		c->password = arena_strdup(a, password);
	}
	if (token && *token)
		c->identity_token = arena_strdup(a, token);
	return 0;
}

static int read_auths(struct arena *a, const char *file, const struct doc *map, struct auth_file *ret, struct err *e)
{
	if (map && map->kind != DOC_MAP && map->kind != DOC_NULL)
		return doc_err(map, e, "auths is no object");
	for (const struct doc *c = map ? map->child : NULL; c; c = c->next) {
		struct auth_entry entry = {.key = normal_key(a, c->key), .credentials.origin = arena_strdup(a, file)};
		int r = c->kind == DOC_MAP ? read_auth(a, c, &entry.credentials, e) : doc_err(c, e, "it is no object");

		if (r)
			return r;
		if (entry.credentials.user || entry.credentials.identity_token)
			*list_add(a, &ret->entries) = entry;
	}
	return 0;
}

/* The name becomes part of a program's: letters, digits, "-", "_" and "." alone. */
static bool is_helper(const char *name)
{
	size_t n = strlen(name);

	return n && n < 100 && *name != '.' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == n;
}

static int read_helpers(struct arena *a, const struct doc *root, struct auth_file *ret, struct err *e)
{
	const struct doc *map = doc_get(root, "credHelpers");
	const char *store = doc_get_str(root, "credsStore");

	if (store && *store) {
		if (!is_helper(store))
			return doc_err(root, e, "credsStore '%.60s' is no name of a helper", store);
		ret->store = arena_strdup(a, store);
	}
	for (const struct doc *c = map && map->kind == DOC_MAP ? map->child : NULL; c; c = c->next) {
		if (c->kind != DOC_STR || !is_helper(c->text))
			return doc_err(c, e, "the credential helper of %.80s has no name", c->key);
		arena_strv_add(a, &ret->helpers, arena_printf(a, "%s=%s", normal_key(a, c->key), c->text));
	}
	return 0;
}

int auth_file_parse(struct arena *a, const char *file, const char *text, size_t len, struct auth_file *ret, struct err *e)
{
	struct auth_file parsed = {};
	struct doc *root;
	int r = doc_parse_json(a, file, text, len, &root, e);

	if (!r && root->kind != DOC_MAP)
		r = doc_err(root, e, "it is no object");
	if (!r)
		r = read_auths(a, file, doc_get(root, "auths"), &parsed, e);
	if (!r)
		r = read_helpers(a, root, &parsed, e);
	if (!r)
		*ret = parsed;
	return r;
}

static bool covers(const char *key, const char *repository)
{
	size_t n = strlen(key);

	return n && !strncmp(key, repository, n) && (!repository[n] || repository[n] == '/');
}

const struct credentials *auth_file_find(const struct auth_file *file, const char *repository)
{
	const struct auth_entry *best = NULL;

	for (size_t i = 0; i < file->entries.n; i++) {
		const struct auth_entry *entry = &file->entries.v[i];

		if (covers(entry->key, repository) && (!best || strlen(entry->key) > strlen(best->key)))
			best = entry;
	}
	return best ? &best->credentials : NULL;
}

/* ---- writing ---- */

static struct doc *new_node(struct arena *a, enum doc_kind kind, const char *key, const char *text)
{
	struct doc *node = arena_new(a, struct doc);

	node->kind = kind;
	node->key = key;
	node->text = text;
	return node;
}

static void put_child(struct doc *map, struct doc *node)
{
	struct doc **end = &map->child;

	while (*end)
		end = &(*end)->next;
	*end = node;
	map->n++;
}

/* All spellings of the key go. */
static bool drop_child(struct arena *a, struct doc *map, const char *key)
{
	bool dropped = false;

	for (struct doc **at = &map->child; *at;) {
		if (strcmp(normal_key(a, (*at)->key), key)) {
			at = &(*at)->next;
			continue;
		}
		*at = (*at)->next;
		dropped = true;
	}
	return dropped;
}

static struct doc *make_entry(struct arena *a, const char *key, const struct credentials *c)
{
	char *pair = arena_printf(a, "%s:%s", c->user, c->password);
	struct doc *entry = new_node(a, DOC_MAP, key, NULL);

	put_child(entry, new_node(a, DOC_STR, "auth", base64_encode(a, pair, strlen(pair))));
	return entry;
}

int auth_file_edit(struct arena *a, const char *file, const char *text, size_t len, const char *key,
		   const struct credentials *credentials, char **ret_text, bool *ret_changed, struct err *e)
{
	struct doc *root = new_node(a, DOC_MAP, NULL, NULL), *auths = NULL;
	autostr out = {};

	if (text && doc_parse_json(a, file, text, len, &root, e))
		return -e->code;
	if (root->kind != DOC_MAP)
		return doc_err(root, e, "it is no object");
	for (struct doc *c = root->child; c; c = c->next)
		auths = !strcmp(c->key, "auths") && c->kind == DOC_MAP ? c : auths;
	if (!auths) {
		auths = new_node(a, DOC_MAP, "auths", NULL);
		put_child(root, auths);
	}
	*ret_changed = drop_child(a, auths, key);
	if (credentials) {
		put_child(auths, make_entry(a, key, credentials));
		*ret_changed = true;
	}
	doc_write_json(&out, root, true);
	str_add_char(&out, '\n');
	*ret_text = arena_strdup(a, out.text);
	return 0;
}
