/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory form: a finished tree written out as files. Every step works on the descriptor of the
 * directory that the file stands in, one component a call, and never follows a link: what the image says
 * can't reach outside, whoever else works in the directory.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "image/tree.h"

struct unpack {
	const struct tree *tree;
	const int *layer_fds;   /* the layers' tars, by layer, open for reading */
	size_t n_layers;
	int dirfd;              /* an empty directory, of which the root's owner, mode and times are set */
	bool mount_points;      /* with the places that tree_add_mount_points() added */
	uint32_t shift;         /* added to every user and group id: for a pod whose file system can't map ids */
	bool as_user;           /* no privilege: owners stay the caller's, devices and what else needs privilege are left out */
	bool no_devices;        /* in an ordinary user's namespace: no device nodes, no attributes of the host's root */
	/* out: */
	uint64_t files, bytes;
	uint64_t left_out;      /* with as_user or no_devices: devices, owners and attributes that could not be had */
};

/*
 * Restores content, owner, mode, times, extended attributes, hard links, sparse holes and device nodes.
 * Needs CAP_CHOWN, CAP_FOWNER, CAP_FSETID, CAP_DAC_OVERRIDE, CAP_MKNOD and CAP_SETFCAP in the file
 * system's user namespace unless as_user; runs on the host. What was written before an error stays for
 * the caller to remove. Nothing is synced. The umask of the process is changed meanwhile: one thread only. At most TREE_DEPTH_MAX + 8 descriptors are open at once.
 */
[[nodiscard]] int unpack_tree(struct unpack *u, struct err *e);
