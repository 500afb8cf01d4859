/* SPDX-License-Identifier: Apache-2.0 */
/*
 * challenges = scheme 1*SP [ param *( OWS "," OWS param ) ], several in one header separated by commas too. A word that no
 * "=" follows begins the next challenge.
 */
#include "registry/challenge.h"

#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/str.h"

struct cursor {
	struct arena *a;
	const char *at;
};

static size_t token_len(const char *s)
{
	return strspn(s, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
}

static void skip(struct cursor *c, const char *set)
{
	c->at += strspn(c->at, set);
}

/* A quoted string or a token; NULL when it is neither, or holds control characters. */
static char *read_value(struct cursor *c)
{
	autostr s = {};

	if (*c->at != '"') {
		size_t n = token_len(c->at);
		char *word = n ? arena_strndup(c->a, c->at, n) : NULL;

		c->at += n;
		return word;
	}
	for (c->at++; *c->at && *c->at != '"'; c->at++) {
		if (*c->at == '\\' && c->at[1])
			c->at++;
		if ((unsigned char)*c->at < 32 || *c->at == 127)
			return NULL;
		str_add_char(&s, *c->at);
	}
	if (*c->at != '"')
		return NULL;
	c->at++;
	return arena_strdup(c->a, str_text(&s));
}

static void take_param(struct challenge *ch, const char *name, size_t n, char *value)
{
	const struct {
		const char *name;
		char **to;
	} known[] = {{"realm", &ch->realm}, {"service", &ch->service}, {"scope", &ch->scope}, {"error", &ch->error}};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strlen(known[i].name) == n && !strncasecmp(known[i].name, name, n) && !*known[i].to)
			*known[i].to = value;
}

/* The parameters behind a scheme; false when something there can't be read. */
static bool read_params(struct cursor *c, struct challenge *ch)
{
	for (;;) {
		skip(c, " \t,");
		const char *name = c->at;
		size_t n = token_len(name);
		struct cursor after = {c->a, name + n};

		skip(&after, " \t");
		if (!n || *after.at != '=')
			return *c->at == 0 || n;
		after.at++;
		skip(&after, " \t");
		char *value = read_value(&after);

		if (!value)
			return false;
		take_param(ch, name, n, value);
		c->at = after.at;
	}
}

static void consider(struct challenge *best, const struct challenge *ch)
{
	bool usable = ch->scheme == CHALLENGE_BASIC || (ch->scheme == CHALLENGE_BEARER && ch->realm);

	if (usable && ch->scheme > best->scheme)
		*best = *ch;
}

static void read_header(struct arena *a, const char *text, struct challenge *best)
{
	struct cursor c = {a, text};
	bool good = true;

	while (good) {
		struct challenge ch = {};

		skip(&c, " \t,");
		size_t n = token_len(c.at);

		if (!n)
			return;
		if (n == 6 && !strncasecmp(c.at, "Bearer", 6))
			ch.scheme = CHALLENGE_BEARER;
		if (n == 5 && !strncasecmp(c.at, "Basic", 5))
			ch.scheme = CHALLENGE_BASIC;
		c.at += n;
		good = (*c.at == ' ' || *c.at == '\t' || *c.at == 0 || *c.at == ',') && read_params(&c, &ch);
		if (good)
			consider(best, &ch);
	}
}

struct challenge challenge_parse(struct arena *a, char *const *headers)
{
	struct challenge best = {};

	for (; headers && *headers; headers++)
		if (strlen(*headers) <= CHALLENGE_TEXT_MAX)
			read_header(a, *headers, &best);
	return best;
}
