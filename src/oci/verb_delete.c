/* SPDX-License-Identifier: Apache-2.0 */
/* delete: what create made goes, in reverse; then the poststop hooks. */
#include <errno.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "oci/launch.h"

enum { OPT_FORCE };

static const struct opt opts[] = {
	{ "force", 'f', NULL, "kill it first when it runs; no error when there is none", OPT_FORCE, NULL },
	{},
};

static int take(void *to, const struct opt *opt, const char *value, struct err *e)
{
	*(bool *)to = true;
	return 0;
}

/* Until its process is gone, at most ten seconds. */
static int wait_gone(const struct container *c, struct err *e)
{
	autoclose int pidfd = (int)syscall(SYS_pidfd_open, (pid_t)c->state.pid, 0);
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	if (pidfd < 0 || process_started((pid_t)c->state.pid) != c->state.pid_started || poll(&p, 1, 10000) > 0)
		return 0;
	err_new(e, ERR_BUSY, "the process of %.120s does not die", c->state.id);
	return err_because(e, "it is stuck in the kernel (a hung disk or network file system)");
}

static int stop(struct container *c, struct err *e)
{
	struct err ignored = {};

	/* A frozen process of cgroup v1 does not even die. */
	if (c->status == OCI_PAUSED)
		(void)!oci_cgroup_freeze(&c->cgroup, false, &ignored);
	if (c->status == OCI_STOPPED || c->status == OCI_CREATING)
		return 0;
	if (container_signal(c, SIGKILL, e) < 0 && e->code != ERR_STATE)
		return -e->code;
	*e = (struct err){};
	return wait_gone(c, e);
}

static int remove_container(const struct oci *o, struct container *c, struct err *e)
{
	struct oci_config config;
	struct err none = {};
	/* One that never came to be has none. */
	bool has_config = container_read_config(o, c, &config, &none) == 0;

	return launch_destroy(o, c, has_config ? &config : NULL, e);
}

static int run(struct oci *o, int argc, char **argv, int *ret_code, struct err *e)
{
	autocontainer c = CONTAINER_NONE;
	bool force = false;
	char **words = NULL;
	int r = oci_parse(o, argc, argv, 1, 1, take, &force, &words, e);

	if (r != 0)
		return r < 0 ? r : 0;
	if (container_open(o, words[0], CONTAINER_LOCK, &c, e) < 0) {
		if (!force || e->code != ERR_NOT_FOUND)
			return -e->code;
		*e = (struct err){};
		return 0;
	}
	if (!force && c.status != OCI_STOPPED) {
		err_new(e, ERR_STATE, "can't delete %.120s", c.state.id);
		err_because(e, "it is %s, not stopped", oci_status_names[c.status]);
		return err_try(e, "rocket-oci delete --force %.120s", c.state.id);
	}
	if (stop(&c, e) < 0)
		return -e->code;
	return remove_container(o, &c, e);
}

const struct oci_verb oci_verb_delete = {
	.name = "delete", .words = "CONTAINER", .what = "Remove a container that has stopped", .opts = opts,
	.example = "delete --force web", .run = run,
};
