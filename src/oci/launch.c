/* SPDX-License-Identifier: Apache-2.0 */
/* The order in which a container comes to be, and its undoing. See launch.h, and boundary/space.h for the other side. */
#include "oci/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/unit.h"
#include "boundary/hooks.h"
#include "oci/seccomp_cache.h"

const struct opt launch_opts[] = {
	{ "bundle", 'b', "DIR", "the bundle; the current directory unless given", OPT_BUNDLE, "dir" },
	{ "config", 'f', "FILE", "another name than config.json, from the bundle on", OPT_CONFIG, "file" },
	{ "console-socket", 0, "SOCKET", "a unix socket that gets the terminal's master", OPT_CONSOLE, "file" },
	{ "pid-file", 0, "FILE", "gets the pid of the container's process", OPT_PID_FILE, "file" },
	{ "preserve-fds", 0, "N", "hand on the descriptors 3 to 3+N-1", OPT_PRESERVE, NULL },
	{ "no-pivot", 0, NULL, "chroot instead of pivot_root, for a root on a ramfs", OPT_NO_PIVOT, NULL },
	{ "no-new-keyring", 0, NULL, "accepted: the session keyring is anonymous and new in any case", OPT_NO_KEYRING, NULL },
	{},
};

int parse_preserve_fds(const char *value, uint32_t *ret, struct err *e)
{
	uint64_t n;

	if (unit_parse_u64(value, 0, 4096, &n) < 0)
		return err_new(e, ERR_USAGE, "--preserve-fds takes a number up to 4096, not %.40s", value);
	*ret = (uint32_t)n;
	return 0;
}

int launch_take(struct launch_options *l, const struct opt *opt, const char *value, struct err *e)
{
	switch (opt->id) {
	case OPT_BUNDLE:
		l->bundle = value;
		return 0;
	case OPT_CONFIG:
		l->config = value;
		return 0;
	case OPT_CONSOLE:
		l->console_socket = value;
		return 0;
	case OPT_PID_FILE:
		l->pid_file = value;
		return 0;
	case OPT_PRESERVE:
		return parse_preserve_fds(value, &l->preserve_fds, e);
	case OPT_NO_PIVOT:
		l->no_pivot = true;
		return 0;
	default:
		return 0;
	}
}

/* ---- parts ---- */

int launch_connect(const char *path, const char *what, int *ret, struct err *e)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const struct timeval limit = { .tv_sec = 10 };
	autoclose int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(to.sun_path))
		return err_new(e, ERR_USAGE, "the path of the %s is longer than a socket's can be", what);
	memcpy(to.sun_path, path, strlen(path) + 1);
	if (sock < 0 || setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0 ||
	    connect(sock, (const struct sockaddr *)&to, sizeof(to)) < 0)
		return err_errno(e, "can't connect to the %s %.120s", what, path);
	*ret = take_fd(&sock);
	return 0;
}

int launch_write_pid(const char *path, pid_t pid, struct err *e)
{
	char text[16];
	const char *slash = path ? strrchr(path, '/') : NULL;
	autofree char *dir = !slash ? strdup(".") : slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));

	if (!path)
		return 0;
	snprintf(text, sizeof(text), "%d", pid);
	autoclose int fd = dir ? open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	if (fd < 0)
		return err_errno(e, "can't write the pid to %.160s", path);
	return io_write_file_atomic(fd, slash ? slash + 1 : path, text, strlen(text), 0644, IO_NO_SYNC, e);
}

