/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct plan to YAML that native.c reads. Strings are always in double quotes (JSON's form, which
 * YAML shares), so that no value can be taken for something else; lists stand on one line. Pure.
 */
#include "pod/manifest_write.h"

#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "pod/caps.h"
#include "pod/manifest_write_parts.h"
#include "pod/signals.h"

static void add_key(struct str *out, unsigned depth, const char *key)
{
	str_addf(out, "%*s%s:", (int)(2 * depth), "", key);
}

static void write_str(struct str *out, unsigned depth, const char *key, const char *value)
{
	if (!value)
		return;
	add_key(out, depth, key);
	str_add_char(out, ' ');
	str_add_json(out, value);
	str_add_char(out, '\n');
}

static void write_word(struct str *out, unsigned depth, const char *key, const char *word)
{
	add_key(out, depth, key);
	str_addf(out, " %s\n", word);
}

static void write_true(struct str *out, unsigned depth, const char *key, bool value)
{
	if (value)
		write_word(out, depth, key, "true");
}

static void write_number(struct str *out, unsigned depth, const char *key, uint64_t value)
{
	if (!value)
		return;
	add_key(out, depth, key);
	str_addf(out, " %" PRIu64 "\n", value);
}

/* To the millisecond: the grammar of times knows no smaller unit. */
static void write_time(struct str *out, unsigned depth, const char *key, int64_t ns)
{
	add_key(out, depth, key);
	str_addf(out, " %" PRId64 "ms\n", ns / 1000000);
}

static void write_list(struct str *out, unsigned depth, const char *key, char *const *list)
{
	if (!list)
		return;
	add_key(out, depth, key);
	str_add(out, " [");
	for (size_t i = 0; list[i]; i++) {
		str_add(out, i ? ", " : "");
		str_add_json(out, list[i]);
	}
	str_add(out, "]\n");
}

/* One "K=V" as a line of a map. */
static void write_pair(struct str *out, unsigned depth, const char *pair)
{
	const char *equals = strchr(pair, '=');
	autostr key = {};

	str_add_bytes(&key, pair, (size_t)(equals - pair));
	str_addf(out, "%*s", (int)(2 * depth), "");
	str_add_json(out, str_text(&key));
	str_add(out, ": ");
	str_add_json(out, equals + 1);
	str_add_char(out, '\n');
}

static void write_map(struct str *out, unsigned depth, const char *key, char *const *pairs)
{
	if (!pairs || !*pairs)
		return;
	add_key(out, depth, key);
	str_add_char(out, '\n');
	for (; *pairs; pairs++)
		write_pair(out, depth + 1, *pairs);
}

/* ---- parts of an app ---- */

/* What resolve_env() sets again by itself. */
static bool env_is_made(const struct plan *p, const struct plan_app *app, const char *pair)
{
	if (app->tz && str_has_prefix(pair, "TZ="))
		return true;
	if (app->tty && str_has_prefix(pair, "TERM="))
		return true;
	if (str_equal(pair, "container=rocket"))
		return true;
	return str_has_prefix(pair, "HOSTNAME=") && str_equal(pair + 9, app->hostname ?: p->hostname);
}

static void write_env(struct str *out, const struct plan *p, const struct plan_app *app)
{
	bool any = false;

	for (char **pair = app->env; pair && *pair; pair++) {
		if (env_is_made(p, app, *pair))
			continue;
		if (!any)
			str_add(out, "    env:\n");
		any = true;
		write_pair(out, 3, *pair);
	}
}

static void write_user(struct str *out, const struct plan_app *app)
{
	str_addf(out, "    user: \"%u:%u\"\n", app->uid, app->gid);
	if (strv_len(app->groups) > 1)
		write_list(out, 2, "groups", app->groups);
}

static void write_caps(struct str *out, const struct plan_app *app)
{
	uint64_t dropped = caps_default & ~app->caps;
	bool any = false;

	if (!dropped)
		return;
	str_add(out, "    caps: {drop: [");
	for (unsigned n = 0; caps_name(n); n++) {
		if (!(dropped & (UINT64_C(1) << n)))
			continue;
		str_addf(out, "%s%s", any ? ", " : "", caps_name(n));
		any = true;
	}
	str_add(out, "]}\n");
}

static bool limits_are_set(const struct plan_limits *l)
{
	static const struct plan_limits none;

	return memcmp(l, &none, sizeof(none)) != 0;
}

