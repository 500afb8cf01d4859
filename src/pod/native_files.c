/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets and config files: the pod says where the bytes come from, an app where it wants them.
 *
 *   secrets: {token: {file: ./token}, key: {credential: key}, pw: {env: PW}, pin: {stdin: true}}
 *   config:  {site: {file: ./site.conf}, motd: {text: "hello"}, note: "hello"}
 *   apps: {web: {secrets: [token], config: {site: /etc/nginx/conf.d/site.conf}}}
 *
 * The bytes themselves are read when the pod comes up (supervise/pod_files.c). Pure.
 */
#include "pod/native_files.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/decode.h"
#include "base/str.h"
#include "pod/mounts.h"
#include "pod/names.h"
#include "pod/native_parts.h"
#include "pod/paths.h"
#include "pod/place.h"

enum { TEXT_MAX = 1 << 20, USES_MAX = 256 };

/* ---- the pod's ---- */

struct asked_file {
	char *file, *env, *credential, *text;
	bool from_stdin;
};

static const struct field file_fields[] = {
	FIELD(struct asked_file, file, "file", FIELD_STR),
	FIELD(struct asked_file, env, "env", FIELD_STR),
	FIELD(struct asked_file, credential, "credential", FIELD_STR),
	FIELD(struct asked_file, from_stdin, "stdin", FIELD_BOOL),
	FIELD(struct asked_file, text, "text", FIELD_STR),
};
static const char *const file_aliases[][2] = {
	{"path", "file: PATH"},        {"content", "text: …"},
	{"environment", "env: NAME"},  {"external", "file:, env:, credential: or stdin:"},
	{"mode", "mode: of the app's"}, {"target", "the app says where: secrets: {NAME: PATH}"},
	{NULL, NULL},
};
static const struct field_set file_set =
	FIELD_SET("file", struct asked_file, file_fields, .aliases = file_aliases);

static bool is_variable(const char *name)
{
	if (!*name || (*name >= '0' && *name <= '9'))
		return false;
	for (; *name; name++)
		if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_", *name))
			return false;
	return true;
}

static int set_source(struct pod_file *f, const struct asked_file *q, const struct doc *node,
		      struct err *e)
{
	const struct {
		enum file_from from;
		char *source;
	} sources[] = {
		{FILE_HOST, q->file}, {FILE_ENV, q->env}, {FILE_CREDENTIAL, q->credential}, {FILE_TEXT, q->text},
	};
	int n = q->from_stdin;

	f->from = FILE_STDIN;
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		if (!sources[i].source)
			continue;
		f->from = sources[i].from;
		f->source = sources[i].source;
		n++;
	}
	if (n != 1) {
		place_bad(node, e, "'%.60s' comes from exactly one of file, env, credential, stdin, text",
			  f->name);
		return err_try(e, "%.60s: {file: ./%.60s}", f->name, f->name);
	}
	if (f->from == FILE_TEXT && f->secret) {
		place_bad(node, e, "a secret does not stand in the manifest");
		err_because(e, "the manifest is read by others, and kept with the pod");
		return err_try(e, "%.60s: {file: ./%.60s}   (or env, credential, stdin)", f->name,
			       f->name);
	}
	if (f->from == FILE_ENV && !is_variable(f->source))
		return place_bad(node, e, "'%.60s' is no name of a variable", f->source);
	if (f->from == FILE_CREDENTIAL && (name_check(NAME_VOLUME, f->source, e)))
		return place_err(node, e);
	return 0;
}

static int decode_file(struct arena *a, const struct doc *node, struct pod_file *f, struct err *e)
{
	struct decode d = {.arena = a};
	struct asked_file q = {};
	int rc;

	f->place = place_of(a, node);
	f->name = arena_strdup(a, node->key);
	if ((rc = name_check(NAME_VOLUME, f->name, e)))
		return place_err(node, e);
	if (node->kind == DOC_STR && !f->secret)
		q.text = arena_strdup(a, node->text);
	else if ((rc = decode_doc(&d, &file_set, node, &q, e)))
		return rc;
	if (q.text && strlen(q.text) > TEXT_MAX)
		return place_bad(node, e, "a config file has at most 1 MiB");
	return set_source(f, &q, node, e);
}

int native_decode_files(struct arena *a, const struct doc *node, struct pod *pod, struct err *e)
{
	bool secret = !strcmp(node->key, "secrets");
	int rc = 0;

	if (node->kind != DOC_MAP) {
		place_bad(node, e, "%s must be a map from a name to where it comes from", node->key);
		return err_try(e, "%s: {token: {file: ./token}}", node->key);
	}
	for (const struct doc *c = node->child; c && !rc; c = c->next) {
		struct pod_file *f = list_add(a, &pod->files);

		f->secret = secret;
		rc = decode_file(a, c, f, e);
	}
	return rc;
}

int native_finish_files(const struct native_input *in, struct pod *pod, struct err *e)
{
	for (size_t i = 0; i < pod->files.n; i++) {
		struct pod_file *f = &pod->files.v[i];

		if (f->from != FILE_HOST)
			continue;
		if (*f->source != '/' && !in->base_dir) {
			err_new(e, ERR_USAGE, "the path '%.100s' must be absolute here", f->source);
			return place_err_text(f->place, e);
		}
		f->source = path_clean(in->arena, in->base_dir, f->source);
		if (!f->source) {
			err_new(e, ERR_USAGE, "the path of '%.60s' is too long", f->name);
			return place_err_text(f->place, e);
		}
	}
	return 0;
}