/* systemd's passed sockets stay what they were: 3 and on, with the variables that say so (sd_listen_fds(3)). */
int launch_count_fds(const struct oci *o, uint32_t preserve, struct plan_app *app, size_t *ret_n, struct err *e)
{
	const char *listen = getenv("LISTEN_FDS");
	uint64_t n_listen = 0;

	if (listen && unit_parse_u64(listen, 0, 1024, &n_listen) < 0)
		return err_new(e, ERR_USAGE, "LISTEN_FDS=%.40s is no number of descriptors", listen);
	if (n_listen) {
		char **env = NULL;

		for (char **v = app->env; v && *v; v++)
			arena_strv_add(o->arena, &env, *v);
		arena_strv_add(o->arena, &env, arena_printf(o->arena, "LISTEN_FDS=%s", listen));
		arena_strv_add(o->arena, &env, "LISTEN_PID=1");
		if (getenv("LISTEN_FDNAMES"))
			arena_strv_add(o->arena, &env, arena_printf(o->arena, "LISTEN_FDNAMES=%s", getenv("LISTEN_FDNAMES")));
		app->env = env;
	}
	for (uint64_t i = 0; i < n_listen + preserve; i++)
		if (fcntl(3 + (int)i, F_GETFD) < 0) {
			err_errno(e, "descriptor %d is to be handed on, but not open", 3 + (int)i);
			return err_try(e, "--preserve-fds %d", (int)i);
		}
	*ret_n = n_listen + preserve;
	return 0;
}

static int read_bundle(const struct oci *o, struct launch_options *l, struct launched *x, char **ret_text, size_t *ret_len,
		       struct err *e)
{
	autofree char *bundle = realpath(l->bundle ?: ".", NULL);
	const char *root;

	if (!bundle)
		return err_errno(e, "can't open the bundle %.160s", l->bundle ?: ".");
	l->bundle = arena_strdup(o->arena, bundle);
	const char *config = l->config ?: "config.json";
	if (*config != '/')
		config = arena_printf(o->arena, "%s/%s", bundle, config);
	if (io_read_file(AT_FDCWD, config, OCI_CONFIG_MAX_BYTES, ret_text, ret_len, e) < 0 ||
	    oci_config_read(o->arena, *ret_text, *ret_len, &x->config, e) < 0 ||
	    oci_plan_make(o->arena, &x->config, l->id, &x->plan, e) < 0)
		return -e->code;
	root = x->config.root.path;
	root = *root == '/' ? root : arena_printf(o->arena, "%s/%s", bundle, root);
	/* Sources that are relative are the bundle's (config.md, "Mounts"). */
	for (size_t i = 0; i < x->plan.mounts.n; i++) {
		struct oci_attach *m = &x->plan.mounts.v[i];

		if (m->kind == OCI_ATTACH_BIND && *m->source != '/')
			m->source = arena_printf(o->arena, "%s/%s", bundle, m->source);
	}
	x->container.state = (struct oci_state){
		.id = arena_strdup(o->arena, l->id), .bundle = arena_strdup(o->arena, bundle),
		.root_path = arena_strdup(o->arena, root), .oci_version = x->config.oci_version,
		.annotations = x->config.annotations, .created_ns = io_now_ns(), .namespaces = x->plan.namespaces,
		.owner = geteuid(),
	};
	return 0;
}

static int write_config(const struct launched *x, const char *text, size_t len, struct err *e)
{
	autoclose int fd = openat(x->container.fd, "config.json", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	return fd < 0 || io_write_all(fd, text, len) < 0 ? err_errno(e, "can't keep the container's config.json") : 0;
}

/* A container whose ids are the host's could make any device: its group says which it may use. */
static bool must_limit_devices(const struct launched *x)
{
	return x->config.linux_.resources.devices.n || !(x->plan.namespaces & CLONE_NEWUSER);
}

static bool wants_limits(const struct oci_resources *r)
{
	static const struct oci_resources none;

	return memcmp(r, &none, sizeof(none)) != 0;
}

static int make_groups(struct launched *x, bool *ret_made, struct err *e)
{
	struct oci_cgroup *g = &x->container.cgroup;
	const struct oci_resources *r = &x->config.linux_.resources;

	if (oci_cgroup_open_host(g, e) < 0 ||
	    oci_cgroup_set_path(g, x->config.linux_.cgroups_path, x->container.state.id, e) < 0)
		return -e->code;
	x->container.state.cgroup = g->path;
	if (oci_cgroup_make(g, wants_limits(r), ret_made, e) < 0 || oci_cgroup_apply(g, r, e) < 0)
		return -e->code;
	return must_limit_devices(x) && !g->denied ? oci_cgroup_limit_devices(g, r, e) : 0;
}

/* `start` connects there. By way of the folder's descriptor, because the path may be longer than a socket's can be. */
static int open_start_socket(const struct launched *x, int *ret, struct err *e)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	autoclose int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "/proc/self/fd/%d/start.sock", x->container.fd);
	if (sock < 0 || bind(sock, (const struct sockaddr *)&at, sizeof(at)) < 0 || listen(sock, 1) < 0)
		return err_errno(e, "can't make the socket that the start of the container comes through");
	*ret = take_fd(&sock);
	return 0;
}

