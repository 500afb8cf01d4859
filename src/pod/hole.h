/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Holes: the one grammar (design, section 6), its short and its long form. Parsing only: which
 * holes a build of Rocket can open is hole_check_supported()'s word.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/doc.h"
#include "base/err.h"
#include "base/field.h"

enum hole_kind {
	HOLE_IN,     /* in:[ADDR:]PORT[-END][:APPPORT][/udp] */
	HOLE_IN_FD,  /* in:fd:NAME */
	HOLE_IN_POD, /* in:pod[/NAME]:PORT */
	HOLE_OUT,    /* out:HOST|IP|CIDR|.SUFFIX:PORT…, out:internet, out:lan, out:host:PORT,
			out:pod/NAME:PORT */
	HOLE_PATH,   /* path:SRC:DST[:rw] */
	HOLE_SOCKET, /* socket:PATH[:DST] */
	HOLE_DEV,    /* dev:PATH[:DST][:rwm], dev:VENDOR/CLASS=NAME */
	HOLE_CAP,    /* cap:NAME */
	HOLE_NEWPRIVS,
	HOLE_NS, /* ns:net|ipc|pid|user */
};

enum hole_proto { HOLE_TCP, HOLE_UDP, HOLE_ICMP };
extern const char *const hole_kind_names[], *const hole_proto_names[];

struct hole {
	enum hole_kind kind;
	char *text; /* the hole in its short form, normalised: the ledger's key; empty once it is
		       closed */
	char *app;  /* @APP, or NULL for the pod */
	char *why;
	char *origin; /* what opened it when that was sugar: "-p 8080:80", "--privileged" */
	/* HOLE_IN: */
	char *addr;              /* "127.0.0.1", "::1", "any"; NULL means both loopbacks */
	uint32_t port, port_end; /* port_end == port for one; port 0: the kernel picks */
	uint32_t app_port;
	enum hole_proto proto;
	/* HOLE_OUT, HOLE_IN_POD, HOLE_IN_FD, HOLE_CAP, HOLE_NS: the name or destination */
	char *name;
	bool any_port; /* HOLE_OUT with ":*" */
	/* HOLE_PATH, HOLE_SOCKET, HOLE_DEV: */
	char *source, *target;
	bool writable;
	bool writable_is_docker; /* -v without :ro; the ledger says so */
	char *access;            /* HOLE_DEV: "rwm" subset */
	char *place;             /* "pod.yaml:12:5" for messages, or NULL; not in records */
};

extern const struct field_set hole_set;

/* One hole in the short form; base_dir makes relative sources absolute (NULL: relative ones are
 * refused). */
[[nodiscard]] int hole_parse(struct arena *a, const char *text, const char *base_dir,
			     struct hole *ret, struct err *e);
/* One entry of a manifest's `holes:`, a short string or the long mapping. */
[[nodiscard]] int hole_decode(struct arena *a, const struct doc *node, const char *base_dir,
			      struct hole *ret, struct err *e);
/* Refuses by name what this build can't open yet, with what to do instead. */
[[nodiscard]] int hole_check_supported(const struct hole *h, struct err *e);
/* The normal short form from the members; what hole_parse() puts into .text. */
char *hole_format(struct arena *a, const struct hole *h);
/* Does the hole concern this app? */
bool hole_is_for(const struct hole *h, const char *app);
