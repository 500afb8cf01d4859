/* SPDX-License-Identifier: Apache-2.0 */
/* The converted container as a native manifest. Every word that came from outside is written as a JSON string. */
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "pod/caps.h"
#include "pod/lxc_parts.h"
#include "pod/names.h"

static void add_line(struct str *out, int depth, const char *key, const char *text)
{
	if (!text)
		return;
	str_addf(out, "%*s%s: ", 2 * depth, "", key);
	str_add_json(out, text);
	str_add_char(out, '\n');
}

static void add_list(struct str *out, int depth, const char *key, char *const *v)
{
	if (!v)
		return;
	str_addf(out, "%*s%s: [", 2 * depth, "", key);
	for (size_t i = 0; v[i]; i++) {
		str_add(out, i ? ", " : "");
		str_add_json(out, v[i]);
	}
	str_add(out, "]\n");
}

/* "K=V" entries as a map; of a key that comes twice the last one holds. */
static void add_map(struct str *out, int depth, const char *key, char *const *v)
{
	if (!v)
		return;
	str_addf(out, "%*s%s:\n", 2 * depth, "", key);
	for (size_t i = 0; v[i]; i++) {
		size_t n = strcspn(v[i], "=");
		bool again = false;

		for (size_t j = i + 1; v[j]; j++)
			again |= strncmp(v[i], v[j], n + 1) == 0;
		if (again)
			continue;
		str_addf(out, "%*s", 2 * depth + 2, "");
		str_add_json_span(out, v[i], n, STR_FOREIGN_REPLACE);
		str_add(out, ": ");
		str_add_json(out, v[i] + n + 1);
		str_add_char(out, '\n');
	}
}

static void add_number(struct str *out, int depth, const char *key, uint64_t value)
{
	if (value)
		str_addf(out, "%*s%s: %" PRIu64 "\n", 2 * depth, "", key, value);
}

static void add_io(struct str *out, const struct plan_limits *l)
{
	static const char *const names[] = {"read", "write", "read_ops", "write_ops"};

	if (l->io.n)
		str_add(out, "      io:\n");
	for (size_t i = 0; i < l->io.n; i++) {
		const struct plan_io *io = &l->io.v[i];
		const uint64_t values[] = {io->read_bps, io->write_bps, io->read_iops, io->write_iops};
		const char *comma = "";

		str_add(out, "        ");
		str_add_json(out, io->device);
		str_add(out, ": {");
		for (size_t k = 0; k < ARRAY_SIZE(names); k++) {
			if (!values[k])
				continue;
			str_addf(out, "%s%s: %" PRIu64, comma, names[k], values[k]);
			comma = ", ";
		}
		str_add(out, "}\n");
	}
}

static void add_limits(struct str *out, const struct plan_limits *l)
{
	autostr body = {};

	add_number(&body, 3, "memory", l->memory_bytes);
	add_number(&body, 3, "memory_request", l->memory_request_bytes);
	add_number(&body, 3, "swap", l->swap_bytes);
	add_line(&body, 3, "swap", l->swap_unlimited && !l->swap_bytes ? "unlimited" : NULL);
	if (l->cpus_milli)
		str_addf(&body, "      cpus: %um\n", l->cpus_milli);
	add_number(&body, 3, "cpu_shares", l->cpu_shares);
	add_line(&body, 3, "cpuset", l->cpuset);
	add_line(&body, 3, "cpuset_mems", l->cpuset_mems);
	add_number(&body, 3, "pids", l->pids);
	add_number(&body, 3, "io_weight", l->io_weight);
	add_io(&body, l);
	add_map(&body, 3, "files", l->files);
	if (body.len)
		str_addf(out, "    limits:\n%s", body.text);
}

static void add_rlimit_value(struct str *out, uint64_t value)
{
	if (value == UINT64_MAX)
		str_add(out, "unlimited");
	else
		str_addf(out, "%" PRIu64, value);
}

static void add_rlimits(struct str *out, const struct lxc *x)
{
	if (x->rlimits.n)
		str_add(out, "    rlimits:\n");
	for (size_t i = 0; i < x->rlimits.n; i++) {
		str_addf(out, "      %s: \"", x->rlimits.v[i].name);
		add_rlimit_value(out, x->rlimits.v[i].soft);
		str_add_char(out, ':');
		add_rlimit_value(out, x->rlimits.v[i].hard);
		str_add(out, "\"\n");
	}
}

static void add_mounts(struct str *out, const struct lxc *x)
{
	if (x->mounts.n)
		str_add(out, "    mounts:\n");
	for (size_t i = 0; i < x->mounts.n; i++) {
		const struct lxc_mount *m = &x->mounts.v[i];

		str_add(out, "      ");
		str_add_json(out, m->target);
		str_addf(out, ": {tmpfs: %s", m->tmpfs_size ?: "true");
		if (m->mode)
			str_addf(out, ", mode: \"%s\"", m->mode);
		str_add(out, m->noexec ? ", noexec: true}\n" : "}\n");
	}
}

