/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The native manifest as field tables. Data in: a document tree. Out: struct pod, every value
 * checked as far as one value can be; what needs images, accounts or other parts of the pod is
 * resolve.c's work. Invariant: a key is decoded, or refused by name; none is read and ignored.
 * Pure.
 */
#include "pod/native.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/decode.h"
#include "base/str.h"
#include "base/unit.h"
#include "pod/caps.h"
#include "pod/front.h"
#include "pod/link_doc.h"
#include "pod/names.h"
#include "pod/native_files.h"
#include "pod/native_parts.h"
#include "pod/paths.h"
#include "pod/place.h"
#include "pod/probe_parse.h"
#include "pod/signals.h"

/* The pod, and what can only be decoded once the folder of relative paths is known. */
struct native {
	struct pod pod;
	const struct doc *holes;
};

/* A member of struct pod inside struct native. */
#define POD_FIELD(member, key_, kind_, ...)                                                        \
	FIELD(struct native, pod.member, key_, kind_, ##__VA_ARGS__)
#define CUSTOM(key_, decode_, ...)                                                                 \
	{                                                                                          \
		.key = (key_), .kind = FIELD_CUSTOM, .decode = (decode_), ##__VA_ARGS__            \
	}
#define LATER(key_) CUSTOM(key_, native_refuse_later)

/* ---- values of an app ---- */

static int decode_distance(const struct doc *node, int *ret, struct err *e)
{
	int word, rc = native_word_index(node, distance_names, &word, e);

	if (rc)
		return rc;
	*ret = word + 1;
	return 0;
}

static int app_distance(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	return decode_distance(node, &((struct pod_app *)object)->distance, e);
}

static int app_limits(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	return native_decode_limits(a, node, &((struct pod_app *)object)->limits, e);
}

static int app_sysctls(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	return native_decode_sysctls(a, node, &((struct pod_app *)object)->sysctls, e);
}

static int app_oom_score(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	uint64_t score;
	bool minus = node->text && node->text[0] == '-';

	if (node->kind != DOC_INT || unit_parse_u64(node->text + minus, 0, 1000, &score))
		return place_bad(node, e, "oom_score must be a whole number from -1000 to 1000");
	((struct pod_app *)object)->oom_score = minus ? -(int64_t)score : (int64_t)score;
	return 0;
}

static int app_workdir(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	struct pod_app *app = object;

	if (node->kind != DOC_STR || node->text[0] != '/' || strlen(node->text) > 4095)
		return place_bad(node, e, "workdir must be an absolute path in the app");
	app->workdir = arena_strdup(a, node->text);
	return 0;
}

static int app_tz(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	if (node->kind != DOC_STR || !*node->text)
		return place_bad(
			node, e,
			"tz must be a time zone such as Europe/Berlin, or local for the host's");
	((struct pod_app *)object)->tz = arena_strdup(a, node->text);
	return 0;
}

static int app_name(struct arena *a, const struct doc *node, struct err *e)
{
	int rc = name_check(NAME_APP, node->key, e);

	return rc ? place_err(node, e) : 0;
}

/* ---- stop ---- */

static int stop_signal(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	struct pod_stop *s = object;
	int rc;

	if (!node->text)
		return place_bad(node, e, "signal must be a signal such as TERM");
	rc = signal_parse(node->text, &s->signal, e);
	return rc ? place_err(node, e) : 0;
}

static int stop_grace(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	struct pod_stop *s = object;

	if (!node->text || unit_parse_time(node->text, &s->grace_ns)) {
		place_bad(node, e, "grace must be a time such as 10s");
		return node->kind == DOC_INT ? err_try(e, "grace: %.20ss", node->text) : -ERR_USAGE;
	}
	s->has_grace = true;
	return 0;
}

static const struct field stop_fields[] = {
	CUSTOM("signal", stop_signal),
	CUSTOM("grace", stop_grace),
};
static const char *const stop_aliases[][2] = {
	{"timeout", "grace:"}, {"stop_grace_period", "grace:"}, {NULL, NULL}};
static const struct field_set stop_set =
	FIELD_SET("stop", struct pod_stop, stop_fields, .aliases = stop_aliases);

/* ---- caps ---- */

static int caps_drop(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	uint64_t *drop = object;

	if (node->kind != DOC_LIST)
		return place_bad(
			node, e,
			"drop must be a list of capabilities, such as [NET_RAW], or [ALL]");
	for (const struct doc *c = node->child; c; c = c->next) {
		uint64_t set = 0;

		if (!c->text)
			return place_bad(c, e, "expected a capability such as NET_RAW");
		if (caps_parse(c->text, &set, e))
			return place_err(c, e);
		*drop |= set;
	}
	return 0;
}

static const struct field caps_fields[] = {CUSTOM("drop", caps_drop)};
static const char *const caps_aliases[][2] = {
	{"add", "a capability is a hole: cap:NAME@APP below 'holes'"},
	{"remove", "drop:"},
	{NULL, NULL}};
static const struct field_set caps_set =
	FIELD_SET("caps", uint64_t, caps_fields, .aliases = caps_aliases);

/* ---- hooks, logs ---- */

static int hook_argv(const struct doc *node, char **argv, struct err *e)
{
	if (argv && argv[0])
		return 0;
	return place_bad(node, e,
			 "a hook is a program with its arguments, such as [/bin/prepare, --all]");
}

static int hook_post_start(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	return probe_decode_hook(a, node, &((struct pod_app *)object)->post_start, e);
}

static int hook_pre_stop(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	return probe_decode_hook(a, node, &((struct pod_app *)object)->pre_stop, e);
}

static const struct field hooks_fields[] = {
	FIELD(struct pod_app, pre_start, "pre_start", FIELD_STRV),
	FIELD(struct pod_app, post_stop, "post_stop", FIELD_STRV),
	CUSTOM("post_start", hook_post_start),
	CUSTOM("pre_stop", hook_pre_stop),
};
static const char *const hooks_aliases[][2] = {{"pre-start", "pre_start:"},
					       {"post-stop", "post_stop:"},
					       {"preStop", "pre_stop:"},
					       {"postStart", "post_start:"},
					       {NULL, NULL}};
static const struct field_set hooks_set =
	FIELD_SET("hooks", struct pod_app, hooks_fields, .aliases = hooks_aliases);

/* The members of hooks_set are the app's own, so the mapping decodes into the app. */
static int app_hooks(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	struct decode d = {.arena = a};
	struct pod_app *app = object;
	int rc = decode_doc(&d, &hooks_set, node, app, e);

	for (const struct doc *c = node->child; c && !rc; c = c->next) {
		if (!strcmp(c->key, "pre_start"))
			rc = hook_argv(c, app->pre_start, e);
		else if (!strcmp(c->key, "post_stop"))
			rc = hook_argv(c, app->post_stop, e);
	}
	return rc;
}

/* ---- probes ---- */

static int app_probe(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	struct pod_app *app = object;
	struct plan_probe *p = &app->ready;

	if (!strcmp(node->key, "alive"))
		p = &app->alive;
	else if (!strcmp(node->key, "started"))
		p = &app->started;
	return probe_decode(a, node, p, e);
}

static const struct field logs_fields[] = {
	FIELD(struct pod_logs, size_bytes, "size", FIELD_SIZE),
	FIELD(struct pod_logs, files, "files", FIELD_U32),
};
static const char *const logs_aliases[][2] = {{"max-size", "size:"},
					      {"max-file", "files:"},
					      {"max_size", "size:"},
					      {"driver", "size: and files:"},
					      {NULL, NULL}};
static const struct field_set logs_set =
	FIELD_SET("logs", struct pod_logs, logs_fields, .aliases = logs_aliases);

static int decode_logs(struct arena *a, const struct doc *node, struct pod_logs *ret, struct err *e)
{
	struct decode d = {.arena = a};
	struct pod_logs l = {};
	const struct doc *size, *files;
	int rc = decode_doc(&d, &logs_set, node, &l, e);

	if (rc)
		return rc;
	size = doc_get(node, "size");
	files = doc_get(node, "files");
	if (size && (l.size_bytes < 65536 || l.size_bytes > UINT64_C(1) << 40))
		return place_bad(size, e, "a log's size is at least 64Ki and at most 1Ti");
	if (files && (l.files < 1 || l.files > 100))
		return place_bad(files, e, "the number of log files is 1 to 100");
	*ret = l;
	return 0;
}

static int app_logs(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	return decode_logs(a, node, &((struct pod_app *)object)->logs, e);
}

/* ---- the app ---- */

static const struct field app_fields[] = {
	FIELD(struct pod_app, name, "name", FIELD_STR),
	FIELD(struct pod_app, image, "image", FIELD_STR, .required = true),
	CUSTOM("distance", app_distance),
	FIELD(struct pod_app, kind, "kind", FIELD_ENUM, .names = app_kind_names),
	FIELD(struct pod_app, exec, "exec", FIELD_STRV),
	FIELD(struct pod_app, args, "args", FIELD_STRV),
	FIELD(struct pod_app, env, "env", FIELD_MAP),
	CUSTOM("workdir", app_workdir),
	FIELD(struct pod_app, user, "user", FIELD_STR),
	FIELD(struct pod_app, groups, "groups", FIELD_STRV),
	FIELD(struct pod_app, read_only, "read_only", FIELD_BOOL),
	FIELD(struct pod_app, tty, "tty", FIELD_BOOL),
	FIELD(struct pod_app, stdin_open, "stdin", FIELD_BOOL),
	FIELD(struct pod_app, init, "init", FIELD_BOOL),
	CUSTOM("tz", app_tz),
	CUSTOM("limits", app_limits),
	CUSTOM("mounts", native_decode_mounts),
	CUSTOM("rlimits", native_decode_rlimits),
	CUSTOM("sysctls", app_sysctls),
	CUSTOM("oom_score", app_oom_score),
	FIELD(struct pod_app, seccomp, "seccomp", FIELD_STR),
	FIELD(struct pod_app, cap_drop, "caps", FIELD_STRUCT, .sub = &caps_set),
	FIELD(struct pod_app, restart, "restart", FIELD_ENUM, .names = restart_names),
	FIELD(struct pod_app, stop, "stop", FIELD_STRUCT, .sub = &stop_set),
	CUSTOM("hooks", app_hooks),
	FIELD(struct pod_app, labels, "labels", FIELD_MAP),
	CUSTOM("logs", app_logs),
	CUSTOM("ready", app_probe),
	CUSTOM("alive", app_probe),
	CUSTOM("started", app_probe),
	FIELD(struct pod_app, after, "after", FIELD_STRV),
	FIELD(struct pod_app, params, "params", FIELD_MAP),
	CUSTOM("secrets", native_decode_uses),
	CUSTOM("config", native_decode_uses),
	LATER("apparmor"),
	LATER("selinux"),
};
static const char *const app_aliases[][2] = {
	{"ports", "holes: [in:PORT:APPPORT@APP] of the pod"},
	{"depends_on", "after:"},
	{"environment", "env:"},
	{"command", "exec: (entrypoint and command) or args: (the command alone)"},
	{"cmd", "args:"},
	{"entrypoint", "exec:"},
	{"volumes", "mounts:"},
	{"volumeMounts", "mounts:"},
	{"tmpfs", "mounts: {/tmp: tmpfs 64Mi}"},
	{"devices", "holes: [dev:PATH@APP] of the pod"},
	{"cap_add", "holes: [cap:NAME@APP] of the pod"},
	{"cap_drop", "caps: {drop: [NAME]}"},
	{"capabilities", "caps: {drop: [NAME]}"},
	{"privileged", "holes: name each one that is needed"},
	{"networks", "holes: of the pod"},
	{"network_mode", "holes: of the pod"},
	{"working_dir", "workdir:"},
	{"workingDir", "workdir:"},
	{"container_name", "the app's key is its name"},
	{"name", "the app's key is its name"},
	{"healthcheck", "alive:"},
	{"livenessProbe", "alive:"},
	{"readinessProbe", "ready:"},
	{"startupProbe", "started:"},
	{"stop_grace_period", "stop: {grace: 10s}"},
	{"stop_signal", "stop: {signal: TERM}"},
	{"stdin_open", "stdin:"},
	{"readonly", "read_only:"},
	{"readOnlyRootFilesystem", "read_only:"},
	{"resources", "limits:"},
	{"mem_limit", "limits: {memory: …}"},
	{"memory", "limits: {memory: …}"},
	{"cpus", "limits: {cpus: …}"},
	{"pids_limit", "limits: {pids: …}"},
	{"ulimits", "rlimits:"},
	{"oom_score_adj", "oom_score:"},
	{"group_add", "groups:"},
	{"security_opt", "seccomp:, apparmor:, selinux:"},
	{"securityContext", "user:, caps:, read_only:"},
	{"logging", "logs:"},
	{"deploy", "limits:"},
	{"shm_size", "shm: of the pod"},
	{"extra_hosts", "hosts: of the pod"},
	{"hostname", "hostname: of the pod"},
	{"holes", "holes: of the pod, with @APP"},
	{"build", "rocket build, then image: NAME"},
	{NULL, NULL},
};
static const struct field_set app_set =
	FIELD_SET("app", struct pod_app, app_fields, .aliases = app_aliases);

/* ---- volumes ---- */

static int volume_mode(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	return native_decode_mode(node, &((struct pod_volume *)object)->mode, e);
}

static int volume_tmpfs(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	struct pod_volume *v = object;

	if (node->kind == DOC_BOOL) {
		v->tmpfs = (node->text[0] | 0x20) == 't';
		return 0;
	}
	v->tmpfs = true;
	if (node->text && !unit_parse_size(node->text, &v->size_bytes) && v->size_bytes)
		return 0;
	return place_bad(node, e, "tmpfs must be a size such as 64Mi, or true");
}

/* "uid:gid", numbers: a volume belongs to no image whose accounts could tell a name. */
static int volume_owner(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	struct pod_volume *v = object;
	const char *colon = node->text ? strchr(node->text, ':') : NULL;
	uint64_t uid, gid;

	if (!colon ||
	    unit_parse_u64(arena_strndup(a, node->text, (size_t)(colon - node->text)), 0, INT32_MAX,
			   &uid) ||
	    unit_parse_u64(colon + 1, 0, INT32_MAX, &gid))
		return place_bad(node, e, "owner must be two numbers, \"UID:GID\"");
	v->uid = (uint32_t)uid;
	v->gid = (uint32_t)gid;
	v->has_owner = true;
	return 0;
}

static const struct field volume_fields[] = {
	FIELD(struct pod_volume, name, "name", FIELD_STR),
	FIELD(struct pod_volume, keep, "keep", FIELD_BOOL),
	CUSTOM("tmpfs", volume_tmpfs),
	FIELD(struct pod_volume, image, "image", FIELD_STR),
	CUSTOM("mode", volume_mode),
	CUSTOM("owner", volume_owner),
};
static const char *const volume_aliases[][2] = {{"external", "keep: true"},
						{"driver", "{} or {keep: true} or {tmpfs: 64Mi}"},
						{"size", "tmpfs: 64Mi"},
						{"emptyDir", "{}"},
						{"hostPath", "holes: path:SRC:DST of the pod"},
						{"user", "owner:"},
						{"path", "holes: path:SRC:DST of the pod"},
						{NULL, NULL}};
static const struct field_set volume_set =
	FIELD_SET("volume", struct pod_volume, volume_fields, .aliases = volume_aliases);

/* ---- values of the pod ---- */

static int pod_name(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	struct native *n = object;
	int rc;

	if (!node->text || node->kind == DOC_NULL)
		return place_bad(node, e, "pod must be the pod's name");
	if ((rc = name_check(NAME_POD, node->text, e)))
		return place_err(node, e);
	n->pod.name = arena_strdup(a, node->text);
	return 0;
}

static int pod_hostname(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	struct native *n = object;
	int rc;

	if (!node->text || node->kind == DOC_NULL)
		return place_bad(node, e, "hostname must be a host's name");
	if ((rc = name_check(NAME_HOST, node->text, e)))
		return place_err(node, e);
	n->pod.hostname = arena_strdup(a, node->text);
	return 0;
}

static int pod_distance(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	return decode_distance(node, &((struct native *)object)->pod.distance, e);
}

static int pod_limits(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	return native_decode_limits(a, node, &((struct native *)object)->pod.limits, e);
}

static int pod_sysctls(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	return native_decode_sysctls(a, node, &((struct native *)object)->pod.sysctls, e);
}

static int pod_logs(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	return decode_logs(a, node, &((struct native *)object)->pod.logs, e);
}

static int pod_holes(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	if (node->kind != DOC_LIST) {
		place_bad(node, e, "holes must be a list");
		return err_try(e, "holes: [\"in:8080:80@web\"]");
	}
	((struct native *)object)->holes = node;
	return 0;
}

static int pod_links(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	struct native *n = object;
	int rc = 0;

	if (node->kind != DOC_LIST) {
		place_bad(node, e, "links must be a list");
		return err_try(e, "links: [\"web -> php: unix /run/php/php.sock\"]");
	}
	for (const struct doc *c = node->child; c && !rc; c = c->next)
		rc = link_decode(a, c, list_add(a, &n->pod.links), e);
	return rc;
}

/* One line of hosts(5): an address and at least one name. */
static int add_host_line(struct arena *a, const struct doc *node, struct pod *p, struct err *e)
{
	char *line = arena_strdup(a, node->text ? node->text : ""), *save = NULL;
	char *ip = strtok_r(line, " \t", &save), *name = strtok_r(NULL, " \t", &save);

	if (!front_is_ip(ip) || !name)
		return place_bad(node, e,
				 "expected an IP address and a name, such as \"10.0.0.7 db\"");
	for (; name; name = strtok_r(NULL, " \t", &save)) {
		if (name_check(NAME_HOST, name, e))
			return place_err(node, e);
		arena_strv_add(a, &p->hosts, arena_printf(a, "%s %s", ip, name));
	}
	return 0;
}

static int add_host(struct arena *a, const struct doc *node, struct pod *p, struct err *e)
{
	if (name_check(NAME_HOST, node->key, e))
		return place_err(node, e);
	if (!front_is_ip(node->text))
		return place_bad(node, e, "expected an IP address for the host '%.60s'", node->key);
	arena_strv_add(a, &p->hosts, arena_printf(a, "%s %s", node->text, node->key));
	return 0;
}

/* hosts: {NAME: IP}, or the lines of hosts(5) as a list */
static int pod_hosts(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	struct native *n = object;
	bool list = node->kind == DOC_LIST;
	int rc = 0;

	if (!list && node->kind != DOC_MAP)
		return place_bad(node, e, "hosts must be a map from a name to an IP address");
	for (const struct doc *c = node->child; c && !rc; c = c->next)
		rc = list ? add_host_line(a, c, &n->pod, e) : add_host(a, c, &n->pod, e);
	return rc;
}

static const struct field dns_fields[] = {
	FIELD(struct pod_dns, servers, "servers", FIELD_STRV),
	FIELD(struct pod_dns, search, "search", FIELD_STRV),
};
static const char *const dns_aliases[][2] = {
	{"nameservers", "servers:"}, {"searches", "search:"}, {NULL, NULL}};
static const struct field_set dns_set =
	FIELD_SET("dns", struct pod_dns, dns_fields, .aliases = dns_aliases);

/* dns: [IP, …] or {servers: […], search: […]} */
static int pod_dns(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	struct decode d = {.arena = a};
	struct native *n = object;
	struct doc map = {
		.kind = DOC_MAP, .file = node->file, .line = node->line, .column = node->column};
	struct doc servers = *node;
	int rc;

	if (node->kind == DOC_LIST) {
		servers.key = "servers";
		servers.next = NULL;
		map.child = &servers;
		node = &map;
	}
	if ((rc = decode_doc(&d, &dns_set, node, &n->pod.dns, e)))
		return rc;
	for (char **p = n->pod.dns.servers; p && *p; p++)
		if (!front_is_ip(*p))
			return place_bad(node, e,
					 "'%.60s' is no name server: it must be an IP address", *p);
	for (char **p = n->pod.dns.search; p && *p; p++)
		if (name_check(NAME_HOST, *p, e))
			return place_err(node, e);
	return 0;
}

static int pod_files(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	return native_decode_files(a, node, &((struct native *)object)->pod, e);
}

static int pod_deadline(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	struct native *n = object;

	if (node->text && !unit_parse_time(node->text, &n->pod.deadline_ns) &&
	    n->pod.deadline_ns > 0)
		return 0;
	return place_bad(node, e, "deadline must be how long the pod may run, such as 10m");
}

static int pod_ids(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	uint64_t ids;

	if (node->kind != DOC_INT || unit_parse_u64(node->text, 65536, UINT64_C(1) << 30, &ids) ||
	    ids % 65536) {
		place_bad(
			node, e,
			"ids must be the size of the pod's range of user ids: a multiple of 65536");
		return err_try(e, "ids: 131072");
	}
	((struct native *)object)->pod.ids = (uint32_t)ids;
	return 0;
}

static const struct field pod_fields[] = {
	CUSTOM("pod", pod_name),
	CUSTOM("distance", pod_distance),
	POD_FIELD(exit, "exit", FIELD_STR),
	CUSTOM("hostname", pod_hostname),
	POD_FIELD(apps, "apps", FIELD_NAMED, .sub = &app_set, .required = true),
	POD_FIELD(volumes, "volumes", FIELD_NAMED, .sub = &volume_set),
	CUSTOM("holes", pod_holes),
	CUSTOM("dns", pod_dns),
	CUSTOM("hosts", pod_hosts),
	POD_FIELD(labels, "labels", FIELD_MAP),
	CUSTOM("limits", pod_limits),
	POD_FIELD(shm_bytes, "shm", FIELD_SIZE),
	CUSTOM("logs", pod_logs),
	CUSTOM("sysctls", pod_sysctls),
	CUSTOM("ids", pod_ids),
	CUSTOM("links", pod_links),
	CUSTOM("config", pod_files),
	CUSTOM("secrets", pod_files),
	CUSTOM("deadline", pod_deadline),
	LATER("grant"),
	LATER("net"),
};
static const char *const pod_aliases[][2] = {{"name", "pod:"},
					     {"services", "apps:"},
					     {"containers", "apps:"},
					     {"metadata", "pod: and labels:"},
					     {"spec", "apps:"},
					     {"version", "leave it out"},
					     {"networks", "holes:"},
					     {"ports", "holes: [in:PORT:APPPORT]"},
					     {"shm_size", "shm:"},
					     {"hostAliases", "hosts:"},
					     {"extra_hosts", "hosts:"},
					     {"dnsConfig", "dns:"},
					     {"restart", "restart: of each app"},
					     {"image", "apps: {NAME: {image: …}}"},
					     {NULL, NULL}};
static const struct field_set pod_set =
	FIELD_SET("pod", struct native, pod_fields, .aliases = pod_aliases);

/* ---- what one value can't tell ---- */

/* "default", "none", or the file of a profile. */
static int finish_seccomp(const struct native_input *in, const struct doc *node,
			  struct pod_app *app, struct err *e)
{
	const char *word = app->seccomp;

	if (!word || !strcmp(word, "default") || !strcmp(word, "none"))
		return 0;
	if (!strchr(word, '/') || (*word != '/' && !in->base_dir)) {
		place_bad(doc_get(node, "seccomp"), e, "seccomp can't be '%.60s'", word);
		return err_because(
			e, "it is default, none, or the path of a profile such as ./profile.bpf");
	}
	app->seccomp = path_clean(in->arena, in->base_dir, word);
	return app->seccomp ? 0 : place_bad(node, e, "the path of the seccomp profile is too long");
}

static int finish_app(const struct native_input *in, const struct doc *node, struct pod_app *app,
		      struct err *e)
{
	int rc = app_name(in->arena, node, e);

	if (rc)
		return rc;
	app->place = place_of(in->arena, node);
	if (!*app->image)
		return place_bad(node, e, "the image of app '%s' is empty", app->name);
	if (str_has_prefix(app->image, "./") || str_has_prefix(app->image, "../")) {
		if (!in->base_dir)
			return place_bad(node, e,
					 "the image '%.100s' must be an absolute path here",
					 app->image);
		app->image = path_clean(in->arena, in->base_dir, app->image);
	}
	if (!app->image)
		return place_bad(node, e, "the path of the image is too long");
	return finish_seccomp(in, node, app, e);
}

static int finish_apps(const struct native_input *in, const struct doc *doc, struct pod *pod,
		       struct err *e)
{
	const struct doc *apps = doc_get(doc, "apps");
	const struct doc *c = apps->child;
	int rc = 0;

	if (pod->apps.n == 0)
		return place_bad(apps, e, "a pod has at least one app");
	for (size_t i = 0; i < pod->apps.n && c && !rc; i++, c = c->next)
		rc = finish_app(in, c, &pod->apps.v[i], e);
	return rc;
}

static int finish_volumes(const struct native_input *in, const struct doc *doc, struct pod *pod,
			  struct err *e)
{
	const struct doc *volumes = doc_get(doc, "volumes");
	const struct doc *c = volumes ? volumes->child : NULL;

	for (size_t i = 0; i < pod->volumes.n && c; i++, c = c->next) {
		struct pod_volume *v = &pod->volumes.v[i];

		if (name_check(NAME_VOLUME, v->name, e))
			return place_err(c, e);
		if (!strcmp(v->name, "tmpfs"))
			return place_bad(
				c, e,
				"a volume can't be named tmpfs: the word means memory in 'mounts'");
		if (v->keep && v->tmpfs)
			return place_bad(
				c, e,
				"a volume can't be in memory (tmpfs) and outlive the pod (keep)");
		if (v->image && (v->keep || v->tmpfs || v->has_owner || v->mode))
			return place_bad(c, e,
					 "a volume of an image's files is as the image has them, read-only");
		v->place = place_of(in->arena, c);
	}
	return 0;
}

static int finish_holes(const struct native_input *in, const struct doc *holes, struct pod *pod,
			struct err *e)
{
	int rc = 0;

	for (const struct doc *c = holes ? holes->child : NULL; c && !rc; c = c->next)
		rc = hole_decode(in->arena, c, in->base_dir, list_add(in->arena, &pod->holes), e);
	return rc;
}

bool native_is_native(const struct doc *doc)
{
	return !doc_get(doc, "kind") && !doc_get(doc, "acKind") && !doc_get(doc, "ociVersion");
}

int native_decode(const struct native_input *in, const struct doc *doc, struct pod *ret,
		  struct err *e)
{
	struct decode d = {.arena = in->arena, .warn = in->warn};
	struct native n = {};
	int rc;

	if ((rc = decode_doc(&d, &pod_set, doc, &n, e)))
		return rc;
	n.pod.file = arena_strdup(in->arena, in->file);
	if ((rc = native_finish_files(in, &n.pod, e)) || (rc = finish_apps(in, doc, &n.pod, e)) || (rc = finish_volumes(in, doc, &n.pod, e)) ||
	    (rc = finish_holes(in, n.holes, &n.pod, e)))
		return rc;
	*ret = n.pod;
	return 0;
}

int native_parse(const struct native_input *in, const char *text, size_t len, struct pod *ret,
		 struct err *e)
{
	struct doc *doc;
	int rc = doc_parse_yaml(in->arena, in->file, text, len, &doc, e);

	return rc ? rc : native_decode(in, doc, ret, e);
}