/* ---- the process ---- */

/* What the process needs while it is made, and the runtime's end of the talk. */
struct making {
	struct space space;
	struct seccomp_program *program;
	struct seccomp_how seccomp_how;
	int sync_fd;            /* ours */
	bool spawned, hooks_ran;
};

static bool has_inner_hooks(const struct oci_config *c)
{
	return c->hooks[OCI_PRESTART].n || c->hooks[OCI_CREATE_RUNTIME].n || c->hooks[OCI_CREATE_CONTAINER].n ||
	       c->hooks[OCI_START_CONTAINER].n;
}

static int open_seccomp(const struct oci *o, const struct launched *x, struct making *m, struct err *e)
{
	const char *profile = x->config.linux_.seccomp;

	if (!profile)
		return 0;
	m->program = arena_new(o->arena, struct seccomp_program);
	if (seccomp_cache_get(o, profile, m->program, &m->seccomp_how, e) < 0)
		return -e->code;
	m->space.more.seccomp_flags = m->seccomp_how.flags;
	if (!m->seccomp_how.listener_path)
		return 0;
	m->space.listener = arena_alloc(o->arena, SPACE_STATE_MAX);
	m->space.waits_for_hooks = true;
	return launch_connect(m->seccomp_how.listener_path, "seccomp listener", &m->space.listener_sock, e);
}

static int open_console(const struct launch_options *l, const struct launched *x, struct making *m, struct err *e)
{
	const bool tty = x->plan.app->tty;

	if (!tty && !l->console_socket)
		return 0;
	if (!tty) {
		err_new(e, ERR_USAGE, "--console-socket was given, but the container has no terminal");
		return err_because(e, "process.terminal in config.json is false");
	}
	if (l->console_sock >= 0) {
		m->space.console_sock = fcntl(l->console_sock, F_DUPFD_CLOEXEC, 3);
		return m->space.console_sock < 0 ? err_errno(e, "can't keep the terminal's socket") : 0;
	}
	if (!l->console_socket) {
		err_new(e, ERR_USAGE, "the container has a terminal, and nobody to hand it to");
		err_because(e, "process.terminal in config.json is true");
		return err_try(e, "--console-socket SOCKET");
	}
	return launch_connect(l->console_socket, "console socket", &m->space.console_sock, e);
}

static int prepare(const struct oci *o, struct launch_options *l, struct launched *x, struct making *m, int *ret_sync,
		   struct err *e)
{
	int pair[2];

	m->space = (struct space){
		.oci = &x->plan, .fresh = x->plan.fresh & ~(uint64_t)CLONE_NEWTIME, .root_fd = -1,
		.root_path = x->container.state.root_path, .waits_for_ids = x->plan.fresh & CLONE_NEWUSER,
		.waits_for_hooks = has_inner_hooks(&x->config), .no_pivot = l->no_pivot, .sync_fd = -1, .start_fd = -1,
		.console_sock = -1, .enter_pidfd = -1, .time_fd = -1, .listener_sock = -1,
		.more = { .how = &x->plan.how, .rlimits = x->plan.app->rlimits.v, .n_rlimits = x->plan.app->rlimits.n },
	};
	if (m->space.waits_for_hooks || x->config.linux_.seccomp)
		m->space.state = arena_alloc(o->arena, SPACE_STATE_MAX);
	oci_cgroup_fill(&x->container.cgroup, &m->space);
	if (launch_count_fds(o, l->preserve_fds, x->plan.app, &m->space.more.n_keep, e) < 0 ||
	    space_open(&m->space, e) < 0 || open_seccomp(o, x, m, e) < 0 || open_console(l, x, m, e) < 0)
		return -e->code;
	if (!l->starts_at_once && open_start_socket(x, &m->space.start_fd, e) < 0)
		return -e->code;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(e, "can't make a socket pair");
	m->sync_fd = pair[0];
	m->space.sync_fd = *ret_sync = pair[1];
	return 0;
}

