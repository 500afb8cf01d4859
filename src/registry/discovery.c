/* SPDX-License-Identifier: Apache-2.0 */
/* See discovery.h. The HTML reader knows tags, attributes and comments, and stops at the end of the head. */
#include "registry/discovery.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "registry/client.h"

enum { VALUE_MAX = 4096, PARENTS_MAX = 16 };

/* ---- pages ---- */

struct page {
	struct arena *a;
	const char *at, *end;
};

static bool looks_at(const struct page *p, const char *word)
{
	size_t n = strlen(word);

	return (size_t)(p->end - p->at) >= n && !strncasecmp(p->at, word, n);
}

static void skip_blanks(struct page *p)
{
	while (p->at < p->end && isspace((unsigned char)*p->at))
		p->at++;
}

static void skip_to(struct page *p, const char *word)
{
	while (p->at < p->end && !looks_at(p, word))
		p->at++;
	p->at += looks_at(p, word) ? strlen(word) : 0;
}

/* NAME, NAME=VALUE, NAME="VALUE"; false at the tag's end. */
static bool next_attribute(struct page *p, char **ret_name, char **ret_value)
{
	const char *from;

	skip_blanks(p);
	while (p->at < p->end && *p->at == '/')
		p->at++;
	from = p->at;
	while (p->at < p->end && *p->at && !isspace((unsigned char)*p->at) && !strchr("=>/", *p->at))
		p->at++;
	if (p->at == from)
		return false;
	*ret_name = arena_strndup(p->a, from, (size_t)(p->at - from));
	*ret_value = arena_strdup(p->a, "");
	skip_blanks(p);
	if (p->at >= p->end || *p->at != '=')
		return true;
	p->at++;
	skip_blanks(p);
	char quote = p->at < p->end && (*p->at == '"' || *p->at == '\'') ? *p->at++ : 0;

	from = p->at;
	while (p->at < p->end && (quote ? *p->at != quote : !isspace((unsigned char)*p->at) && *p->at != '>'))
		p->at++;
	*ret_value = arena_strndup(p->a, from, (size_t)(p->at - from));
	p->at += quote && p->at < p->end;
	return true;
}

/* "PREFIX VALUE" into its two words. */
static bool split(struct arena *a, const char *content, struct discovery_tag *ret)
{
	const char *from = content + strspn(content, " \t\r\n");
	size_t n = strcspn(from, " \t\r\n");
	const char *value = from + n + strspn(from + n, " \t\r\n");
	size_t len = strcspn(value, " \t\r\n");

	if (!n || !len || value[len + strspn(value + len, " \t\r\n")] || len > VALUE_MAX)
		return false;
	*ret = (struct discovery_tag){arena_strndup(a, from, n), arena_strndup(a, value, len)};
	return true;
}

static void take_meta(struct page *p, struct discovery_tags *tags)
{
	char *name, *value, *what = NULL, *content = NULL;
	struct discovery_tag tag;

	while (next_attribute(p, &name, &value)) {
		if (!strcasecmp(name, "name") && !what)
			what = value;
		if (!strcasecmp(name, "content") && !content)
			content = value;
	}
	if (!what || !content || !split(p->a, content, &tag))
		return;
	if (!strcmp(what, "ac-discovery") && tags->images.n < DISCOVERY_TAGS_MAX)
		*list_add(p->a, &tags->images) = tag;
	if (!strcmp(what, "ac-discovery-pubkeys") && tags->keys.n < DISCOVERY_TAGS_MAX)
		*list_add(p->a, &tags->keys) = tag;
}

void discovery_parse(struct arena *a, const char *html, size_t len, struct discovery_tags *ret)
{
	struct page p = {a, html, html + len};

	*ret = (struct discovery_tags){};
	while (p.at < p.end) {
		if (looks_at(&p, "<!--")) {
			skip_to(&p, "-->");
		} else if (looks_at(&p, "<script")) {
			skip_to(&p, "</script");
		} else if (looks_at(&p, "</head") || looks_at(&p, "<body")) {
			return;
		} else if (looks_at(&p, "<meta") && p.end - p.at > 5 && (isspace((unsigned char)p.at[5]) || p.at[5] == '/')) {
			p.at += 5;
			take_meta(&p, ret);
		} else {
			p.at++;
		}
	}
}

