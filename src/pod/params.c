/* SPDX-License-Identifier: Apache-2.0 */
/* See params.h. The label is outside bytes: bounded, decoded strictly, and an image with a bad one is refused by name. */
#include "pod/params.h"

#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/decode.h"
#include "base/str.h"
#include "base/unit.h"

#define LABEL "dev.rocket.params"

enum { LABEL_MAX = 64 << 10, VALUE_MAX = 4096, PARAMS_MAX = 64 };
enum param_kind { PARAM_TEXT, PARAM_NUMBER, PARAM_SIZE, PARAM_BOOL, PARAM_CHOICE };
static const char *const kind_names[] = {"text", "number", "size", "bool", "choice", NULL};

struct param {
	char *name, *env, *def, *help;
	char **args, **choices;
	enum param_kind kind;
};
struct params {
	LIST(struct param) list;
};

static const struct field param_fields[] = {
	FIELD(struct param, name, "name", FIELD_STR),
	FIELD(struct param, env, "env", FIELD_STR),
	FIELD(struct param, args, "args", FIELD_STRV),
	FIELD(struct param, kind, "kind", FIELD_ENUM, .names = kind_names),
	FIELD(struct param, choices, "choices", FIELD_STRV),
	FIELD(struct param, def, "default", FIELD_STR),
	FIELD(struct param, help, "help", FIELD_STR),
};
static const struct field_set param_set = FIELD_SET("parameter", struct param, param_fields);
static const struct field params_fields[] = {
	FIELD(struct params, list, "params", FIELD_NAMED, .sub = &param_set),
};
static const struct field_set params_set = FIELD_SET("parameters", struct params, params_fields);

/* ---- the label ---- */

static const char *find_label(const struct image_config *config)
{
	size_t n = strlen(LABEL);

	for (char **l = config->labels; l && *l; l++)
		if (!strncmp(*l, LABEL, n) && (*l)[n] == '=')
			return *l + n + 1;
	return NULL;
}

static int bad_label(const struct resolve_app *ra, const char *because, struct err *e)
{
	err_new(e, ERR_USAGE, "the image of app '%s' offers its parameters in a way that can't be read",
		ra->asked->name);
	return err_because(e, "its label " LABEL ": %.200s", because);
}

static int read_label(struct resolve *r, struct resolve_app *ra, struct params *ret, struct err *e)
{
	const char *text = find_label(&ra->image->config);
	struct decode d = {.arena = r->arena};
	struct err why = {};
	struct doc *doc, map = {.kind = DOC_MAP};

	if (!text)
		return 0;
	if (strlen(text) > LABEL_MAX)
		return bad_label(ra, "it is longer than 64 KiB", e);
	if (doc_parse_json(r->arena, LABEL, text, strlen(text), &doc, &why))
		return bad_label(ra, why.what, e);
	doc->key = "params";
	map.child = doc;
	map.n = 1;
	if (decode_doc(&d, &params_set, &map, ret, &why))
		return bad_label(ra, why.what, e);
	if (ret->list.n > PARAMS_MAX)
		return bad_label(ra, "it has more than 64 parameters", e);
	for (size_t i = 0; i < ret->list.n; i++)
		if ((ret->list.v[i].env != NULL) == (ret->list.v[i].args != NULL))
			return bad_label(ra, "a parameter has either env or args", e);
	return 0;
}

/* ---- values ---- */

static int bad_value(const struct resolve_app *ra, const struct param *p, const char *value,
		     const char *because, struct err *e)
{
	err_new(e, ERR_USAGE, "app '%s': the parameter %s can't be '%.60s'", ra->asked->name, p->name,
		value);
	err_because(e, "%s", because);
	return p->help ? err_try(e, "%.40s: %.200s", p->name, p->help) : -ERR_USAGE;
}

static int settle_choice(struct resolve *r, const struct resolve_app *ra, const struct param *p,
			 const char *value, char **ret, struct err *e)
{
	autostr list = {};

	for (char **c = p->choices; c && *c; c++) {
		if (!strcmp(*c, value)) {
			*ret = arena_strdup(r->arena, value);
			return 0;
		}
		str_addf(&list, "%s%.60s", list.len ? ", " : "it is one of: ", *c);
	}
	return bad_value(ra, p, value, list.len ? str_text(&list) : "the image names no choice", e);
}

