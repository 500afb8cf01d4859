/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The links of a running pod (pod/link.h), by the way each is carried:
 *
 *   relay        tcp, udp: a socket in the asker's network, a relay in the answerer's (links.c, net/link_listen.h)
 *                unix: the same with a unix socket and a relay of its own, which lives while who answers does (link_unix.c)
 *   pipe         stdout, stderr, output: one pipe an app that reads, whose ends the apps have (link_pipes.c)
 *                fifo: a named pipe that is mounted in both
 *   signals      a named pipe that we read; who writes a name into it has it sent (link_signals.c)
 *   folder, volume, namespace, shared: nothing is left to do here
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "net/relay.h"
#include "pod/link.h"
#include "supervise/log.h"
#include "supervise/loop.h"

struct supervisor;
struct app;

/* A link's state; its place is that in plan.links, which a removed one leaves empty. */
struct link_run {
	struct supervisor *s;
	size_t number;
	/* unix by relay */
	int listen_fd;
	struct relay relay;
	bool has_relay;
	struct loop_source relay_source;
	/* signal */
	struct loop_source orders;
	char word[16];
	size_t word_len;        /* beyond word: too long, and passed over to its end */
	bool refusal_told;
};

/* The pipe that is an app's stdin, while someone may still use its ends; -1 else. */
struct link_pipe {
	int fd[2];
};

struct links {
	int folder_fd;          /* named pipes and sockets; -1 until one is needed */
	struct link_run *runs[LINKS_MAX];
	struct link_pipe *pipes; /* plan.apps.n */
};

/* Makes all that the apps' starts need, and listens. Before the first app starts, when all namespaces stand. */
[[nodiscard]] int links_open(struct supervisor *s, struct err *e);
void links_close(struct supervisor *s);
/* A relay of the circle died, and a new one is wanted. */
[[nodiscard]] int links_reopen(struct supervisor *s, size_t circle, struct err *e);
/* The app runs; it has ended and no start follows by itself. */
void links_on_app_started(struct supervisor *s, struct app *a);
void links_on_app_end(struct supervisor *s, struct app *a);
/* The folder of named pipes and sockets, for mounts; -1: there is none. */
int links_folder(const struct supervisor *s);

/* Streams by link: *ret_fd is the caller's to close, or -1 where the stream is the supervisor's as usual. */
[[nodiscard]] int links_take_stdin(struct supervisor *s, const struct app *a, int *ret_fd, struct err *e);
[[nodiscard]] int links_take_output(struct supervisor *s, const struct app *a, enum log_stream stream, int *ret_fd,
				    struct err *e);

struct link_change {
	bool remove;
	const char *text;       /* either spelling */
	bool keep;              /* for the next start, too */
};
/* While the pod runs. *ret_text says what came of it, in the supervisor's arena. */
[[nodiscard]] int links_change(struct supervisor *s, const struct link_change *change, const char **ret_text,
			       struct err *e);
/* One line a relayed link: "TEXT\tACCEPTED\tREFUSED\tLIVING\n". */
[[nodiscard]] int links_count(struct supervisor *s, const char **ret_text, struct err *e);

/* Between the files of this part. */
struct link_run *link_run_of(struct supervisor *s, size_t number);
[[nodiscard]] int link_make_folder(struct supervisor *s, struct err *e);
[[nodiscard]] int link_pipes_open(struct supervisor *s, struct err *e);
void link_pipes_close(struct supervisor *s);
void link_pipes_on_end(struct supervisor *s, const struct app *a);
[[nodiscard]] int link_make_fifo(struct supervisor *s, const struct link *l, struct err *e);
[[nodiscard]] int link_unix_open(struct supervisor *s, size_t number, struct err *e);
void link_unix_start(struct supervisor *s, size_t number, const struct app *to);
void link_unix_stop(struct link_run *run);
[[nodiscard]] int link_signals_open(struct supervisor *s, size_t number, struct err *e);
