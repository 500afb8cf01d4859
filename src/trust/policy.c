/* SPDX-License-Identifier: Apache-2.0 */
/* policy.json to structs and the scope that decides (trust/policy.h). */
#include "trust/policy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/doc.h"
#include "base/io.h"
#include "base/rootless.h"
#include "base/str.h"
#include "trust/scope.h"

enum { POLICY_FILE_MAX = 1 << 20, POLICY_SCOPES_MAX = 10000 };
#define HOST_POLICY "/etc/containers/policy.json"

/* ---- keys of a map ---- */

/* Every key is one of the list, NULL-terminated. */
static int check_keys(const struct doc *map, const char *const *known, struct err *e)
{
	if (map->kind != DOC_MAP)
		return doc_err(map, e, "a map was expected");
	for (const struct doc *d = map->child; d; d = d->next) {
		size_t i = 0;

		while (known[i] && strcmp(known[i], d->key) != 0)
			i++;
		if (!known[i])
			return doc_key_err(d, e, "there is no key '%.60s' here", d->key);
	}
	return 0;
}

static int get_text(struct arena *a, const struct doc *map, const char *key, char **ret, struct err *e)
{
	const struct doc *d = doc_get(map, key);

	if (!d || d->kind != DOC_STR || !*d->text)
		return doc_err(d ? d : map, e, "'%s' must be a text", key);
	*ret = arena_strdup(a, d->text);
	return 0;
}

/* ---- requirements ---- */

static const struct {
	const char *name;
	enum policy_match match;
	const char *reference, *second; /* the keys that it has beside "type" */
} identities[] = {
	{"matchRepoDigestOrExact", POLICY_MATCH_REPO_DIGEST_OR_EXACT, NULL, NULL},
	{"matchExact", POLICY_MATCH_EXACT, NULL, NULL},
	{"matchRepository", POLICY_MATCH_REPOSITORY, NULL, NULL},
	{"exactReference", POLICY_EXACT_REFERENCE, "dockerReference", NULL},
	{"exactRepository", POLICY_EXACT_REPOSITORY, "dockerRepository", NULL},
	{"remapIdentity", POLICY_REMAP_IDENTITY, "prefix", "signedPrefix"},
};

static int parse_identity(struct arena *a, const struct doc *node, struct policy_identity *ret, struct err *e)
{
	const char *type = doc_get_str(node, "type");
	size_t i = 0;
	int r = 0;

	if (!node)
		return 0;
	while (i < ARRAY_SIZE(identities) && !str_equal(type, identities[i].name))
		i++;
	if (i == ARRAY_SIZE(identities))
		return doc_err(node, e, "there is no signedIdentity of the type '%.60s'", type ? type : "");
	const char *known[] = {"type", identities[i].reference, identities[i].second, NULL};

	r = check_keys(node, known, e);
	ret->match = identities[i].match;
	if (r == 0 && identities[i].reference)
		r = get_text(a, node, identities[i].reference, &ret->reference, e);
	if (r == 0 && identities[i].second)
		r = get_text(a, node, identities[i].second, &ret->signed_prefix, e);
	return r;
}

static int add_key(struct arena *a, struct policy_requirement *q, const struct doc *d, bool is_data, struct err *e)
{
	if (d->kind != DOC_STR || !*d->text)
		return doc_err(d, e, "a %s must be a text", is_data ? "key" : "path");
	if (!is_data && d->text[0] != '/')
		return doc_err(d, e, "the path of a key must be absolute");
	struct policy_key *key = list_add(a, &q->keys);

	*(is_data ? &key->base64 : &key->path) = arena_strdup(a, d->text);
	return 0;
}

static const struct {
	const char *key;
	bool is_data, is_list;
} key_places[] = {
	{"keyPath", false, false},
	{"keyPaths", false, true},
	{"keyData", true, false},
	{"keyDatas", true, true},
};

