/* SPDX-License-Identifier: Apache-2.0 */
/* See foreground.h. */
#include "oci/foreground.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"

int foreground_open(struct foreground *f, bool tty, struct err *e)
{
	sigset_t all;
	int pair[2];

	sigfillset(&all);
	/* What this process does wrong itself must show. */
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGABRT);
	sigdelset(&all, SIGPIPE);
	sigdelset(&all, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &all, NULL) < 0)
		return err_errno(e, "can't block signals");
	f->signal_fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (f->signal_fd < 0)
		return err_errno(e, "can't watch signals");
	if (!tty)
		return 0;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(e, "can't make a socket pair");
	f->console_sock = pair[0];
	f->inner_sock = pair[1];
	return 0;
}

void foreground_close(struct foreground *f)
{
	cleanup_close(&f->signal_fd);
	cleanup_close(&f->console_sock);
	cleanup_close(&f->inner_sock);
	*f = (struct foreground)FOREGROUND_NONE;
}

/* ---- the terminal ---- */

struct relay {
	int master;
	bool raw, input;
	struct termios before;
};

static void pass_size(const struct relay *r)
{
	struct winsize size;

	if (r->master >= 0 && ioctl(0, TIOCGWINSZ, &size) == 0)
		(void)!ioctl(r->master, TIOCSWINSZ, &size);
}

static int receive_master(struct foreground *f, struct relay *r, struct err *e)
{
	struct termios raw;
	char byte[8];
	size_t n = 1;

	if (f->console_sock < 0)
		return 0;
	close(take_fd(&f->inner_sock));
	if (io_recv_fds(f->console_sock, byte, sizeof(byte), &r->master, &n) <= 0 || n != 1)
		return err_errno(e, "the process's terminal did not come");
	r->input = true;
	pass_size(r);
	if (tcgetattr(0, &r->before) == 0) {
		raw = r->before;
		cfmakeraw(&raw);
		r->raw = tcsetattr(0, TCSANOW, &raw) == 0;
	}
	return 0;
}

static bool copy(int from, int to)
{
	char bytes[8192];
	ssize_t n = read(from, bytes, sizeof(bytes));

	return n < 0 ? errno == EINTR || errno == EAGAIN : n > 0 && io_write_all(to, bytes, (size_t)n) == 0;
}

static void forward_signals(const struct foreground *f, const struct relay *r, pid_t pid)
{
	struct signalfd_siginfo info;

	while (read(f->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGWINCH)
			pass_size(r);
		else
			kill(pid, (int)info.ssi_signo);
	}
}

enum { AT_PID, AT_SIGNALS, AT_MASTER, AT_INPUT, N_POLL };

static void loop(const struct foreground *f, struct relay *r, pid_t pid, int pidfd)
{
	bool over = false;

	while (!over) {
		struct pollfd p[N_POLL] = {
			[AT_PID] = { .fd = pidfd, .events = POLLIN },
			[AT_SIGNALS] = { .fd = f->signal_fd, .events = POLLIN },
			[AT_MASTER] = { .fd = r->master, .events = POLLIN },
			[AT_INPUT] = { .fd = r->input ? 0 : -1, .events = POLLIN },
		};

		if (poll(p, N_POLL, -1) < 0 && errno != EINTR)
			return;
		if (p[AT_SIGNALS].revents)
			forward_signals(f, r, pid);
		if (p[AT_MASTER].revents && !copy(r->master, 1))
			close(take_fd(&r->master));
		if (p[AT_INPUT].revents && r->master >= 0 && !copy(0, r->master))
			r->input = false;
		over = p[AT_PID].revents && (r->master < 0 || !(p[AT_MASTER].revents & POLLIN));
	}
}

int foreground_wait(struct foreground *f, pid_t pid, int pidfd, int *ret_code, struct err *e)
{
	struct relay r = { .master = -1 };
	int status = 0, err = receive_master(f, &r, e);

	if (err == 0)
		loop(f, &r, pid, pidfd);
	if (r.raw)
		tcsetattr(0, TCSADRAIN, &r.before);
	cleanup_close(&r.master);
	while (err == 0 && waitpid(pid, &status, __WALL) < 0)
		if (errno != EINTR)
			return err_errno(e, "can't wait for the process");
	if (err < 0)
		return err;
	*ret_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	return 0;
}
