/* SPDX-License-Identifier: Apache-2.0 */
/* Names in docker's full form (trust/scope.h); the rules of distribution/reference and containers-policy.json(5). */
#include "trust/scope.h"

#include <string.h>

#include "base/str.h"

static bool is_host(const char *s, size_t n)
{
	return memchr(s, '.', n) || memchr(s, ':', n) || (n == 9 && !memcmp(s, "localhost", 9));
}

/* The colon before a tag, not that of a port. */
static const char *tag_colon(const char *name)
{
	const char *slash = strrchr(name, '/');

	return strrchr(slash ? slash : name, ':');
}

/* The repository part in full form. */
static char *full_repository(struct arena *a, const char *repo)
{
	const char *slash;

	if (str_has_prefix(repo, "index.docker.io/"))
		repo += strlen("index.");
	if (str_has_prefix(repo, "docker.io/") && !strchr(repo + strlen("docker.io/"), '/'))
		repo += strlen("docker.io/");
	slash = strchr(repo, '/');
	if (!slash)
		return arena_printf(a, "docker.io/library/%s", repo);
	return is_host(repo, (size_t)(slash - repo)) ? arena_strdup(a, repo) : arena_printf(a, "docker.io/%s", repo);
}

char *scope_full_name(struct arena *a, const char *name)
{
	const char *at = name ? strchr(name, '@') : NULL;

	if (!name || str_has_prefix(name, "sha256:") || str_has_prefix(name, "sha512-") || str_has_prefix(name, "sha512:"))
		return NULL;
	char *plain = at ? arena_strndup(a, name, (size_t)(at - name)) : arena_strdup(a, name);
	const char *colon = tag_colon(plain);
	char *repo = colon ? arena_strndup(a, plain, (size_t)(colon - plain)) : plain;

	repo = full_repository(a, repo);
	return at ? arena_printf(a, "%s%s", repo, at) : arena_printf(a, "%s:%s", repo, colon ? colon + 1 : "latest");
}

char *scope_repository(struct arena *a, const char *full)
{
	const char *at = strchr(full, '@');
	char *plain = at ? arena_strndup(a, full, (size_t)(at - full)) : arena_strdup(a, full);
	const char *colon = tag_colon(plain);

	return colon && strchr(plain, '/') ? arena_strndup(a, plain, (size_t)(colon - plain)) : plain;
}

const char *scope_tag(const char *full)
{
	const char *colon = strchr(full, '@') ? NULL : tag_colon(full);

	return colon ? colon + 1 : NULL;
}

/* A host alone: "example.com", "localhost:5000", "registry:5000"; but "redis:7" is an image with a tag. */
static bool is_lone_host(const char *p)
{
	size_t n = strcspn(p, ":");
	bool port = p[n] && strlen(p + n) > 4 && strspn(p + n + 1, "0123456789") == strlen(p + n + 1);

	return is_host(p, n) || port;
}

char *scope_prefix(struct arena *a, const char *typed)
{
	size_t n = strlen(typed);

	while (n && typed[n - 1] == '/')
		n--;
	char *p = arena_strndup(a, typed, n);
	const char *colon = tag_colon(p);

	if (!*p || (!strchr(p, '/') && is_lone_host(p)))
		return p;
	char *repo = colon ? arena_strndup(a, p, (size_t)(colon - p)) : p;

	return arena_printf(a, "%s%s", full_repository(a, repo), colon ? colon : "");
}

bool scope_covers(const char *prefix, const char *full)
{
	size_t n = strlen(prefix);

	if (!n || strncmp(prefix, full, n) != 0)
		return false;
	/* Behind a host a colon begins a port, which is another registry. */
	return !full[n] || full[n] == '/' || (strchr(prefix, '/') && strchr(":@", full[n]));
}

/* "*.example.com", "*.com" for "a.example.com:5000". */
static void add_wildcards(struct arena *a, const char *host, char ***ret)
{
	char *plain = arena_strndup(a, host, strcspn(host, ":"));

	for (const char *dot = strchr(plain, '.'); dot; dot = strchr(dot + 1, '.'))
		arena_strv_add(a, ret, arena_printf(a, "*%s", dot));
}

char **scope_lookups(struct arena *a, const char *full)
{
	char *name = scope_repository(a, full), **v = NULL;

	arena_strv_add(a, &v, full);
	for (char *slash = name; slash; *slash = 0) {
		arena_strv_add(a, &v, name);
		slash = strrchr(name, '/');
		if (!slash)
			break;
	}
	if (name)
		add_wildcards(a, name, &v);
	return v;
}
