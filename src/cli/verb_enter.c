/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rocket enter: a program beside a running app, under exactly that app's confinement: its namespaces,
 * control groups, ids, capabilities and filter, through the same code that started the app (boundary/spawn.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/path.h"
#include "base/str.h"
#include "boundary/spawn.h"
#include "cli/hide.h"
#include "cli/pod_ref.h"
#include "cli/terminal.h"
#include "cli/user_half.h"
#include "cli/verbs.h"
#include "pod/accounts.h"

enum { OPT_USER = 1, OPT_WORKDIR, OPT_ENV, OPT_TTY, OPT_STDIN, ACCOUNTS_MAX = 1 << 20, CHUNK = 4096 };

static const struct opt options[] = {
	{ "user", 'u', "USER[:GROUP]", "as this user of the app instead of the app's own", OPT_USER, NULL },
	{ "workdir", 'w', "DIR", "in this directory of the app", OPT_WORKDIR, NULL },
	{ "env", 'e', "KEY=VALUE", "one more variable; KEY alone takes the caller's value", OPT_ENV, NULL },
	{ "tty", 't', NULL, "give it a terminal", OPT_TTY, NULL },
	{ "interactive", 'i', NULL, "pass on standard input", OPT_STDIN, NULL },
	{},
};

struct enter {
	struct cli *cli;
	const char *user, *workdir;
	char **env;
	bool tty, interactive;
	struct pod_ref ref;
	int pidfd, root_fd;
	int64_t pid;
	struct spawn spawn;
	int master;
};

static int take(struct enter *en, const struct opt *o, const char *value, struct err *e)
{
	struct arena *a = en->cli->arena;

	switch (o->id) {
	case OPT_USER:
		en->user = value;
		return 0;
	case OPT_WORKDIR:
		en->workdir = value;
		if (*value != '/')
			return err_new(e, ERR_USAGE, "the working directory %s does not begin with /", value);
		return 0;
	case OPT_ENV:
		if (strchr(value, '='))
			arena_strv_add(a, &en->env, value);
		else if (getenv(value))
			arena_strv_add(a, &en->env, arena_printf(a, "%s=%s", value, getenv(value)));
		return 0;
	case OPT_TTY:
		en->tty = true;
		return 0;
	default:
		en->interactive = true;
		return 0;
	}
}

static int parse(struct enter *en, int argc, char **argv, int *ret_at, struct err *e)
{
	struct opt_walk w = cli_walk(en->cli, argc, argv);
	const struct opt *o;
	const char *value;
	int r;

	while ((r = cli_next(en->cli, &w, &o, &value, e)) > 0) {
		r = take(en, o, value, e);
		if (r < 0)
			return r;
	}
	*ret_at = w.at;
	return r;
}

/* ---- the app's root, from outside ---- */

/* Reads a small file inside the app's root; a missing one is empty. Links stay inside, fifos and devices don't hang us. */
static int read_account_file(struct enter *en, const char *path, char **ret_text, struct err *e)
{
	struct stat st;
	size_t n;
	autoclose int fd = path_open_in_root(en->root_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);

	*ret_text = NULL;
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	return io_read_fd(fd, ACCOUNTS_MAX, ret_text, &n, e);
}

static int resolve_user(struct enter *en, struct err *e)
{
	autofree char *passwd = NULL;
	autofree char *group = NULL;
	struct account account;
	struct arena *a = en->cli->arena;

	if (!en->user)
		return 0;
	if (read_account_file(en, "/etc/passwd", &passwd, e) < 0 || read_account_file(en, "/etc/group", &group, e) < 0)
		return -e->code;
	if (account_resolve(a, en->user, passwd ?: "", group ?: "", &account, e) < 0)
		return -e->code;
	en->spawn.has_user = true;
	en->spawn.uid = account.uid;
	en->spawn.gid = account.gid;
	en->spawn.groups = account.groups;
	arena_strv_add(a, &en->env, arena_printf(a, "HOME=%s", account.home));
	return 0;
}

static bool has_file(struct enter *en, const char *path)
{
	autoclose int fd = path_open_in_root(en->root_fd, path, O_PATH, 0);

	return fd >= 0;
}

static int choose_program(struct enter *en, int argc, char **argv, struct err *e)
{
	static const char *const shells[] = { "/bin/bash", "/bin/sh", "/bin/ash", "/usr/bin/sh" };
	char **shell = arena_alloc(en->cli->arena, 2 * sizeof(*shell));

	if (argc > 0) {
		en->spawn.argv = argv;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(shells); i++) {
		if (!has_file(en, shells[i]))
			continue;
		shell[0] = (char *)shells[i];
		en->spawn.argv = shell;
		return 0;
	}
	err_new(e, ERR_NO_PROGRAM, "the image of %s has no shell", en->ref.app->name);
	return err_try(e, "rocket enter %s/%s PROGRAM   (one that the image has)", en->ref.plan.name, en->ref.app->name);
}

/* The app's environment, and over it what the caller says; the last of a name wins. */
static void merge_env(struct enter *en)
{
	struct arena *a = en->cli->arena;
	char **all = NULL;

	for (char **v = en->ref.app->env; v && *v; v++) {
		size_t n = strcspn(*v, "=") + 1;
		bool replaced = false;

		for (char **w = en->env; w && *w; w++)
			replaced |= strncmp(*v, *w, n) == 0;
		if (!replaced)
			arena_strv_add(a, &all, *v);
	}
	for (char **w = en->env; w && *w; w++)
		arena_strv_add(a, &all, *w);
	if (en->tty && getenv("TERM"))
		arena_strv_add(a, &all, arena_printf(a, "TERM=%s", getenv("TERM")));
	en->spawn.env = all ?: arena_alloc(a, sizeof(char *));
}

/* ---- streams ---- */

/* A terminal of the app's own devpts: verified, since the app could have put anything in that place. */
static int open_app_terminal(struct enter *en, int *ret_slave, struct err *e)
{
	struct statfs fs;
	int unlock = 0;
	uint16_t rows, columns;
	autoclose int master = path_open_beneath(en->root_fd, "dev/pts/ptmx", O_RDWR | O_NOCTTY, 0);

	if (master < 0 || fstatfs(master, &fs) < 0 || fs.f_type != DEVPTS_SUPER_MAGIC ||
	    ioctl(master, TIOCSPTLCK, &unlock) < 0)
		return err_errno(e, "can't make a terminal in %s", en->ref.app->name);
	*ret_slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*ret_slave < 0)
		return err_errno(e, "can't open the terminal in %s", en->ref.app->name);
	uint32_t uid = en->spawn.has_user ? en->spawn.uid : en->ref.app->uid;
	(void)!fchown(*ret_slave, en->ref.plan.ids.base + uid, (gid_t)-1);
	if (terminal_size(&rows, &columns)) {
		struct winsize size = { .ws_row = rows, .ws_col = columns };

		ioctl(master, TIOCSWINSZ, &size);
	}
	en->master = take_fd(&master);
	return 0;
}

