/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A link: one declared channel between two apps of a pod. Two spellings, one grammar:
 *
 *   manifest       web -> php: unix /run/php/php.sock      the arrow points from who begins; <-> is both ways
 *   command line   web:php:unix:/run/php/php.sock          where > is the shell's
 *
 *   tcp PORT[:TOPORT]   udp PORT[:TOPORT]     FROM asks at PORT, TO answers at TOPORT
 *   unix PATH [TOPATH]                        FROM connects to PATH, TO listens at TOPATH; @NAME is abstract
 *   stdout   stderr   output                  what FROM writes becomes TO's stdin: a plain pipe
 *   fifo PATH                                 a named pipe in both: FROM writes, TO reads
 *   files VOLUME PATH [TOPATH]                FROM writes, TO reads; <-> both write
 *   ipc                                       System V and POSIX IPC, /dev/shm
 *   signal NAME…                              FROM sends TO these signals, by a line to /run/rocket/signal/TO
 *
 * Pure, and free of the document libraries: the supervisor reads links of running pods.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/field.h"

enum link_kind {
	LINK_TCP,
	LINK_UDP,
	LINK_UNIX,
	LINK_STDOUT,
	LINK_STDERR,
	LINK_OUTPUT,
	LINK_FIFO,
	LINK_FILES,
	LINK_IPC,
	LINK_SIGNAL,
};

/* How a link is carried; the plan decides (resolve_links.c), `rocket plan` and `link list` say it. */
enum link_way {
	LINK_WAY_NONE,
	LINK_WAY_SHARED,    /* the two share it anyway: the link documents */
	LINK_WAY_RELAY,     /* rocket-relay listens for FROM and connects to TO */
	LINK_WAY_FOLDER,    /* a folder of the link's own, in both apps */
	LINK_WAY_PIPE,      /* a pipe between the two, touched by nobody else */
	LINK_WAY_VOLUME,    /* a volume in both */
	LINK_WAY_NAMESPACE, /* one IPC namespace */
	LINK_WAY_SIGNALS,   /* the supervisor sends them */
};
extern const char *const link_kind_names[], *const link_way_names[];

enum { LINKS_MAX = 512 };

struct link {
	enum link_kind kind;
	char *text; /* the manifest's spelling, normalised: the key; empty once it is removed */
	char *from, *to;
	bool both;              /* <->: of files and ipc alone; of others it stands for two links */
	uint32_t port, to_port; /* TCP, UDP */
	char *path, *to_path;   /* UNIX, FIFO, FILES */
	char *volume;           /* FILES */
	char **signals;         /* SIGNAL: "HUP" */
	enum link_way way;
	bool loopback; /* a relay that also listens on FROM's 127.0.0.1 and ::1 */
	char *origin;  /* "mounts": nobody wrote it; a volume that several apps mount */
	char *place;   /* "pod.yaml:12:5" for messages, or NULL; not in records */
};
extern const struct field_set link_set;

/* Either spelling. ERR_USAGE. */
[[nodiscard]] int link_parse(struct arena *a, const char *text, struct link *ret, struct err *e);
/* The words of `rocket link add POD FROM TO KIND ARGS…`. */
[[nodiscard]] int link_from_words(struct arena *a, char *const *words, bool both, struct link *ret, struct err *e);
/* The normal spelling from the members. */
char *link_format(struct arena *a, const struct link *l);
/* Is it open: neither removed nor a gap? */
bool link_is_open(const struct link *l);
/* TCP and UDP, and unix sockets with a relay's way. */
bool link_is_relayed(const struct link *l);
bool link_is_stream(const struct link *l); /* stdout, stderr, output */
/* The name of its named pipe or socket among the pod's: from its text alone, so that it never moves. */
char *link_file(struct arena *a, const struct link *l);
