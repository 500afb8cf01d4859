/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last steps of every process that enters a pod (an app's start, `enter`, hooks): new session, standard
 * streams, everything else closed, working directory, ids, capabilities, filter, exec. Runs between clone
 * and exec, already inside the app's namespaces and root, as root of the pod's user namespace.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "boundary/seccomp.h"

enum { CONFINE_MAX_GROUPS = 1024 };

struct confine {
	const char *who;        /* the app, for messages */
	const char *image;      /* its image, as its owner wrote it */
	char *const *argv, *const *env;
	const char *workdir;
	uid_t uid;
	gid_t gid;
	gid_t groups[CONFINE_MAX_GROUPS];
	size_t n_groups;
	bool keep_groups;       /* the pod's user namespace lets nobody change them (become.h) */
	uint64_t caps;
	bool new_privs;
	bool make_workdir;      /* an app's start makes a missing one, enter does not */
	const struct seccomp_program *seccomp; /* NULL: none */
	int stdio[3];           /* -1: /dev/null */
	bool controlling_tty;   /* stdio[0] becomes the session's terminal */
	int status_fd;          /* close-on-exec; an error goes there as a struct err */
};

/* Does not return: execs, or writes the error to status_fd and exits with its code. */
[[gnu::noreturn]] void confine_and_exec(const struct confine *c);
/* For steps before it: reports e in the same way. */
[[gnu::noreturn]] void confine_fail(int status_fd, const struct err *e);
