/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A system call filter as ranges of call numbers, one list an architecture. libseccomp knows the numbers of names; its own
 * programs compare with every single call, which costs each load of the filter ten times what ranges do.
 *
 *   arch A?  number below 10? ALLOW   below 13? ERRNO   below 14? its conditions, then ALLOW …   above: default
 *   arch B?  …
 *   no arch of the list: ENOSYS
 */
#pragma once

#include <seccomp.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

struct ranges;

/* Actions are the kernel's: SECCOMP_RET_*, with their data. The native architecture is in it from the start. */
struct ranges *ranges_new(struct arena *a, uint32_t default_action);
/* SCMP_ARCH_*. */
void ranges_add_arch(struct ranges *r, uint32_t arch);
/*
 * One rule for one name. Among rules of one call those with conditions are tried first, in the order in which they
 * came. Names that an architecture lacks say nothing there.
 */
[[nodiscard]] int ranges_add(struct ranges *r, uint32_t action, const char *name, const struct scmp_arg_cmp *args, unsigned n,
			     struct err *e);
/* The program, as struct sock_filter after struct sock_filter. ERR_USAGE when the kernel would refuse its length. */
[[nodiscard]] int ranges_write(const struct ranges *r, int fd, struct err *e);
