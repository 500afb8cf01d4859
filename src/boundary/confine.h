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
#include "pod/plan.h"

struct oci_how;
struct confine;
enum { CONFINE_MAX_GROUPS = 1024, CONFINE_HELD = 5 };

/*
 * What only OCI containers ask for; pods have none of it. `gate` runs once descriptors, session and working directory are
 * settled, before any privilege goes: there a created container waits for its start. It may replace *status_fd.
 */
struct confine_more {
	const struct oci_how *how;
	size_t n_keep;          /* descriptors 3 and on that the program gets */
	int held[CONFINE_HELD]; /* kept until the exec, with new numbers while the gate runs; -1: none */
	void (*gate)(const struct confine *c, const int held[CONFINE_HELD], int *status_fd);
	void *context;
	const struct plan_rlimit *rlimits;
	size_t n_rlimits;
	uint32_t seccomp_flags; /* SECCOMP_FILTER_FLAG_* */
	/* Loads the filter where a listener is to get its descriptor; NULL: seccomp_load(). */
	int (*load)(const struct confine *c);
	int apparmor_fd, selinux_fd; /* among held: 1 + index, 0 none */
};

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
	const struct confine_more *more; /* NULL for pods */
};

/* Does not return: execs, or writes the error to status_fd and exits with its code. */
[[gnu::noreturn]] void confine_and_exec(const struct confine *c);
/* Is there a program to execute, as far as can be told before? Reports like an exec that failed, and comes back otherwise. */
void confine_check_program(const struct confine *c, int status_fd);
/* For steps before it: reports e in the same way. */
[[gnu::noreturn]] void confine_fail(int status_fd, const struct err *e);
