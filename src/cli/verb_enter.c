/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rocket enter: a program beside a running app, under exactly that app's confinement: its namespaces,
 * control groups, ids, capabilities and filter. The pod's supervisor starts it, by the code that started the app
 * (supervise/entered.h); here are its streams, its terminal and its signals. What is asked for in plain words (a program,
 * no other user, no terminal) goes there without a look at the plan.
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
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/path.h"
#include "base/str.h"
#include "cli/pod_ref.h"
#include "cli/terminal.h"
#include "cli/user_half.h"
#include "cli/verbs.h"
#include "pod/accounts.h"
#include "supervise/control.h"

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
	struct state state;
	struct pod_dir pod;
	struct pod_ref ref;     /* opened only where the plan, or the app's root, must be looked at */
	int pidfd, root_fd;
	int64_t pid;
	struct control_request ask;
	int stdio[3];           /* -1: none */
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
	en->ask.has_user = true;
	en->ask.uid = account.uid;
	en->ask.gid = account.gid;
	en->ask.groups = account.groups;
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
		en->ask.argv = argv;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(shells); i++) {
		if (!has_file(en, shells[i]))
			continue;
		shell[0] = (char *)shells[i];
		en->ask.argv = shell;
		return 0;
	}
	err_new(e, ERR_NO_PROGRAM, "the image of %s has no shell", en->ref.app->name);
	return err_try(e, "rocket enter %s/%s PROGRAM   (one that the image has)", en->ref.plan.name, en->ref.app->name);
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
	uint32_t uid = en->ask.has_user ? en->ask.uid : en->ref.app->uid;
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
	struct arena *a = en->cli->arena;
	int slave = -1;

	if (!en->tty) {
		/* Without -i a terminal's input stays the caller's. */
		en->stdio[0] = en->interactive || !isatty(STDIN_FILENO) ? STDIN_FILENO : -1;
		en->stdio[1] = STDOUT_FILENO;
		en->stdio[2] = STDERR_FILENO;
		en->ask.no_stdin = en->stdio[0] < 0;
		return 0;
	}
	int r = open_app_terminal(en, &slave, e);
	en->stdio[0] = en->stdio[1] = en->stdio[2] = slave;
	en->ask.tty = true;
	if (getenv("TERM"))
		arena_strv_add(a, &en->env, arena_printf(a, "TERM=%s", getenv("TERM")));
	return r;
}

/* ---- while it runs ---- */

