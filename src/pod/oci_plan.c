/* SPDX-License-Identifier: Apache-2.0 */
/* config.json into what the boundary works from. See oci_plan.h. */
#include "pod/oci_plan.h"

#include <ctype.h>
#include <stdio.h>
#include <linux/ioprio.h>
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <string.h>
#include <sys/personality.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "base/unit.h"
#include "pod/caps.h"

/* ---- process ---- */

/* What can't be mapped to this kernel is left out, as the specification has it. */
static uint64_t cap_set(char *const *names)
{
	uint64_t all = 0;

	for (; names && *names; names++) {
		struct err unknown = {};
		uint64_t one = 0;

		if (strcasecmp(*names, "ALL") != 0 && caps_parse(*names, &one, &unknown) == 0)
			all |= one;
	}
	return all;
}

static bool is_rlimit(const char *name)
{
	static const char *const names[] = { "AS", "CORE", "CPU", "DATA", "FSIZE", "LOCKS", "MEMLOCK", "MSGQUEUE", "NICE",
					     "NOFILE", "NPROC", "RSS", "RTPRIO", "RTTIME", "SIGPENDING", "STACK" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static int plan_rlimits(struct arena *a, const struct oci_process *p, struct plan_app *app, struct err *e)
{
	static const char prefix[] = "RLIMIT_";

	for (size_t i = 0; i < p->rlimits.n; i++) {
		const struct oci_rlimit *asked = &p->rlimits.v[i];
		struct plan_rlimit *l = list_add(a, &app->rlimits);

		if (!asked->type || !str_has_prefix(asked->type, prefix) || !is_rlimit(asked->type + strlen(prefix)))
			return err_new(e, ERR_USAGE, "config.json: process.rlimits: there is no type %.40s",
				       asked->type ?: "(none)");
		if (asked->soft > asked->hard)
			return err_new(e, ERR_USAGE, "config.json: process.rlimits: the soft limit of %.40s is above the hard one",
				       asked->type);
		l->name = arena_strdup(a, asked->type + strlen(prefix));
		for (char *c = l->name; *c; c++)
			*c = (char)tolower((unsigned char)*c);
		l->soft = asked->soft;
		l->hard = asked->hard;
	}
	return 0;
}

struct word {
	const char *name;
	uint64_t value;
};

static int find_word(const struct word *words, size_t n, const char *name, const char *field, uint64_t *ret, struct err *e)
{
	for (size_t i = 0; name && i < n; i++)
		if (strcmp(words[i].name, name) == 0) {
			*ret = words[i].value;
			return 0;
		}
	return err_new(e, ERR_USAGE, "config.json: %s can't be %.40s", field, name ?: "missing");
}

static int plan_scheduler(const struct oci_scheduler *s, struct oci_how *how, struct err *e)
{
	static const struct word policies[] = {
		{ "SCHED_OTHER", SCHED_NORMAL }, { "SCHED_FIFO", SCHED_FIFO },	   { "SCHED_RR", SCHED_RR },
		{ "SCHED_BATCH", SCHED_BATCH },	 { "SCHED_ISO", 4 },		   { "SCHED_IDLE", SCHED_IDLE },
		{ "SCHED_DEADLINE", SCHED_DEADLINE },
	};
	static const struct word flags[] = {
		{ "SCHED_FLAG_RESET_ON_FORK", SCHED_FLAG_RESET_ON_FORK },
		{ "SCHED_FLAG_RECLAIM", SCHED_FLAG_RECLAIM },
		{ "SCHED_FLAG_DL_OVERRUN", SCHED_FLAG_DL_OVERRUN },
		{ "SCHED_FLAG_KEEP_POLICY", SCHED_FLAG_KEEP_POLICY },
		{ "SCHED_FLAG_KEEP_PARAMS", SCHED_FLAG_KEEP_PARAMS },
		{ "SCHED_FLAG_UTIL_CLAMP_MIN", SCHED_FLAG_UTIL_CLAMP_MIN },
		{ "SCHED_FLAG_UTIL_CLAMP_MAX", SCHED_FLAG_UTIL_CLAMP_MAX },
	};
	uint64_t policy, flag;
	int64_t nice, priority;

	if (!s->policy)
		return 0;
	if (find_word(policies, ARRAY_SIZE(policies), s->policy, "process.scheduler.policy", &policy, e) < 0 ||
	    oci_number(s->nice, "config.json: process.scheduler.nice", -20, 19, 0, &nice, e) < 0 ||
	    oci_number(s->priority, "config.json: process.scheduler.priority", 0, 99, 0, &priority, e) < 0)
		return -e->code;
	how->has_scheduler = true;
	how->scheduler = (struct oci_sched){
		.size = 48, .policy = (uint32_t)policy, .nice = (int32_t)nice, .priority = (uint32_t)priority,
		.runtime = s->runtime, .deadline = s->deadline, .period = s->period,
	};
	for (char **f = s->flags; f && *f; f++) {
		if (find_word(flags, ARRAY_SIZE(flags), *f, "process.scheduler.flags", &flag, e) < 0)
			return -e->code;
		how->scheduler.flags |= flag;
	}
	return 0;
}

static int plan_io_priority(const struct oci_process *p, struct oci_how *how, struct err *e)
{
	static const struct word classes[] = {
		{ "IOPRIO_CLASS_RT", IOPRIO_CLASS_RT },
		{ "IOPRIO_CLASS_BE", IOPRIO_CLASS_BE },
		{ "IOPRIO_CLASS_IDLE", IOPRIO_CLASS_IDLE },
	};
	int64_t priority;
	uint64_t class;

	if (!p->io_priority.class_name)
		return 0;
	if (find_word(classes, ARRAY_SIZE(classes), p->io_priority.class_name, "process.ioPriority.class", &class, e) < 0 ||
	    oci_number(p->io_priority.priority, "config.json: process.ioPriority.priority", 0, 7, 0, &priority, e) < 0)
		return -e->code;
	how->has_io_priority = true;
	how->io_priority = IOPRIO_PRIO_VALUE((int)class, (int)priority);
	return 0;
}

static int plan_user(const struct oci_process *p, struct plan_app *app, struct oci_how *how, struct err *e)
{
	const int64_t max = UINT32_MAX - 1;
	int64_t uid, gid, mask;

	if (oci_number(p->user.uid, "config.json: process.user.uid", 0, max, 0, &uid, e) < 0 ||
	    oci_number(p->user.gid, "config.json: process.user.gid", 0, max, 0, &gid, e) < 0 ||
	    oci_number(p->user.umask, "config.json: process.user.umask", 0, 0777, 0022, &mask, e) < 0)
		return -e->code;
	for (char **g = p->user.additional_gids; g && *g; g++) {
		int64_t ignored;

		if (oci_number(*g, "config.json: process.user.additionalGids", 0, max, 0, &ignored, e) < 0)
			return -e->code;
	}
	app->uid = (uint32_t)uid;
	app->gid = (uint32_t)gid;
	app->groups = p->user.additional_gids;
	how->has_umask = p->user.umask;
	how->umask = (mode_t)mask;
	return 0;
}

static int plan_oom_score(const struct oci_process *p, struct oci_how *how, struct err *e)
{
	int64_t score;

	if (oci_number(p->oom_score_adj, "config.json: process.oomScoreAdj", -1000, 1000, 0, &score, e) < 0)
		return -e->code;
	how->has_oom_score = p->oom_score_adj;
	how->oom_score = (int)score;
	return 0;
}

/* Without HOME in its environment a process gets that of its user, as with runc and crun. */
static void plan_home(struct arena *a, struct plan_app *app, struct oci_how *how)
{
	static const char home[] = "HOME=/";
	char **env = NULL;
	size_t n = strv_len(app->env);

	for (size_t i = 0; i < n; i++)
		if (str_has_prefix(app->env[i], "HOME="))
			return;
	env = arena_alloc(a, (n + 2) * sizeof(*env));
	if (n)
		memcpy(env, app->env, n * sizeof(*env));
	how->home = env[n] = arena_alloc(a, OCI_HOME_MAX);
	memcpy(how->home, home, sizeof(home));
	app->env = env;
}

int oci_plan_process(struct arena *a, const struct oci_process *p, struct plan_app *app, struct oci_how *how,
		     struct err *e)
{
	const struct oci_caps *c = &p->capabilities;

	app->argv = p->args;
	app->env = p->env;
	plan_home(a, app, how);
	app->workdir = p->cwd;
	app->tty = p->terminal;
	app->new_privs = !p->no_new_privileges;
	how->caps = (struct oci_caps_sets){
		.bounding = cap_set(c->bounding), .effective = cap_set(c->effective), .permitted = cap_set(c->permitted),
		.inheritable = cap_set(c->inheritable), .ambient = cap_set(c->ambient),
	};
	app->caps = how->caps.bounding;
	how->apparmor = p->apparmor_profile && *p->apparmor_profile ? p->apparmor_profile : NULL;
	how->selinux = p->selinux_label && *p->selinux_label ? p->selinux_label : NULL;
	if (plan_user(p, app, how, e) < 0 || plan_rlimits(a, p, app, e) < 0 || plan_oom_score(p, how, e) < 0 ||
	    plan_scheduler(&p->scheduler, how, e) < 0 || plan_io_priority(p, how, e) < 0)
		return -e->code;
	return 0;
}

/* ---- linux ---- */

static void plan_namespaces(struct arena *a, const struct oci_config *c, struct oci_plan *p)
{
	for (size_t i = 0; i < c->linux_.namespaces.n; i++) {
		const struct oci_namespace *n = &c->linux_.namespaces.v[i];
		uint64_t flag = oci_namespace_flag(n->type);

		p->namespaces |= flag;
		if (n->path && *n->path)
			*list_add(a, &p->joins) = (struct oci_join){ .type = flag, .path = n->path };
		else
			p->fresh |= flag;
	}
}

static int plan_personality(const struct oci_config *c, struct oci_how *how, struct err *e)
{
	static const struct word domains[] = { { "LINUX", PER_LINUX }, { "LINUX32", PER_LINUX32 } };

	if (!c->linux_.personality.domain)
		return 0;
	if (c->linux_.personality.flags && *c->linux_.personality.flags)
		return err_new(e, ERR_USAGE, "config.json: linux.personality.flags: there is none yet");
	how->has_personality = true;
	return find_word(domains, ARRAY_SIZE(domains), c->linux_.personality.domain, "linux.personality.domain",
			 &how->personality, e);
}

static int plan_mounts(struct arena *a, const struct oci_config *c, struct oci_plan *p, struct err *e)
{
	for (size_t i = 0; i < c->mounts.n; i++) {
		struct oci_attach *m = list_add(a, &p->mounts);

		if (oci_plan_mount(a, &c->mounts.v[i], i, m, e) < 0)
			return -e->code;
		if (m->idmap && m->asked->uid_mappings.n == 0 && !(p->namespaces & CLONE_NEWUSER)) {
			err_new(e, ERR_USAGE, "config.json: the mount on %s is to map ids, but says not how", m->target);
			return err_because(e, "it has no uidMappings, and the container no user namespace");
		}
	}
	return 0;
}

int oci_plan_make(struct arena *a, const struct oci_config *c, const char *id, struct oci_plan *ret, struct err *e)
{
	struct oci_plan p = { .config = c };
	struct plan_app *app = list_add(a, &p.pod.apps);

	if (oci_check_config(c, e) < 0)
		return -e->code;
	app->name = arena_strdup(a, id);
	p.pod.id = p.pod.name = app->name;
	p.pod.hostname = c->hostname && *c->hostname ? c->hostname : NULL;
	app->read_only = c->root.readonly;
	plan_namespaces(a, c, &p);
	if (c->linux_.rootfs_propagation)
		p.root_propagation = oci_propagation(c->linux_.rootfs_propagation, &p.root_propagation_recursive);
	if (oci_plan_process(a, &c->process, app, &p.how, e) < 0 || plan_personality(c, &p.how, e) < 0 ||
	    plan_mounts(a, c, &p, e) < 0)
		return -e->code;
	*ret = p;
	ret->app = &ret->pod.apps.v[0];
	return 0;
}
