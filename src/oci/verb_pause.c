/* SPDX-License-Identifier: Apache-2.0 */
/* pause and resume: the container's group is frozen, and thawed. */
#include "base/cleanup.h"
#include "oci/container.h"

static int take(void *to, const struct opt *opt, const char *value, struct err *e)
{
	return 0;
}

static int set_frozen(struct oci *o, int argc, char **argv, bool frozen, struct err *e)
{
	autocontainer c = CONTAINER_NONE;
	char **words = NULL;
	int r = oci_parse(o, argc, argv, 1, 1, take, NULL, &words, e);

	if (r != 0)
		return r < 0 ? r : 0;
	if (container_open(o, words[0], CONTAINER_LOCK, &c, e) < 0)
		return -e->code;
	bool fits = frozen ? c.status == OCI_RUNNING || c.status == OCI_CREATED : c.status == OCI_PAUSED;
	if (fits)
		return oci_cgroup_freeze(&c.cgroup, frozen, e);
	err_new(e, ERR_STATE, "can't %s %.120s", frozen ? "pause" : "resume", c.state.id);
	return err_because(e, "it is %s", oci_status_names[c.status]);
}

static int pause_container(struct oci *o, int argc, char **argv, int *ret_code, struct err *e)
{
	return set_frozen(o, argc, argv, true, e);
}

static int resume_container(struct oci *o, int argc, char **argv, int *ret_code, struct err *e)
{
	return set_frozen(o, argc, argv, false, e);
}

const struct oci_verb oci_verb_pause = {
	.name = "pause", .words = "CONTAINER", .what = "Suspend all processes of a container", .example = "pause web",
	.run = pause_container,
};
const struct oci_verb oci_verb_resume = {
	.name = "resume", .words = "CONTAINER", .what = "Let a paused container go on", .example = "resume web",
	.run = resume_container,
};
