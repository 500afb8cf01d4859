/* SPDX-License-Identifier: Apache-2.0 */
/* Flags of one app: the table, and one function each; those that are docker's sugar are in
 * flags_sugar.c. */
#include <assert.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/doc.h"
#include "base/str.h"
#include "base/unit.h"
#include "pod/caps.h"
#include "pod/flags_parts.h"
#include "pod/names.h"
#include "pod/native_files.h"
#include "pod/probe_parse.h"
#include "pod/signals.h"

enum app_flag {
	APP_NAME,
	APP_HOLE,
	APP_ENV,
	APP_ENV_FILE,
	APP_USER,
	APP_WORKDIR,
	APP_MEMORY,
	APP_CPUS,
	APP_PIDS,
	APP_VOLUME,
	APP_TMPFS,
	APP_PUBLISH,
	APP_DEVICE,
	APP_CAP_ADD,
	APP_CAP_DROP,
	APP_READ_ONLY,
	APP_ENTRYPOINT,
	APP_RESTART,
	APP_STOP_SIGNAL,
	APP_STOP_TIMEOUT,
	APP_INIT_FLAG,
	APP_TZ,
	APP_STDIN,
	APP_TTY,
	APP_SECRET,
	APP_READY,
	APP_PARAM,
	APP_MEMORY_RESERVATION,
	APP_MEMORY_SWAP,
	APP_CPU_SHARES,
	APP_CPUSET_CPUS,
	APP_CPUSET_MEMS,
	APP_BLKIO_WEIGHT,
	APP_DEVICE_RATE,
	APP_CGROUP_CONF,
	APP_ULIMIT,
	APP_SYSCTL,
	APP_OOM_SCORE,
	APP_GROUP_ADD,
	APP_SECURITY_OPT,
	APP_FLAGS,
};