static void on_signal(struct enter *en, struct terminal *t, int sock)
{
	struct winsize size = {};
	int sig;

	while ((sig = terminal_next_signal(t))) {
		const char packet[2] = { 's', (char)sig };

		if (sig != SIGWINCH)
			(void)!send(sock, packet, sizeof(packet), MSG_NOSIGNAL);
		else if (en->master >= 0 && terminal_size(&size.ws_row, &size.ws_col))
			ioctl(en->master, TIOCSWINSZ, &size);
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

/* Until the supervisor's answer, and until all that a terminal still holds is out. */
static void pump(struct enter *en, struct terminal *t, int sock)
{
	enum { SIGNALS, ANSWER, MASTER, INPUT, N };
	struct pollfd fds[N] = {
		[SIGNALS] = { t->signal_fd, POLLIN, 0 },
		[ANSWER] = { sock, POLLIN, 0 },
		[MASTER] = { en->master, POLLIN, 0 },
		[INPUT] = { en->master >= 0 ? STDIN_FILENO : -1, POLLIN, 0 },
	};

	for (;;) {
		if (poll(fds, N, -1) < 0 && errno != EINTR)
			return;
		if (fds[SIGNALS].revents)
			on_signal(en, t, sock);
		if (fds[MASTER].revents && !copy_chunk(en->master, STDOUT_FILENO))
			fds[MASTER].fd = -1;
		if (fds[INPUT].revents && !copy_chunk(STDIN_FILENO, en->master))
			fds[INPUT].fd = -1;
		if (fds[ANSWER].revents && !(fds[MASTER].revents & POLLIN))
			return;
	}
}

static int ask(struct enter *en, int sock, struct err *e)
{
	const int first = en->stdio[0] < 0;
	int r = control_ask(sock, &en->ask, en->stdio + first, (size_t)(3 - first), e);

	if (en->tty)
		close(en->stdio[0]);
	return r;
}

/* Its exit code. */
static int run_program(struct enter *en, struct err *e)
{
	autoclose int sock = -1;
	struct control_reply reply = {};
	struct terminal t;

	if (control_connect(&en->state, &en->pod, &sock, e) < 0)
		return -e->code;
	if (terminal_open(&t, en->tty && isatty(STDIN_FILENO)) < 0)
		return err_errno(e, "can't watch signals");
	int r = ask(en, sock, e);
	if (r == 0) {
		pump(en, &t, sock);
		r = control_answer(sock, en->cli->arena, &reply, NULL, NULL, e);
	}
	terminal_close(&t);
	return r < 0 ? r : (int)strtol(reply.text ?: "0", NULL, 10);
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

/* What needs the plan or the app's root is settled here. */
static int look_inside(struct enter *en, const char *word, int argc, char **argv, struct err *e)
{
	/* An ordinary user sees the app's files only where his pod was made. */
	int r = user_half_enter_for(en->cli, word, e);

	if (r == 0)
		r = pod_ref_open(en->cli, word, &en->ref, e);
	if (r == 0)
		r = pod_ref_need_app(&en->ref, word, e);
	if (r == 0)
		r = pod_ref_app_pidfd(en->cli, &en->ref, &en->pidfd, &en->pid, e);
	if (r == 0)
		r = open_root(en, e);
	if (r == 0)
		r = resolve_user(en, e);
	if (r == 0)
		r = choose_program(en, argc, argv, e);
	if (r == 0)
		en->ask.app = en->ref.app->name;
	return r;
}

static int find_pod(struct enter *en, const char *word, struct err *e)
{
	struct arena *a = en->cli->arena;
	const char *slash = strchr(word, '/');
	char *pod = slash ? arena_strndup(a, word, (size_t)(slash - word)) : arena_strdup(a, word);

	en->ask.app = slash ? arena_strdup(a, slash + 1) : NULL;
	return state_open(en->cli->dir, en->cli->run_dir, &en->state, e) < 0 ? -e->code :
	       state_find_pod(&en->state, pod, &en->pod, e);
}

static int enter(struct enter *en, const char *word, int argc, char **argv, struct err *e)
{
	char verb[] = "enter";
	int r;

	en->ask = (struct control_request){ .verb = verb, .argv = argv };
	if (en->workdir)
		en->ask.workdir = arena_strdup(en->cli->arena, en->workdir);
	r = find_pod(en, word, e);
	if (r == 0 && (en->pod.phase != POD_RUNNING || en->tty || en->user || argc == 0))
		r = look_inside(en, word, argc, argv, e);
	if (r == 0)
		r = give_streams(en, e);
	en->ask.env = en->env;
	return r < 0 ? r : run_program(en, e);
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct enter en = { .cli = cli, .state = { -1, -1 }, .pod = POD_DIR_NONE, .ref = POD_REF_NONE, .pidfd = -1, .root_fd = -1, .master = -1 };
	struct err e = {};
	int at, r = parse(&en, argc, argv, &at, &e);

	if (r == 0 && at >= argc)
		r = cli_check_words(cli, 0, 1, -1, &e);
	if (r == 0 && argv[at + 1] && strcmp(argv[at + 1], "--") == 0)
		argv[at + 1] = argv[at], at++;
	if (r == 0)
		r = enter(&en, argv[at], argc - at - 1, argv + at + 1, &e);
	pod_ref_close(&en.ref);
	pod_dir_close(&en.pod);
	state_close(&en.state);
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
	.run = run,
};