static void add_dropped(struct str *out, uint64_t dropped)
{
	const char *comma = "";

	if (!dropped)
		return;
	str_add(out, "    caps: {drop: [");
	for (unsigned n = 0; caps_name(n); n++) {
		if (!(dropped >> n & 1))
			continue;
		str_addf(out, "%s%s", comma, caps_name(n));
		comma = ", ";
	}
	str_add(out, "]}\n");
}

static void add_hole(struct str *out, const struct lxc_hole *h)
{
	str_addf(out, "  - {%s: ", h->kind);
	str_add_json(out, h->source);
	if (h->target) {
		str_add(out, ", to: ");
		str_add_json(out, h->target);
	}
	str_add(out, h->writable ? ", rw: true, why: " : ", why: ");
	str_add_json(out, h->why);
	str_add(out, "}\n");
}

static void add_holes(struct str *out, const struct lxc *x)
{
	/* LXC lets set-user-id programs have their way unless it is told otherwise. */
	if (x->holes.n || !x->no_new_privs)
		str_add(out, "holes:\n");
	if (!x->no_new_privs)
		str_add(out, "  - {newprivs: true, why: \"lxc.no_new_privs is not 1: set-user-id programs work\"}\n");
	for (size_t i = 0; i < x->holes.n; i++)
		add_hole(out, &x->holes.v[i]);
}

/* A pod's and an app's name from the container's: the folder that its root file system lies in. */
static char *pod_name(const struct lxc *x)
{
	struct err ignored = {};
	const char *from = x->hostname;
	char *name;

	if (!from) {
		char *path = arena_strdup(x->arena, x->rootfs), *slash = strrchr(path, '/');

		if (!strcmp(slash, "/rootfs") && slash > path)
			*slash = 0;
		slash = strrchr(path, '/');
		from = slash ? slash + 1 : path;
	}
	name = arena_strndup(x->arena, from, 40);
	for (char *c = name; *c; c++)
		*c = *c >= 'A' && *c <= 'Z' ? (char)(*c | 0x20) : strchr("abcdefghijklmnopqrstuvwxyz0123456789", *c) ? *c : '-';
	return name_check(NAME_POD, name, &ignored) < 0 || name_check(NAME_APP, name, &ignored) < 0 ?
		       arena_strdup(x->arena, "container") : name;
}

/* A pod starts from an image, and the folder is none: how it becomes one, in words for a shell. */
static void add_import(struct str *out, const struct lxc *x, const char *name)
{
	str_add(out, "# The image, once: tar -C '");
	for (const char *c = x->rootfs; *c; c++)
		if (*c == '\'')
			str_add(out, "'\\''");
		else
			str_add_char(out, (unsigned char)*c < ' ' ? '?' : *c);
	str_addf(out, "' --numeric-owner -c . | rocket image import - %s\n", name);
}

void lxc_write(const struct lxc *x, struct str *out)
{
	char *const usual[] = {(char[]){"/sbin/init"}, NULL};
	char *name = pod_name(x);

	add_import(out, x, name);
	str_addf(out, "pod: \"%s\"\n", name);
	add_line(out, 0, "hostname", x->hostname);
	if (x->ids > 65536 && x->ids <= UINT32_C(1) << 30)
		str_addf(out, "ids: %" PRIu64 "\n", (x->ids + 65535) / 65536 * 65536);
	add_map(out, 0, "sysctls", x->sysctls);
	str_addf(out, "apps:\n  \"%s\":\n", name);
	add_line(out, 2, "image", name);
	add_list(out, 2, "exec", x->exec ?: usual);
	add_map(out, 2, "env", x->env);
	add_line(out, 2, "workdir", x->workdir);
	if (x->uid || x->gid)
		str_addf(out, "    user: \"%s:%s\"\n", x->uid ?: "0", x->gid ?: x->uid);
	add_list(out, 2, "groups", x->groups);
	if (x->read_only)
		str_add(out, "    read_only: true\n");
	add_limits(out, &x->limits);
	add_mounts(out, x);
	add_rlimits(out, x);
	if (x->has_oom)
		str_addf(out, "    oom_score: %" PRId64 "\n", x->oom_score);
	add_dropped(out, x->caps_dropped);
	if (x->halt_signal)
		str_addf(out, "    stop: {signal: \"%s\"}\n", x->halt_signal);
	if (x->start_hook)
		str_add(out, "    hooks:\n");
	add_list(out, 3, "pre_start", x->start_hook);
	add_holes(out, x);
}
