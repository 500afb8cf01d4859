/* SPDX-License-Identifier: Apache-2.0 */
/* list: the containers below --root. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/unit.h"
#include "oci/container.h"

enum { OPT_QUIET, OPT_FORMAT };

static const struct opt opts[] = {
	{ "quiet", 'q', NULL, "ids only", OPT_QUIET, NULL },
	{ "format", 'f', "FORMAT", "table or json", OPT_FORMAT, "table|json" },
	{},
};

struct asked {
	bool quiet, json;
};

static int take(void *to, const struct opt *opt, const char *value, struct err *e)
{
	struct asked *x = to;

	if (opt->id == OPT_QUIET) {
		x->quiet = true;
		return 0;
	}
	x->json = strcmp(value, "json") == 0;
	return x->json || strcmp(value, "table") == 0 ? 0 :
							err_new(e, ERR_USAGE, "--format is table or json, not %.40s", value);
}

static void add_container(struct str *out, const struct container *c, const struct asked *x, bool first)
{
	if (x->quiet) {
		str_addf(out, "%s\n", c->state.id);
	} else if (x->json) {
		str_add(out, first ? "" : ",");
		container_add_state(out, &c->state, c->status, true);
	} else {
		str_addf(out, "%-24s %-8u %-10s ", c->state.id, c->status == OCI_STOPPED ? 0 : c->state.pid,
			 oci_status_names[c->status]);
		str_add_visible(out, c->state.bundle);
		str_add(out, "   ");
		unit_add_timestamp(out, c->state.created_ns);
		str_add_char(out, '\n');
	}
}

static int run(struct oci *o, int argc, char **argv, int *ret_code, struct err *e)
{
	struct asked x = {};
	autostr out = {};
	char **words = NULL;
	bool first = true;
	int r = oci_parse(o, argc, argv, 0, 0, take, &x, &words, e);

	if (r != 0)
		return r < 0 ? r : 0;
	autoclosedir DIR *d = opendir(o->root);
	if (!d && errno != ENOENT)
		return err_errno(e, "can't open %.160s", o->root);
	if (x.json)
		str_add_char(&out, '[');
	else if (!x.quiet)
		str_addf(&out, "%-24s %-8s %-10s %s\n", "ID", "PID", "STATUS", "BUNDLE   CREATED");
	for (struct dirent *entry; d && (entry = readdir(d));) {
		autocontainer c = CONTAINER_NONE;
		struct err gone = {};

		if (entry->d_name[0] == '.' || container_open(o, entry->d_name, CONTAINER_LOOK, &c, &gone) < 0)
			continue;
		add_container(&out, &c, &x, first);
		first = false;
	}
	if (x.json)
		str_add(&out, "]\n");
	return oci_print(str_text(&out), e);
}

const struct oci_verb oci_verb_list = {
	.name = "list", .words = "", .what = "List containers", .opts = opts, .example = "list --format json", .run = run,
};
