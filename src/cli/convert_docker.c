/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A docker command line ("docker run …") as a manifest. Each of docker's flags is a row: what it becomes, or why it has no
 * place. The image is not looked at: the manifest says what the command line says. Data in: words. Out: YAML.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "base/unit.h"
#include "cli/convert.h"
#include "pod/names.h"

struct docker {
	struct arena *arena;
	struct str pod, app, env, mounts, volumes, holes, caps, labels, limits, stop, rlimits, *lost;
	const char *name;
};

typedef int put_fn(struct docker *d, const char *key, const char *value, struct err *e);

static void put_json(struct str *out, const char *before, const char *text, const char *after)
{
	str_add(out, before);
	str_add_json(out, text);
	str_add(out, after);
}

static int to_name(struct docker *d, const char *key, const char *value, struct err *e)
{
	d->name = value;
	return 0;
}

static int to_app(struct docker *d, const char *key, const char *value, struct err *e)
{
	str_addf(&d->app, "    %s: ", key);
	put_json(&d->app, "", value, "\n");
	return 0;
}

static int to_app_plain(struct docker *d, const char *key, const char *value, struct err *e)
{
	str_addf(&d->app, "    %s: %s\n", key, value);
	return 0;
}

static int to_true(struct docker *d, const char *key, const char *value, struct err *e)
{
	str_addf(&d->app, "    %s: true\n", key);
	return 0;
}

static int to_pod(struct docker *d, const char *key, const char *value, struct err *e)
{
	str_addf(&d->pod, "%s: ", key);
	put_json(&d->pod, "", value, "\n");
	return 0;
}

static int to_pair(struct docker *d, const char *key, const char *value, struct err *e)
{
	struct str *out = strcmp(key, "env") ? &d->labels : &d->env;
	size_t n = strcspn(value, "=");

	if (!value[n]) {
		str_addf(d->lost, "-e %s: the caller's value; write it down\n", value);
		return 0;
	}
	str_add(out, "      ");
	str_add_json_span(out, value, n, STR_FOREIGN_REPLACE);
	put_json(out, ": ", value + n + 1, "\n");
	return 0;
}

static int to_hole(struct docker *d, const char *key, const char *value, struct err *e)
{
	put_json(&d->holes, "  - ", arena_printf(d->arena, "%s%s", key, value), "\n");
	return 0;
}

/* docker listens everywhere unless told otherwise, and so does what it becomes. */
static int to_port(struct docker *d, const char *key, const char *value, struct err *e)
{
	const char *last = strrchr(value, ':');

	if (!last)
		return to_hole(d, "in:any:0:", value, e);
	for (const char *c = value; c < last; c++)
		if (*c == ':' || *c == '.')
			return to_hole(d, "in:", value, e);
	return to_hole(d, "in:any:", value, e);
}

static int to_mount(struct docker *d, const char *key, const char *value, struct err *e)
{
	char *words = arena_strdup(d->arena, value), *save = NULL;
	char *from = strtok_r(words, ":", &save), *to = strtok_r(NULL, ":", &save), *how = strtok_r(NULL, "", &save);
	bool ro = how && strstr(how, "ro");

	if (!from || !to) {
		str_addf(d->lost, "-v %s: a volume without a name: mounts: {%s: NAME}, volumes: {NAME: {}}\n", value, value);
		return 0;
	}
	if (strchr("/.~", *from))
		return to_hole(d, "path:", arena_printf(d->arena, "%s:%s%s", from, to, ro ? "" : ":rw"), e);
	if (name_check(NAME_VOLUME, from, e))
		return -e->code;
	put_json(&d->mounts, "      ", to, arena_printf(d->arena, ": %s%s\n", from, ro ? " ro" : ""));
	if (!strstr(str_text(&d->volumes), arena_printf(d->arena, "  %s:", from)))
		str_addf(&d->volumes, "  %s: {keep: true}\n", from);
	return 0;
}

