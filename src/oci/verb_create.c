/* SPDX-License-Identifier: Apache-2.0 */
/* create: everything of a container but its program's start. */
#include "base/cleanup.h"
#include "oci/launch.h"

static int take(void *to, const struct opt *opt, const char *value, struct err *e)
{
	return launch_take(to, opt, value, e);
}

static int run(struct oci *o, int argc, char **argv, int *ret_code, struct err *e)
{
	struct launch_options l = { .console_sock = -1 };
	struct launched x = LAUNCHED_NONE;
	char **words = NULL;
	int r = oci_parse(o, argc, argv, 1, 1, take, &l, &words, e);

	if (r != 0)
		return r < 0 ? r : 0;
	l.id = words[0];
	if (launch(o, &l, &x, e) < 0)
		return -e->code;
	cleanup_close(&x.pidfd);
	cleanup_close(&x.status_fd);
	container_close(&x.container);
	return 0;
}

const struct oci_verb oci_verb_create = {
	.name = "create", .words = "CONTAINER", .what = "Make a container of a bundle; start runs its program", .opts = launch_opts,
	.example = "create --bundle /tmp/bundle web", .spawns = true, .run = run,
};
