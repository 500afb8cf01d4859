/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of images. The grammar is that of OCI's distribution specification and docker's references,
 * [HOST[:PORT]/]PATH[:TAG], widened by what appc names hold ("~"):
 *
 *   HOST  letters, digits, "." and "-" (capitals allowed), with :PORT; only before the first "/"
 *   PATH  components of a-z 0-9 with "." "_" "-" "~" between them
 *   TAG   letters, digits, "_" "." "+" "-", at most 128, first a letter, digit or "_"
 *
 * A digest ("sha256:HEX") is a name too: an image without any other is kept under its own.
 */
#include "store/name.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "store/layout.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT "0123456789"

enum { NAME_PATH_MAX = 255, NAME_TAG_MAX = 128, NAME_PLAIN_FILE_MAX = 240 };

static bool all_of(const char *s, size_t n, const char *set)
{
	return n > 0 && strspn(s, set) >= n;
}

static bool is_edge(char c, const char *set)
{
	return c && strchr(set, c);
}

/* One component of the path, with letters and digits at both ends. */
static bool component_valid(const char *s, size_t n, const char *edge, const char *set)
{
	return all_of(s, n, set) && is_edge(s[0], edge) && is_edge(s[n - 1], edge);
}

/* "localhost", "example.com", "[::1]" is no host here; a ":PORT" may follow. */
static bool host_valid(const char *s, size_t n)
{
	const char *colon = memchr(s, ':', n);
	size_t host = colon ? (size_t)(colon - s) : n;

	if (colon && !all_of(colon + 1, n - host - 1, DIGIT))
		return false;
	return component_valid(s, host, LOWER UPPER DIGIT, LOWER UPPER DIGIT ".-");
}

static bool path_valid(const char *s, size_t n)
{
	const char *end = s + n;
	bool first = true;

	while (s < end) {
		const char *slash = memchr(s, '/', (size_t)(end - s));
		size_t len = (size_t)((slash ? slash : end) - s);
		bool host = first && slash && host_valid(s, len);

		if (!host && !component_valid(s, len, LOWER DIGIT, LOWER DIGIT "._-~"))
			return false;
		if (slash && slash + 1 == end)
			return false;
		s = slash ? slash + 1 : end;
		first = false;
	}
	return !first;
}

static bool tag_valid(const char *s)
{
	size_t n = strlen(s);

	return n <= NAME_TAG_MAX && all_of(s, n, LOWER UPPER DIGIT "_.+-") && is_edge(s[0], LOWER UPPER DIGIT "_");
}

static int refuse(struct err *e, const char *name, const char *because)
{
	err_new(e, ERR_USAGE, "'%.120s' is no image name", name);
	err_because(e, "%s", because);
	return err_try(e, "a name such as nginx, nginx:1.27 or registry.example.com/team/app:1.0");
}

int store_normalise_name(struct arena *a, const char *name, char **ret, struct err *e)
{
	if (layout_digest_hex(name)) {
		*ret = arena_strdup(a, name);
		return 0;
	}
	const char *slash = strrchr(name, '/');
	const char *colon = strrchr(slash ? slash : name, ':');
	size_t path = colon ? (size_t)(colon - name) : strlen(name);

	if (!*name)
		return refuse(e, name, "it is empty");
	if (path > NAME_PATH_MAX)
		return refuse(e, name, "it is longer than 255 characters before its tag");
	if (colon && !tag_valid(colon + 1))
		return refuse(e, name, "its tag, behind the colon, is not 1 to 128 of letters, digits and _ . + -");
	if (!path_valid(name, path))
		return refuse(e, name, "the parts between slashes are lower-case letters and digits with . _ - ~ between");
	*ret = colon ? arena_strdup(a, name) : arena_printf(a, "%s:latest", name);
	return 0;
}

static uint64_t fnv1a(const char *s)
{
	uint64_t h = 0xcbf29ce484222325;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3;
	return h;
}

void name_to_file(const char *name, char file[NAME_FILE_MAX])
{
	size_t n = strlen(name);
	size_t keep = n <= NAME_PLAIN_FILE_MAX ? n : 200;

	for (size_t i = 0; i < keep; i++)
		file[i] = name[i] == '/' ? '!' : name[i];
	file[keep] = 0;
	if (keep < n)
		snprintf(file + keep, NAME_FILE_MAX - keep, "~~%016llx", (unsigned long long)fnv1a(name));
}

/* Does the name begin with a registry? docker's rule: a dot or colon in the first part, or "localhost". */
static bool has_registry(const char *name)
{
	const char *slash = strchr(name, '/');

	if (!slash)
		return false;
	size_t n = (size_t)(slash - name);

	return memchr(name, '.', n) || memchr(name, ':', n) || str_has_prefix(name, "localhost/");
}

/* What a spelling begins with, and what the same image may be called instead; first match wins. */
static const struct spelling {
	const char *prefix;
	bool one_part; /* only for a name without further slashes */
	const char *others[NAME_ALIASES_MAX];
} spellings[] = {
	{"docker.io/library/", false, {""}},
	{"docker.io/", true, {"docker.io/library/", ""}},
	{"docker.io/", false, {""}},
	{"library/", true, {"docker.io/library/", ""}},
	{"localhost/", false, {""}},
	{"", true, {"docker.io/library/", "localhost/"}},
	{"", false, {"docker.io/", "localhost/"}},
};

static const struct spelling *spelling_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(spellings); i++) {
		const struct spelling *sp = &spellings[i];

		if (!str_has_prefix(name, sp->prefix) || (!*sp->prefix && has_registry(name)))
			continue;
		if (!sp->one_part || !strchr(name + strlen(sp->prefix), '/'))
			return sp;
	}
	return NULL;
}

void name_aliases(struct arena *a, const char *name, char *ret[NAME_ALIASES_MAX + 1])
{
	const struct spelling *sp = layout_digest_hex(name) ? NULL : spelling_of(name);
	size_t n = 0;

	for (size_t i = 0; sp && i < NAME_ALIASES_MAX && sp->others[i]; i++)
		ret[n++] = arena_printf(a, "%s%s", sp->others[i], name + strlen(sp->prefix));
	ret[n] = NULL;
}

bool name_split_digest(struct arena *a, const char *text, char **ret_name, char **ret_digest)
{
	const char *at = strrchr(text, '@');
	const char *digest = at ? at + 1 : text;

	if (!layout_digest_hex(digest))
		return false;
	*ret_name = at ? arena_strndup(a, text, (size_t)(at - text)) : NULL;
	*ret_digest = arena_strdup(a, digest);
	return true;
}