/* ---- templates ---- */

static const char *value_of(const char *word, size_t n, const char *name, const char *ext, char *const *labels)
{
	if (n == 4 && !strncmp(word, "name", n))
		return name;
	if (n == 3 && !strncmp(word, "ext", n))
		return ext;
	for (; labels && *labels; labels++)
		if (!strncmp(*labels, word, n) && (*labels)[n] == '=')
			return *labels + n + 1;
	return NULL;
}

static void add_escaped(struct str *s, const char *value)
{
	for (; *value; value++) {
		if (isalnum((unsigned char)*value) || strchr("-._~/+", *value))
			str_add_char(s, *value);
		else
			str_addf(s, "%%%02X", (unsigned char)*value);
	}
}

char *discovery_render(struct arena *a, const char *template, const char *name, const char *ext, char *const *labels)
{
	autostr s = {};

	while (*template) {
		const char *close = *template == '{' ? strchr(template, '}') : NULL;

		if (!close) {
			str_add_char(&s, *template++);
			continue;
		}
		const char *value = value_of(template + 1, (size_t)(close - template) - 1, name, ext, labels);

		if (!value || s.len > VALUE_MAX)
			return NULL;
		add_escaped(&s, value);
		template = close + 1;
	}
	return str_has_prefix(str_text(&s), "https://") ? arena_strdup(a, s.text) : NULL;
}

/* ---- asking ---- */

static bool covers(const char *prefix, const char *name)
{
	size_t n = strlen(prefix);

	return n && !strncmp(prefix, name, n) && (!name[n] || name[n] == '/' || prefix[n - 1] == '/');
}

static int take_tags(struct arena *a, const char *name, char *const *labels, const struct discovery_tags *tags,
		     struct discovered *ret)
{
	for (size_t i = 0; i < tags->images.n; i++) {
		const struct discovery_tag *t = &tags->images.v[i];
		char *image = covers(t->prefix, name) ? discovery_render(a, t->value, name, "aci", labels) : NULL;

		if (!image)
			continue;
		*ret = (struct discovered){
			.image = image,
			.signature = discovery_render(a, t->value, name, "aci.asc", labels),
			.prefix = t->prefix,
		};
		if (ret->signature && !strcmp(ret->signature, image)) /* a template without {ext} */
			ret->signature = arena_printf(a, "%s.asc", image);
		for (size_t k = 0; k < tags->keys.n; k++)
			if (covers(tags->keys.v[k].prefix, name) && str_has_prefix(tags->keys.v[k].value, "https://"))
				arena_strv_add(a, &ret->keys, tags->keys.v[k].value);
		return 0;
	}
	return -ERR_NOT_FOUND;
}

static int ask_page(struct registry *r, struct arena *a, const char *at, struct discovery_tags *tags, struct err *e)
{
	struct registry_document page;
	int rc = registry_get_url(r, a, arena_printf(a, "https://%s?ac-discovery=1", at), DISCOVERY_PAGE_MAX, &page, e);

	*tags = (struct discovery_tags){};
	if (!rc)
		discovery_parse(a, page.text, page.len, tags);
	return rc;
}

int discovery_find(struct registry *r, struct arena *a, const char *name, char *const *labels, struct discovered *ret,
		   struct err *e)
{
	char *at = arena_strdup(a, name);

	for (unsigned i = 0; i < PARENTS_MAX; i++) {
		struct discovery_tags tags;
		struct err why = {};
		int rc = ask_page(r, a, at, &tags, &why);
		char *slash = strrchr(at, '/');

		if (rc && rc != -ERR_NOT_FOUND) {
			*e = why;
			return rc;
		}
		if (!rc && !take_tags(a, name, labels, &tags, ret))
			return 0;
		if (!slash)
			break;
		*slash = 0;
	}
	err_new(e, ERR_NOT_FOUND, "%.150s can't be found by appc discovery", name);
	err_because(e, "no page from https://%.100s up to its host has an ac-discovery tag that fits", name);
	return err_try(e, "curl 'https://%.120s?ac-discovery=1'", name);
}
