/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON and YAML out. YAML in block style; a scalar is plain where no reader could take it for anything
 * but text, else double-quoted as JSON writes it, which YAML 1.2 reads alike.
 */
#include "cli/emit.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/record.h"
#include "base/unit.h"

struct emit emit_new(const struct cli *cli)
{
	return (struct emit){.cli = cli};
}

/* Asked each time: a verb may make its emitter before it has read its options. */
static bool is_yaml(const struct emit *m)
{
	return m->cli->output == CLI_YAML && !m->compact;
}

void emit_free(struct emit *m)
{
	str_free(&m->out);
}

static void new_line(struct emit *m, unsigned depth)
{
	if (m->compact)
		return;
	if (m->out.len)
		str_add_char(&m->out, '\n');
	for (unsigned i = 0; i < depth; i++)
		str_add(&m->out, "  ");
}

/* Letters, digits and a few marks, starting with a letter or slash, and no word that YAML takes for more. */
static bool is_plain(const char *s)
{
	static const char *const words[] = {"null", "true", "false", "yes", "no", "on", "off", "y", "n", NULL};
	static const char marks[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+-@=,";
	char first = *s | 0x20;

	if (!((first >= 'a' && first <= 'z') || *s == '/') || s[strspn(s, marks)])
		return false;
	for (const char *const *w = words; *w; w++) {
		if (strcasecmp(s, *w) == 0)
			return false;
	}
	return true;
}

static void put_text(struct emit *m, const char *text)
{
	if (is_yaml(m) && is_plain(text))
		str_add(&m->out, text);
	else
		str_add_json(&m->out, text);
}

static void begin_json(struct emit *m, const char *key)
{
	if (m->level[m->depth - 1].n++)
		str_add(&m->out, m->compact ? ", " : ",");
	new_line(m, m->depth);
	if (!key)
		return;
	str_add_json(&m->out, key);
	str_add(&m->out, ": ");
}

static void begin_yaml(struct emit *m, const char *key, bool scalar)
{
	bool first = m->level[m->depth - 1].n++ == 0;

	/* The first entry of what stands behind "- " goes on in the same line. */
	if (!first || !m->level[m->depth - 1].in_list)
		new_line(m, m->depth - 1);
	if (!key) {
		str_add(&m->out, "- ");
		return;
	}
	put_text(m, key);
	str_add(&m->out, scalar ? ": " : ":");
}

/* What comes before a value: comma, line, indentation, key. */
static void begin(struct emit *m, const char *key, bool scalar)
{
	if (m->depth == 0)
		return;
	if (is_yaml(m))
		begin_yaml(m, key, scalar);
	else
		begin_json(m, key);
}

static void open_level(struct emit *m, const char *key, bool is_list)
{
	bool in_list = m->depth && m->level[m->depth - 1].is_list;

	assert(m->depth < EMIT_DEPTH_MAX);
	begin(m, key, false);
	if (!is_yaml(m))
		str_add_char(&m->out, is_list ? '[' : '{');
	m->level[m->depth].is_list = is_list;
	m->level[m->depth].in_list = in_list;
	m->level[m->depth].n = 0;
	m->depth++;
}

void emit_open_map(struct emit *m, const char *key)
{
	open_level(m, key, false);
}

void emit_open_list(struct emit *m, const char *key)
{
	open_level(m, key, true);
}

void emit_close(struct emit *m)
{
	assert(m->depth);
	m->depth--;
	bool is_list = m->level[m->depth].is_list, empty = m->level[m->depth].n == 0;

	if (is_yaml(m) && empty) {
		bool behind_key = m->depth && !m->level[m->depth].in_list;

		str_addf(&m->out, "%s%s", behind_key ? " " : "", is_list ? "[]" : "{}");
	}
	if (is_yaml(m))
		return;
	if (!empty)
		new_line(m, m->depth);
	str_add_char(&m->out, is_list ? ']' : '}');
}

void emit_str(struct emit *m, const char *key, const char *value)
{
	begin(m, key, true);
	if (value)
		put_text(m, value);
	else
		str_add(&m->out, "null");
}

void emit_null(struct emit *m, const char *key)
{
	emit_str(m, key, NULL);
}

void emit_int(struct emit *m, const char *key, int64_t value)
{
	begin(m, key, true);
	str_addf(&m->out, "%lld", (long long)value);
}

void emit_u64(struct emit *m, const char *key, uint64_t value)
{
	begin(m, key, true);
	str_addf(&m->out, "%llu", (unsigned long long)value);
}

void emit_bool(struct emit *m, const char *key, bool value)
{
	begin(m, key, true);
	str_add(&m->out, value ? "true" : "false");
}

void emit_time(struct emit *m, const char *key, int64_t ns)
{
	begin(m, key, true);
	if (ns == 0) {
		str_add(&m->out, "null");
		return;
	}
	str_add_char(&m->out, '"');
	unit_add_timestamp(&m->out, ns);
	str_add_char(&m->out, '"');
}

void emit_strv(struct emit *m, const char *key, char *const *v)
{
	emit_open_list(m, key);
	for (; v && *v; v++)
		emit_str(m, NULL, *v);
	emit_close(m);
}

void emit_pairs(struct emit *m, const char *key, char *const *v)
{
	emit_open_map(m, key);
	for (; v && *v; v++) {
		size_t len = strcspn(*v, "=");
		autofree char *name = strndup(*v, len);

		if (!name)
			abort();
		emit_str(m, name, *v + len + ((*v)[len] == '='));
	}
	emit_close(m);
}

/* Any LIST() */
struct list {
	void *v;
	size_t n;
};

static void emit_list(struct emit *m, const struct field *f, const struct list *list)
{
	emit_open_list(m, f->key);
	for (size_t i = 0; i < list->n; i++)
		emit_fields(m, NULL, f->sub, (const char *)list->v + i * f->sub->size);
	emit_close(m);
}

static void emit_named(struct emit *m, const struct field *f, const struct list *list)
{
	emit_open_map(m, f->key);
	for (size_t i = 0; i < list->n; i++) {
		const char *item = (const char *)list->v + i * f->sub->size;

		emit_fields(m, *(char *const *)(item + field_name_offset(f->sub)), f->sub, item);
	}
	emit_close(m);
}

static void emit_field(struct emit *m, const struct field *f, const void *p)
{
	switch (f->kind) {
	case FIELD_STR:
	case FIELD_NUMBER:
		emit_str(m, f->key, *(char *const *)p);
		break;
	case FIELD_BOOL:
		emit_bool(m, f->key, *(const bool *)p);
		break;
	case FIELD_INT:
	case FIELD_TIME:
		emit_int(m, f->key, *(const int64_t *)p);
		break;
	case FIELD_U32:
	case FIELD_CPUS:
		emit_u64(m, f->key, *(const uint32_t *)p);
		break;
	case FIELD_U64:
	case FIELD_SIZE:
		emit_u64(m, f->key, *(const uint64_t *)p);
		break;
	case FIELD_ENUM:
		emit_str(m, f->key, f->names[*(const int *)p]);
		break;
	case FIELD_STRV:
	case FIELD_NUMV:
		emit_strv(m, f->key, *(char *const *const *)p);
		break;
	case FIELD_MAP:
		emit_pairs(m, f->key, *(char *const *const *)p);
		break;
	case FIELD_STRUCT:
		emit_fields(m, f->key, f->sub, p);
		break;
	case FIELD_LIST:
		emit_list(m, f, p);
		break;
	case FIELD_NAMED:
		emit_named(m, f, p);
		break;
	case FIELD_RAW: /* only in other people's documents */
	case FIELD_CUSTOM:
		break;
	}
}

void emit_fields(struct emit *m, const char *key, const struct field_set *set, const void *object)
{
	emit_open_map(m, key);
	for (size_t i = 0; i < set->n; i++) {
		const struct field *f = &set->fields[i];
		const void *p = (const char *)object + f->offset;

		if (!record_is_absent(f, p))
			emit_field(m, f, p);
	}
	emit_close(m);
}

int emit_print(struct emit *m, const struct cli *cli)
{
	str_add_char(&m->out, '\n');
	return cli_print(cli, m->out.text, m->out.len);
}
