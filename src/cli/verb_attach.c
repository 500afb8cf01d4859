/* SPDX-License-Identifier: Apache-2.0 */
/* rocket attach: the streams of a running app on ours, through its supervisor (supervise/control.h). */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"
#include "cli/pod_ref.h"
#include "cli/terminal.h"
#include "supervise/control.h"

enum { OPT_NO_STDIN = 1, CHUNK = 4096, DETACH_FIRST = 16 /* ^P */, DETACH_SECOND = 17 /* ^Q */ };

static const struct opt options[] = {
	{ "no-stdin", 0, NULL, "only watch: pass no input on", OPT_NO_STDIN, NULL },
	{},
};

struct attach {
	struct cli *cli;
	bool no_stdin;
	int sock;
	bool saw_first; /* of the detach keys ^P ^Q */
	bool detached;
};

static int take(void *context, const struct opt *o, const char *value, struct err *e)
{
	((struct attach *)context)->no_stdin = true;
	return 0;
}

static void send_size(const struct attach *at)
{
	char packet[5] = { 'w' };
	uint16_t size[2];

	if (!terminal_size(&size[0], &size[1]))
		return;
	memcpy(packet + 1, size, sizeof(size));
	(void)!send(at->sock, packet, sizeof(packet), MSG_NOSIGNAL);
}

/* The detach keys are taken out of the stream, as docker's are. */
static size_t filter_keys(struct attach *at, char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (at->saw_first && bytes[i] == DETACH_SECOND) {
			at->detached = true;
			return i ? i - 1 : 0;
		}
		at->saw_first = bytes[i] == DETACH_FIRST;
	}
	return n;
}

static bool send_input(struct attach *at, bool tty)
{
	char packet[1 + CHUNK] = { 0 };
	ssize_t n = read(STDIN_FILENO, packet + 1, CHUNK);

	if (n < 0)
		return errno == EINTR;
	if (tty)
		n = (ssize_t)filter_keys(at, packet + 1, (size_t)n);
	return send(at->sock, packet, (size_t)n + 1, MSG_NOSIGNAL) > 0 && n > 0 && !at->detached;
}

static bool print_output(const struct attach *at)
{
	char packet[CONTROL_PACKET_MAX];
	ssize_t n = recv(at->sock, packet, sizeof(packet), 0);

	if (n <= 0)
		return n < 0 && errno == EINTR;
	return io_write_all(packet[0] == 2 ? STDERR_FILENO : STDOUT_FILENO, packet + 1, (size_t)n - 1) == 0;
}

static void pump(struct attach *at, struct terminal *t, bool tty)
{
	enum { SIGNALS, SOCKET, INPUT, N };
	struct pollfd fds[N] = {
		[SIGNALS] = { t->signal_fd, POLLIN, 0 },
		[SOCKET] = { at->sock, POLLIN, 0 },
		[INPUT] = { at->no_stdin ? -1 : STDIN_FILENO, POLLIN, 0 },
	};

	while (!at->detached) {
		int sig;

		if (poll(fds, N, -1) < 0 && errno != EINTR)
			return;
		while (fds[SIGNALS].revents && (sig = terminal_next_signal(t))) {
			if (sig != SIGWINCH)
				return;
			send_size(at);
		}
		if (fds[SOCKET].revents && !print_output(at))
			return;
		if (fds[INPUT].revents && !send_input(at, tty))
			fds[INPUT].fd = -1;
	}
}

static int attach(struct attach *at, const char *word, struct err *e)
{
	autopodref ref = POD_REF_NONE;
	struct control_request request = { .verb = (char *)"attach" };
	struct control_reply reply = {};
	struct terminal t;
	autoclose int sock = -1;
	int r = pod_ref_open(at->cli, word, &ref, e);

	if (r == 0)
		r = pod_ref_need_app(&ref, word, e);
	if (r == 0)
		r = control_connect(&ref.state, &ref.pod, &sock, e);
	if (r == 0) {
		request.app = ref.app->name;
		r = control_call(sock, at->cli->arena, &request, &reply, NULL, NULL, e);
	}
	if (r < 0)
		return r;
	bool tty = str_equal(reply.text, "tty");
	at->sock = sock;
	if (terminal_open(&t, tty && !at->no_stdin && isatty(STDIN_FILENO)) < 0)
		return err_errno(e, "can't watch signals");
	if (tty)
		send_size(at);
	pump(at, &t, tty);
	terminal_close(&t);
	return 0;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct attach at = { .cli = cli };
	struct err e = {};
	char **words;
	int n;

	if (cli_parse(cli, argc, argv, take, &at, &words, &n, &e) < 0 || cli_check_words(cli, n, 1, 1, &e) < 0 ||
	    attach(&at, words[0], &e) < 0)
		return cli_fail(cli, &e);
	return 0;
}

const struct verb cli_verb_attach = {
	.name = "attach",
	.summary = "connect to the streams of a running app; ^P ^Q lets go of a terminal",
	.usage = "[--no-stdin] POD[/APP]",
	.words = (const char *const[]){ "app", NULL },
	.options = (const struct opt *const[]){ options, NULL },
	.example = "rocket attach shop/web",
	.exits = "2: the pod has several apps and none was named\n3: the app does not run\n4: no such pod or app",
	.run = run,
};