static void write_rate(struct str *out, bool *any, const char *key, uint64_t value)
{
	if (!value)
		return;
	str_addf(out, "%s%s: %" PRIu64, *any ? ", " : "", key, value);
	*any = true;
}

static void write_io(struct str *out, unsigned depth, const struct plan_limits *l)
{
	if (!l->io.n)
		return;
	add_key(out, depth, "io");
	str_add_char(out, '\n');
	for (size_t i = 0; i < l->io.n; i++) {
		const struct plan_io *io = &l->io.v[i];
		bool any = false;

		str_addf(out, "%*s", (int)(2 * depth + 2), "");
		str_add_json(out, io->device);
		str_add(out, ": {");
		write_rate(out, &any, "read", io->read_bps);
		write_rate(out, &any, "write", io->write_bps);
		write_rate(out, &any, "read_ops", io->read_iops);
		write_rate(out, &any, "write_ops", io->write_iops);
		str_add(out, "}\n");
	}
}

static void write_hugepages(struct str *out, unsigned depth, const struct plan_limits *l)
{
	if (!l->hugepages.n)
		return;
	add_key(out, depth, "hugepages");
	str_add_char(out, '\n');
	for (size_t i = 0; i < l->hugepages.n; i++)
		str_addf(out, "%*s%s: %" PRIu64 "\n", (int)(2 * depth + 2), "", l->hugepages.v[i].size,
			 l->hugepages.v[i].bytes);
}

static void write_limits(struct str *out, unsigned depth, const struct plan_limits *l)
{
	if (!limits_are_set(l))
		return;
	add_key(out, depth, "limits");
	str_add_char(out, '\n');
	write_number(out, depth + 1, "memory", l->memory_bytes);
	write_number(out, depth + 1, "memory_request", l->memory_request_bytes);
	write_number(out, depth + 1, "swap", l->swap_bytes);
	if (l->swap_unlimited)
		write_word(out, depth + 1, "swap", "unlimited");
	if (l->cpus_milli)
		str_addf(out, "%*scpus: %um\n", (int)(2 * depth + 2), "", l->cpus_milli);
	write_number(out, depth + 1, "cpu_shares", l->cpu_shares);
	write_str(out, depth + 1, "cpuset", l->cpuset);
	write_number(out, depth + 1, "pids", l->pids);
	write_number(out, depth + 1, "io_weight", l->io_weight);
	write_str(out, depth + 1, "cpuset_mems", l->cpuset_mems);
	write_io(out, depth + 1, l);
	write_hugepages(out, depth + 1, l);
	write_map(out, depth + 1, "files", l->files);
}

static void add_rlimit(struct str *out, uint64_t value)
{
	if (value == UINT64_MAX)
		str_add(out, "unlimited");
	else
		str_addf(out, "%" PRIu64, value);
}

static void write_rlimits(struct str *out, const struct plan_app *app)
{
	if (!app->rlimits.n)
		return;
	str_add(out, "    rlimits:\n");
	for (size_t i = 0; i < app->rlimits.n; i++) {
		const struct plan_rlimit *r = &app->rlimits.v[i];

		str_addf(out, "      %s: \"", r->name);
		add_rlimit(out, r->soft);
		str_add_char(out, ':');
		add_rlimit(out, r->hard);
		str_add(out, "\"\n");
	}
}

static const struct plan_volume *find_volume(const struct plan *p, const char *name)
{
	for (size_t i = 0; i < p->volumes.n; i++)
		if (!strcmp(p->volumes.v[i].name, name))
			return &p->volumes.v[i];
	return NULL;
}

/* A volume that only the image declares comes back by itself. */
static bool volume_is_the_images(const struct plan_volume *v)
{
	return v && (v->from_image || v->from_link);
}

static bool mount_is_written(const struct plan *p, const struct plan_mount *m)
{
	if (m->kind == MOUNT_VOLUME)
		return !volume_is_the_images(find_volume(p, m->source));
	return m->kind == MOUNT_TMPFS;
}

