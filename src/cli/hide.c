/* SPDX-License-Identifier: Apache-2.0 */
/* A verb that enters pods does it as a copy of its own process: see hide.h. */
#include "cli/hide.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/rootless.h"
#include "base/unit.h"
#include "boundary/own_exe.h"

/* The descriptor's number comes in the environment, from where it goes at once. */
int hide_program(char **argv, struct err *e)
{
	static const char variable[] = "ROCKET_OWN_EXE";
	const char *number = getenv(variable);
	autoclose int exe = -1;
	char text[16], path[4096];
	ssize_t n;
	uint64_t fd;

	if (number && unit_parse_u64(number, 3, 1 << 20, &fd) == 0) {
		unsetenv(variable);
		return own_exe_shut((int)fd, "rocket", e);
	}
	/*
	 * Where this process went into a mount namespace of its own, the magic link leads into the old one, which nothing
	 * can be cloned from: then by path. own_exe_shut() looks whether it is the same file.
	 */
	n = rootless_here(NULL) ? readlink("/proc/self/exe", path, sizeof(path) - 1) : -1;
	path[n > 0 ? n : 0] = 0;
	if (own_exe_open(n > 0 ? path : "/proc/self/exe", &exe, e) < 0)
		return -e->code;
	snprintf(text, sizeof(text), "%d", exe);
	setenv(variable, text, 1);
	(void)!own_exe_become(exe, argv, environ);
	return err_errno(e, "can't begin once more");
}
