/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attacker that the tests in this folder put into their images: one static program, a verb an attack. It prints
 * what it got and gives exit code 0 when it could try, whatever came of it.
 *
 *   evil socket FAMILY…        for each number: "40 EAFNOSUPPORT", or "40 OK" when there is a socket of that family
 *   evil look PID              what can be had of a process: a line each for exe, root, cwd, fd, mem, environ, maps,
 *                              attach and getfd: "mem EACCES", or "mem OK"
 *   evil watch SECONDS         looks at every process that appears, without pause; a line for each thing that it got
 *   evil swap DIR A B          exchanges the names A and B in DIR for ever
 *   evil sti TEXT              types TEXT into the terminals on 0, 1 and 2 (TIOCSTI, TIOCLINUX)
 *   evil steal SECONDS         leaves a child behind that reads what is typed on 0, 1 and 2 into /tmp/stolen
 *   evil hand-out NAME         gives its stdout to who asks on the abstract socket NAME, then ends
 *   evil take-over NAME        asks for it and writes there without end
 *   evil flood N TEXT          writes TEXT and a newline N times
 *   evil full-close N          writes N bytes, closes its streams and waits
 *   evil streams               what 0, 1 and 2 are: "0 chr", "1 fifo", "2 dir", and their access mode
 *   evil setgroups             drops its groups: "OK" or the errno's name
 *   evil keys                  makes a key in the session's and the user's keyring: "OK" or the errno's name
 *   evil lease PATH            takes a write lease on the file and keeps it
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *answer(long result)
{
	return result < 0 ? strerrorname_np(errno) : "OK";
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

[[gnu::noreturn]] static void wait_for_ever(void)
{
	for (;;)
		pause();
}

static int cmd_socket(char **argv)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET};

	for (char **word = argv + 2; *word; word++) {
		const char *best = NULL;

		for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
			int s = socket((int)strtol(*word, NULL, 10), types[i] | SOCK_CLOEXEC, 0);

			if (s >= 0 || !best)
				best = answer(s);
			if (s >= 0)
				close(s);
		}
		printf("%s %s\n", *word, best);
	}
	return 0;
}

/* ---- other processes ---- */

struct part {
	const char *name;
	int flags;
};

/* Magic links and files of /proc/PID that ptrace's rules guard (ptrace(2), proc(5)). */
static const struct part parts[] = {
	{"exe", O_RDONLY},  {"root", O_RDONLY | O_DIRECTORY}, {"root/..", O_PATH | O_DIRECTORY},
	{"cwd", O_RDONLY | O_DIRECTORY}, {"fd", O_RDONLY | O_DIRECTORY}, {"mem", O_RDWR}, {"environ", O_RDONLY},
};

static const char *try_part(const char *pid, const struct part *p)
{
	char path[64], byte;

	snprintf(path, sizeof path, "/proc/%.16s/%s", pid, p->name);
	int fd = open(path, p->flags | O_CLOEXEC);
	const char *word = answer(fd);

	/* These open for everybody who may see the process; reading is what is guarded. */
	if (fd >= 0 && !strcmp(p->name, "fd")) {
		DIR *d = fdopendir(fd);
		struct dirent *e;

		errno = 0;
		do
			e = d ? readdir(d) : NULL;
		while (e && e->d_name[0] == '.');
		word = e ? "OK" : errno ? strerrorname_np(errno) : "none";
		if (d)
			closedir(d);
		return word;
	}
	if (fd >= 0 && !strcmp(p->name, "environ"))
		word = read(fd, &byte, 1) > 0 ? "OK" : "none";
	if (fd >= 0)
		close(fd);
	return word;
}

static const char *try_attach(pid_t pid)
{
	long r = ptrace(PTRACE_SEIZE, pid, NULL, NULL);
	const char *word = answer(r);

	if (r == 0)
		ptrace(PTRACE_DETACH, pid, NULL, NULL);
	return word;
}

static const char *try_getfd(pid_t pid)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	long fd = pidfd < 0 ? -1 : syscall(SYS_pidfd_getfd, pidfd, 0, 0);
	const char *word = answer(fd);

	if (fd >= 0)
		close((int)fd);
	if (pidfd >= 0)
		close(pidfd);
	return word;
}

static int cmd_look(char **argv)
{
	pid_t pid = (pid_t)strtol(argv[2], NULL, 10);

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		printf("%s %s\n", parts[i].name, try_part(argv[2], &parts[i]));
	printf("attach %s\n", try_attach(pid));
	printf("getfd %s\n", try_getfd(pid));
	return 0;
}

/* Is what this magic link leads to our own root, or below it? Then it is the image's, and no prey. */
static bool is_foreign(const char *pid, const char *name)
{
	char path[64];
	struct stat own, its;

	snprintf(path, sizeof path, "/proc/%.16s/%s", pid, name);
	return stat("/", &own) == 0 && stat(path, &its) == 0 && own.st_dev != its.st_dev;
}

