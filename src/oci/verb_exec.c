/* SPDX-License-Identifier: Apache-2.0 */
/* exec: one more process in a running container, with the user, capabilities, filter and groups of its config. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/unit.h"
#include "boundary/spawn.h"
#include "oci/foreground.h"
#include "oci/launch.h"
#include "oci/seccomp_cache.h"
#include "pod/caps.h"

enum {
	OPT_PROCESS, OPT_TTY, OPT_DETACH, OPT_CWD, OPT_ENV, OPT_USER, OPT_GROUPS, OPT_CAP, OPT_NO_PRIVS, OPT_APPARMOR, OPT_LABEL,
	OPT_IGNORE_PAUSED, OPT_CGROUP, OPT_NO_SUBREAPER,
};

static const struct opt opts[] = {
	{ "process", 'p', "FILE", "the process as JSON, instead of words", OPT_PROCESS, "file" },
	{ "tty", 't', NULL, "give it a terminal", OPT_TTY, NULL },
	{ "detach", 'd', NULL, "leave it running", OPT_DETACH, NULL },
	{ "cwd", 0, "DIR", "its working directory", OPT_CWD, "dir" },
	{ "env", 'e', "NAME=VALUE", "one more variable", OPT_ENV, NULL },
	{ "user", 'u', "UID[:GID]", "its user, by numbers", OPT_USER, NULL },
	{ "additional-gids", 'g', "GID", "one more group", OPT_GROUPS, NULL },
	{ "cap", 'c', "CAPABILITY", "one more capability", OPT_CAP, NULL },
	{ "no-new-privs", 0, NULL, "no program gives it more", OPT_NO_PRIVS, NULL },
	{ "apparmor", 0, "PROFILE", "its AppArmor profile", OPT_APPARMOR, NULL },
	{ "process-label", 0, "LABEL", "its SELinux label", OPT_LABEL, NULL },
	{ "console-socket", 0, "SOCKET", "a unix socket that gets the terminal's master", OPT_CONSOLE, "file" },
	{ "pid-file", 0, "FILE", "gets its pid", OPT_PID_FILE, "file" },
	{ "preserve-fds", 0, "N", "hand on the descriptors 3 to 3+N-1", OPT_PRESERVE, NULL },
	{ "ignore-paused", 0, NULL, "also in a paused container; it begins when that is resumed", OPT_IGNORE_PAUSED, NULL },
	{ "cgroup", 0, "PATH", "a group below the container's", OPT_CGROUP, NULL },
	{ "no-subreaper", 0, NULL, "accepted: this program never becomes one", OPT_NO_SUBREAPER, NULL },
	{},
};

struct asked {
	struct arena *arena;
	const char *process, *cwd, *user, *apparmor, *label, *console_socket, *pid_file, *cgroup;
	char **env, **groups, **caps;
	bool tty, detach, no_privs, ignore_paused;
	uint32_t preserve_fds;
};

static int take_text(struct asked *x, const struct opt *opt, const char *value)
{
	const char **const places[] = {
		[OPT_PROCESS] = &x->process, [OPT_CWD] = &x->cwd,     [OPT_USER] = &x->user,
		[OPT_APPARMOR] = &x->apparmor, [OPT_LABEL] = &x->label, [OPT_CGROUP] = &x->cgroup,
	};

	if (opt->id == OPT_CONSOLE)
		x->console_socket = value;
	else if (opt->id == OPT_PID_FILE)
		x->pid_file = value;
	else if (opt->id < (int)ARRAY_SIZE(places) && places[opt->id])
		*places[opt->id] = value;
	return 0;
}

static int take(void *to, const struct opt *opt, const char *value, struct err *e)
{
	struct asked *x = to;

	switch (opt->id) {
	case OPT_TTY:
		return x->tty = true, 0;
	case OPT_DETACH:
		return x->detach = true, 0;
	case OPT_NO_PRIVS:
		return x->no_privs = true, 0;
	case OPT_IGNORE_PAUSED:
		return x->ignore_paused = true, 0;
	case OPT_ENV:
		return arena_strv_add(x->arena, &x->env, value), 0;
	case OPT_GROUPS:
		return arena_strv_add(x->arena, &x->groups, value), 0;
	case OPT_CAP: {
		uint64_t known;

		arena_strv_add(x->arena, &x->caps, value);
		return caps_parse(value, &known, e);
	}
	case OPT_PRESERVE:
		return parse_preserve_fds(value, &x->preserve_fds, e);
	default:
		return take_text(x, opt, value);
	}
}

/* ---- the process ---- */

