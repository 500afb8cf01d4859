/* SPDX-License-Identifier: Apache-2.0 */
/* Where an image lies (reference.h). The grammar of registries is that of the distribution spec and of docker's
 * references (github.com/distribution/reference); that of appc names is discovery.md of its spec. */
#include "image/reference.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT "0123456789"

enum { PATH_MAX_LEN = 255, TAG_MAX_LEN = 128, LABELS_MAX = 16 };

static int refuse(struct err *e, const char *text, const char *because)
{
	err_new(e, ERR_USAGE, "'%.150s' names no image", text);
	err_because(e, "%s", because);
	return err_try(e, "a name such as registry.example.com/team/app:1.0, oci:DIR or aci:example.com/app:1.0");
}

static bool all_of(const char *s, size_t n, const char *set)
{
	return n > 0 && strspn(s, set) >= n;
}

static bool is_digest(const char *s)
{
	return str_has_prefix(s, "sha256:") && strspn(s + 7, DIGIT "abcdef") == 64 && !s[7 + 64];
}

static bool is_component(const char *s, size_t n)
{
	return all_of(s, n, LOWER DIGIT "._-") && strchr(LOWER DIGIT, s[0]) && strchr(LOWER DIGIT, s[n - 1]);
}

static bool is_repository(const char *s)
{
	if (strlen(s) > PATH_MAX_LEN)
		return false;
	for (;;) {
		size_t n = strcspn(s, "/");

		if (!is_component(s, n))
			return false;
		if (!s[n])
			return true;
		s += n + 1;
	}
}

/* "example.com", "localhost:5000"; each label is no empty one. */
static bool is_host(const char *s, size_t n)
{
	const char *colon = memchr(s, ':', n);
	size_t host = colon ? (size_t)(colon - s) : n;

	if (colon && (n - host - 1 > 5 || !all_of(colon + 1, n - host - 1, DIGIT)))
		return false;
	for (size_t at = 0; at < host;) {
		size_t len = strcspn(s + at, ".:/");

		if (!all_of(s + at, len, LOWER UPPER DIGIT "-") || s[at] == '-' || s[at + len - 1] == '-')
			return false;
		at += len + 1;
		if (at == host) /* a dot at the end */
			return false;
	}
	return host > 0;
}

static bool begins_with_host(const char *s)
{
	const char *slash = strchr(s, '/');

	if (!slash)
		return false;
	return memchr(s, '.', (size_t)(slash - s)) || memchr(s, ':', (size_t)(slash - s)) || str_has_prefix(s, "localhost/");
}

static bool is_tag(const char *s)
{
	size_t n = strlen(s);

	return n <= TAG_MAX_LEN && all_of(s, n, LOWER UPPER DIGIT "_.-") && strchr(LOWER UPPER DIGIT "_", s[0]);
}

/* docker.io has names of one part below library/, and an old name of its own. */
static void name_docker(struct arena *a, struct reference *r)
{
	if (str_equal(r->host, "index.docker.io") || str_equal(r->host, "registry-1.docker.io"))
		r->host = arena_strdup(a, "docker.io");
	if (str_equal(r->host, "docker.io") && !strchr(r->repository, '/'))
		r->repository = arena_printf(a, "library/%s", r->repository);
}