const struct opt flags_app_options[] = {
	{"name", .arg = "NAME", .id = APP_NAME,
	 .help = "the app's name (before the image: the pod's)"},
	{"hole", .arg = "HOLE", .id = APP_HOLE, .help = "open a hole for this app"},
	{"env", 'e', .arg = "KEY[=VALUE]", .id = APP_ENV,
	 .help = "an environment variable; without a value: the caller's"},
	{"env-file", .arg = "FILE", .id = APP_ENV_FILE, .help = "environment variables from a file",
	 .complete = "file"},
	{"user", 'u', .arg = "USER[:GROUP]", .id = APP_USER,
	 .help = "names of the image, or numbers"},
	{"workdir", 'w', .arg = "DIR", .id = APP_WORKDIR, .help = "working directory in the app"},
	{"memory", 'm', .arg = "SIZE", .id = APP_MEMORY,
	 .help = "memory limit, in docker's units (256m is 256Mi)"},
	{"cpus", .arg = "N", .id = APP_CPUS, .help = "CPU limit, such as 0.5"},
	{"pids", .arg = "N", .id = APP_PIDS,
	 .help = "limit on processes and threads (default 4096)"},
	{"pids-limit", .arg = "N", .id = APP_PIDS, .help = "the same"},
	{"memory-reservation", .arg = "SIZE", .id = APP_MEMORY_RESERVATION,
	 .help = "memory that others take from it last"},
	{"memory-swap", .arg = "SIZE", .id = APP_MEMORY_SWAP,
	 .help = "memory and swap together; -1: all the swap there is"},
	{"cpu-shares", .arg = "N", .id = APP_CPU_SHARES,
	 .help = "its weight where CPUs are short (1024 is usual)"},
	{"cpuset-cpus", .arg = "LIST", .id = APP_CPUSET_CPUS, .help = "on these CPUs alone: 0-1,3"},
	{"cpuset-mems", .arg = "LIST", .id = APP_CPUSET_MEMS, .help = "memory of these nodes alone"},
	{"blkio-weight", .arg = "N", .id = APP_BLKIO_WEIGHT,
	 .help = "its weight where a disk is busy (1 to 10000)"},
	{"device-read-bps", .arg = "DEVICE:SIZE", .id = APP_DEVICE_RATE,
	 .help = "bytes that it may read from the device in a second"},
	{"device-write-bps", .arg = "DEVICE:SIZE", .id = APP_DEVICE_RATE, .help = "bytes that it may write"},
	{"device-read-iops", .arg = "DEVICE:N", .id = APP_DEVICE_RATE, .help = "reads in a second"},
	{"device-write-iops", .arg = "DEVICE:N", .id = APP_DEVICE_RATE, .help = "writes in a second"},
	{"cgroup-conf", .arg = "FILE=VALUE", .id = APP_CGROUP_CONF,
	 .help = "a control file by the kernel's name, such as memory.high"},
	{"ulimit", .arg = "NAME=SOFT[:HARD]", .id = APP_ULIMIT, .help = "a resource limit, such as nofile"},
	{"sysctl", .arg = "KEY=VALUE", .id = APP_SYSCTL,
	 .help = "a sysctl of the pod's own network or IPC"},
	{"oom-score-adj", .arg = "N", .id = APP_OOM_SCORE,
	 .help = "how likely it is killed where memory ends (-1000 to 1000)"},
	{"group-add", .arg = "GROUP", .id = APP_GROUP_ADD, .help = "one more group of the image's"},
	{"security-opt", .arg = "OPTION", .id = APP_SECURITY_OPT,
	 .help = "seccomp=FILE or seccomp=unconfined"},
	{"volume", 'v', .arg = "SRC:DST[:ro]", .id = APP_VOLUME,
	 .help = "a host path (a hole), or a named volume", .complete = "file"},
	{"tmpfs", .arg = "DST[:size=SIZE]", .id = APP_TMPFS, .help = "memory as a file system"},
	{"publish", 'p', .arg = "[ADDR:][PORT:]APPPORT", .id = APP_PUBLISH,
	 .help = "open a port: the hole in:PORT:APPPORT"},
	{"device", .arg = "PATH[:DST][:rwm]", .id = APP_DEVICE,
	 .help = "open a device: the hole dev:PATH", .complete = "file"},
	{"cap-add", .arg = "NAME", .id = APP_CAP_ADD,
	 .help = "give a capability: the hole cap:NAME"},
	{"cap-drop", .arg = "NAME", .id = APP_CAP_DROP,
	 .help = "take one of the 14 capabilities, or ALL"},
	{"read-only", .id = APP_READ_ONLY, .help = "the app can't write to its root"},
	{"entrypoint", .arg = "PROGRAM", .id = APP_ENTRYPOINT,
	 .help = "replaces the image's entrypoint and command"},
	{"restart", .arg = "WHEN", .id = APP_RESTART, .help = "when to start it again",
	 .complete = "never|on-failure|always"},
	{"stop-signal", .arg = "SIGNAL", .id = APP_STOP_SIGNAL,
	 .help = "what stops it (default: the image's, else TERM)"},
	{"stop-timeout", .arg = "TIME", .id = APP_STOP_TIMEOUT,
	 .help = "how long it may take to stop (default 10s)"},
	{"init", .id = APP_INIT_FLAG, .help = "run it below a small init that reaps zombies"},
	{"tz", .arg = "ZONE", .id = APP_TZ, .help = "time zone, such as Europe/Berlin, or local"},
	{"interactive", 'i', .id = APP_STDIN, .help = "keep standard input open"},
	{"tty", 't', .id = APP_TTY, .help = "give it a terminal"},
	{"secret", .arg = "NAME=SOURCE", .id = APP_SECRET,
	 .help = "a secret as the file /run/secrets/NAME, from a path, env:VARIABLE, "
		 "credential:NAME or - (standard input)"},
	{"ready", .arg = "PROBE", .id = APP_READY,
	 .help = "how to tell that it is ready: http::PORT/PATH, tcp::PORT, grpc::PORT, exec:WORDS"},
	{"param", .arg = "KEY=VALUE", .id = APP_PARAM,
	 .help = "a parameter that the image offers"},
	{},
};

int flag_bad(const struct flags *f, const struct flag *flag, struct err *e, const char *because)
{
	err_new(e, ERR_USAGE, "%s can't be done", flag_text(f, flag));
	return err_because(e, "%s", because);
}

int flag_later(const struct flag *flag, struct err *e)
{
	err_new(e, ERR_USAGE, "--%s is not built yet", flag->opt->name);
	err_because(e, "this version of Rocket understands the flag and can't do what it says");
	return err_try(e, "leave it out");
}