static void add_all(struct arena *a, char ***list, char *const *more)
{
	char **all = NULL;

	for (char **v = *list; v && *v; v++)
		arena_strv_add(a, &all, *v);
	for (; more && *more; more++)
		arena_strv_add(a, &all, *more);
	*list = all;
}

/* What is given on the command line stands instead of what the container has: programs take the first of two. */
static void set_env(struct arena *a, char ***list, char *const *more)
{
	char **all = NULL;

	for (char **v = *list; v && *v; v++) {
		const size_t key = strcspn(*v, "=") + 1;
		bool replaced = false;

		for (char *const *m = more; m && *m && !replaced; m++)
			replaced = strncmp(*v, *m, key) == 0;
		if (!replaced)
			arena_strv_add(a, &all, *v);
	}
	*list = all;
	add_all(a, list, more);
}

static int set_user(struct asked *x, struct oci_process *p, struct err *e)
{
	const char *colon = x->user ? strchr(x->user, ':') : NULL;

	if (!x->user)
		return 0;
	for (const char *c = x->user; *c; c++)
		if ((*c < '0' || *c > '9') && c != colon) {
			err_new(e, ERR_USAGE, "--user %.60s is no UID or UID:GID", x->user);
			return err_because(e, "names are the engine's to look up; a runtime takes numbers");
		}
	p->user.uid = arena_strndup(x->arena, x->user, colon ? (size_t)(colon - x->user) : strlen(x->user));
	if (colon)
		p->user.gid = arena_strdup(x->arena, colon + 1);
	return 0;
}

static void add_caps(struct asked *x, struct oci_process *p)
{
	char ***const sets[] = { &p->capabilities.bounding, &p->capabilities.effective, &p->capabilities.permitted };

	for (size_t i = 0; x->caps && i < ARRAY_SIZE(sets); i++)
		add_all(x->arena, sets[i], x->caps);
	/* Ambient, what it needs to survive the change to another user. */
	if (x->caps && p->capabilities.inheritable)
		add_all(x->arena, &p->capabilities.inheritable, x->caps);
}

/* From the container's own process, changed by options. */
static int process_of_words(struct asked *x, const struct oci_config *c, char **words, struct oci_process *p, struct err *e)
{
	*p = c->process;
	p->args = words;
	p->terminal = x->tty;
	if (x->cwd)
		p->cwd = arena_strdup(x->arena, x->cwd);
	if (x->no_privs)
		p->no_new_privileges = true;
	if (x->apparmor)
		p->apparmor_profile = arena_strdup(x->arena, x->apparmor);
	if (x->label)
		p->selinux_label = arena_strdup(x->arena, x->label);
	set_env(x->arena, &p->env, x->env);
	add_all(x->arena, &p->user.additional_gids, x->groups);
	add_caps(x, p);
	return set_user(x, p, e);
}

static int read_process(const struct oci *o, struct asked *x, const struct oci_config *c, char **words,
			struct oci_process *ret, struct err *e)
{
	autofree char *text = NULL;
	size_t n;

	if (!x->process && !*words)
		return err_new(e, ERR_USAGE, "exec needs a program, or --process FILE");
	if (!x->process)
		return process_of_words(x, c, words, ret, e);
	if (io_read_file(AT_FDCWD, x->process, OCI_CONFIG_MAX_BYTES, &text, &n, e) < 0 ||
	    oci_process_read(o->arena, text, n, ret, e) < 0)
		return -e->code;
	if (!ret->args || !*ret->args)
		return err_new(e, ERR_USAGE, "%.160s: args is missing or empty: there is nothing to run", x->process);
	if (x->tty)
		ret->terminal = true;
	return 0;
}

