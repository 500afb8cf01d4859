/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Document to struct by field table. One function a kind; everything that is wrong names its place, what
 * was expected there, and what it was probably meant to be.
 */
#include "base/decode.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "base/unit.h"

#define NAMES_MAX 128

struct list {
	void *v;
	size_t n;
};

static const char *kind_name(const struct doc *node)
{
	static const char *const names[] = {
		[DOC_NULL] = "nothing", [DOC_BOOL] = "true or false", [DOC_INT] = "a number",
		[DOC_FLOAT] = "a number", [DOC_STR] = "text",	     [DOC_LIST] = "a list",
		[DOC_MAP] = "a map",
	};

	return names[node->kind];
}

static int wrong_kind(const struct doc *node, const char *expected, struct err *e)
{
	const char *of = node->key ? node->key : "this entry";

	doc_err(node, e, "%.60s must be %s", of, expected);
	if (node->text && node->kind != DOC_NULL)
		return err_because(e, "it is %s: %.100s", kind_name(node), node->text);
	return err_because(e, "it is %s", kind_name(node));
}

static bool is_scalar(const struct doc *node)
{
	return node->kind != DOC_NULL && node->kind != DOC_LIST && node->kind != DOC_MAP;
}

/* Text as written: a number or a word like true serves as text too, nothing is lost. */
static int decode_str(const struct decode *d, const struct field *f, const struct doc *node, void *p, struct err *e)
{
	if (!is_scalar(node)) {
		wrong_kind(node, "text", e);
		return node->kind == DOC_NULL ? err_try(e, "%.60s: \"\"", f->key) : -ERR_USAGE;
	}
	*(char **)p = arena_strdup(d->arena, node->text);
	return 0;
}

static int decode_bool(const struct decode *d, const struct field *f, const struct doc *node, void *p, struct err *e)
{
	if (node->kind != DOC_BOOL)
		return wrong_kind(node, "true or false", e);
	*(bool *)p = (node->text[0] | 0x20) == 't';
	return 0;
}

/* A whole decimal number. "010" is refused: some read it as eight. */
static int whole_number(const struct doc *node, uint64_t max, uint64_t *ret, struct err *e)
{
	if (node->kind != DOC_INT || (node->text[0] == '0' && node->text[1]))
		return wrong_kind(node, "a whole number", e);
	if (unit_parse_u64(node->text, 0, max, ret) < 0)
		return wrong_kind(node, "a whole number in range", e);
	return 0;
}

static int decode_int(const struct decode *d, const struct field *f, const struct doc *node, void *p, struct err *e)
{
	struct doc digits = *node;
	bool negative = node->kind == DOC_INT && node->text[0] == '-';
	uint64_t value;

	if (negative)
		digits.text++;
	if (whole_number(&digits, (uint64_t)INT64_MAX + negative, &value, e) < 0)
		return -ERR_USAGE;
	*(int64_t *)p = (int64_t)(negative ? -value : value);
	return 0;
}

static int decode_u32(const struct decode *d, const struct field *f, const struct doc *node, void *p, struct err *e)
{
	uint64_t value;

	if (whole_number(node, UINT32_MAX, &value, e) < 0)
		return -ERR_USAGE;
	*(uint32_t *)p = (uint32_t)value;
	return 0;
}

static int decode_u64(const struct decode *d, const struct field *f, const struct doc *node, void *p, struct err *e)
{
	return whole_number(node, UINT64_MAX, p, e);
}

static int decode_size(const struct decode *d, const struct field *f, const struct doc *node, void *p, struct err *e)
{
	if (is_scalar(node) && unit_parse_size(node->text, p) == 0)
		return 0;
	wrong_kind(node, "a size such as 64Mi", e);
	return is_scalar(node) ? err_try(e, "%.60s: 64Mi (Ki Mi Gi are 1024s, K M G thousands)", f->key) : -ERR_USAGE;
}

static int decode_time(const struct decode *d, const struct field *f, const struct doc *node, void *p, struct err *e)
{
	if (is_scalar(node) && unit_parse_time(node->text, p) == 0)
		return 0;
	wrong_kind(node, "a time such as 10s", e);
	return node->kind == DOC_INT ? err_try(e, "%.60s: %.40ss", f->key, node->text) : -ERR_USAGE;
}

static int decode_cpus(const struct decode *d, const struct field *f, const struct doc *node, void *p, struct err *e)
{
	if (is_scalar(node) && unit_parse_cpus(node->text, p) == 0)
		return 0;
	return wrong_kind(node, "a number of CPUs such as 0.5 or 500m", e);
}

