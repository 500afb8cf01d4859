/* SPDX-License-Identifier: Apache-2.0 */
/* The images that pods use (image_pods.h), from the plans in their folders. */
#include "cli/image_pods.h"

#include "cli/cli.h"
#include "supervise/state.h"

static int add_pod(const struct state *s, const char *id, struct arena *a, char ***digests, struct err *e)
{
	autopod pod = POD_DIR_NONE;
	struct plan plan = {};
	int r = state_find_pod(s, id, &pod, e);

	/* Gone meanwhile: it needs nothing any more. */
	if (r == -ERR_NOT_FOUND)
		return 0;
	if (r == 0)
		r = state_read_plan(&pod, a, &plan, e);
	for (size_t i = 0; r == 0 && i < plan.apps.n; i++)
		if (plan.apps.v[i].image_digest)
			arena_strv_add(a, digests, plan.apps.v[i].image_digest);
	for (size_t i = 0; r == 0 && i < plan.volumes.n; i++)
		if (plan.volumes.v[i].image_digest)
			arena_strv_add(a, digests, plan.volumes.v[i].image_digest);
	return r;
}

int image_pods_list(void *context, struct arena *a, char ***ret_digests, struct err *e)
{
	const struct cli *cli = context;
	autostate s = {.dirfd = -1, .runfd = -1};
	struct pod_entry *pods = NULL;
	char **digests = NULL;
	size_t n = 0;
	int r = state_open(cli->dir, cli->run_dir, &s, e);

	if (r == 0)
		r = state_list_pods(&s, a, &pods, &n, e);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = add_pod(&s, pods[i].id, a, &digests, e);
	if (r == 0)
		*ret_digests = digests;
	return r;
}