static void write_mount(struct str *out, const struct plan_mount *m)
{
	str_add(out, "      ");
	str_add_json(out, m->target);
	str_add(out, ": {");
	if (m->kind == MOUNT_VOLUME) {
		str_add(out, "volume: ");
		str_add_json(out, m->source);
	} else if (m->size_bytes) {
		str_addf(out, "tmpfs: %" PRIu64, m->size_bytes);
	} else {
		str_add(out, "tmpfs: true");
	}
	if (m->mode)
		str_addf(out, ", mode: \"%04o\"", m->mode);
	str_add(out, m->read_only ? ", read_only: true" : "");
	str_add(out, m->noexec ? ", noexec: true" : "");
	str_add(out, "}\n");
}

static void write_mounts(struct str *out, const struct plan *p, const struct plan_app *app)
{
	bool any = false;

	for (size_t i = 0; i < app->mounts.n; i++) {
		if (!mount_is_written(p, &app->mounts.v[i]))
			continue;
		if (!any)
			str_add(out, "    mounts:\n");
		any = true;
		write_mount(out, &app->mounts.v[i]);
	}
}

static void write_stop(struct str *out, const struct plan_app *app)
{
	autoarena a = {};

	str_add(out, "    stop:\n");
	write_str(out, 3, "signal", signal_format(&a, app->stop_signal));
	write_time(out, 3, "grace", app->stop_grace_ns);
}

static void write_app(struct str *out, const struct plan *p, const struct plan_app *app)
{
	str_addf(out, "  %s:\n", app->name);
	write_str(out, 2, "image", app->image);
	if (app->distance != p->distance)
		write_word(out, 2, "distance", distance_names[app->distance]);
	if (app->kind != APP_MAIN)
		write_word(out, 2, "kind", app_kind_names[app->kind]);
	write_list(out, 2, "exec", app->argv);
	write_env(out, p, app);
	write_str(out, 2, "workdir", app->workdir);
	write_user(out, app);
	write_true(out, 2, "read_only", app->read_only);
	write_true(out, 2, "tty", app->tty);
	write_true(out, 2, "stdin", app->stdin_open);
	write_true(out, 2, "init", app->init);
	write_str(out, 2, "tz", app->tz);
	write_limits(out, 2, &app->limits);
	write_rlimits(out, app);
	write_mounts(out, p, app);
	write_caps(out, app);
	if (!str_equal(app->seccomp, "default"))
		write_str(out, 2, "seccomp", app->seccomp);
	if (app->oom_score)
		str_addf(out, "    oom_score: %" PRId64 "\n", app->oom_score);
	if (app->restart != RESTART_NEVER)
		write_word(out, 2, "restart", restart_names[app->restart]);
	write_stop(out, app);
	manifest_write_probes(out, app);
	manifest_write_uses(out, p, app);
	str_addf(out, "    logs: {size: %" PRIu64 ", files: %u}\n", app->log_bytes, app->log_files);
	write_map(out, 2, "labels", app->labels);
}

/* ---- volumes and holes ---- */

static void write_volume(struct str *out, const struct plan_volume *v)
{
	const char *comma = "";

	str_add(out, "  ");
	str_add_json(out, v->name);
	str_add(out, ": {");
	if (v->image) {
		str_add(out, "image: ");
		str_add_json(out, v->image);
		str_add(out, "}\n");
		return;
	}
	if (v->keep) {
		str_add(out, "keep: true");
		comma = ", ";
	}
	if (v->tmpfs) {
		str_addf(out, v->size_bytes ? "%stmpfs: %" PRIu64 : "%stmpfs: true", comma,
			 v->size_bytes);
		comma = ", ";
	}
	if (v->mode) {
		str_addf(out, "%smode: \"%04o\"", comma, v->mode);
		comma = ", ";
	}
	if (!v->fill_view)
		str_addf(out, "%sowner: \"%u:%u\"", comma, v->uid, v->gid);
	str_add(out, "}\n");
}

static void write_volumes(struct str *out, const struct plan *p)
{
	bool any = false;

	for (size_t i = 0; i < p->volumes.n; i++) {
		if (volume_is_the_images(&p->volumes.v[i]))
			continue;
		if (!any)
			str_add(out, "volumes:\n");
		any = true;
		write_volume(out, &p->volumes.v[i]);
	}
}

static void add_member(struct str *out, const char *key, const char *value)
{
	if (!value)
		return;
	str_addf(out, ", %s: ", key);
	str_add_json(out, value);
}

static bool text_is_ambiguous(const char *path)
{
	return path && strpbrk(path, ":@");
}

/* The long form is needed for `why`, and where a path holds what parts the short form. */
static bool hole_needs_long(const struct hole *h)
{
	return h->why || text_is_ambiguous(h->source) || text_is_ambiguous(h->target);
}