static int decode_enum(const struct decode *d, const struct field *f, const struct doc *node, void *p, struct err *e)
{
	autostr words = {};

	for (int i = 0; f->names[i]; i++) {
		if (is_scalar(node) && strcmp(f->names[i], node->text) == 0) {
			*(int *)p = i;
			return 0;
		}
		str_addf(&words, "%s%s", i ? ", " : "", f->names[i]);
	}
	if (!is_scalar(node))
		return wrong_kind(node, "a word", e);
	doc_err(node, e, "%.60s can't be %.60s", f->key, node->text);
	err_because(e, "it is one of: %s", str_text(&words));
	const char *nearest = str_nearest(node->text, f->names);

	return nearest ? err_try(e, "%.60s: %s", f->key, nearest) : -ERR_USAGE;
}

static int decode_strv(const struct decode *d, const struct field *f, const struct doc *node, void *p, struct err *e)
{
	char **v = NULL;
	size_t n = 0;

	if (node->kind != DOC_LIST) {
		wrong_kind(node, "a list", e);
		return is_scalar(node) ? err_try(e, "%.60s: [%.100s]", f->key, node->text) : -ERR_USAGE;
	}
	for (const struct doc *c = node->child; c; c = c->next) {
		if (!is_scalar(c))
			return wrong_kind(c, "text", e);
		v = list_grow(d->arena, v, &n, sizeof(*v));
		v[n - 1] = arena_strdup(d->arena, c->text);
	}
	*(char ***)p = list_grow(d->arena, v, &n, sizeof(*v));
	return 0;
}

static int decode_map(const struct decode *d, const struct field *f, const struct doc *node, void *p, struct err *e)
{
	char **v = NULL;
	size_t n = 0;

	if (node->kind != DOC_MAP)
		return wrong_kind(node, "a map of names to text", e);
	for (const struct doc *c = node->child; c; c = c->next) {
		if (!is_scalar(c))
			return wrong_kind(c, "text", e);
		if (!*c->key || strchr(c->key, '='))
			return doc_key_err(c, e, "a name can't be empty or hold '='");
		v = list_grow(d->arena, v, &n, sizeof(*v));
		v[n - 1] = arena_printf(d->arena, "%s=%s", c->key, c->text);
	}
	*(char ***)p = list_grow(d->arena, v, &n, sizeof(*v));
	return 0;
}

static int decode_object(const struct decode *d, const struct field_set *set, const struct doc *node, bool named,
			 void *object, struct err *e);

static int decode_struct(const struct decode *d, const struct field *f, const struct doc *node, void *p, struct err *e)
{
	return decode_object(d, f->sub, node, false, p, e);
}

static int decode_list(const struct decode *d, const struct field *f, const struct doc *node, void *p, struct err *e)
{
	struct list list = {};

	if (node->kind != DOC_LIST)
		return wrong_kind(node, "a list", e);
	for (const struct doc *c = node->child; c; c = c->next) {
		list.v = list_grow(d->arena, list.v, &list.n, f->sub->size);
		if (decode_object(d, f->sub, c, false, (char *)list.v + (list.n - 1) * f->sub->size, e) < 0)
			return -ERR_USAGE;
	}
	*(struct list *)p = list;
	return 0;
}

static int decode_named(const struct decode *d, const struct field *f, const struct doc *node, void *p, struct err *e)
{
	size_t name_at = field_name_offset(f->sub);
	struct list list = {};

	if (node->kind != DOC_MAP)
		return wrong_kind(node, "a map by name", e);
	for (const struct doc *c = node->child; c; c = c->next) {
		list.v = list_grow(d->arena, list.v, &list.n, f->sub->size);
		char *item = (char *)list.v + (list.n - 1) * f->sub->size;

		if (decode_object(d, f->sub, c, true, item, e) < 0)
			return -ERR_USAGE;
		*(char **)(item + name_at) = arena_strdup(d->arena, c->key);
	}
	*(struct list *)p = list;
	return 0;
}

typedef int decode_fn(const struct decode *d, const struct field *f, const struct doc *node, void *p, struct err *e);

static decode_fn *const decoders[] = {
	[FIELD_STR] = decode_str,   [FIELD_BOOL] = decode_bool, [FIELD_INT] = decode_int,
	[FIELD_U32] = decode_u32,   [FIELD_U64] = decode_u64,   [FIELD_SIZE] = decode_size,
	[FIELD_TIME] = decode_time, [FIELD_CPUS] = decode_cpus, [FIELD_ENUM] = decode_enum,
	[FIELD_STRV] = decode_strv, [FIELD_MAP] = decode_map,   [FIELD_STRUCT] = decode_struct,
	[FIELD_LIST] = decode_list, [FIELD_NAMED] = decode_named, [FIELD_NUMBER] = NULL,
	[FIELD_NUMV] = NULL,        [FIELD_RAW] = NULL,         [FIELD_CUSTOM] = NULL,
};
static_assert(ARRAY_SIZE(decoders) == FIELD_CUSTOM + 1);

