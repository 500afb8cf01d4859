/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One direction of a connection: bytes from one socket to the other, without a queue of our own.
 *
 *   from ──recv──▶ small buffer ──send──▶ to       what is shorter than RELAY_COPY_BYTES
 *   from ──splice──▶ pipe ──splice──▶ to           what is longer: no byte is copied
 *
 *   from ──peek──▶ small buffer ──send──▶ to       where no descriptor is left for a pipe
 *
 * A pipe belongs to a direction only while `to` does not take what lies in it; nothing more is read
 * then, so that a slow receiver slows the sender down and a stalled direction costs one pipe.
 */
#pragma once

#include "net/relay_core.h"

enum relay_pump { RELAY_PUMP_WAIT, RELAY_PUMP_MORE, RELAY_PUMP_BROKEN };

/*
 * Moves what can be moved now, but not for ever. WAIT: one of the sockets has to become ready first;
 * MORE: call again after the others had their turn; BROKEN: the connection is to be reset.
 */
[[nodiscard]] enum relay_pump relay_way_pump(struct relay_core *c, struct relay_way *w, int from, int to);
/* Gives up the pipe, whatever lies in it. */
void relay_way_drop(struct relay_core *c, struct relay_way *w);
