/* SPDX-License-Identifier: Apache-2.0 */
/* state: the document of runtime.md, "State". */
#include "base/cleanup.h"
#include "oci/container.h"

static int take(void *to, const struct opt *opt, const char *value, struct err *e)
{
	return 0;
}

static int run(struct oci *o, int argc, char **argv, int *ret_code, struct err *e)
{
	autocontainer c = CONTAINER_NONE;
	autostr out = {};
	char **words = NULL;
	int r = oci_parse(o, argc, argv, 1, 1, take, NULL, &words, e);

	if (r != 0)
		return r < 0 ? r : 0;
	if (container_open(o, words[0], CONTAINER_LOOK, &c, e) < 0)
		return -e->code;
	container_add_state(&out, &c.state, c.status, true);
	return oci_print(out.text, e);
}

const struct oci_verb oci_verb_state = {
	.name = "state", .words = "CONTAINER", .what = "Print the state of a container", .example = "state web", .run = run,
};