/* Exactly one of the ways to name keys. */
static int parse_key_places(struct arena *a, const struct doc *node, struct policy_requirement *q, struct err *e)
{
	size_t found = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(key_places); i++) {
		const struct doc *d = doc_get(node, key_places[i].key);

		if (!d)
			continue;
		found++;
		if (key_places[i].is_list && (d->kind != DOC_LIST || !d->n))
			return doc_err(d, e, "'%s' must be a list that is not empty", key_places[i].key);
		for (const struct doc *k = key_places[i].is_list ? d->child : d; r == 0 && k;
		     k = key_places[i].is_list ? k->next : NULL)
			r = add_key(a, q, k, key_places[i].is_data, e);
	}
	if (r == 0 && found != 1)
		r = doc_err(node, e, "exactly one of keyPath, keyPaths and keyData must say which keys");
	return r;
}

static int parse_signed_by(struct arena *a, const struct doc *node, struct policy_requirement *q, struct err *e)
{
	static const char *const known[] = {"type", "keyType", "keyPath", "keyPaths", "keyData", "signedIdentity", NULL};
	const char *type = doc_get_str(node, "keyType");
	int r = check_keys(node, known, e);

	if (r == 0 && str_equal(type, "GPGKeys"))
		r = parse_key_places(a, node, q, e);
	else if (r == 0) {
		q->type = POLICY_UNSUPPORTED;
		q->unsupported = arena_printf(a, "signedBy with the key type '%.60s'", type ? type : "");
	}
	return r < 0 ? r : parse_identity(a, doc_get(node, "signedIdentity"), &q->identity, e);
}

/* What is not built yet is refused by name where it covers an image, not before. */
static const char *sigstore_unsupported(const struct doc *node)
{
	static const char *const log_keys[] = {"rekorPublicKeyPath", "rekorPublicKeyPaths", "rekorPublicKeyData",
					       "rekorPublicKeyDatas", NULL};

	if (doc_get(node, "fulcio"))
		return "keyless certificates (fulcio)";
	if (doc_get(node, "pki"))
		return "certificates (pki)";
	for (const char *const *k = log_keys; *k; k++)
		if (doc_get(node, *k))
			return "entries of a transparency log (rekorPublicKey…)";
	return NULL;
}

static int parse_sigstore(struct arena *a, const struct doc *node, struct policy_requirement *q, struct err *e)
{
	static const char *const known[] = {"type", "keyPath", "keyPaths", "keyData", "keyDatas", "fulcio", "pki",
					    "rekorPublicKeyPath", "rekorPublicKeyPaths", "rekorPublicKeyData",
					    "rekorPublicKeyDatas", "signedIdentity", NULL};
	const char *unsupported = sigstore_unsupported(node);
	int r = check_keys(node, known, e);

	if (r == 0 && unsupported) {
		q->type = POLICY_UNSUPPORTED;
		q->unsupported = arena_printf(a, "sigstoreSigned with %s", unsupported);
	} else if (r == 0) {
		r = parse_key_places(a, node, q, e);
	}
	return r < 0 ? r : parse_identity(a, doc_get(node, "signedIdentity"), &q->identity, e);
}

static int parse_bare(struct arena *a, const struct doc *node, struct policy_requirement *q, struct err *e)
{
	static const char *const known[] = {"type", NULL};

	return check_keys(node, known, e);
}

static int parse_requirement(struct arena *a, const struct doc *node, struct policy_requirement *q, struct err *e)
{
	static const struct {
		const char *name;
		enum policy_type type;
		int (*parse)(struct arena *a, const struct doc *node, struct policy_requirement *q, struct err *e);
	} types[] = {
		{"insecureAcceptAnything", POLICY_ACCEPT, parse_bare},
		{"reject", POLICY_REJECT, parse_bare},
		{"signedBy", POLICY_SIGNED_BY, parse_signed_by},
		{"sigstoreSigned", POLICY_SIGSTORE, parse_sigstore},
	};
	const char *type = doc_get_str(node, "type");

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (!str_equal(type, types[i].name))
			continue;
		q->type = types[i].type;
		return types[i].parse(a, node, q, e);
	}
	if (!type)
		return doc_err(node, e, "a requirement must be a map with a 'type'");
	q->type = POLICY_UNSUPPORTED;
	q->unsupported = arena_printf(a, "'%.60s', an unknown type of requirement", type);
	return 0;
}