static int spawn(struct launched *x, struct making *m, struct err *e)
{
	struct spawned child = SPAWNED_NONE;
	const struct spawn s = {
		.plan = &x->plan.pod, .app = x->plan.app, .sandbox_pidfd = -1, .pid_holder_pidfd = -1, .enter_pidfd = -1,
		.seccomp = m->program, .stdio = { 0, 1, 2 }, .console_sock = -1,
		.space = &m->space,
	};

	if (spawn_process(&s, &child, e) < 0)
		return -e->code;
	m->spawned = true;
	x->pid = child.pid;
	x->pidfd = child.pidfd;
	x->status_fd = child.status_fd;
	x->container.state.pid = (uint32_t)child.pid;
	x->container.state.pid_started = process_started(child.pid);
	return 0;
}

/* The process said something else than expected, or nothing: what it died of stands in the status pipe. */
static int expect_word(struct launched *x, int fd, char word, struct err *e)
{
	char got = 0;

	if (io_read_full(fd, &got, 1) == 1 && got == word)
		return 0;
	struct spawned child = { .pid = x->pid, .pidfd = x->pidfd, .status_fd = take_fd(&x->status_fd) };
	if (spawn_wait_exec(&child, e) < 0)
		return -e->code;
	return err_new(e, ERR_FAILED, "the container's process died while it was made");
}

/* The JSON that goes to a seccomp agent with the descriptor (config-linux.md, "containerProcessState"). */
static void describe_for_listener(const struct launched *x, const struct making *m, const char *state, struct str *out)
{
	str_addf(out, "{\"ociVersion\":\"1.0.2\",\"fds\":[\"seccompFd\"],\"pid\":%d,\"metadata\":", x->pid);
	str_add_json(out, m->seccomp_how.listener_metadata ?: "");
	str_addf(out, ",\"state\":%s}", state);
}

static int send_text(int fd, const struct str *text, struct err *e)
{
	const uint32_t len = (uint32_t)text->len;

	if (len >= SPACE_STATE_MAX)
		return err_new(e, ERR_USAGE, "config.json: annotations are too long for hooks to get");
	if (io_write_all(fd, &len, sizeof(len)) < 0 || io_write_all(fd, str_text(text), len) < 0)
		return err_errno(e, "the container's process died while it was made");
	return 0;
}

static int run_outer_hooks(struct launched *x, struct making *m, struct err *e)
{
	autostr state = {};
	autostr listener = {};

	if (!m->space.waits_for_hooks)
		return 0;
	if (expect_word(x, m->sync_fd, SPACE_MOUNTED, e) < 0)
		return -e->code;
	/* "created", as crun has it and runtime-tools asks for. */
	container_add_state(&state, &x->container.state, OCI_CREATED, false);
	m->hooks_ran = true;
	if (hooks_run(&x->config, OCI_PRESTART, state.text, e) < 0 || hooks_run(&x->config, OCI_CREATE_RUNTIME, state.text, e) < 0)
		return -e->code;
	if (io_write_all(m->sync_fd, (char[]){ SPACE_GO }, 1) < 0)
		return err_errno(e, "the container's process died while it was made");
	if (m->space.listener_sock >= 0)
		describe_for_listener(x, m, state.text, &listener);
	return send_text(m->sync_fd, &state, e) < 0 ? -e->code : send_text(m->sync_fd, &listener, e);
}