static int give_streams(struct enter *en, struct err *e)
{
	int slave = -1;

	if (!en->tty) {
		/* Without -i a terminal's input stays the caller's. */
		en->spawn.stdio[0] = en->interactive || !isatty(STDIN_FILENO) ? STDIN_FILENO : -1;
		en->spawn.stdio[1] = STDOUT_FILENO;
		en->spawn.stdio[2] = STDERR_FILENO;
		return 0;
	}
	int r = open_app_terminal(en, &slave, e);
	en->spawn.stdio[0] = en->spawn.stdio[1] = en->spawn.stdio[2] = slave;
	en->spawn.tty = true;
	return r;
}

/* ---- while it runs ---- */

static void on_signal(struct enter *en, struct terminal *t, const struct spawned *p)
{
	struct winsize size = {};
	int sig;

	while ((sig = terminal_next_signal(t))) {
		if (sig == SIGWINCH && en->master >= 0 && terminal_size(&size.ws_row, &size.ws_col))
			ioctl(en->master, TIOCSWINSZ, &size);
		else if (sig != SIGWINCH)
			syscall(SYS_pidfd_send_signal, p->pidfd, sig, NULL, 0);
	}
}

/* One chunk from a to b; false at the end. */
static bool copy_chunk(int from, int to)
{
	char bytes[CHUNK];
	ssize_t n = read(from, bytes, sizeof(bytes));

	if (n < 0 && errno == EINTR)
		return true;
	return n > 0 && io_write_all(to, bytes, (size_t)n) == 0;
}

static void pump(struct enter *en, struct terminal *t, const struct spawned *p)
{
	enum { SIGNALS, EXIT, MASTER, INPUT, N };
	struct pollfd fds[N] = {
		[SIGNALS] = { t->signal_fd, POLLIN, 0 },
		[EXIT] = { p->pidfd, POLLIN, 0 },
		[MASTER] = { en->master, POLLIN, 0 },
		[INPUT] = { en->master >= 0 ? STDIN_FILENO : -1, POLLIN, 0 },
	};

	for (;;) {
		if (poll(fds, N, -1) < 0 && errno != EINTR)
			return;
		if (fds[SIGNALS].revents)
			on_signal(en, t, p);
		if (fds[MASTER].revents && !copy_chunk(en->master, STDOUT_FILENO))
			fds[MASTER].fd = -1;
		if (fds[INPUT].revents && !copy_chunk(STDIN_FILENO, en->master))
			fds[INPUT].fd = -1;
		if (fds[EXIT].revents && !(fds[MASTER].revents & POLLIN))
			return;
	}
}