/* As the image's program gets it: sizes in bytes. */
static int settle_value(struct resolve *r, const struct resolve_app *ra, const struct param *p,
			const char *value, char **ret, struct err *e)
{
	uint64_t n;

	*ret = arena_strdup(r->arena, value);
	if (strlen(value) > VALUE_MAX)
		return bad_value(ra, p, value, "it is longer than 4096 bytes", e);
	switch (p->kind) {
	case PARAM_NUMBER:
		return unit_parse_u64(value, 0, UINT64_MAX, &n)
			       ? bad_value(ra, p, value, "it is a whole number", e)
			       : 0;
	case PARAM_SIZE:
		if (unit_parse_size(value, &n))
			return bad_value(ra, p, value, "it is a size such as 64Mi", e);
		*ret = arena_printf(r->arena, "%" PRIu64, n);
		return 0;
	case PARAM_BOOL:
		return strcmp(value, "true") && strcmp(value, "false")
			       ? bad_value(ra, p, value, "it is true or false", e)
			       : 0;
	case PARAM_CHOICE:
		return settle_choice(r, ra, p, value, ret, e);
	case PARAM_TEXT:
		break;
	}
	return 0;
}

static void add_arg(struct resolve *r, struct resolve_app *ra, const char *word, const char *value)
{
	const char *hole = strstr(word, "{}");
	char *arg = hole ? arena_printf(r->arena, "%.*s%s%s", (int)(hole - word), word, value, hole + 2)
			 : arena_strdup(r->arena, word);

	arena_strv_add(r->arena, &ra->app.argv, arg);
}

static bool names(const char *pair, const char *name)
{
	size_t n = strlen(name);

	return !strncmp(pair, name, n) && pair[n] == '=';
}

/* What the owner said of the environment itself holds. */
static void set_env(struct resolve *r, struct resolve_app *ra, const char *name, const char *value)
{
	for (char **v = ra->asked->env; v && *v; v++)
		if (names(*v, name))
			return;
	for (char **v = ra->app.env; v && *v; v++) {
		if (!names(*v, name))
			continue;
		*v = arena_printf(r->arena, "%s=%s", name, value);
		return;
	}
	arena_strv_add(r->arena, &ra->app.env, arena_printf(r->arena, "%s=%s", name, value));
}

static const char *asked_value(const struct resolve_app *ra, const char *name)
{
	for (char **p = ra->asked->params; p && *p; p++)
		if (names(*p, name))
			return *p + strlen(name) + 1;
	return NULL;
}

static int apply_one(struct resolve *r, struct resolve_app *ra, const struct param *p, struct err *e)
{
	const char *value = asked_value(ra, p->name);
	char *settled;
	int rc;

	value = value ? value : p->def;
	if (!value)
		return 0;
	if ((rc = settle_value(r, ra, p, value, &settled, e)))
		return rc;
	if (p->env)
		set_env(r, ra, p->env, settled);
	for (char **w = p->args; w && *w; w++)
		add_arg(r, ra, *w, settled);
	return 0;
}

static int check_known(struct resolve *r, const struct resolve_app *ra, const struct params *all,
		       const char *pair, struct err *e)
{
	const char **known = arena_alloc(r->arena, (all->list.n + 1) * sizeof(*known));
	char *name = arena_strndup(r->arena, pair, strcspn(pair, "="));
	autostr list = {};
	const char *near;

	for (size_t i = 0; i < all->list.n; i++) {
		known[i] = all->list.v[i].name;
		if (!strcmp(known[i], name))
			return 0;
		str_addf(&list, "%s%s", i ? ", " : "it offers: ", known[i]);
	}
	near = str_nearest(name, known);
	err_new(e, ERR_USAGE, "the image of app '%s' has no parameter '%.60s'", ra->asked->name, name);
	err_because(e, "%s", list.len ? str_text(&list) : "it offers none (label " LABEL ")");
	return near ? err_try(e, "params: {%s: …}, or --param %s=…", near, near) : -ERR_USAGE;
}

int params_apply(struct resolve *r, struct resolve_app *ra, struct err *e)
{
	struct params all = {};
	int rc;

	/* A command of the owner's own is complete: the image's words for it don't fit behind it. */
	if (!ra->asked->params && (ra->asked->exec || ra->asked->args || ra->asked->replaces_config))
		return 0;
	rc = read_label(r, ra, &all, e);
	for (char **p = ra->asked->params; p && *p && !rc; p++)
		rc = check_known(r, ra, &all, *p, e);
	for (size_t i = 0; i < all.list.n && !rc; i++)
		rc = apply_one(r, ra, &all.list.v[i], e);
	return rc;
}
