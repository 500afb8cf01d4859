/* SPDX-License-Identifier: Apache-2.0 */
/* The caller's terminal. See terminal.h. */
#include "cli/terminal.h"

#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/cleanup.h"

int terminal_open(struct terminal *t, bool raw)
{
	static const int signals[] = { SIGWINCH, SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct termios wanted;
	sigset_t set;

	*t = (struct terminal){ .signal_fd = -1 };
	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaddset(&set, signals[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	t->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (t->signal_fd < 0)
		return -1;
	if (!raw || tcgetattr(STDIN_FILENO, &t->before) < 0)
		return 0;
	wanted = t->before;
	cfmakeraw(&wanted);
	t->raw = tcsetattr(STDIN_FILENO, TCSANOW, &wanted) == 0;
	return 0;
}

void terminal_close(struct terminal *t)
{
	if (t->raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &t->before);
	t->raw = false;
	cleanup_close(&t->signal_fd);
	t->signal_fd = -1;
}

bool terminal_size(uint16_t *ret_rows, uint16_t *ret_columns)
{
	struct winsize size;

	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) < 0)
		return false;
	*ret_rows = size.ws_row;
	*ret_columns = size.ws_col;
	return true;
}

int terminal_next_signal(struct terminal *t)
{
	struct signalfd_siginfo info;

	return read(t->signal_fd, &info, sizeof(info)) == sizeof(info) ? (int)info.ssi_signo : 0;
}
