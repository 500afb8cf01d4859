/* SPDX-License-Identifier: Apache-2.0 */
/*
 * out: holes, from the supervisor's side. One rocket-uplink a pod, started with the first of them: it makes the link,
 * owns the rules that stand outside the pod, and sets the pod's routes.
 *
 *   app ─▶ routes of the pod ─▶ veth ─▶ table inet rocket-ID ─▶ the host's own routing          way "host"
 *          (EACCES at once          (the wall: where no process of the pod can change it)
 *           for what has no hole)
 *   app ─▶ routes of the pod ─▶ veth ─▶ a namespace between, same table ─▶ pasta ─▶ host       way "pasta"
 *
 * The table belongs to the uplink's netlink socket and the link to the pod's network: whatever dies, the kernel
 * takes both away.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "net/helper.h"
#include "net/out_dest.h"
#include "pod/plan.h"

struct uplink {
	struct helper process;
	int control_fd;         /* net/uplink_wire.h; closing it ends the uplink */
	char way[16];           /* "host" or "pasta" */
};
#define UPLINK_NO_PROCESS { .process = HELPER_NONE, .control_fd = -1 }

struct uplink_spawn_request {
	const struct plan *plan;
	int exe_fd;             /* rocket-uplink */
	int pod_pidfd;          /* a process in the pod's namespaces: its reaper */
	int empty_root_fd;
	bool learn;
};

/* Starts it; call on the host as root. A child of the caller that dies with it. */
[[nodiscard]] int uplink_spawn(const struct uplink_spawn_request *r, struct uplink *ret, struct err *e);
/* Waits (at most 10 s) until the link stands, or says why it can't. */
[[nodiscard]] int uplink_wait_ready(struct uplink *u, struct err *e);
/* Hands over the uplink's end of the pair with the pod's resolver (net/resolve.h); before the first hole by name. */
[[nodiscard]] int uplink_give_resolver(struct uplink *u, int fd, struct err *e);
/* Opens a HOLE_OUT; number: the caller's, below 1024, unused. */
[[nodiscard]] int uplink_add(struct uplink *u, uint32_t number, const struct hole *h, struct err *e);
/* Closes it: nothing new passes, living connections are cut on both sides. */
[[nodiscard]] int uplink_remove(struct uplink *u, uint32_t number, uint32_t *ret_cut, struct err *e);
struct uplink_counts {
	uint64_t accepted;      /* connections and first packets that passed */
	uint32_t living;
};
/* Asks the kernel, not a memory of ours. ERR_STATE: it does not have the hole's rules any more. */
[[nodiscard]] int uplink_count(struct uplink *u, uint32_t number, struct uplink_counts *ret, struct err *e);
/* Names that the pod asked for: "NAME\tCOUNT\tFIRST_NS\tLAST_NS\trefused|open\tADDRESS,…\n" each, appended. */
[[nodiscard]] int uplink_log(struct uplink *u, struct str *out, struct err *e);
/* Would a hole that is open let this through? */
[[nodiscard]] int uplink_judge(struct uplink *u, const struct out_addr *a, uint8_t protocol, uint16_t port, bool *ret,
			       struct err *e);
void uplink_end(struct uplink *u);