void flag_set_pair(struct arena *a, char ***list, const char *pair)
{
	size_t n = strcspn(pair, "=");

	for (char **p = *list; p && *p; p++) {
		if (strncmp(*p, pair, n + 1))
			continue;
		*p = arena_strdup(a, pair);
		return;
	}
	arena_strv_add(a, list, pair);
}

int flag_add_hole(struct flags *f, const char *text, const char *app, const char *origin,
		  struct err *e)
{
	struct hole h;
	int rc = hole_parse(f->arena, text, f->in->base_dir, &h, e);

	if (rc)
		return rc;
	if (app && h.app && strcmp(app, h.app)) {
		err_new(e, ERR_USAGE,
			"the hole %s is for app '%s' and stands behind the image of '%s'", text,
			h.app, app);
		err_because(e, "behind an image a hole is that app's");
		return err_try(e, "--hole %s before the first image", text);
	}
	if (app && h.kind == HOLE_NS) {
		err_new(e, ERR_USAGE, "the hole %s is the whole pod's", text);
		err_because(e, "behind an image a hole is that app's");
		return err_try(e, "--hole %s before the image", text);
	}
	if (app)
		h.app = arena_strdup(f->arena, app);
	h.origin = arena_strdup(f->arena, origin);
	h.text = hole_format(f->arena, &h);
	*list_add(f->arena, &f->pod.holes) = h;
	return 0;
}

/* ---- one function a flag ---- */

/* The name was taken before the others. */
static int apply_name(struct flags *f, const struct flag *flag, struct pod_app *app, struct err *e)
{
	return 0;
}

static int apply_hole(struct flags *f, const struct flag *flag, struct pod_app *app, struct err *e)
{
	return flag_add_hole(f, flag->value, app->name, NULL, e);
}

/* "KEY" alone takes the caller's value, and nothing when the caller has none (docker's rule). */
static void set_env(struct flags *f, struct pod_app *app, const char *pair)
{
	size_t n = strlen(pair);

	if (strchr(pair, '=')) {
		flag_set_pair(f->arena, &app->env, pair);
		return;
	}
	for (char *const *p = f->in->environ; p && *p; p++)
		if (!strncmp(*p, pair, n) && (*p)[n] == '=')
			flag_set_pair(f->arena, &app->env, *p);
}

static int apply_env(struct flags *f, const struct flag *flag, struct pod_app *app, struct err *e)
{
	if (!*flag->value || *flag->value == '=')
		return flag_bad(f, flag, e, "a variable is written KEY=VALUE");
	set_env(f, app, flag->value);
	return 0;
}

static int env_line(struct flags *f, struct pod_app *app, const char *file, unsigned number,
		    char *line, struct err *e)
{
	size_t n = strlen(line);

	if (n && line[n - 1] == '\r')
		line[n - 1] = 0;
	line += strspn(line, " \t");
	if (!*line || *line == '#')
		return 0;
	if (*line == '=' || strcspn(line, " \t") < strcspn(line, "=")) {
		err_new(e, ERR_USAGE, "%.150s:%u: no environment variable", file, number);
		return err_because(e, "a line is KEY=VALUE, KEY alone for the caller's value, or a "
				      "comment with #");
	}
	set_env(f, app, line);
	return 0;
}

static int apply_env_file(struct flags *f, const struct flag *flag, struct pod_app *app,
			  struct err *e)
{
	const char *text;
	size_t len;
	int rc = f->in->read_file(f->in->context, flag->value, &text, &len, e);

	if (rc)
		return rc;
	if (memchr(text, 0, len))
		return flag_bad(f, flag, e, "the file holds a zero byte");
	for (unsigned number = 1; *text && !rc; number++) {
		size_t n = strcspn(text, "\n");

		rc = env_line(f, app, flag->value, number, arena_strndup(f->arena, text, n), e);
		text += n + (text[n] == '\n');
	}
	return rc;
}

static int apply_user(struct flags *f, const struct flag *flag, struct pod_app *app, struct err *e)
{
	if (!*flag->value)
		return flag_bad(f, flag, e, "a user is a name or a number");
	app->user = arena_strdup(f->arena, flag->value);
	return 0;
}

