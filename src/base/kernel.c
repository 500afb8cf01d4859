/* SPDX-License-Identifier: Apache-2.0 */
/* The running kernel's version. See kernel.h. */
#include "base/kernel.h"

#include <stdlib.h>
#include <sys/utsname.h>

bool kernel_is_at_least(long major, long minor)
{
	struct utsname host;
	char *dot = NULL;
	long have, have_minor;

	if (uname(&host) < 0)
		return false;
	have = strtol(host.release, &dot, 10);
	have_minor = *dot == '.' ? strtol(dot + 1, NULL, 10) : 0;
	return have > major || (have == major && have_minor >= minor);
}
