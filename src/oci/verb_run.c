/* SPDX-License-Identifier: Apache-2.0 */
/* run: create and start in one, and in the foreground also wait and delete. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "boundary/spawn.h"
#include "oci/foreground.h"
#include "oci/launch.h"
#include "oci/start.h"

enum { OPT_DETACH, OPT_KEEP, OPT_NO_SUBREAPER };

static const struct opt opts[] = {
	{ "bundle", 'b', "DIR", "the bundle; the current directory unless given", OPT_BUNDLE, "dir" },
	{ "config", 'f', "FILE", "another name than config.json, from the bundle on", OPT_CONFIG, "file" },
	{ "detach", 'd', NULL, "leave the container running", OPT_DETACH, NULL },
	{ "keep", 0, NULL, "do not delete it when it has ended", OPT_KEEP, NULL },
	{ "console-socket", 0, "SOCKET", "a unix socket that gets the terminal's master", OPT_CONSOLE, "file" },
	{ "pid-file", 0, "FILE", "gets the pid of the container's process", OPT_PID_FILE, "file" },
	{ "preserve-fds", 0, "N", "hand on the descriptors 3 to 3+N-1", OPT_PRESERVE, NULL },
	{ "no-pivot", 0, NULL, "chroot instead of pivot_root, for a root on a ramfs", OPT_NO_PIVOT, NULL },
	{ "no-subreaper", 0, NULL, "accepted: this program never becomes one", OPT_NO_SUBREAPER, NULL },
	{ "no-new-keyring", 0, NULL, "accepted: the session keyring is anonymous and new in any case", OPT_NO_KEYRING, NULL },
	{},
};

struct asked {
	struct launch_options launch;
	bool detach, keep;
};

static int take(void *to, const struct opt *opt, const char *value, struct err *e)
{
	struct asked *x = to;

	if (opt->id == OPT_DETACH)
		x->detach = true;
	else if (opt->id == OPT_KEEP)
		x->keep = true;
	return launch_take(&x->launch, opt, value, e);
}

/* The process died before its exec, or it runs. */
static int wait_exec(struct launched *x, struct err *e)
{
	struct spawned child = { .pid = x->pid, .pidfd = x->pidfd, .status_fd = take_fd(&x->status_fd) };
	int r = spawn_wait_exec(&child, e);

	if (r == 0)
		start_run_hooks(&x->container, &x->config);
	return r;
}

static void take_down(const struct oci *o, struct launched *x)
{
	struct err e = {};

	if (launch_destroy(o, &x->container, &x->config, &e) < 0)
		err_print(stderr, &e);
}

static int give_up(const struct oci *o, struct launched *x, struct err *e)
{
	kill(x->pid, SIGKILL);
	while (waitpid(x->pid, NULL, __WALL) < 0 && errno == EINTR)
		;
	take_down(o, x);
	return -e->code;
}

static int run_launched(const struct oci *o, struct asked *a, struct foreground *f, struct launched *x, int *ret_code,
			struct err *e)
{
	if (wait_exec(x, e) < 0)
		return give_up(o, x, e);
	if (a->detach)
		return 0;
	if (foreground_wait(f, x->pid, x->pidfd, ret_code, e) < 0)
		return give_up(o, x, e);
	if (!a->keep)
		take_down(o, x);
	return 0;
}

/* Whether the config asks for a terminal must be known before the rest of it is read. */
static int open_foreground(struct asked *a, struct foreground *f, struct err *e)
{
	if (a->detach)
		return 0;
	if (foreground_open(f, !a->launch.console_socket, e) < 0)
		return -e->code;
	a->launch.console_sock = f->inner_sock;
	return 0;
}

static int run(struct oci *o, int argc, char **argv, int *ret_code, struct err *e)
{
	struct asked a = { .launch = { .console_sock = -1, .starts_at_once = true } };
	struct foreground f = FOREGROUND_NONE;
	struct launched x = LAUNCHED_NONE;
	char **words = NULL;
	int r = oci_parse(o, argc, argv, 1, 1, take, &a, &words, e);

	if (r != 0)
		return r < 0 ? r : 0;
	a.launch.id = words[0];
	r = open_foreground(&a, &f, e);
	if (r == 0)
		r = launch(o, &a.launch, &x, e);
	if (r == 0 && !x.plan.app->tty) {
		cleanup_close(&f.console_sock);
		f.console_sock = -1;
	}
	if (r == 0)
		r = run_launched(o, &a, &f, &x, ret_code, e);
	foreground_close(&f);
	cleanup_close(&x.pidfd);
	container_close(&x.container);
	return r;
}

const struct oci_verb oci_verb_run = {
	.name = "run", .words = "CONTAINER", .what = "Create and start a container, and wait for its end", .opts = opts,
	.example = "run --bundle /tmp/bundle web", .spawns = true, .run = run,
};
