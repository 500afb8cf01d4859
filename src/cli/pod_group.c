/* SPDX-License-Identifier: Apache-2.0 */
/* An app's control group by the path that its plan has. */
#include "cli/pod_group.h"

#include <stdio.h>

int pod_group_open(const struct pod_look *p, const char *app, struct pod_group *ret, struct err *e)
{
	struct pod_group g = {.group = CGROUP_NONE, .host.root_fd = {-1, -1, -1, -1, -1, -1, -1, -1, -1}};
	char path[256];

	if (p->dir.phase != POD_RUNNING) {
		err_new(e, ERR_STATE, "the pod %s does not run", p->word);
		err_because(e, "it is %s", pod_phase_names[p->dir.phase]);
		return err_try(e, "rocket start %s", p->word);
	}
	if (!p->plan.cgroup) {
		*ret = g;
		return 0;
	}
	snprintf(path, sizeof(path), "%s/%s", p->plan.cgroup, app);
	if (cgroup_host_open(CGROUP_EVERY, &g.host, e) < 0)
		return -e->code;
	if (cgroup_open(&g.host, path, &g.group, e) < 0) {
		cgroup_host_close(&g.host);
		return -e->code;
	}
	*ret = g;
	return 0;
}

void pod_group_close(struct pod_group *g)
{
	cgroup_close(&g->group);
	cgroup_host_close(&g->host);
}
