/* SPDX-License-Identifier: Apache-2.0 */
/* The in: holes of a running pod: opened with it, opened and closed while it runs, carried by its relay. */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "net/relay.h"

struct supervisor;

/* Binds every in: hole of the plan on the host: sockets[i] for holes.v[i]. Before anything else is made. */
[[nodiscard]] int holes_listen(struct supervisor *s, struct relay_sockets *sockets, struct err *e);
/* Starts the relay when there is something to carry, and hands the sockets over. */
[[nodiscard]] int holes_open(struct supervisor *s, struct relay_sockets *sockets, struct err *e);
/* In the foreground: a line a hole to stderr, before the first app starts. */
void holes_say(const struct supervisor *s);
/* A relay died: its holes are opened again, in the circle (circles.h) that it served. */
[[nodiscard]] int holes_reopen_circle(struct supervisor *s, size_t circle, struct err *e);
void holes_close(struct supervisor *s);

struct hole_change {
	bool close;
	const char *text;       /* the hole in its short form */
	const char *why;
	int64_t for_ns;         /* closes by itself after this time; 0: it does not */
	bool keep;              /* for the next start too */
};
/*
 * Opens or closes one while the pod runs; what is so already is done. *ret_text says what came of it, in the
 * supervisor's arena: the ledger's line, or how many connections were cut.
 */
[[nodiscard]] int holes_change(struct supervisor *s, const struct hole_change *change, const char **ret_text,
			       struct err *e);
/* One line a hole: "TEXT\tACCEPTED\tREFUSED\tLIVING\n", from the relay itself. In the supervisor's arena. */
[[nodiscard]] int holes_count(struct supervisor *s, const char **ret_text, struct err *e);

/* When the next hole closes by itself, on the monotonic clock; INT64_MAX: none does. */
int64_t holes_deadline(const struct supervisor *s);
void holes_on_deadline(struct supervisor *s);