/* ---- where it goes ---- */

static const struct {
	const char *name;
	uint64_t flag;
} namespaces[] = {
	{ "user", CLONE_NEWUSER }, { "mnt", CLONE_NEWNS }, { "pid", CLONE_NEWPID },	  { "net", CLONE_NEWNET },
	{ "ipc", CLONE_NEWIPC },   { "uts", CLONE_NEWUTS }, { "cgroup", CLONE_NEWCGROUP }, { "time", CLONE_NEWTIME },
};

/* Those that are others than ours; entering one's own user namespace would be an error (setns(2)). */
static uint64_t foreign_namespaces(pid_t pid)
{
	uint64_t flags = 0;

	for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++) {
		struct stat own, theirs;
		char path[64], self[64];

		snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, namespaces[i].name);
		snprintf(self, sizeof(self), "/proc/self/ns/%s", namespaces[i].name);
		if (stat(path, &theirs) == 0 && stat(self, &own) == 0 &&
		    (own.st_ino != theirs.st_ino || own.st_dev != theirs.st_dev))
			flags |= namespaces[i].flag;
	}
	return flags;
}

static int open_time(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/time", pid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* On v2 what runs inside may have moved itself down: a group with groups below takes no process. */
static void follow_process(struct container *c)
{
	char path[64], own[600] = "";

	snprintf(path, sizeof(path), "/proc/%u/cgroup", c->state.pid);
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (!c->cgroup.v2 || fd < 0 || read(fd, own, sizeof(own) - 1) <= 0 || !str_has_prefix(own, "0::/"))
		return;
	own[strcspn(own, "\n")] = 0;
	int group = openat(c->cgroup.h[0].root_fd, own + strlen("0::/"), O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (group < 0 || !str_has_prefix(own + strlen("0::/"), c->cgroup.path))
		return cleanup_close(&group);
	cleanup_close(&c->cgroup.h[0].fd);
	c->cgroup.h[0].fd = group;
}

static int enter_group_below(struct container *c, const char *below, struct err *e)
{
	if (!below || strcmp(below, "/") == 0)
		return 0;
	if (strstr(below, ".."))
		return err_new(e, ERR_USAGE, "--cgroup %.120s leads out of the container's", below);
	for (size_t i = 0; i < c->cgroup.n; i++) {
		struct oci_hierarchy *h = &c->cgroup.h[i];
		int fd = h->fd < 0 ? -1 : openat(h->fd, below + strspn(below, "/"), O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0 && c->cgroup.v2)
			return err_errno(e, "can't open the group %.120s of %.120s", below, c->state.id);
		if (fd < 0)
			continue;
		cleanup_close(&h->fd);
		h->fd = fd;
	}
	return 0;
}

/* ---- affinity ---- */

/* "0-3,7" (config.md, "execCPUAffinity"). */
static int parse_cpus(const char *text, cpu_set_t *ret, struct err *e)
{
	CPU_ZERO(ret);
	for (const char *at = text; *at;) {
		char *end;
		unsigned long first = strtoul(at, &end, 10), last = first;

		if (end == at)
			return err_new(e, ERR_USAGE, "process.execCPUAffinity: %.60s is no list of CPUs", text);
		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		if ((*end && *end != ',') || last < first || last >= CPU_SETSIZE)
			return err_new(e, ERR_USAGE, "process.execCPUAffinity: %.60s is no list of CPUs", text);
		for (unsigned long cpu = first; cpu <= last; cpu++)
			CPU_SET(cpu, ret);
		at = end + (*end == ',');
	}
	return 0;
}

static int set_affinity(pid_t pid, const char *cpus, struct err *e)
{
	cpu_set_t set;

	if (!cpus || !*cpus)
		return 0;
	if (parse_cpus(cpus, &set, e) < 0)
		return -e->code;
	return sched_setaffinity(pid, sizeof(set), &set) < 0 ? err_errno(e, "can't bind the process to the CPUs %.60s", cpus) : 0;
}

/* ---- the whole ---- */

struct making {
	struct container *c;
	struct oci_config config;
	struct oci_process process;
	struct oci_plan plan;   /* of the process alone */
	struct plan_app app;
	struct space space;
	struct seccomp_program *program;
	int pidfd;
};

static int open_filter(const struct oci *o, struct making *m, struct err *e)
{
	struct seccomp_how how = {};
	autostr text = {};

	if (!m->config.linux_.seccomp)
		return 0;
	m->program = arena_new(o->arena, struct seccomp_program);
	if (seccomp_cache_get(o, m->config.linux_.seccomp, m->program, &how, e) < 0)
		return -e->code;
	m->space.more.seccomp_flags = how.flags;
	if (!how.listener_path)
		return 0;
	str_addf(&text, "{\"ociVersion\":\"1.0.2\",\"fds\":[\"seccompFd\"],\"pid\":0,\"metadata\":");
	str_add_json(&text, how.listener_metadata ?: "");
	str_add(&text, ",\"state\":");
	container_add_state(&text, &m->c->state, OCI_RUNNING, false);
	str_add_char(&text, '}');
	m->space.listener = arena_strdup(o->arena, text.text);
	return launch_connect(how.listener_path, "seccomp listener", &m->space.listener_sock, e);
}

static int open_console(struct asked *x, struct making *m, const struct foreground *f, struct err *e)
{
	if (!m->process.terminal)
		return x->console_socket ? err_new(e, ERR_USAGE, "--console-socket was given, but the process has no terminal") : 0;
	if (x->console_socket)
		return launch_connect(x->console_socket, "console socket", &m->space.console_sock, e);
	if (f->inner_sock < 0) {
		err_new(e, ERR_USAGE, "the process has a terminal, and nobody to hand it to");
		return err_try(e, "--console-socket SOCKET");
	}
	m->space.console_sock = fcntl(f->inner_sock, F_DUPFD_CLOEXEC, 3);
	return m->space.console_sock < 0 ? err_errno(e, "can't keep the terminal's socket") : 0;
}

static int prepare(const struct oci *o, struct asked *x, struct making *m, const struct foreground *f, struct err *e)
{
	const pid_t pid = (pid_t)m->c->state.pid;
	const uint64_t foreign = foreign_namespaces(pid);

	m->app.name = m->c->state.id;
	if (oci_plan_process(o->arena, &m->process, &m->app, &m->plan.how, e) < 0)
		return -e->code;
	m->space.more.how = &m->plan.how;
	m->space.more.rlimits = m->app.rlimits.v;
	m->space.more.n_rlimits = m->app.rlimits.n;
	m->space.oci = &m->plan;
	follow_process(m->c);
	if (enter_group_below(m->c, x->cgroup, e) < 0)
		return -e->code;
	oci_cgroup_fill(&m->c->cgroup, &m->space);
	/* Opened first, then compared: what the descriptor names is what was compared. */
	m->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (m->pidfd < 0 || process_started(pid) != m->c->state.pid_started)
		return err_new(e, ERR_STATE, "container %.120s is not running", m->c->state.id);
	m->space.enter_pidfd = m->pidfd;
	m->space.enter_flags = (int)(foreign & ~(uint64_t)CLONE_NEWTIME);
	m->space.time_fd = foreign & CLONE_NEWTIME ? open_time(pid) : -1;
	if (launch_count_fds(o, x->preserve_fds, &m->app, &m->space.more.n_keep, e) < 0 || open_filter(o, m, e) < 0)
		return -e->code;
	return open_console(x, m, f, e);
}

static int spawn(struct making *m, struct spawned *ret, struct err *e)
{
	static struct plan pod;
	const struct spawn s = {
		.plan = &pod, .app = &m->app, .sandbox_pidfd = -1, .pid_holder_pidfd = -1, .enter_pidfd = m->pidfd,
		.seccomp = m->program, .stdio = { 0, 1, 2 }, .console_sock = -1, .tty = m->process.terminal, .uid = m->app.uid,
		.space = &m->space,
	};

	return spawn_process(&s, ret, e);
}

static int run_process(const struct oci *o, struct asked *x, struct making *m, struct foreground *f, int *ret_code,
		       struct err *e)
{
	struct spawned child = SPAWNED_NONE;

	if (prepare(o, x, m, f, e) < 0 || set_affinity(0, m->process.exec_cpu_affinity.initial, e) < 0 || spawn(m, &child, e) < 0)
		return -e->code;
	cleanup_close(&m->space.console_sock);
	m->space.console_sock = -1;
	int r = set_affinity(child.pid, m->process.exec_cpu_affinity.final, e);
	if (r == 0)
		r = spawn_wait_exec(&child, e);
	if (r == 0)
		r = launch_write_pid(x->pid_file, child.pid, e);
	if (r < 0) {
		kill(child.pid, SIGKILL);
		while (waitpid(child.pid, NULL, __WALL) < 0 && errno == EINTR)
			;
	} else if (!x->detach) {
		r = foreground_wait(f, child.pid, child.pidfd, ret_code, e);
	}
	cleanup_close(&child.pidfd);
	cleanup_close(&child.status_fd);
	return r;
}

static int check_status(const struct asked *x, const struct container *c, struct err *e)
{
	if (c->status == OCI_RUNNING || c->status == OCI_CREATED || (c->status == OCI_PAUSED && x->ignore_paused))
		return 0;
	err_new(e, ERR_STATE, "can't exec in %.120s", c->state.id);
	err_because(e, "container not running: it is %s", oci_status_names[c->status]);
	return c->status == OCI_PAUSED ? err_try(e, "rocket-oci resume %.120s", c->state.id) : -e->code;
}

static int exec_in(const struct oci *o, struct asked *x, char **words, int *ret_code, struct err *e)
{
	autocontainer c = CONTAINER_NONE;
	struct foreground f = FOREGROUND_NONE;
	struct making m = { .c = &c, .pidfd = -1 };

	m.space.root_fd = m.space.sync_fd = m.space.start_fd = m.space.console_sock = m.space.time_fd = -1;
	m.space.listener_sock = -1;
	if (container_open(o, words[0], CONTAINER_LOOK, &c, e) < 0 || check_status(x, &c, e) < 0 ||
	    container_read_config(o, &c, &m.config, e) < 0 || read_process(o, x, &m.config, words + 1, &m.process, e) < 0)
		return -e->code;
	int r = x->detach ? 0 : foreground_open(&f, m.process.terminal && !x->console_socket, e);
	if (r == 0)
		r = run_process(o, x, &m, &f, ret_code, e);
	foreground_close(&f);
	cleanup_close(&m.space.console_sock);
	cleanup_close(&m.space.time_fd);
	cleanup_close(&m.space.listener_sock);
	cleanup_close(&m.pidfd);
	return r;
}

static int run(struct oci *o, int argc, char **argv, int *ret_code, struct err *e)
{
	struct asked x = { .arena = o->arena };
	char **words = NULL;
	int r = oci_parse_before(o, argc, argv, 1, -1, take, &x, &words, e);

	if (r != 0)
		return r < 0 ? r : 0;
	r = exec_in(o, &x, words, ret_code, e);
	/* What runc gives, so that it is not taken for the program's own. */
	if (r < 0)
		*ret_code = 255;
	return r;
}

const struct oci_verb oci_verb_exec = {
	.name = "exec", .words = "CONTAINER PROGRAM [ARG…]", .what = "Run one more process in a container", .opts = opts,
	.example = "exec -t web /bin/sh", .spawns = true, .run = run,
};