static int to_tmpfs(struct docker *d, const char *key, const char *value, struct err *e)
{
	size_t n = strcspn(value, ":");
	const char *size = strstr(value + n, "size=");
	uint64_t bytes;

	put_json(&d->mounts, "      ", arena_strndup(d->arena, value, n), ": ");
	if (size && !unit_parse_docker_size(arena_strndup(d->arena, size + 5, strcspn(size + 5, ",")), &bytes))
		str_addf(&d->mounts, "tmpfs %llu\n", (unsigned long long)bytes);
	else
		str_add(&d->mounts, "tmpfs\n");
	return 0;
}

static int to_limit(struct docker *d, const char *key, const char *value, struct err *e)
{
	uint64_t bytes;

	if (strcmp(key, "memory") && strcmp(key, "memory_request"))
		str_addf(&d->limits, "%s%s: %s", d->limits.len ? ", " : "", key, value);
	else if (!unit_parse_docker_size(value, &bytes))
		str_addf(&d->limits, "%s%s: %llu", d->limits.len ? ", " : "", key, (unsigned long long)bytes);
	else {
		err_new(e, ERR_USAGE, "-m %.40s is no size", value);
		return err_because(e, "docker writes 256m or 1g");
	}
	return 0;
}

static int to_caps(struct docker *d, const char *key, const char *value, struct err *e)
{
	str_addf(&d->caps, "%s%s", d->caps.len ? ", " : "", value);
	return 0;
}

static int to_stop(struct docker *d, const char *key, const char *value, struct err *e)
{
	str_addf(&d->stop, "%s%s: %s%s", d->stop.len ? ", " : "", key, value, strcmp(key, "grace") ? "" : "s");
	return 0;
}

static int to_rlimit(struct docker *d, const char *key, const char *value, struct err *e)
{
	size_t n = strcspn(value, "=");

	if (value[n])
		str_addf(&d->rlimits, "%s%.*s: \"%s\"", d->rlimits.len ? ", " : "", (int)n, value, value + n + 1);
	return 0;
}

static int to_restart(struct docker *d, const char *key, const char *value, struct err *e)
{
	const char *word = value;

	if (!strcmp(value, "no"))
		word = "never";
	else if (!strcmp(value, "unless-stopped"))
		word = "always";
	else if (str_has_prefix(value, "on-failure")) {
		word = "on-failure";
		if (value[10])
			str_addf(d->lost, "--restart %s: there is no limit, the pauses grow\n", value);
	}
	return to_app(d, "restart", word, e);
}

static int to_network(struct docker *d, const char *key, const char *value, struct err *e)
{
	if (!strcmp(value, "host"))
		return to_hole(d, "ns:", "net", e);
	if (strcmp(value, "none"))
		str_addf(d->lost, "--network %s: a pod is a network of its own; what else it shall reach is an out: hole\n", value);
	return 0;
}

static int to_health(struct docker *d, const char *key, const char *value, struct err *e)
{
	put_json(&d->app, "    alive: {exec: [/bin/sh, -c, ", value, "], every: 30s, timeout: 30s}\n");
	return 0;
}

static int to_nothing(struct docker *d, const char *key, const char *value, struct err *e)
{
	return 0;
}

static int to_lost(struct docker *d, const char *key, const char *value, struct err *e)
{
	str_addf(d->lost, "%s\n", key);
	return 0;
}

