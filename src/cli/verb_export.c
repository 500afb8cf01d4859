/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rocket export: an app's root as a tar, as the image and the app have made it: without what is mounted there
 * and without the places that Rocket added for that.
 */
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/archive_file.h"
#include "cli/pod_root.h"
#include "cli/tar_out.h"
#include "cli/verbs.h"

enum { OPT_FILE = 1 };

static const struct opt options[] = {
	{"file", 'F', "FILE", "write it there instead of to standard output", OPT_FILE, "file"},
	{},
};

static int take(void *context, const struct opt *o, const char *value, struct err *e)
{
	*(const char **)context = value;
	return 0;
}

static int export(struct cli *cli, const char *word, const char *file, struct err *e)
{
	autoroot root = POD_ROOT_NONE;
	autoarchive out = ARCHIVE_FILE_NONE;

	if (archive_file_open(file, &out, e) < 0 || pod_root_open(cli, word, POD_ROOT_BARE, &root, e) < 0)
		return -e->code;
	struct tar_out t = {
		.sink = tar_sink_fd,
		.context = &out.fd,
		.id_base = root.ref.plan.ids.base,
		.id_count = root.ref.plan.ids.count,
		.xattrs = true,
		.keep_privileges = true,
	};
	int r = tar_out_add(&t, root.fd, ".", ".", e);

	if (r == 0)
		r = tar_out_finish(&t, e);
	else
		tar_out_free(&t);
	return r < 0 ? r : archive_file_commit(&out, e);
}

static int run(struct cli *cli, int argc, char **argv)
{
	const char *file = NULL;
	struct err e = {};
	char **words;
	int n;

	if (cli_parse(cli, argc, argv, take, &file, &words, &n, &e) < 0 || cli_check_words(cli, n, 1, 1, &e) < 0 ||
	    export(cli, words[0], file, &e) < 0)
		return cli_fail(cli, &e);
	return 0;
}

const struct verb cli_verb_export = {
	.name = "export",
	.summary = "write the root file system of an app as a tar",
	.usage = "[-F FILE] POD[/APP]",
	.words = (const char *const[]){"app", NULL},
	.options = (const struct opt *const[]){options, NULL},
	.example = "rocket export shop/web > web.tar\nrocket export -F web.tar shop/web",
	.exits = "4: no such pod or app\n7: the pod is being started or removed",
	.run = run,
};
