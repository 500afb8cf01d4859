/* SPDX-License-Identifier: Apache-2.0 */
/* kill: a signal to the container's process, or to all of them. */
#include <linux/sched.h>
#include <signal.h>

#include "base/cleanup.h"
#include "oci/container.h"
#include "pod/signals.h"

enum { OPT_ALL, OPT_SIGNAL };

static const struct opt opts[] = {
	{ "all", 'a', NULL, "to all processes of the container", OPT_ALL, NULL },
	{ "signal", 's', "SIGNAL", "the signal, as a word or a number", OPT_SIGNAL, "signal" },
	{},
};

struct asked {
	bool all;
	const char *signal;
};

static int take(void *to, const struct opt *opt, const char *value, struct err *e)
{
	struct asked *x = to;

	if (opt->id == OPT_ALL)
		x->all = true;
	else
		x->signal = value;
	return 0;
}

static int run(struct oci *o, int argc, char **argv, int *ret_code, struct err *e)
{
	autocontainer c = CONTAINER_NONE;
	struct asked x = {};
	uint32_t signal = SIGTERM;
	char **words = NULL;
	int r = oci_parse(o, argc, argv, 1, 2, take, &x, &words, e);

	if (r != 0)
		return r < 0 ? r : 0;
	if (words[1])
		x.signal = words[1];
	if (x.signal && signal_parse(x.signal, &signal, e) < 0)
		return -e->code;
	if (container_open(o, words[0], CONTAINER_LOOK, &c, e) < 0)
		return -e->code;
	/* Without a process table of its own, the others do not die with the first. */
	bool alone = c.state.namespaces & CLONE_NEWPID;
	if (x.all || (signal == SIGKILL && !alone && c.status != OCI_STOPPED))
		return oci_cgroup_signal(&c.cgroup, (int)signal, e);
	if (c.status != OCI_STOPPED && c.status != OCI_CREATING)
		return container_signal(&c, (int)signal, e);
	err_new(e, ERR_STATE, "can't send a signal to %.120s", c.state.id);
	return err_because(e, "container not running: it is %s", oci_status_names[c.status]);
}

const struct oci_verb oci_verb_kill = {
	.name = "kill", .words = "CONTAINER [SIGNAL]", .what = "Send a signal to a container's process (TERM unless given)",
	.opts = opts, .example = "kill web KILL", .run = run,
};
