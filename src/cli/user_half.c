/* SPDX-License-Identifier: Apache-2.0 */
/* Going into an ordinary user's half of the host. See user_half.h. */
#include "cli/user_half.h"

#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "boundary/rootless_enter.h"
#include "cli/pod_ref.h"

int user_half_enter(struct cli *cli, struct err *e)
{
	return geteuid() == 0 ? 0 : rootless_enter(e);
}

/* A process of the running pod that keeps its pid while we look at it; 0: the pod does not run. */
static int find_process(struct cli *cli, const char *word, int *ret_pidfd, int64_t *ret_pid, struct err *e)
{
	autopodref ref = POD_REF_NONE;
	int r = pod_ref_open(cli, word, &ref, e);

	*ret_pid = 0;
	if (r < 0 || ref.pod.phase != POD_RUNNING)
		return r;
	r = pod_ref_need_app(&ref, word, e);
	return r < 0 ? r : pod_ref_app_pidfd(cli, &ref, ret_pidfd, ret_pid, e);
}

int user_half_enter_for(struct cli *cli, const char *word, struct err *e)
{
	autoclose int pidfd = -1;
	int64_t pid;

	if (geteuid() == 0)
		return 0;
	int r = find_process(cli, word, &pidfd, &pid, e);
	if (r < 0)
		return r;
	return pid ? rootless_join((pid_t)pid, e) : rootless_enter(e);
}