/*
 * One visit to a process that was not there before; a process of the image itself is no prey. One without a program
 * is on its way out: its directories can be reached, its memory is gone.
 */
static void pounce(const char *pid)
{
	char path[64], exe[256] = "";

	snprintf(path, sizeof path, "/proc/%.16s/exe", pid);
	ssize_t n = readlink(path, exe, sizeof exe - 1);

	if (n > 0 && strncmp(exe, "/bin/", 5) != 0) {
		printf("got exe %s\n", exe);
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		printf("got open exe %s\n", answer(fd));
	}
	if (n > 0)
		return;
	for (size_t i = 1; i < sizeof parts / sizeof *parts; i++) {
		if (strcmp(try_part(pid, &parts[i]), "OK") != 0 || readlink(path, exe, sizeof exe) > 0)
			continue;
		if (strcmp(parts[i].name, "mem") == 0 || strcmp(parts[i].name, "environ") == 0 || is_foreign(pid, parts[i].name))
			printf("got %s of %s\n", parts[i].name, pid);
	}
	if (!strcmp(try_attach((pid_t)strtol(pid, NULL, 10)), "OK") && readlink(path, exe, sizeof exe) < 0 && errno == EACCES)
		printf("got attached to %s\n", pid);
}

static int cmd_watch(char **argv)
{
	double end = now_s() + strtod(argv[2], NULL);
	pid_t own = getpid();

	puts("watching");
	fflush(stdout);
	while (now_s() < end) {
		DIR *d = opendir("/proc");

		for (struct dirent *e; d && (e = readdir(d));)
			if (e->d_name[0] >= '1' && e->d_name[0] <= '9' && strtol(e->d_name, NULL, 10) > own)
				pounce(e->d_name);
		if (d)
			closedir(d);
		fflush(stdout);
	}
	puts("watched");
	return 0;
}

/* ---- races ---- */

static int cmd_swap(char **argv)
{
	int dir = open(argv[2], O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0) {
		puts(answer(-1));
		return 1;
	}
	puts("swapping");
	fflush(stdout);
	for (;;)
		if (syscall(SYS_renameat2, dir, argv[3], dir, argv[4], 2 /* RENAME_EXCHANGE */) < 0)
			sched_yield();
}

/* ---- terminals ---- */

static int cmd_sti(char **argv)
{
	for (int fd = 0; fd < 3; fd++) {
		long r = 0;
		char linux_paste[] = {3};

		for (char *c = argv[2]; *c && r == 0; c++)
			r = ioctl(fd, TIOCSTI, c);
		const char *sti = answer(r);

		printf("%d %s %s\n", fd, sti, answer(ioctl(fd, TIOCLINUX, linux_paste)));
	}
	return 0;
}

static int cmd_steal(char **argv)
{
	double end = now_s() + strtod(argv[2], NULL);

	if (fork())
		return 0;
	setsid();
	int out = open("/tmp/stolen", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	for (int fd = 0; fd < 3; fd++)
		fcntl(fd, F_SETFL, O_NONBLOCK);
	while (now_s() < end) {
		char bytes[64];

		for (int fd = 0; fd < 3; fd++) {
			ssize_t n = read(fd, bytes, sizeof bytes);

			if (n > 0 && write(out, bytes, (size_t)n) < 0)
				return 1;
		}
		usleep(10000);
	}
	return 0;
}

static int cmd_streams(char **argv)
{
	for (int fd = 0; fd < 3; fd++) {
		struct stat st;
		const char *kind = "other";
		int mode = fcntl(fd, F_GETFL);

		if (fstat(fd, &st) < 0)
			kind = "closed";
		else if (isatty(fd))
			kind = "tty";
		else if (S_ISFIFO(st.st_mode))
			kind = "fifo";
		else if (S_ISDIR(st.st_mode))
			kind = "dir";
		else if (S_ISCHR(st.st_mode))
			kind = "chr";
		else if (S_ISREG(st.st_mode))
			kind = "file";
		printf("%d %s %s\n", fd, kind,
		       (mode & O_ACCMODE) == O_RDWR ? "rw" : (mode & O_ACCMODE) == O_WRONLY ? "w" : "r");
	}
	return 0;
}

/* ---- streams that outlive their app ---- */

static int abstract_socket(const char *name, struct sockaddr_un *a, socklen_t *len)
{
	memset(a, 0, sizeof *a);
	a->sun_family = AF_UNIX;
	snprintf(a->sun_path + 1, sizeof a->sun_path - 1, "%s", name);
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

/* A control message with room for one descriptor. */
union one_fd {
	struct cmsghdr head;
	char bytes[CMSG_SPACE(sizeof(int))];
};

static int cmd_hand_out(char **argv)
{
	struct sockaddr_un a;
	socklen_t len;
	int s = abstract_socket(argv[2], &a, &len), fd = 1;
	char byte = 'f';
	struct iovec iov = {&byte, 1};
	union one_fd control = {.head = {CMSG_LEN(sizeof fd), SOL_SOCKET, SCM_RIGHTS}};
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};

	if (bind(s, (void *)&a, len) || listen(s, 1))
		return 1;
	int c = accept(s, NULL, NULL);

	memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
	return sendmsg(c, &msg, 0) < 0 || read(c, &byte, 1) != 1;
}

static int cmd_take_over(char **argv)
{
	struct sockaddr_un a;
	socklen_t len;
	int s = abstract_socket(argv[2], &a, &len), fd = -1;
	char byte, block[4096];
	struct iovec iov = {&byte, 1};
	union one_fd control;
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};

	while (connect(s, (void *)&a, len) < 0)
		usleep(10000);
	if (recvmsg(s, &msg, 0) != 1)
		return 1;
	memcpy(&fd, CMSG_DATA(&control.head), sizeof fd);
	memset(block, 'x', sizeof block);
	block[sizeof block - 1] = '\n';
	fcntl(fd, F_SETPIPE_SZ, 1 << 20);
	signal(SIGPIPE, SIG_IGN);
	puts("taken over");
	fflush(stdout);
	if (write(s, &byte, 1) != 1)
		return 1;
	/* Several at once, so that the pipe is never seen empty. */
	for (int i = 0; i < 3; i++)
		if (fork() == 0)
			break;
	while (write(fd, block, sizeof block) > 0)
		;
	puts("cut off");
	fflush(stdout);
	wait_for_ever();
}