/* In a FIELD_NAMED item the name is the key outside; inside there is none. */
static bool is_open_to(const struct field *f, bool named)
{
	return !f->internal && !(named && strcmp(f->key, "name") == 0);
}

static const struct field *find_field(const struct field_set *set, const char *key, bool named)
{
	for (size_t i = 0; i < set->n; i++) {
		if (strcmp(set->fields[i].key, key) == 0 && is_open_to(&set->fields[i], named))
			return &set->fields[i];
	}
	return NULL;
}

/* What this vocabulary says for a key of another one, or NULL. */
static const char *find_alias(const struct field_set *set, const char *key)
{
	for (const char *const(*a)[2] = set->aliases; a && (*a)[0]; a++) {
		if (strcmp((*a)[0], key) == 0)
			return (*a)[1];
	}
	return NULL;
}

/* The nearest key, also by way of the other vocabularies; NULL when none is near. */
static const char *advice(const struct field_set *set, const char *key, bool named)
{
	const char *names[NAMES_MAX + 1];
	size_t n = 0;

	for (size_t i = 0; i < set->n && n < NAMES_MAX; i++) {
		if (is_open_to(&set->fields[i], named))
			names[n++] = set->fields[i].key;
	}
	for (const char *const(*a)[2] = set->aliases; a && (*a)[0] && n < NAMES_MAX; a++)
		names[n++] = (*a)[0];
	names[n] = NULL;
	const char *nearest = str_nearest(key, names);
	const char *alias = nearest ? find_alias(set, nearest) : NULL;

	return alias ? alias : nearest;
}

/* What is known, for the second line of the error, as far as it fits. */
static void list_keys(const struct field_set *set, bool named, struct str *out)
{
	for (size_t i = 0; i < set->n; i++) {
		if (is_open_to(&set->fields[i], named))
			str_addf(out, "%s%s", out->len ? ", " : "", set->fields[i].key);
	}
}

static int unknown_key(const struct decode *d, const struct field_set *set, const struct doc *node, bool named,
		       struct err *e)
{
	const char *meant = advice(set, node->key, named);
	struct err warning = {}, *to = d->warn ? &warning : e;
	autostr keys = {};

	list_keys(set, named, &keys);
	doc_key_err(node, to, "%s has no key %.80s", set->name, node->key);
	if (strlen(str_text(&keys)) < sizeof(to->because) - 24)
		err_because(to, "the keys are: %s", str_text(&keys));
	if (meant)
		err_try(to, "%s", meant);
	if (!d->warn)
		return -ERR_USAGE;
	d->warn(&warning);
	return 0;
}

static int decode_member(const struct decode *d, const struct field_set *set, const struct doc *node, bool named,
			 void *object, struct err *e)
{
	const struct field *f = find_field(set, node->key, named);

	if (!f)
		return unknown_key(d, set, node, named, e);
	if (f->kind == FIELD_CUSTOM)
		return f->decode(d->arena, node, object, e);
	return decoders[f->kind](d, f, node, (char *)object + f->offset, e);
}

static int lacks_key(const struct field_set *set, const struct field *f, const struct doc *node, struct err *e)
{
	doc_err(node, e, "%s lacks the key %s", set->name, f->key);
	return err_because(e, "it can't be made without '%s', and that has no default", f->key);
}

static int check_required(const struct field_set *set, const struct doc *node, bool named, struct err *e)
{
	for (size_t i = 0; i < set->n; i++) {
		const struct field *f = &set->fields[i];

		if (f->required && is_open_to(f, named) && !doc_get(node, f->key))
			return lacks_key(set, f, node, e);
	}
	return 0;
}

static int decode_object(const struct decode *d, const struct field_set *set, const struct doc *node, bool named,
			 void *object, struct err *e)
{
	/* "uploads:" alone is as good as "uploads: {}". */
	if (node->kind != DOC_MAP && !(named && node->kind == DOC_NULL))
		return wrong_kind(node, "a map", e);
	for (const struct doc *c = node->child; c; c = c->next) {
		if (decode_member(d, set, c, named, object, e) < 0)
			return -e->code;
	}
	return check_required(set, node, named, e);
}

int decode_doc(const struct decode *d, const struct field_set *set, const struct doc *node, void *object,
	       struct err *e)
{
	return decode_object(d, set, node, false, object, e);
}
