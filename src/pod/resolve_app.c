/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an app runs, as whom, and within which bounds: the owner's words over the image's over
 * Rocket's defaults (docs/manifest.md lists them). Pure.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "pod/caps.h"
#include "pod/names.h"
#include "pod/paths.h"
#include "pod/place.h"
#include "pod/resolve_parts.h"
#include "pod/signals.h"
#include "pod/zone.h"

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

enum {
	ENV_MAX = 4096,
	PIDS_DEFAULT = 4096,
	LOG_FILES_DEFAULT = 3,
	NOFILE_SOFT = 1024,
	NOFILE_HARD = 524288
};
#define LOG_BYTES_DEFAULT     (UINT64_C(10) << 20)
#define STOP_GRACE_DEFAULT_NS (INT64_C(10) * 1000000000)

/* ---- image and user ---- */

const struct image_config *resolve_config(const struct resolve_app *ra)
{
	static const struct image_config none;

	return ra->asked->replaces_config ? &none : &ra->image->config;
}

/* The flag that widens the range: the next multiple of 65536 that holds max_id. */
static int ids_too_few(const struct resolve *r, const char *what, uint64_t id, struct err *e)
{
	uint64_t wanted = (id / 65536 + 1) * 65536;

	err_new(e, ERR_USAGE, "%s, and the pod has %u ids", what, r->in->host.ids.count);
	if (wanted > UINT64_C(1) << 30)
		return err_because(e, "a pod can't have more than 1073741824 ids");
	if (r->in->host.ids.kind == IDS_SINGLE)
		err_because(e, "a pod has your own id alone: you have none in /etc/subuid and /etc/subgid, or newuidmap is "
			       "missing");
	else
		err_because(e, "the ids of a pod are 0 to %u", r->in->host.ids.count - 1);
	if (r->in->host.rootless && id >= r->in->host.ids_most)
		return err_try(e, "usermod --add-subuids FIRST-LAST --add-subgids FIRST-LAST USER   (as root; see rocket "
				  "doctor)");
	return err_try(e, "rocket run --ids %llu …", (unsigned long long)wanted);
}

static int check_id(const struct resolve *r, const char *app, const char *what, uint64_t id,
		    struct err *e)
{
	const struct plan_ids *ids = &r->in->host.ids;

	if (!ids->count || id < ids->count)
		return 0;
	return ids_too_few(r,
			   arena_printf(r->arena, "app '%s' has the %s id %llu", app, what,
					(unsigned long long)id),
			   id, e);
}

static int resolve_image(struct resolve *r, struct resolve_app *ra, struct err *e)
{
	const struct pod_sources *s = &r->in->sources;
	const struct plan_ids *ids = &r->in->host.ids;
	int rc = s->find_image(s->context, ra->asked->image, &ra->image, e);

	if (rc)
		return rc;
	ra->app.image = arena_strdup(r->arena, ra->asked->image);
	ra->app.image_digest = arena_strdup(r->arena, ra->image->manifest_digest);
	ra->app.view = arena_strdup(r->arena, ra->image->view);
	/* With one id alone all files are the user's, whatever the image says. */
	if (ids->count && ids->kind != IDS_SINGLE && ra->image->max_id >= ids->count)
		return ids_too_few(r,
				   arena_printf(r->arena, "the image %s holds files of the id %llu",
						ra->app.image,
						(unsigned long long)ra->image->max_id),
				   ra->image->max_id, e);
	return 0;
}

static int add_groups(struct resolve *r, struct resolve_app *ra, char **groups,
		      const char *group_text, struct err *e)
{
	int rc = 0;

	for (char **p = groups; p && *p && !rc; p++)
		rc = account_add_group(r->arena, *p, group_text, &ra->account, e);
	return rc;
}

static int resolve_user(struct resolve *r, struct resolve_app *ra, struct err *e)
{
	const struct pod_sources *s = &r->in->sources;
	const struct image_config *config = resolve_config(ra);
	const char *spec = ra->asked->user ? ra->asked->user : config->user;
	const char *passwd, *group;
	int rc;

	if ((rc = s->read_accounts(s->context, ra->image, "passwd", &passwd, e)) ||
	    (rc = s->read_accounts(s->context, ra->image, "group", &group, e)))
		return rc;
	if ((rc = account_resolve(r->arena, spec, passwd, group, &ra->account, e)))
		return rc;
	if (ra->asked->has_group)
		ra->account.gid = ra->asked->group;
	if (ra->asked->non_root && ra->account.uid == 0) {
		err_new(e, ERR_USAGE, "app '%s' must not run as root, and its user is root",
			ra->asked->name);
		return err_because(e, "runAsNonRoot is true");
	}
	if ((rc = add_groups(r, ra, config->groups, group, e)) ||
	    (rc = add_groups(r, ra, ra->asked->groups, group, e)))
		return rc;
	if ((rc = check_id(r, ra->asked->name, "user", ra->account.uid, e)))
		return rc;
	for (char **p = ra->account.groups; *p && !rc; p++)
		rc = check_id(r, ra->asked->name, "group", strtoull(*p, NULL, 10), e);
	ra->app.uid = ra->account.uid;
	ra->app.gid = ra->account.gid;
	ra->app.groups = ra->account.groups;
	return rc;
}