static int apply_workdir(struct flags *f, const struct flag *flag, struct pod_app *app,
			 struct err *e)
{
	if (*flag->value != '/')
		return flag_bad(f, flag, e, "the working directory is an absolute path in the app");
	app->workdir = arena_strdup(f->arena, flag->value);
	return 0;
}

static int apply_memory(struct flags *f, const struct flag *flag, struct pod_app *app,
			struct err *e)
{
	if (unit_parse_docker_size(flag->value, &app->limits.memory_bytes) ||
	    !app->limits.memory_bytes)
		return flag_bad(f, flag, e, "a size is written 256m or 1g");
	return 0;
}

static int apply_cpus(struct flags *f, const struct flag *flag, struct pod_app *app, struct err *e)
{
	if (unit_parse_cpus(flag->value, &app->limits.cpus_milli) || !app->limits.cpus_milli)
		return flag_bad(f, flag, e, "a number of CPUs is written 0.5 or 2");
	return 0;
}

static int apply_pids(struct flags *f, const struct flag *flag, struct pod_app *app, struct err *e)
{
	uint64_t pids;

	if (unit_parse_u64(flag->value, 1, 4194304, &pids))
		return flag_bad(f, flag, e, "a limit on processes is a number from 1 to 4194304");
	app->limits.pids = (uint32_t)pids;
	return 0;
}

static int apply_cap_drop(struct flags *f, const struct flag *flag, struct pod_app *app,
			  struct err *e)
{
	uint64_t set;
	int rc = caps_parse(flag->value, &set, e);

	if (!rc)
		app->cap_drop |= set;
	return rc;
}

static int apply_read_only(struct flags *f, const struct flag *flag, struct pod_app *app,
			   struct err *e)
{
	app->read_only = true;
	return 0;
}

/* One program, or a list of words in JSON as podman takes it. */
static int apply_entrypoint(struct flags *f, const struct flag *flag, struct pod_app *app,
			    struct err *e)
{
	struct doc *list;

	app->exec = NULL;
	if (*flag->value != '[') {
		arena_strv_add(f->arena, &app->exec, flag->value);
		return *flag->value ? 0 : flag_bad(f, flag, e, "the program's name is empty");
	}
	if (doc_parse_json(f->arena, "--entrypoint", flag->value, strlen(flag->value), &list, e))
		return flag_bad(f, flag, e, "it starts like a JSON list of words and is none");
	for (const struct doc *c = list->child; c; c = c->next) {
		if (c->kind != DOC_STR)
			return flag_bad(f, flag, e, "a word of the JSON list is no text");
		arena_strv_add(f->arena, &app->exec, c->text);
	}
	return app->exec ? 0 : flag_bad(f, flag, e, "the JSON list is empty");
}

/* Docker's words and what they are called here. */
static int apply_restart(struct flags *f, const struct flag *flag, struct pod_app *app,
			 struct err *e)
{
	const char *near;

	for (int i = 0; restart_names[i]; i++) {
		if (strcmp(restart_names[i], flag->value))
			continue;
		app->restart = (enum restart)i;
		return 0;
	}
	if (str_equal(flag->value, "no")) {
		app->restart = RESTART_NEVER;
		return 0;
	}
	flag_bad(f, flag, e, "it is one of: never, on-failure, always");
	if (str_equal(flag->value, "unless-stopped"))
		return err_try(e, "--restart always (a pod that was stopped stays so)");
	if (str_has_prefix(flag->value, "on-failure:"))
		return err_try(e, "--restart on-failure (the pauses grow, there is no limit)");
	near = str_nearest(flag->value, restart_names);
	return near ? err_try(e, "--restart %s", near) : -ERR_USAGE;
}

static int apply_stop_signal(struct flags *f, const struct flag *flag, struct pod_app *app,
			     struct err *e)
{
	return signal_parse(flag->value, &app->stop.signal, e);
}

/* Docker's bare number is seconds. */
static int apply_stop_timeout(struct flags *f, const struct flag *flag, struct pod_app *app,
			      struct err *e)
{
	uint64_t seconds;

