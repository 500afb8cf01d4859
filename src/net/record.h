/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record: who in a pod tried to reach what, by BPF on connect and sendmsg of the pod's control group. It watches and
 * lets everything pass: the wall and the answer are others' work (net/uplink.h, net/pod_net.h). Netfilter never sees what a
 * route refused, so nothing else can record it.
 *
 * One small table a pod, bounded; the programs live as long as the pod's group. <linux/bpf.h>, bpf(2).
 */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "net/out_dest.h"

enum { RECORD_MAX = 512 };

struct record {
	int map_fd;             /* -1: nothing is recorded */
	int why;                /* errno: why not */
};
#define RECORD_NONE { .map_fd = -1 }

struct record_entry {
	uint64_t group;         /* the app's group in the cgroup2 hierarchy: the inode of its folder */
	struct out_addr addr;
	uint16_t port;
	uint8_t protocol;
	uint64_t count;
	int64_t first_ns, last_ns; /* monotonic */
	int64_t pid;            /* of the last one, in the host's process table */
	char program[16];
};

/*
 * Starts recording what the processes in the cgroup2 folder and below do. Root on the host. A host that can't is no error:
 * map_fd stays -1, and why tells.
 */
void record_open(struct record *r, int group_fd);
/* The entry after *inout_key (NULL at first; 32 bytes of the kernel's). False at the end. */
struct record_key {
	uint64_t group;
	uint8_t addr[16];
	uint16_t port;          /* network order */
	uint8_t protocol, family;
	uint32_t zero;
};
bool record_next(const struct record *r, const struct record_key *after, struct record_key *ret_key,
		 struct record_entry *ret);
void record_forget(const struct record *r, const struct record_key *key);
void record_close(struct record *r);