static int parse_registry(struct arena *a, const char *text, const char *name, struct reference *r, struct err *e)
{
	const char *at = strchr(name, '@');
	char *rest = at ? arena_strndup(a, name, (size_t)(at - name)) : arena_strdup(a, name);

	if (at && !is_digest(at + 1))
		return refuse(e, text, "what stands behind @ is no digest: sha256: and 64 lower-case hex digits");
	r->digest = at ? arena_strdup(a, at + 1) : NULL;
	if (begins_with_host(rest)) {
		size_t n = strcspn(rest, "/");

		if (!is_host(rest, n))
			return refuse(e, text, "what stands before the first slash is no HOST or HOST:PORT");
		r->host = arena_strndup(a, rest, n);
		for (char *c = r->host; *c; c++)
			*c = (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
		rest += n + 1;
	}
	char *slash = strrchr(rest, '/'), *colon = strchr(slash ? slash : rest, ':');

	if (colon) {
		*colon = 0;
		if (!is_tag(colon + 1))
			return refuse(e, text, "its tag, behind the colon, is not 1 to 128 of letters, digits and _ . -");
		r->tag = colon + 1;
	} else if (!at) {
		r->tag = arena_strdup(a, "latest");
	}
	r->repository = rest;
	if (!is_repository(rest))
		return refuse(e, text, "the parts between slashes are lower-case letters and digits with . _ - between");
	name_docker(a, r);
	return 0;
}

/* A path, and behind its last colon, when no slash follows, which image. */
static int parse_path(struct arena *a, const char *text, const char *path, bool has_ref, struct reference *r,
		      struct err *e)
{
	const char *slash = strrchr(path, '/'), *colon = has_ref ? strchr(slash ? slash : path, ':') : NULL;

	r->path = colon ? arena_strndup(a, path, (size_t)(colon - path)) : arena_strdup(a, path);
	r->ref = colon && colon[1] ? arena_strdup(a, colon + 1) : NULL;
	return *r->path ? 0 : refuse(e, text, "it names no file or directory");
}

static bool is_identifier(const char *s)
{
	size_t n = strlen(s);

	return n <= PATH_MAX_LEN && all_of(s, n, LOWER DIGIT "-._~/") && strchr(LOWER DIGIT, s[0]) &&
	       strchr(LOWER DIGIT, s[n - 1]) && !strstr(s, "//") && !strstr(s, "..");
}

static bool is_label_value(const char *s)
{
	return all_of(s, strlen(s), LOWER UPPER DIGIT "-._~+") && strlen(s) <= TAG_MAX_LEN;
}

static int add_label(struct arena *a, const char *text, char *pair, struct reference *r, struct err *e)
{
	char *equals = strchr(pair, '=');

	if (!equals || !is_label_value(equals + 1))
		return refuse(e, text, "behind a comma stands a label, NAME=VALUE, of letters, digits and - . _ ~ +");
	*equals = 0;
	if (!is_identifier(pair) || !strcmp(pair, "name"))
		return refuse(e, text, "a label's name is lower-case letters and digits with - . _ ~ between");
	*equals = '=';
	for (char **l = r->labels; l && *l; l++)
		if (!strncmp(*l, pair, (size_t)(equals - pair) + 1))
			return refuse(e, text, "it gives a label twice");
	if (strv_len(r->labels) >= LABELS_MAX)
		return refuse(e, text, "it has more than 16 labels");
	arena_strv_add(a, &r->labels, pair);
	return 0;
}

static int parse_app(struct arena *a, const char *text, const char *name, struct reference *r, struct err *e)
{
	char *rest = arena_strdup(a, name), *next, *colon;
	int rc = 0;

	next = strchr(rest, ',');
	if (next)
		*next++ = 0;
	colon = strchr(rest, ':');
	if (colon) {
		*colon = 0;
		if (!is_label_value(colon + 1))
			return refuse(e, text, "its version, behind the colon, is no word");
		arena_strv_add(a, &r->labels, arena_printf(a, "version=%s", colon + 1));
	}
	r->app = rest;
	if (!is_identifier(rest) || !strchr(rest, '.'))
		return refuse(e, text, "an appc name begins with a host, such as example.com/app");
	while (next && !rc) {
		char *pair = next;

		next = strchr(pair, ',');
		if (next)
			*next++ = 0;
		rc = add_label(a, text, pair, r, e);
	}
	return rc;
}

static int parse_aci(struct arena *a, const char *text, const char *name, struct reference *r, struct err *e)
{
	if (str_has_prefix(name, "https://") || str_has_prefix(name, "http://") || *name == '/' ||
	    str_has_prefix(name, "./") || str_has_prefix(name, "../"))
		return parse_path(a, text, name, false, r, e);
	return parse_app(a, text, name, r, e);
}

static const struct {
	const char *prefix;
	enum reference_transport transport;
} prefixes[] = {
	{"docker://", REFERENCE_REGISTRY},   {"oci:", REFERENCE_OCI},
	{"oci-archive:", REFERENCE_OCI_ARCHIVE}, {"docker-archive:", REFERENCE_DOCKER_ARCHIVE},
	{"dir:", REFERENCE_DIR},             {"aci:", REFERENCE_ACI},
};

static int parse_rest(struct arena *a, const char *text, const char *rest, struct reference *r, struct err *e)
{
	switch (r->transport) {
	case REFERENCE_REGISTRY:
		return parse_registry(a, text, rest, r, e);
	case REFERENCE_ACI:
		return parse_aci(a, text, rest, r, e);
	case REFERENCE_DIR:
		return parse_path(a, text, rest, false, r, e);
	default:
		return parse_path(a, text, rest, true, r, e);
	}
}

int reference_parse(struct arena *a, const char *text, struct reference *ret, struct err *e)
{
	struct reference r = {.transport = strchr(text, ',') ? REFERENCE_ACI : REFERENCE_REGISTRY};
	const char *rest = text;

	if (strlen(text) > REFERENCE_MAX)
		return refuse(e, text, "it is longer than 1024 characters");
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		if (!str_has_prefix(text, prefixes[i].prefix))
			continue;
		r.transport = prefixes[i].transport;
		r.is_explicit = true;
		rest = text + strlen(prefixes[i].prefix);
	}
	if (!r.is_explicit && strstr(text, "://"))
		return refuse(e, text, "a registry's name has no scheme before it: TLS is always spoken");
	int rc = parse_rest(a, text, rest, &r, e);

	/* Written again in full it must be read again. */
	if (!rc && r.transport == REFERENCE_REGISTRY &&
	    strlen(prefixes[0].prefix) + strlen(reference_name(a, &r)) > REFERENCE_MAX)
		rc = refuse(e, text, "with what it leaves out it is longer than 1024 characters");
	if (!rc)
		*ret = r;
	return rc;
}

int reference_complete(struct arena *a, const struct reference *shorted, const char *registry, struct reference *ret,
		       struct err *e)
{
	autostr text = {};

	str_addf(&text, "%s/%s", registry, shorted->repository);
	if (shorted->tag)
		str_addf(&text, ":%s", shorted->tag);
	if (shorted->digest)
		str_addf(&text, "@%s", shorted->digest);
	struct reference r = {};
	int rc = parse_registry(a, text.text, text.text, &r, e);

	if (!rc && !r.host)
		rc = refuse(e, text.text, "the registry that it should come from is no host");
	if (!rc)
		*ret = r;
	return rc;
}

char *reference_repository(struct arena *a, const struct reference *r)
{
	return r->host ? arena_printf(a, "%s/%s", r->host, r->repository) : arena_strdup(a, r->repository);
}

char *reference_name(struct arena *a, const struct reference *r)
{
	char *repository = reference_repository(a, r);

	if (r->tag)
		return arena_printf(a, "%s:%s", repository, r->tag);
	return arena_printf(a, "%s@%s", repository, r->digest);
}