static int wait_for(const struct spawned *p)
{
	siginfo_t info = {};

	while (waitid(P_PIDFD, (id_t)p->pidfd, &info, WEXITED) < 0 && errno == EINTR)
		;
	return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

static int run_program(struct enter *en, struct err *e)
{
	struct spawned p = SPAWNED_NONE;
	struct terminal t;
	int r;

	if (terminal_open(&t, en->tty && isatty(STDIN_FILENO)) < 0)
		return err_errno(e, "can't watch signals");
	r = spawn_process(&en->spawn, &p, e);
	if (r == 0)
		r = spawn_wait_exec(&p, e);
	if (en->spawn.tty)
		close(en->spawn.stdio[0]);
	if (r == 0) {
		pump(en, &t, &p);
		r = wait_for(&p);
	}
	terminal_close(&t);
	return r;
}

/* ---- the whole ---- */

static int open_root(struct enter *en, struct err *e)
{
	char path[64];

	/* The host's /proc, by a pid that the pidfd keeps from being reused for another while it is checked. */
	snprintf(path, sizeof(path), "/proc/%lld/root", (long long)en->pid);
	en->root_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (en->root_fd < 0 || syscall(SYS_pidfd_send_signal, en->pidfd, 0, NULL, 0) < 0)
		return err_new(e, ERR_STATE, "the app %s has just ended", en->ref.app->name);
	return 0;
}

/* An ordinary user goes where his pod was made, and begins there once more as main() lets root begin. */
static int begin_inside(struct cli *cli, const char *word, struct err *e)
{
	if (geteuid() == 0)
		return 0;
	int r = user_half_enter_for(cli, word, e);
	return r < 0 ? r : hide_program(cli->argv, e);
}

/* The app's control group; without one where the pod has none. */
static int open_group(struct enter *en, const struct cgroup_host *host, struct cgroup *ret, struct err *e)
{
	char path[256];

	if (!en->ref.plan.cgroup)
		return 0;
	snprintf(path, sizeof(path), "%s/%s", en->ref.plan.cgroup, en->ref.app->name);
	return cgroup_open(host, path, ret, e);
}

static int enter(struct enter *en, const char *word, int argc, char **argv, struct err *e)
{
	[[gnu::uninitialized]] struct seccomp_program program;
	struct cgroup_host host;
	struct cgroup cgroup = CGROUP_NONE;
	int r = begin_inside(en->cli, word, e);

	if (r == 0)
		r = pod_ref_open(en->cli, word, &en->ref, e);
	if (r == 0)
		r = pod_ref_need_app(&en->ref, word, e);
	if (r == 0)
		r = pod_ref_app_pidfd(en->cli, &en->ref, &en->pidfd, &en->pid, e);
	if (r == 0)
		r = open_root(en, e);
	if (r == 0)
		r = cgroup_host_open(cgroup_hierarchies_of(&en->ref.plan), &host, e);
	if (r < 0 || !en->ref.app)
		return r;
	r = open_group(en, &host, &cgroup, e);
	en->spawn = (struct spawn){
		.plan = &en->ref.plan,
		.app = en->ref.app,
		.cgroup_host = &host,
		.cgroup = &cgroup,
		.sandbox_pidfd = -1,
		.pid_holder_pidfd = -1,
		.enter_pidfd = en->pidfd,
		.workdir = en->workdir,
		.console_sock = -1,
	};
	if (r == 0)
		r = seccomp_for_app(en->ref.app, en->ref.pod.fd, &program, &en->spawn.seccomp, e);
	if (r == 0)
		r = resolve_user(en, e);
	if (r == 0)
		r = choose_program(en, argc, argv, e);
	if (r == 0)
		r = give_streams(en, e);
	merge_env(en);
	return r < 0 ? r : run_program(en, e);
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct enter en = { .cli = cli, .ref = POD_REF_NONE, .pidfd = -1, .root_fd = -1, .master = -1 };
	struct err e = {};
	int at, r = parse(&en, argc, argv, &at, &e);

	if (r == 0 && at >= argc)
		r = cli_check_words(cli, 0, 1, -1, &e);
	if (r == 0 && argv[at + 1] && strcmp(argv[at + 1], "--") == 0)
		argv[at + 1] = argv[at], at++;
	if (r == 0)
		r = enter(&en, argv[at], argc - at - 1, argv + at + 1, &e);
	pod_ref_close(&en.ref);
	return r < 0 ? cli_fail_run(cli, &e) : r;
}

const struct verb cli_verb_enter = {
	.name = "enter",
	.summary = "run a program beside a running app, under the app's own confinement",
	.usage = "[-it] [-u USER] [-w DIR] [-e KEY=VALUE] POD[/APP] [PROGRAM [ARG…]]",
	.words = (const char *const[]){ "app", NULL },
	.options = (const struct opt *const[]){ options, NULL },
	.example = "rocket enter shop/web nginx -t\nrocket enter -it shop/php",
	.exits = "2: the pod has several apps and none was named\n3: the app does not run\n4: no such pod or app\n"
		 "126: the program can't be executed\n127: there is no such program\n128+N: signal N ended it",
	.spawns = true,
	.run = run,
};