	app->stop.has_grace = true;
	if (!unit_parse_u64(flag->value, 0, 1000000, &seconds)) {
		app->stop.grace_ns = (int64_t)seconds * 1000000000;
		return 0;
	}
	if (unit_parse_time(flag->value, &app->stop.grace_ns))
		return flag_bad(f, flag, e, "a time is written 10s, or 10 for seconds");
	return 0;
}

static int apply_init(struct flags *f, const struct flag *flag, struct pod_app *app, struct err *e)
{
	app->init = true;
	return 0;
}

static int apply_tz(struct flags *f, const struct flag *flag, struct pod_app *app, struct err *e)
{
	app->tz = arena_strdup(f->arena, flag->value);
	return 0;
}

static int apply_stdin(struct flags *f, const struct flag *flag, struct pod_app *app, struct err *e)
{
	app->stdin_open = true;
	return 0;
}

static int apply_tty(struct flags *f, const struct flag *flag, struct pod_app *app, struct err *e)
{
	app->tty = true;
	return 0;
}

static int apply_secret(struct flags *f, const struct flag *flag, struct pod_app *app,
			struct err *e)
{
	return files_parse_secret(f->arena, flag->value, f->in->base_dir, &f->pod, app, e);
}

static int apply_ready(struct flags *f, const struct flag *flag, struct pod_app *app, struct err *e)
{
	return probe_parse_text(f->arena, flag->value, &app->ready, e);
}

static int apply_param(struct flags *f, const struct flag *flag, struct pod_app *app, struct err *e)
{
	if (*flag->value == '=' || !strchr(flag->value, '='))
		return flag_bad(f, flag, e, "a parameter is written KEY=VALUE");
	flag_set_pair(f->arena, &app->params, flag->value);
	return 0;
}

static int (*const applies[])(struct flags *f, const struct flag *flag, struct pod_app *app,
			      struct err *e) = {
	[APP_NAME] = apply_name,
	[APP_HOLE] = apply_hole,
	[APP_ENV] = apply_env,
	[APP_ENV_FILE] = apply_env_file,
	[APP_USER] = apply_user,
	[APP_WORKDIR] = apply_workdir,
	[APP_MEMORY] = apply_memory,
	[APP_CPUS] = apply_cpus,
	[APP_PIDS] = apply_pids,
	[APP_VOLUME] = flags_volume,
	[APP_TMPFS] = flags_tmpfs,
	[APP_PUBLISH] = flags_publish,
	[APP_DEVICE] = flags_device,
	[APP_CAP_ADD] = flags_cap_add,
	[APP_CAP_DROP] = apply_cap_drop,
	[APP_READ_ONLY] = apply_read_only,
	[APP_ENTRYPOINT] = apply_entrypoint,
	[APP_RESTART] = apply_restart,
	[APP_STOP_SIGNAL] = apply_stop_signal,
	[APP_STOP_TIMEOUT] = apply_stop_timeout,
	[APP_INIT_FLAG] = apply_init,
	[APP_TZ] = apply_tz,
	[APP_STDIN] = apply_stdin,
	[APP_TTY] = apply_tty,
	[APP_SECRET] = apply_secret,
	[APP_READY] = apply_ready,
	[APP_PARAM] = apply_param,
	[APP_MEMORY_RESERVATION] = flags_memory_reservation,
	[APP_MEMORY_SWAP] = flags_memory_swap,
	[APP_CPU_SHARES] = flags_cpu_shares,
	[APP_CPUSET_CPUS] = flags_cpuset_cpus,
	[APP_CPUSET_MEMS] = flags_cpuset_mems,
	[APP_BLKIO_WEIGHT] = flags_blkio_weight,
	[APP_DEVICE_RATE] = flags_device_rate,
	[APP_CGROUP_CONF] = flags_cgroup_conf,
	[APP_ULIMIT] = flags_ulimit,
	[APP_SYSCTL] = flags_sysctl,
	[APP_OOM_SCORE] = flags_oom_score,
	[APP_GROUP_ADD] = flags_group_add,
	[APP_SECURITY_OPT] = flags_security_opt,
};
static_assert(ARRAY_SIZE(applies) == APP_FLAGS, "one function a flag");

int flags_apply_app(struct flags *f, const struct flag *flag, struct pod_app *app, struct err *e)
{
	return applies[flag->opt->id](f, flag, app, e);
}