static int parse_requirements(struct arena *a, const struct doc *node, struct policy_scope *scope, struct err *e)
{
	int r = 0;

	if (node->kind != DOC_LIST || !node->n)
		return doc_err(node, e, "a list of requirements was expected, with at least one");
	for (const struct doc *d = node->child; r == 0 && d; d = d->next)
		r = parse_requirement(a, d, list_add(a, &scope->all), e);
	return r;
}

static int parse_transport(struct arena *a, const struct doc *node, struct policy *p, struct err *e)
{
	int r = 0;

	if (node->kind != DOC_MAP)
		return doc_err(node, e, "a map from scopes to requirements was expected");
	for (const struct doc *d = node->child; r == 0 && d; d = d->next) {
		struct policy_scope *scope = list_add(a, &p->scopes);

		if (p->scopes.n > POLICY_SCOPES_MAX)
			return doc_err(d, e, "more than %d scopes", POLICY_SCOPES_MAX);
		scope->transport = arena_strdup(a, node->key);
		scope->scope = arena_strdup(a, d->key);
		r = parse_requirements(a, d, scope, e);
	}
	return r;
}

int policy_parse(struct arena *a, const char *file, const char *text, size_t len, struct policy *ret, struct err *e)
{
	static const char *const known[] = {"default", "transports", NULL};
	struct policy p = {.path = arena_strdup(a, file), .is_there = true};
	struct doc *root = NULL;
	int r = doc_parse_json(a, file, text, len, &root, e);

	if (r == 0)
		r = check_keys(root, known, e);
	const struct doc *fallback = r == 0 ? doc_get(root, "default") : NULL;
	const struct doc *transports = r == 0 ? doc_get(root, "transports") : NULL;

	if (r == 0 && !fallback)
		r = doc_err(root, e, "there is no 'default'");
	if (r == 0)
		r = parse_requirements(a, fallback, &p.fallback, e);
	if (r == 0 && transports && transports->kind != DOC_MAP)
		r = doc_err(transports, e, "a map of transports was expected");
	for (const struct doc *d = transports ? transports->child : NULL; r == 0 && d; d = d->next)
		r = parse_transport(a, d, &p, e);
	if (r < 0) {
		err_because(e, "%s decides which images may run, and is no good", file);
		return err_try(e, "man 5 containers-policy.json");
	}
	*ret = p;
	return 0;
}

static char *user_policy(struct arena *a)
{
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (rootless_is_host_root())
		return NULL; /* root's pods are the host's: sudo must not bring a user's rules */
	if (xdg && *xdg == '/')
		return arena_printf(a, "%s/containers/policy.json", xdg);
	return home && *home == '/' ? arena_printf(a, "%s/.config/containers/policy.json", home) : NULL;
}

void policy_places(struct arena *a, char ***ret)
{
	char *user = user_policy(a);

	*ret = NULL;
	if (user)
		arena_strv_add(a, ret, user);
	arena_strv_add(a, ret, HOST_POLICY);
}

int policy_load(struct arena *a, struct policy *ret, struct err *e)
{
	const struct policy none = {.path = arena_strdup(a, HOST_POLICY)};
	char **places = NULL;

	policy_places(a, &places);
	for (; *places; places++) {
		autofree char *text = NULL;
		struct err missing = {};
		size_t n;
		int r = io_read_file(AT_FDCWD, *places, POLICY_FILE_MAX, &text, &n, &missing);

		if (r == 0)
			return policy_parse(a, *places, text, n, ret, e);
		if (missing.errnum != ENOENT && missing.errnum != ENOTDIR) {
			*e = missing;
			return r;
		}
	}
	*ret = none;
	return 0;
}

static const struct policy_scope *find_scope(const struct policy *p, const char *transport, const char *scope)
{
	for (size_t i = 0; i < p->scopes.n; i++)
		if (!strcmp(p->scopes.v[i].transport, transport) && !strcmp(p->scopes.v[i].scope, scope))
			return &p->scopes.v[i];
	return NULL;
}

const struct policy_scope *policy_find(const struct policy *p, const char *transport, const char *full)
{
	autoarena a = {};
	const struct policy_scope *found = NULL;
	char **lookups = scope_lookups(&a, full);

	for (; !found && *lookups; lookups++)
		found = find_scope(p, transport, *lookups);
	if (!found)
		found = find_scope(p, transport, "");
	return found ? found : &p->fallback;
}