static int talk(struct launched *x, struct making *m, struct err *e)
{
	if (space_map_ids(&m->space, x->pid, e) < 0)
		return -e->code;
	if (m->space.waits_for_ids && io_write_all(m->sync_fd, (char[]){ SPACE_MAPPED }, 1) < 0)
		return err_errno(e, "the container's process died while it was made");
	if (run_outer_hooks(x, m, e) < 0)
		return -e->code;
	return expect_word(x, m->sync_fd, SPACE_CREATED, e);
}

static int make_process(const struct oci *o, struct launch_options *l, struct launched *x, struct making *m, struct err *e)
{
	autoclose int inner_sync = -1;

	if (prepare(o, l, x, m, &inner_sync, e) < 0)
		return -e->code;
	if (spawn(x, m, e) < 0)
		return -e->code;
	close(take_fd(&inner_sync));
	if (talk(x, m, e) < 0)
		return -e->code;
	if (container_write(x->container.fd, &x->container.state, e) < 0)
		return -e->code;
	return launch_write_pid(l->pid_file, x->pid, e);
}

/* ---- the whole, and its undoing ---- */

static void close_making(struct making *m)
{
	space_close(&m->space);
	cleanup_close(&m->sync_fd);
	cleanup_close(&m->space.start_fd);
	cleanup_close(&m->space.console_sock);
	cleanup_close(&m->space.listener_sock);
}

static void undo(const struct oci *o, struct launched *x, const struct making *m, bool groups_made)
{
	struct err ignored = {};

	if (m->spawned) {
		kill(x->pid, SIGKILL);
		while (waitpid(x->pid, NULL, __WALL) < 0 && errno == EINTR)
			;
	}
	if (groups_made) {
		(void)!oci_cgroup_signal(&x->container.cgroup, SIGKILL, &ignored);
		(void)!oci_cgroup_remove(&x->container.cgroup, &ignored);
	}
	if (m->hooks_ran) {
		autostr state = {};

		container_add_state(&state, &x->container.state, OCI_STOPPED, false);
		(void)!hooks_run(&x->config, OCI_POSTSTOP, state.text, &ignored);
	}
	(void)!container_forget(o, x->container.state.id, &ignored);
	cleanup_close(&x->pidfd);
	cleanup_close(&x->status_fd);
	container_close(&x->container);
}

int launch(const struct oci *o, struct launch_options *l, struct launched *ret, struct err *e)
{
	struct making *m = arena_new(o->arena, struct making);
	autofree char *text = NULL;
	bool groups_made = false;
	size_t len;

	*ret = (struct launched)LAUNCHED_NONE;
	*m = (struct making){ .sync_fd = -1 };
	m->space.root_fd = m->space.start_fd = m->space.console_sock = m->space.listener_sock = -1;
	if (container_check_id(l->id, e) < 0 || read_bundle(o, l, ret, &text, &len, e) < 0 ||
	    container_make(o, l->id, &ret->container.fd, e) < 0)
		return -e->code;
	int r = write_config(ret, text, len, e);
	if (r == 0)
		r = make_groups(ret, &groups_made, e);
	if (r == 0)
		r = make_process(o, l, ret, m, e);
	close_making(m);
	if (r < 0)
		undo(o, ret, m, groups_made);
	return r;
}

int launch_destroy(const struct oci *o, struct container *c, const struct oci_config *config, struct err *e)
{
	autostr state = {};
	struct err first = {};

	if (c->cgroup.n && (oci_cgroup_signal(&c->cgroup, SIGKILL, &first) < 0 || oci_cgroup_remove(&c->cgroup, &first) < 0)) {
		*e = first;
		return -e->code;
	}
	container_add_state(&state, &c->state, OCI_STOPPED, false);
	/* A hook that fails is told of, and stops nothing (runtime.md, "Lifecycle"). */
	if (config && hooks_run(config, OCI_POSTSTOP, state.text, &first) < 0)
		err_print(stderr, &first);
	return container_forget(o, c->state.id, e);
}
