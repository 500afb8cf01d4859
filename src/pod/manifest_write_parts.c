/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Probes, secrets and config files as a manifest has them. In the plan a file is an app's ("web/secrets/token"); here the
 * pod declares it once, and the apps use it. What a Kubernetes manifest held inside itself as a secret stands in no
 * other manifest: a comment tells what is missing. Pure.
 */
#include "pod/manifest_write_parts.h"

#include <inttypes.h>
#include <string.h>

/* ---- probes and hooks ---- */

static void add_time(struct str *out, const char *key, int64_t ns)
{
	if (ns)
		str_addf(out, ", %s: %" PRId64 "ms", key, ns / 1000000);
}

static void add_words(struct str *out, char *const *words)
{
	str_add(out, "[");
	for (char *const *w = words; w && *w; w++) {
		str_add(out, w == words ? "" : ", ");
		str_add_json(out, *w);
	}
	str_add(out, "]");
}

static void add_headers(struct str *out, char *const *headers)
{
	if (!headers)
		return;
	str_add(out, ", headers: {");
	for (char *const *h = headers; *h; h++) {
		size_t n = strcspn(*h, ":");

		str_add(out, h == headers ? "" : ", ");
		str_add_json_span(out, *h, n, STR_FOREIGN_REPLACE);
		str_add(out, ": ");
		str_add_json(out, *h + n + ((*h)[n] ? 2 : 0));
	}
	str_add(out, "}");
}

static void add_kind(struct str *out, const struct plan_probe *p)
{
	switch (p->kind) {
	case PROBE_EXEC:
		str_add(out, "exec: ");
		add_words(out, p->exec);
		break;
	case PROBE_SLEEP:
		str_addf(out, "sleep: %" PRId64 "ms", p->delay_ns / 1000000);
		break;
	default:
		str_addf(out, "%s: \":%u%s%s\"", probe_kind_names[p->kind], p->port,
			 p->path && p->kind == PROBE_GRPC ? "/" : "", p->path ? p->path : "");
		add_headers(out, p->headers);
	}
}

static void write_probe(struct str *out, const char *key, const struct plan_probe *p)
{
	if (p->kind == PROBE_NONE)
		return;
	str_addf(out, "    %s: {", key);
	add_kind(out, p);
	add_time(out, "every", p->every_ns);
	add_time(out, "timeout", p->timeout_ns);
	add_time(out, "delay", p->delay_ns);
	str_addf(out, ", failures: %u, successes: %u}\n", p->failures, p->successes);
}

static void write_hook(struct str *out, const char *key, const struct plan_probe *p)
{
	if (p->kind == PROBE_NONE)
		return;
	str_addf(out, "      %s: {", key);
	add_kind(out, p);
	add_time(out, "timeout", p->timeout_ns);
	str_add(out, "}\n");
}

static void write_words(struct str *out, const char *key, char *const *words)
{
	if (!words)
		return;
	str_addf(out, "      %s: ", key);
	add_words(out, words);
	str_add(out, "\n");
}

void manifest_write_probes(struct str *out, const struct plan_app *app)
{
	write_probe(out, "started", &app->started);
	write_probe(out, "ready", &app->ready);
	write_probe(out, "alive", &app->alive);
	if (app->after) {
		str_add(out, "    after: ");
		add_words(out, app->after);
		str_add(out, "\n");
	}
	if (!app->pre_start && !app->post_stop && !app->post_start.kind && !app->pre_stop.kind)
		return;
	str_add(out, "    hooks:\n");
	write_words(out, "pre_start", app->pre_start);
	write_hook(out, "post_start", &app->post_start);
	write_hook(out, "pre_stop", &app->pre_stop);
	write_words(out, "post_stop", app->post_stop);
}

/* ---- files ---- */

/* What stands in the manifest for a file of the plan: "web/secrets/token" is token. */
static const char *short_name(const struct plan_file *f)
{
	const char *kind = strchr(f->name, '/'), *name = kind ? strchr(kind + 1, '/') : NULL;

	return name ? name + 1 : f->name;
}

