/* SPDX-License-Identifier: Apache-2.0 */
/* The client's side of a pod's control socket, and the records that both sides speak. See control.h. */
#include "supervise/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/record.h"

static const struct field request_fields[] = {
	FIELD(struct control_request, verb, "verb", FIELD_STR),
	FIELD(struct control_request, app, "app", FIELD_STR),
	FIELD(struct control_request, text, "text", FIELD_STR),
	FIELD(struct control_request, signal, "signal", FIELD_INT),
	FIELD(struct control_request, grace_ns, "grace_ns", FIELD_INT),
	FIELD(struct control_request, why, "why", FIELD_STR),
	FIELD(struct control_request, for_ns, "for_ns", FIELD_INT),
	FIELD(struct control_request, keep, "keep", FIELD_BOOL),
	FIELD(struct control_request, argv, "argv", FIELD_STRV),
	FIELD(struct control_request, env, "env", FIELD_STRV),
	FIELD(struct control_request, groups, "groups", FIELD_STRV),
	FIELD(struct control_request, workdir, "workdir", FIELD_STR),
	FIELD(struct control_request, has_user, "has_user", FIELD_BOOL),
	FIELD(struct control_request, uid, "uid", FIELD_U32),
	FIELD(struct control_request, gid, "gid", FIELD_U32),
	FIELD(struct control_request, tty, "tty", FIELD_BOOL),
	FIELD(struct control_request, no_stdin, "no_stdin", FIELD_BOOL),
	FIELD(struct control_request, bulk, "bulk", FIELD_BOOL),
};
const struct field_set control_request_set = FIELD_SET("request", struct control_request, request_fields);

static const struct field reply_fields[] = {
	FIELD(struct control_reply, code, "code", FIELD_INT),
	FIELD(struct control_reply, what, "what", FIELD_STR),
	FIELD(struct control_reply, because, "because", FIELD_STR),
	FIELD(struct control_reply, hint, "try", FIELD_STR),
	FIELD(struct control_reply, text, "text", FIELD_STR),
};
const struct field_set control_reply_set = FIELD_SET("reply", struct control_reply, reply_fields);

int control_connect(const struct state *s, const struct pod_dir *p, int *ret_sock, struct err *e)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	autoclose int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	/* Through the descriptor: a state directory's path may be longer than a socket's may be (unix(7)). */
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s.ctl", s->runfd, p->id);
	if (sock < 0)
		return err_errno(e, "can't make a socket");
	if (connect(sock, (struct sockaddr *)&address, sizeof(address)) < 0) {
		if (errno != ENOENT && errno != ECONNREFUSED)
			return err_errno(e, "can't reach the supervisor of the pod %.12s", p->id);
		err_new(e, ERR_STATE, "the pod %.12s does not run", p->id);
		err_because(e, "nobody answers on its control socket");
		return err_try(e, "rocket start %.12s", p->id);
	}
	*ret_sock = take_fd(&sock);
	return 0;
}

static int reply_error(const struct control_reply *reply, struct err *e)
{
	err_new(e, (int)reply->code, "%s", reply->what ?: "the supervisor refused");
	if (reply->because)
		err_because(e, "%s", reply->because);
	if (reply->hint)
		err_try(e, "%s", reply->hint);
	return -e->code;
}

static int cannot_ask(struct err *e)
{
	return err_errno(e, "can't ask the pod's supervisor");
}

static int ask_in_file(int sock, const struct control_request *request, const struct str *text, const int *fds, size_t n,
		       struct err *e)
{
	const struct control_request small = { .verb = request->verb, .app = request->app, .bulk = true };
	autoclose int file = text->len <= CONTROL_BULK_MAX ? io_memfd("request", text->text, text->len) : -1;
	autostr head = {};
	int all[8];

	if (text->len > CONTROL_BULK_MAX)
		return err_new(e, ERR_USAGE, "the program's arguments and environment are longer than 8 MiB");
	if (file < 0 || n + 1 > ARRAY_SIZE(all))
		return cannot_ask(e);
	if (n)
		memcpy(all, fds, n * sizeof(*fds));
	all[n] = file;
	record_write(&head, &control_request_set, &small, RECORD_COMPACT);
	return io_send_fds(sock, head.text, head.len, all, n + 1) < 0 ? cannot_ask(e) : 0;
}

int control_ask(int sock, const struct control_request *request, const int *fds, size_t n, struct err *e)
{
	autostr text = {};

	record_write(&text, &control_request_set, request, RECORD_COMPACT);
	if (text.len > CONTROL_PACKET_MAX)
		return ask_in_file(sock, request, &text, fds, n, e);
	return io_send_fds(sock, text.text, text.len, fds, n) < 0 ? cannot_ask(e) : 0;
}

int control_answer(int sock, struct arena *a, struct control_reply *ret, int *ret_fds, size_t *inout_nfds, struct err *e)
{
	[[gnu::uninitialized]] char packet[CONTROL_PACKET_MAX];
	int fds[16];
	size_t nfds = ARRAY_SIZE(fds);
	ssize_t n = io_recv_fds(sock, packet, CONTROL_PACKET_MAX, fds, &nfds);

	if (n <= 0) {
		err_new(e, ERR_STATE, "the pod's supervisor ended before it answered");
		return err_try(e, "rocket list");
	}
	int r = record_read(a, &control_reply_set, packet, (size_t)n, ret, e);
	if (r == 0 && ret->code)
		r = reply_error(ret, e);
	size_t wanted = inout_nfds && r == 0 ? *inout_nfds : 0;
	for (size_t i = wanted; i < nfds; i++)
		close(fds[i]);
	if (inout_nfds) {
		*inout_nfds = nfds < wanted ? nfds : wanted;
		memcpy(ret_fds, fds, *inout_nfds * sizeof(int));
	}
	return r;
}

int control_call(int sock, struct arena *a, const struct control_request *request, struct control_reply *ret,
		 int *ret_fds, size_t *inout_nfds, struct err *e)
{
	int r = control_ask(sock, request, NULL, 0, e);

	return r < 0 ? r : control_answer(sock, a, ret, ret_fds, inout_nfds, e);
}