static int cmd_flood(char **argv)
{
	static char block[65536];
	size_t len = strlen(argv[3]) + 1, used = 0;

	for (long n = strtol(argv[2], NULL, 10); n > 0 || used;) {
		for (; n > 0 && used + len <= sizeof block; n--, used += len) {
			memcpy(block + used, argv[3], len - 1);
			block[used + len - 1] = '\n';
		}
		ssize_t w = write(1, block, used);

		if (w <= 0)
			return 1;
		memmove(block, block + w, used - (size_t)w);
		used -= (size_t)w;
	}
	return 0;
}

static int cmd_full_close(char **argv)
{
	static char zeros[4096];
	long left = strtol(argv[2], NULL, 10);

	fcntl(1, F_SETPIPE_SZ, 1 << 20);
	while (left > 0) {
		ssize_t w = write(1, zeros, left < 4096 ? (size_t)left : 4096);

		if (w <= 0)
			break;
		left -= w;
	}
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	wait_for_ever();
}

/* ---- small ones ---- */

static int cmd_setgroups(char **argv)
{
	puts(answer(setgroups(0, NULL)));
	return 0;
}

static int cmd_keys(char **argv)
{
	puts(answer(syscall(SYS_add_key, "user", "x", "y", 1, -3)));
	puts(answer(syscall(SYS_add_key, "user", "x", "y", 1, -4)));
	puts(answer(syscall(SYS_keyctl, 0, -3, 1)));
	puts(answer(syscall(SYS_request_key, "user", "x", NULL, 0)));
	return 0;
}

static int cmd_lease(char **argv)
{
	int fd = open(argv[2], O_RDWR | O_CREAT | O_CLOEXEC, 0755);

	signal(SIGIO, SIG_IGN);
	puts(answer(fd < 0 ? fd : fcntl(fd, F_SETLEASE, F_WRLCK)));
	fflush(stdout);
	wait_for_ever();
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int words; /* -1: any number */
		int (*run)(char **argv);
	} verbs[] = {
		{"socket", -1, cmd_socket},     {"look", 1, cmd_look},
		{"watch", 1, cmd_watch},        {"swap", 3, cmd_swap},
		{"sti", 1, cmd_sti},            {"steal", 1, cmd_steal},
		{"streams", 0, cmd_streams},    {"hand-out", 1, cmd_hand_out},
		{"take-over", 1, cmd_take_over}, {"flood", 2, cmd_flood},
		{"full-close", 1, cmd_full_close}, {"setgroups", 0, cmd_setgroups},
		{"keys", 0, cmd_keys},          {"lease", 1, cmd_lease},
	};

	for (size_t i = 0; argc > 1 && i < sizeof verbs / sizeof *verbs; i++)
		if (!strcmp(argv[1], verbs[i].name) && (verbs[i].words < 0 || argc == verbs[i].words + 2))
			return verbs[i].run(argv);
	fputs("usage: evil VERB WORD...\n", stderr);
	return 2;
}