static void write_long_source(struct str *out, const struct hole *h)
{
	str_addf(out, "{%s: ", hole_kind_names[h->kind]);
	str_add_json(out, h->source);
	add_member(out, "to", h->target);
	if (h->kind == HOLE_PATH && h->writable)
		str_add(out, ", rw: true");
	if (h->kind == HOLE_DEV)
		add_member(out, "access", h->access);
}

/* Kinds without paths: the short form's part behind the colon goes with the kind's key. */
static void write_long_rest(struct str *out, const struct hole *h)
{
	size_t n = h->app ? strlen(h->text) - strlen(h->app) - 1 : strlen(h->text);
	const char *colon = memchr(h->text, ':', n);
	autostr rest = {};

	if (h->kind == HOLE_NEWPRIVS || !colon) {
		str_add(out, "{newprivs: true");
		return;
	}
	str_add_bytes(&rest, colon + 1, n - (size_t)(colon + 1 - h->text));
	str_addf(out, "{%.*s: ", (int)(colon - h->text), h->text);
	str_add_json(out, str_text(&rest));
}

static void write_hole(struct str *out, const struct hole *h)
{
	str_add(out, "  - ");
	if (!hole_needs_long(h)) {
		str_add_json(out, h->text);
		str_add_char(out, '\n');
		return;
	}
	if (h->source)
		write_long_source(out, h);
	else
		write_long_rest(out, h);
	add_member(out, "app", h->app);
	add_member(out, "why", h->why);
	str_add(out, "}\n");
}

/* A hole that was closed while the pod ran has no text any more. */
static void write_holes(struct str *out, const struct plan *p)
{
	bool any = false;

	for (size_t i = 0; i < p->holes.n; i++) {
		if (!p->holes.v[i].text || !*p->holes.v[i].text)
			continue;
		if (!any)
			str_add(out, "holes:\n");
		any = true;
		write_hole(out, &p->holes.v[i]);
	}
}

/* A link that was removed has no text any more; one by shared mounts comes back by itself. */
static void write_links(struct str *out, const struct plan *p)
{
	bool any = false;

	for (size_t i = 0; i < p->links.n; i++) {
		const struct link *l = &p->links.v[i];

		if (!link_is_open(l) || l->origin)
			continue;
		str_add(out, any ? "  - " : "links:\n  - ");
		any = true;
		str_add_json(out, l->text);
		str_add_char(out, '\n');
	}
}

/* ---- the pod ---- */

/* "IP NAME NAME" as one line a name. */
static void write_host(struct str *out, const char *entry)
{
	size_t ip = strcspn(entry, " ");
	const char *p = entry + ip;

	while (*p) {
		size_t n;

		p += strspn(p, " ");
		n = strcspn(p, " ");
		if (n)
			str_addf(out, "  \"%.*s\": \"%.*s\"\n", (int)n, p, (int)ip, entry);
		p += n;
	}
}

static void write_dns(struct str *out, const struct plan *p)
{
	if (!p->dns && !p->dns_search)
		return;
	str_add(out, "dns:\n");
	write_list(out, 1, "servers", p->dns);
	write_list(out, 1, "search", p->dns_search);
}

void manifest_write(struct str *out, const struct plan *p)
{
	write_str(out, 0, "pod", p->name);
	write_word(out, 0, "distance", distance_names[p->distance]);
	write_str(out, 0, "exit", p->exit);
	write_str(out, 0, "hostname", p->hostname);
	write_number(out, 0, "shm", p->shm_bytes);
	if (p->ids.count > 65536)
		write_number(out, 0, "ids", p->ids.count);
	write_limits(out, 0, &p->limits);
	write_map(out, 0, "sysctls", p->sysctls);
	write_dns(out, p);
	if (p->hosts && *p->hosts)
		str_add(out, "hosts:\n");
	for (char **h = p->hosts; h && *h; h++)
		write_host(out, *h);
	write_map(out, 0, "labels", p->labels);
	str_add(out, "apps:\n");
	for (size_t i = 0; i < p->apps.n; i++)
		write_app(out, p, &p->apps.v[i]);
	write_volumes(out, p);
	manifest_write_files(out, p);
	if (p->deadline_ns)
		write_time(out, 0, "deadline", p->deadline_ns);
	write_links(out, p);
	write_holes(out, p);
}
