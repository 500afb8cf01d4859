/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Talking to a running pod's supervisor: one SOCK_SEQPACKET connection a request, one record each way,
 * descriptors beside it. The socket lies in a folder of mode 0700 and the peer's uid is checked.
 *
 *   request                  reply
 *   verb "app"   app         text = pid; fds: pidfd
 *   verb "stop"  app? grace_ns
 *   verb "wait"                when the pod is over: text = its exit code
 *   verb "kill"  app? signal
 *   verb "rm"                  kills and removes the pod; answered when it is gone
 *   verb "pause" | "unpause"
 *   verb "restart" app?
 *   verb "attach" app        the connection stays open: see below
 *   verb "hole-add" text = the hole in its short form, why?, for_ns?, keep?    text = the ledger's line
 *   verb "hole-rm" text, keep?                                                 text = what was cut
 *   verb "hole-log"          text = a line for each destination without a hole, see wall_log.h
 *   verb "app-add" text = a record of struct app_change (live_apps.h)     verb "app-rm" app, verb "app-start" app
 *   verb "hole-count"        text = a line a hole: HOLE, accepted, refused, living, between tabs
 *   verb "link-add" text = the link, keep?                                     text = what came of it
 *   verb "link-rm" text, keep?                                                 text = what was cut
 *   verb "link-count"        text = a line a relayed link, as of holes
 *
 *   verb "enter" app? argv env workdir …; fds: its streams   when it is over: text = its exit code
 *
 * enter: packets to the supervisor meanwhile are a byte 's' and a byte that is a signal for the program.
 *
 * attach: after the reply each packet to the client is one byte 1 (stdout) or 2 (stderr) and bytes; each
 * packet to the supervisor is a byte 0 and bytes for stdin (none: end of file), or a byte 'w' and two
 * 16-bit numbers, rows and columns.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/field.h"
#include "supervise/state.h"

enum { CONTROL_PACKET_MAX = 65536, CONTROL_BULK_MAX = 8 << 20 };

struct control_request {
	char *verb;
	char *app;
	char *text;
	int64_t signal;
	int64_t grace_ns;   /* -1: the plan's */
	char *why;
	int64_t for_ns;
	bool keep;
	/* enter */
	char **argv, **env, **groups;
	char *workdir;
	bool has_user;
	uint32_t uid, gid;
	bool tty, no_stdin;
	bool bulk;          /* the request itself is in the last descriptor, a file: for what is longer than a packet */
};

struct control_reply {
	int64_t code;       /* 0, or an err_code with the three lines */
	char *what, *because, *hint;
	char *text;
};

extern const struct field_set control_request_set, control_reply_set;

/* Connects to the pod's supervisor. ERR_STATE when it does not run. */
[[nodiscard]] int control_connect(const struct state *s, const struct pod_dir *p, int *ret_sock, struct err *e);
/* The two halves of it, for what is answered late. A request that is longer than a packet goes as a file in memory. */
[[nodiscard]] int control_ask(int sock, const struct control_request *request, const int *fds, size_t n, struct err *e);
[[nodiscard]] int control_answer(int sock, struct arena *a, struct control_reply *ret, int *ret_fds, size_t *inout_nfds,
				 struct err *e);
/* One request and its reply; up to *inout_nfds descriptors arrive in ret_fds. The reply's error becomes e. */
[[nodiscard]] int control_call(int sock, struct arena *a, const struct control_request *request,
			       struct control_reply *ret, int *ret_fds, size_t *inout_nfds, struct err *e);
