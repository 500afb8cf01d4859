/* SPDX-License-Identifier: Apache-2.0 */
/* rocket-supervise: one pod's supervisor. Started by `rocket run`, `start`, `run-prepared`; see supervise/launch.h. */
#include <stdio.h>

#include "supervise/launch.h"

int main(int argc, char **argv)
{
	struct supervisor_options options;
	struct err e = {};

	if (launch_parse(argc, argv, &options, &e) < 0) {
		err_print(stderr, &e);
		return e.code;
	}
	return supervisor_main(&options);
}