static const struct docker_flag {
	const char *name;
	char letter;
	bool takes_value;
	put_fn *put;
	const char *key;
} flags[] = {
	{"name", 0, true, to_name, NULL},
	{"env", 'e', true, to_pair, "env"},
	{"label", 'l', true, to_pair, "labels"},
	{"publish", 'p', true, to_port, NULL},
	{"volume", 'v', true, to_mount, NULL},
	{"tmpfs", 0, true, to_tmpfs, NULL},
	{"user", 'u', true, to_app, "user"},
	{"workdir", 'w', true, to_app, "workdir"},
	{"hostname", 'h', true, to_pod, "hostname"},
	{"memory", 'm', true, to_limit, "memory"},
	{"memory-reservation", 0, true, to_limit, "memory_request"},
	{"cpus", 0, true, to_limit, "cpus"},
	{"cpu-shares", 'c', true, to_limit, "cpu_shares"},
	{"cpuset-cpus", 0, true, to_limit, "cpuset"},
	{"pids-limit", 0, true, to_limit, "pids"},
	{"cap-drop", 0, true, to_caps, NULL},
	{"cap-add", 0, true, to_hole, "cap:"},
	{"device", 0, true, to_hole, "dev:"},
	{"read-only", 0, false, to_true, "read_only"},
	{"init", 0, false, to_true, "init"},
	{"interactive", 'i', false, to_true, "stdin"},
	{"tty", 't', false, to_true, "tty"},
	{"stop-signal", 0, true, to_stop, "signal"},
	{"stop-timeout", 0, true, to_stop, "grace"},
	{"restart", 0, true, to_restart, NULL},
	{"network", 0, true, to_network, NULL},
	{"net", 0, true, to_network, NULL},
	{"ulimit", 0, true, to_rlimit, NULL},
	{"shm-size", 0, true, to_pod, "shm"},
	{"oom-score-adj", 0, true, to_app_plain, "oom_score"},
	{"health-cmd", 0, true, to_health, NULL},
	{"detach", 'd', false, to_nothing, NULL},
	{"rm", 0, false, to_nothing, NULL},
	{"quiet", 'q', false, to_nothing, NULL},
	{"pull", 0, true, to_nothing, NULL},
	{"entrypoint", 0, true, to_nothing, NULL}, /* taken with the command */
	{"privileged", 0, false, to_lost, "--privileged: name the holes that it needs, cap:NAME, dev:PATH, ns:user"},
	{"env-file", 0, true, to_lost, "--env-file: its lines as env:"},
	{"mount", 0, true, to_lost, "--mount: as a volume in mounts:, or as a hole path:SRC:DST"},
	{"add-host", 0, true, to_lost, "--add-host: hosts: {NAME: IP}"},
	{"dns", 0, true, to_lost, "--dns: dns: [IP]"},
	{"link", 0, true, to_lost, "--link: put both apps into one pod"},
	{"volumes-from", 0, true, to_lost, "--volumes-from: put both apps into one pod, with one volume"},
	{"security-opt", 0, true, to_lost, "--security-opt: seccomp: of the app"},
	{"log-driver", 0, true, to_lost, "--log-driver: logs: {size, files}"},
	{"log-opt", 0, true, to_lost, "--log-opt: logs: {size, files}"},
	{"gpus", 0, true, to_lost, "--gpus: a hole dev:VENDOR/CLASS=NAME"},
	{"platform", 0, true, to_lost, "--platform: an image of this machine's kind is taken"},
	{"ipc", 0, true, to_lost, "--ipc: a pod's apps share their IPC"},
	{"pid", 0, true, to_lost, "--pid: distance: joined between apps, or the hole ns:pid"},
	{"userns", 0, true, to_lost, "--userns: a pod has ids of its own"},
	{"cgroup-parent", 0, true, to_lost, "--cgroup-parent: Rocket places its groups itself"},
	{"sysctl", 0, true, to_lost, "--sysctl: sysctls: of the pod"},
	{"group-add", 0, true, to_lost, "--group-add: groups: of the app"},
};

/* ---- the walk ---- */

static const struct docker_flag *find_long(const char *word, size_t n)
{
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (strlen(flags[i].name) == n && !strncmp(flags[i].name, word, n))
			return &flags[i];
	return NULL;
}

static const struct docker_flag *find_letter(char c)
{
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (flags[i].letter == c)
			return &flags[i];
	return NULL;
}

static int unknown(const char *word, struct err *e)
{
	err_new(e, ERR_USAGE, "%.80s is no flag of docker run that is known here", word);
	err_because(e, "whether it takes a value can't be told, and so not where the image stands");
	return err_try(e, "leave it out of the command line");
}

struct walk {
	char *const *at;
	const char *entrypoint;
};

static int take(struct docker *d, struct walk *w, const struct docker_flag *f, const char *value, struct err *e)
{
	if (f->takes_value && !value) {
		if (!w->at[1]) {
			err_new(e, ERR_USAGE, "%.80s stands without its value", *w->at);
			return err_because(e, "the command line ends there");
		}
		value = *++w->at;
	}
	if (!strcmp(f->name, "entrypoint"))
		w->entrypoint = value;
	return f->put(d, f->key, value ? value : "", e);
}