/* ---- the program ---- */

static void add_words(struct arena *a, char ***argv, char **words)
{
	for (; words && *words; words++)
		arena_strv_add(a, argv, *words);
}

/* exec replaces the image's entrypoint and command, args the command alone (as Kubernetes and
 * docker). */
static int resolve_argv(struct resolve *r, struct resolve_app *ra, struct err *e)
{
	const struct pod_app *asked = ra->asked;
	const struct image_config *config = resolve_config(ra);
	char **argv = NULL;

	add_words(r->arena, &argv, asked->exec ? asked->exec : config->entrypoint);
	if (asked->args)
		add_words(r->arena, &argv, asked->args);
	else if (!asked->exec)
		add_words(r->arena, &argv, config->cmd);
	if (!argv || !*argv[0]) {
		err_new(e, ERR_USAGE, "app '%s' has nothing to run", asked->name);
		err_because(e, "neither the image %s nor you name a program", asked->image);
		return err_try(e, "rocket run %s PROGRAM [ARG…]", asked->image);
	}
	ra->app.argv = argv;
	return 0;
}

static int resolve_workdir(struct resolve *r, struct resolve_app *ra, struct err *e)
{
	const char *dir = ra->asked->workdir ? ra->asked->workdir : resolve_config(ra)->workdir;
	char *clean = path_clean(r->arena, NULL, dir ? dir : "/");

	if (!clean) {
		err_new(e, ERR_USAGE, "the working directory of app '%s' is too long",
			ra->asked->name);
		return err_because(e, "a path has at most 4095 characters");
	}
	if (str_equal(clean, "/proc") || str_has_prefix(clean, "/proc/")) {
		err_new(e, ERR_USAGE, "the working directory of app '%s' can't be %s",
			ra->asked->name, clean);
		return err_because(e, "what lies below /proc is no directory of the image");
	}
	ra->app.workdir = clean;
	return 0;
}

/* ---- environment ---- */

static void env_set(struct arena *a, char ***env, const char *entry)
{
	size_t n = strcspn(entry, "=");

	for (char **p = *env; p && *p; p++) {
		if (strncmp(*p, entry, n + 1))
			continue;
		*p = arena_strdup(a, entry);
		return;
	}
	arena_strv_add(a, env, entry);
}

static int env_set_all(struct arena *a, char ***env, char **entries, const char *app, struct err *e)
{
	if (strv_len(entries) > ENV_MAX) {
		err_new(e, ERR_USAGE, "app '%s' has too many environment variables", app);
		return err_because(e, "there are %zu; %d are allowed", strv_len(entries), ENV_MAX);
	}
	for (char **p = entries; p && *p; p++)
		if (**p != '=' && strchr(*p, '='))
			env_set(a, env, *p);
	return 0;
}

/* The image need not have zone files: TZ holds the zone's rule. */
static int env_set_zone(struct resolve *r, struct resolve_app *ra, char ***env, struct err *e)
{
	const struct pod_sources *s = &r->in->sources;
	const char *zone = ra->asked->tz;
	const void *bytes;
	char *rule;
	size_t n;
	int rc;

	if (!zone)
		return 0;
	if (!zone_name_is_good(zone)) {
		err_new(e, ERR_USAGE, "'%.60s' is no time zone", zone);
		err_because(e, "a zone is named by letters, digits, '_', '+', '-' and '/'");
		return err_try(e, "tz: Europe/Berlin, or tz: local for the host's");
	}
	ra->app.tz = arena_strdup(r->arena, zone);
	if (str_equal(zone, "UTC")) {
		env_set(r->arena, env, "TZ=UTC0");
		return 0;
	}
	if ((rc = s->read_zone(s->context, zone, &bytes, &n, e)))
		return rc;
	rule = zone_rule(r->arena, bytes, n);
	if (!rule) {
		err_new(e, ERR_FAILED, "the time zone %.60s can't be used", zone);
		return err_because(e, "the host's file of it does not end in a rule (RFC 8536)");
	}
	env_set(r->arena, env, arena_printf(r->arena, "TZ=%s", rule));
	return 0;
}

