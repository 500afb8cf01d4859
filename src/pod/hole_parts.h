/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the hole grammar that the short form (hole.c) and the long form (hole_long.c) share.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "pod/hole.h"

/* Of names that end up in paths and in the names of passed sockets. */
#define NAME_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

/* What is being parsed, for messages and for relative paths. */
struct hole_text {
	const char *whole;    /* as the owner wrote it */
	const char *base_dir; /* NULL: relative sources are refused */
};

/* "'TEXT' is no hole", because of … Gives -ERR_USAGE. */
int hole_bad(const struct hole_text *t, struct err *e, const char *because);

/* What stands behind "KIND:"; rest NULL when there was no colon. Fills kind and the kind's members.
 */
[[nodiscard]] int hole_parse_kind(struct arena *a, const struct hole_text *t, const char *word,
				  const char *rest, struct hole *ret, struct err *e);
/* Checks and defaults once all members are known, and the normal text. */
[[nodiscard]] int hole_finish(struct arena *a, const struct hole_text *t, struct hole *h,
			      struct err *e);

/* "[ADDR:]" at the start of *inout_rest, which moves behind it. */
[[nodiscard]] int hole_take_addr(struct arena *a, const struct hole_text *t, char **inout_rest,
				 struct hole *ret, struct err *e);
/* An address that an `in:` hole can listen on: any, IPv4, IPv6 (no brackets). */
[[nodiscard]] int hole_parse_addr(struct arena *a, const struct hole_text *t, const char *addr,
				  char **ret, struct err *e);
/* "PORT[-END]", both 1 to 65535. */
[[nodiscard]] int hole_parse_ports(const struct hole_text *t, const char *text, struct hole *ret,
				   struct err *e);
/* "PORT[-END][:APPPORT[-APPEND]]"; PORT may be 0 when APPPORT is given. */
[[nodiscard]] int hole_parse_port_map(const struct hole_text *t, char *text, struct hole *ret,
				      struct err *e);
/* "APPPORT" or "APPPORT-APPEND" for the ports in *h. */
[[nodiscard]] int hole_parse_app_port(const struct hole_text *t, const char *text, struct hole *h,
				      struct err *e);
/* HOST, IP, CIDR, .SUFFIX, host, pod/NAME (what stands between "out:" and the port). */
[[nodiscard]] int hole_parse_destination(struct arena *a, const struct hole_text *t,
					 const char *text, struct hole *ret, struct err *e);
/* Makes the host path absolute and clean ("./x" and "../x" from base_dir). */
[[nodiscard]] int hole_absolute_source(struct arena *a, const struct hole_text *t,
				       char **inout_source, struct err *e);
/*
 * Where something is mounted in an app: absolute, clean, not "/" nor what Rocket itself mounts. A
 * trailing slash is cut off.
 */
[[nodiscard]] int hole_check_target(const struct hole_text *t, char *target, struct err *e);