static int take_long(struct docker *d, struct walk *w, struct err *e)
{
	const char *word = *w->at + 2;
	size_t n = strcspn(word, "=");
	const struct docker_flag *f = find_long(word, n);

	if (!f)
		return unknown(*w->at, e);
	if (!f->takes_value && word[n] && !strcmp(word + n, "=false"))
		return 0;
	return take(d, w, f, word[n] ? word + n + 1 : NULL, e);
}

/* "-it", "-p8080:80", "-p 8080:80" */
static int take_letters(struct docker *d, struct walk *w, struct err *e)
{
	const char *word = *w->at;
	int r = 0;

	for (const char *c = word + 1; *c && r == 0; c++) {
		const struct docker_flag *f = find_letter(*c);

		if (!f)
			return unknown(word, e);
		if (!f->takes_value) {
			r = take(d, w, f, NULL, e);
			continue;
		}
		return take(d, w, f, c[1] == '=' ? c + 2 : c[1] ? c + 1 : NULL, e);
	}
	return r;
}

static void add_block(struct str *out, const char *head, const struct str *body)
{
	if (body->len)
		str_addf(out, "%s\n%s", head, body->text);
}

static void add_inline(struct str *out, const char *before, const struct str *body, const char *after)
{
	if (body->len)
		str_addf(out, "%s%s%s\n", before, body->text, after);
}

static void write_manifest(struct docker *d, const struct walk *w, struct str *out)
{
	const char *image = *w->at;
	char *app = name_of_image(d->arena, image);

	str_addf(out, "pod: %s\n%s", d->name ? d->name : app, str_text(&d->pod));
	str_addf(out, "apps:\n  %s:\n", app);
	put_json(out, "    image: ", image, "\n");
	if (w->entrypoint && *w->entrypoint)
		put_json(out, "    exec: [", w->entrypoint, "]\n");
	if (w->at[1]) {
		str_add(out, "    args: [");
		for (char *const *a = w->at + 1; *a; a++)
			put_json(out, a == w->at + 1 ? "" : ", ", *a, "");
		str_add(out, "]\n");
	}
	str_add(out, str_text(&d->app));
	add_block(out, "    env:", &d->env);
	add_block(out, "    mounts:", &d->mounts);
	add_block(out, "    labels:", &d->labels);
	add_inline(out, "    limits: {", &d->limits, "}");
	add_inline(out, "    rlimits: {", &d->rlimits, "}");
	add_inline(out, "    caps: {drop: [", &d->caps, "]}");
	add_inline(out, "    stop: {", &d->stop, "}");
	add_block(out, "volumes:", &d->volumes);
	add_block(out, "holes:", &d->holes);
}

static void free_all(struct docker *d)
{
	struct str *const all[] = {&d->pod, &d->app, &d->env, &d->mounts, &d->volumes, &d->holes,
				   &d->caps, &d->labels, &d->limits, &d->stop, &d->rlimits};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		str_free(all[i]);
}

int convert_from_docker(struct cli *cli, char *const *words, struct str *out, struct str *ret_lost, struct err *e)
{
	struct docker d = {.arena = cli->arena, .lost = ret_lost};
	struct walk w = {.at = words};
	int r = 0;

	if (str_equal(w.at[0], "docker") || str_equal(w.at[0], "podman"))
		w.at++;
	if (str_equal(w.at[0], "run"))
		w.at++;
	for (; *w.at && **w.at == '-' && r == 0; w.at++) {
		if (!strcmp(*w.at, "--")) {
			w.at++;
			break;
		}
		r = (*w.at)[1] == '-' ? take_long(&d, &w, e) : take_letters(&d, &w, e);
	}
	if (r == 0 && !*w.at) {
		err_new(e, ERR_USAGE, "the docker command line names no image");
		err_because(e, "all of its words are flags");
		r = err_try(e, "rocket convert --from docker-run -- -p 8080:80 nginx");
	}
	if (r == 0)
		write_manifest(&d, &w, out);
	free_all(&d);
	return r;
}