/* ---- an app's ---- */

static int use_target(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	struct pod_file_use *u = object;

	if (node->kind != DOC_STR)
		return place_bad(node, e, "expected an absolute path in the app");
	u->target = arena_strdup(a, node->text);
	if (u->secret && *u->target != '/')
		u->target = arena_printf(a, "/run/secrets/%s", u->target);
	return mount_check_target(u->target, e) ? place_err(node, e) : 0;
}

static int use_mode(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	return native_decode_mode(node, &((struct pod_file_use *)object)->mode, e);
}

static const struct field use_fields[] = {
	{.key = "to", .kind = FIELD_CUSTOM, .decode = use_target},
	{.key = "mode", .kind = FIELD_CUSTOM, .decode = use_mode},
};
static const char *const use_aliases[][2] = {
	{"target", "to: PATH"}, {"path", "to: PATH"}, {"uid", "the file is the app's user's"},
	{"gid", "the file is the app's user's"}, {"source", "the key is its name"}, {NULL, NULL}};
static const struct field_set use_set =
	FIELD_SET("file of the app", struct pod_file_use, use_fields, .aliases = use_aliases);

static int decode_use(struct arena *a, const struct doc *node, const char *name,
		      struct pod_file_use *u, struct err *e)
{
	struct decode d = {.arena = a};
	int rc = 0;

	u->place = place_of(a, node);
	u->name = arena_strdup(a, name);
	if (name_check(NAME_VOLUME, name, e))
		return place_err(node, e);
	if (node->kind == DOC_MAP)
		rc = decode_doc(&d, &use_set, node, u, e);
	else if (node->key && node->kind != DOC_NULL)
		rc = use_target(a, node, u, e);
	if (!rc && !u->target && !u->secret)
		return place_bad(node, e, "config '%.60s' needs its place in the app: an absolute path",
				 name);
	return rc;
}

int native_decode_uses(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	struct pod_app *app = object;
	bool secret = !strcmp(node->key, "secrets"), list = node->kind == DOC_LIST;
	int rc = 0;

	if (node->n > USES_MAX)
		return place_bad(node, e, "an app has at most %d of them", USES_MAX);
	if (node->kind != DOC_MAP && (!list || !secret)) {
		place_bad(node, e, "%s of an app is a map from a name to its place", node->key);
		return err_try(e, secret ? "secrets: [token], or {token: /etc/token}"
					 : "config: {site: /etc/nginx/conf.d/site.conf}");
	}
	for (const struct doc *c = node->child; c && !rc; c = c->next) {
		struct pod_file_use *u = list_add(a, &app->files);

		u->secret = secret;
		if (list && c->kind != DOC_STR)
			return place_bad(c, e, "expected the name of a secret");
		struct doc plain = *c;
		if (list)
			plain.key = NULL;
		rc = decode_use(a, &plain, list ? c->text : c->key, u, e);
	}
	return rc;
}

/* ---- --secret NAME=SOURCE ---- */

int files_parse_secret(struct arena *a, const char *text, const char *base_dir, struct pod *pod,
		       struct pod_app *app, struct err *e)
{
	const char *equals = strchr(text, '=');
	struct pod_file f = {.secret = true, .from = FILE_HOST};
	const char *source = equals ? equals + 1 : "";
	int rc;

	if (!equals || !*source) {
		err_new(e, ERR_USAGE, "--secret %.60s can't be done", text);
		err_because(e, "it says not where the secret comes from");
		return err_try(e, "--secret NAME=./FILE, NAME=env:VARIABLE, NAME=credential:NAME, NAME=-");
	}
	f.name = arena_strndup(a, text, (size_t)(equals - text));
	if ((rc = name_check(NAME_VOLUME, f.name, e)))
		return rc;
	if (!strcmp(source, "-"))
		f.from = FILE_STDIN;
	else if (str_has_prefix(source, "env:"))
		f.from = FILE_ENV, f.source = arena_strdup(a, source + 4);
	else if (str_has_prefix(source, "credential:"))
		f.from = FILE_CREDENTIAL, f.source = arena_strdup(a, source + 11);
	else
		f.source = path_clean(a, base_dir, str_has_prefix(source, "file:") ? source + 5 : source);
	if (f.from == FILE_HOST && !f.source) {
		err_new(e, ERR_USAGE, "the path of the secret %.60s is too long", f.name);
		return err_because(e, "a path has at most 4095 characters");
	}
	if (f.from == FILE_ENV && !is_variable(f.source)) {
		err_new(e, ERR_USAGE, "'%.60s' is no name of a variable", f.source);
		return err_because(e, "it has letters, digits and '_', and begins with no digit");
	}
	if (f.from == FILE_CREDENTIAL && (rc = name_check(NAME_VOLUME, f.source, e)))
		return rc;
	*list_add(a, &pod->files) = f;
	*list_add(a, &app->files) = (struct pod_file_use){.name = f.name, .secret = true};
	return 0;
}
