/* SPDX-License-Identifier: Apache-2.0 */
/* systemd's readiness protocol (sd_notify(3)), without its library: one datagram to $NOTIFY_SOCKET. */
#pragma once

/* "READY=1", "STOPPING=1", "STATUS=…". Nothing happens where no one listens. */
void notify_systemd(const char *state);
