/* SPDX-License-Identifier: Apache-2.0 */
/* start: the container's process waits at its socket; what it says until its exec is the result. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "boundary/hooks.h"
#include "boundary/spawn.h"
#include "oci/start.h"

static int connect_to_start(const struct container *c, int *ret, struct err *e)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	autoclose int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(to.sun_path, sizeof(to.sun_path), "/proc/self/fd/%d/start.sock", c->fd);
	if (sock < 0 || connect(sock, (const struct sockaddr *)&to, sizeof(to)) < 0)
		return err_errno(e, "can't reach the process of %.120s", c->state.id);
	*ret = take_fd(&sock);
	return 0;
}

void start_run_hooks(const struct container *c, const struct oci_config *config)
{
	autostr state = {};
	struct err e = {};

	if (config->hooks[OCI_POSTSTART].n == 0)
		return;
	container_add_state(&state, &c->state, OCI_RUNNING, false);
	if (hooks_run(config, OCI_POSTSTART, state.text, &e) < 0)
		err_print(stderr, &e);
}

int start_created(const struct oci *o, struct container *c, struct err *e)
{
	struct spawned process = SPAWNED_NONE;
	struct oci_config config;

	if (c->status != OCI_CREATED) {
		err_new(e, ERR_STATE, "can't start %.120s", c->state.id);
		return err_because(e, "it is %s, not created", oci_status_names[c->status]);
	}
	if (container_read_config(o, c, &config, e) < 0 || connect_to_start(c, &process.status_fd, e) < 0)
		return -e->code;
	if (unlinkat(c->fd, "start.sock", 0) < 0)
		return err_errno(e, "can't start %.120s", c->state.id);
	if (spawn_wait_exec(&process, e) < 0)
		return -e->code;
	start_run_hooks(c, &config);
	return 0;
}

static int take(void *to, const struct opt *opt, const char *value, struct err *e)
{
	return 0;
}

static int run(struct oci *o, int argc, char **argv, int *ret_code, struct err *e)
{
	autocontainer c = CONTAINER_NONE;
	char **words = NULL;
	int r = oci_parse(o, argc, argv, 1, 1, take, NULL, &words, e);

	if (r != 0)
		return r < 0 ? r : 0;
	if (container_open(o, words[0], CONTAINER_LOCK, &c, e) < 0)
		return -e->code;
	return start_created(o, &c, e);
}

const struct oci_verb oci_verb_start = {
	.name = "start", .words = "CONTAINER", .what = "Run the program of a created container", .example = "start web", .run = run,
};