static int resolve_env(struct resolve *r, struct resolve_app *ra, struct err *e)
{
	const char *term = r->in->host.term ? r->in->host.term : "xterm";
	struct arena *a = r->arena;
	char **env = NULL;
	int rc;

	env_set(a, &env, "PATH=" DEFAULT_PATH);
	env_set(a, &env, arena_printf(a, "HOME=%s", ra->account.home));
	env_set(a, &env, arena_printf(a, "HOSTNAME=%s", ra->app.hostname ?: r->plan->hostname));
	if (ra->asked->tty)
		env_set(a, &env, arena_printf(a, "TERM=%s", term));
	if ((rc = env_set_all(a, &env, resolve_config(ra)->env, ra->asked->name, e)))
		return rc;
	env_set(a, &env, "container=rocket");
	if ((rc = env_set_zone(r, ra, &env, e)))
		return rc;
	if ((rc = env_set_all(a, &env, ra->asked->env, ra->asked->name, e)))
		return rc;
	ra->app.env = env;
	return 0;
}

/* ---- bounds ---- */

static bool has_rlimit(const struct pod_app *asked, const char *name)
{
	for (size_t i = 0; i < asked->rlimits.n; i++)
		if (!strcmp(asked->rlimits.v[i].name, name))
			return true;
	return false;
}

static uint64_t clip(uint64_t value, uint64_t most)
{
	return most && value > most ? most : value;
}

static int resolve_rlimits(struct resolve *r, struct resolve_app *ra, struct err *e)
{
	uint64_t most = r->in->host.nofile_hard;

	for (size_t i = 0; i < ra->asked->rlimits.n; i++)
		*list_add(r->arena, &ra->app.rlimits) = ra->asked->rlimits.v[i];
	if (has_rlimit(ra->asked, "nofile"))
		return 0;
	*list_add(r->arena, &ra->app.rlimits) = (struct plan_rlimit){
		.name = arena_strdup(r->arena, "nofile"),
		.soft = clip(NOFILE_SOFT, most),
		.hard = clip(NOFILE_HARD, most),
	};
	return 0;
}

static int resolve_stop(struct resolve *r, struct resolve_app *ra, struct err *e)
{
	const struct pod_stop *stop = &ra->asked->stop;
	const char *image_signal = resolve_config(ra)->stop_signal;

	ra->app.stop_grace_ns = stop->has_grace ? stop->grace_ns : STOP_GRACE_DEFAULT_NS;
	ra->app.stop_signal = stop->signal;
	if (stop->signal)
		return 0;
	if (!image_signal || !*image_signal)
		image_signal = "TERM";
	if (signal_parse(image_signal, &ra->app.stop_signal, e)) {
		err_new(e, ERR_USAGE, "the image of app '%s' can't be stopped as it wants",
			ra->asked->name);
		err_because(e, "its stop signal is '%.40s', which is no signal", image_signal);
		return err_try(e, "stop: {signal: TERM}, or --stop-signal TERM");
	}
	return 0;
}

static int resolve_logs(struct resolve *r, struct resolve_app *ra, struct err *e)
{
	const struct pod_logs *own = &ra->asked->logs, *pod = &r->pod->logs;
	uint64_t bytes = own->size_bytes ? own->size_bytes : pod->size_bytes;
	uint32_t files = own->files ? own->files : pod->files;

	ra->app.log_bytes = bytes ? bytes : LOG_BYTES_DEFAULT;
	ra->app.log_files = files ? files : LOG_FILES_DEFAULT;
	return 0;
}

/* What is taken over as it was asked. */
static int resolve_plain(struct resolve *r, struct resolve_app *ra, struct err *e)
{
	const struct pod_app *asked = ra->asked;
	struct plan_app *app = &ra->app;

	app->name = arena_strdup(r->arena, asked->name);
	app->distance = resolve_distance(r, asked);
	app->kind = asked->kind;
	app->read_only = asked->read_only;
	app->tty = asked->tty;
	app->stdin_open = asked->stdin_open;
	app->init = asked->init;
	app->oom_score = asked->oom_score;
	app->restart = asked->restart;
	app->seccomp = arena_strdup(r->arena, asked->seccomp ? asked->seccomp : "default");
	app->labels = asked->labels;
	app->pre_start = asked->pre_start;
	app->post_stop = asked->post_stop;
	app->limits = asked->limits;
	if (!app->limits.pids && !r->in->host.no_pids_limit)
		app->limits.pids = PIDS_DEFAULT;
	if (app->distance == DISTANCE_APART)
		app->hostname = name_to_host(r->arena, asked->name);
	if (app->kind == APP_INIT && app->restart == RESTART_ALWAYS) {
		err_new(e, ERR_USAGE, "app '%s' is of kind init and can't be restarted always",
			asked->name);
		return err_because(e, "an init app ends before the others start");
	}
	return resolve_device_numbers(r, &app->limits, e);
}

int resolve_app_process(struct resolve *r, struct resolve_app *ra, struct err *e)
{
	static int (*const steps[])(struct resolve * r, struct resolve_app * ra, struct err * e) = {
		resolve_plain, resolve_image, resolve_user,    resolve_argv, resolve_workdir,
		resolve_env,   resolve_stop,  resolve_rlimits, resolve_logs,
		resolve_probes,
	};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(steps) && !rc; i++)
		rc = steps[i](r, ra, e);
	return rc;
}