static bool is_native(const struct plan_file *f)
{
	const char *kind = strchr(f->name, '/');

	return kind && (str_has_prefix(kind, "/secrets/") || str_has_prefix(kind, "/config/"));
}

static bool is_left_out(const struct plan_file *f)
{
	return f->secret && f->from == FILE_TEXT;
}

/* The name of one that a foreign manifest had placed: "kube/site/a.conf" is kube-site-a.conf. */
static void add_name(struct str *out, const struct plan_file *f)
{
	if (is_native(f)) {
		str_add_json(out, short_name(f));
		return;
	}
	str_add_char(out, '"');
	for (const char *c = f->name; *c; c++)
		str_add_char(out, *c == '/' ? '-' : *c);
	str_add_char(out, '"');
}

/* The path behind the mount's source when the file lies in what is mounted, or NULL. */
static const char *below(const struct plan_file *f, const struct plan_mount *m)
{
	size_t n = strlen(m->source);

	if (m->kind != MOUNT_FILE || strncmp(f->name, m->source, n) || (f->name[n] && f->name[n] != '/'))
		return NULL;
	return f->name + n;
}

static void write_use(struct str *out, const struct plan_file *f, const struct plan_mount *m)
{
	str_add(out, "      ");
	add_name(out, f);
	str_add(out, ": {to: \"");
	str_addf(out, "%s%s\", mode: \"%04o\"}\n", m->target, below(f, m), f->mode);
}

static void write_uses(struct str *out, const struct plan *p, const struct plan_app *app, bool secret)
{
	bool any = false;

	for (size_t i = 0; i < p->files.n; i++) {
		const struct plan_file *f = &p->files.v[i];

		if (f->secret != secret || is_left_out(f))
			continue;
		for (size_t j = 0; j < app->mounts.n; j++) {
			if (!below(f, &app->mounts.v[j]))
				continue;
			if (!any)
				str_addf(out, "    %s:\n", secret ? "secrets" : "config");
			any = true;
			write_use(out, f, &app->mounts.v[j]);
			break;
		}
	}
}

void manifest_write_uses(struct str *out, const struct plan *p, const struct plan_app *app)
{
	write_uses(out, p, app, true);
	write_uses(out, p, app, false);
}

static bool is_first(const struct plan *p, size_t i)
{
	const struct plan_file *f = &p->files.v[i];

	for (size_t j = 0; j < i; j++)
		if (p->files.v[j].secret == f->secret && is_native(f) && is_native(&p->files.v[j]) &&
		    !strcmp(short_name(&p->files.v[j]), short_name(f)))
			return false;
	return true;
}

static void write_file(struct str *out, const struct plan_file *f)
{
	static const char *const keys[] = {"text", "file", "env", NULL, "credential"};

	str_add(out, "  ");
	add_name(out, f);
	if (f->from == FILE_STDIN) {
		str_add(out, ": {stdin: true}\n");
		return;
	}
	str_addf(out, ": {%s: ", keys[f->from]);
	str_add_json(out, f->source ? f->source : "");
	str_add(out, "}\n");
}

static void write_files(struct str *out, const struct plan *p, bool secret)
{
	bool any = false;

	for (size_t i = 0; i < p->files.n; i++) {
		const struct plan_file *f = &p->files.v[i];

		if (f->secret != secret || !is_first(p, i))
			continue;
		if (is_left_out(f) || f->base64) {
			str_addf(out, "# %s: stood in the manifest itself, and is left out here\n", f->name);
			continue;
		}
		if (!any)
			str_addf(out, "%s:\n", secret ? "secrets" : "config");
		any = true;
		write_file(out, f);
	}
}

void manifest_write_files(struct str *out, const struct plan *p)
{
	write_files(out, p, true);
	write_files(out, p, false);
}
