/* SPDX-License-Identifier: Apache-2.0 */
/* rocket volume export, import: a named volume as a tar, with owners as the pods see them. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/archive_file.h"
#include "cli/pod_look.h"
#include "cli/tar_in.h"
#include "cli/tar_out.h"
#include "cli/user_half.h"
#include "cli/verb_volume.h"
#include "cli/volumes.h"
#include "pod/names.h"

enum { OPT_FILE = 1, CHUNK = 65536 };

static const struct opt export_options[] = {
	{"file", 'F', "FILE", "write it there instead of to standard output", OPT_FILE, "file"},
	{},
};

static int take(void *context, const struct opt *o, const char *value, struct err *e)
{
	*(const char **)context = value;
	return 0;
}

static int take_none(void *context, const struct opt *o, const char *value, struct err *e)
{
	return 0; /* import has no options of its own */
}

static int export(struct cli *cli, const char *name, const char *file, struct err *e)
{
	autostate s = {-1, -1};
	autoarchive out = ARCHIVE_FILE_NONE;
	struct volume_entry v;
	autoclose int fd = -1;

	if (archive_file_open(file, &out, e) < 0 || user_half_enter(cli, e) < 0 || pod_look_state(cli, &s, e) < 0 ||
	    volumes_find(cli, &s, name, &v, e) < 0 || volumes_open(&s, name, &fd, e) < 0)
		return -e->code;
	struct tar_out t = {.sink = tar_sink_fd, .context = &out.fd, .xattrs = true,
			    .keep_privileges = true};
	int r = tar_out_add(&t, fd, ".", ".", e);

	if (r == 0)
		r = tar_out_finish(&t, e);
	else
		tar_out_free(&t);
	return r < 0 ? r : archive_file_commit(&out, e);
}

static int run_export(struct cli *cli, int argc, char **argv)
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

static int open_input(const char *file, int *ret, struct err *e)
{
	*ret = !file || strcmp(file, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
					       : open(file, O_RDONLY | O_CLOEXEC);
	return *ret < 0 ? err_errno(e, "cannot read %s", file ? file : "standard input") : 0;
}

static int fill(struct cli *cli, int from, int dirfd, struct err *e)
{
	const struct tar_in_options options = {.dirfd = dirfd, .keep_privileges = true};
	autofree char *bytes = malloc(CHUNK);
	autotarin *in = NULL;
	ssize_t n;

	if (!bytes || tar_in_open(cli->arena, &options, &in, e) < 0)
		return -e->code;
	while ((n = read(from, bytes, CHUNK)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, "cannot read the archive");
		if (tar_in_push(in, bytes, (size_t)n, e) < 0)
			return -e->code;
	}
	if (tar_in_finish(in, e) < 0)
		return -e->code;
	if (tar_in_left_out(in))
		cli_say(cli, "left out: %llu devices", (unsigned long long)tar_in_left_out(in));
	/* Whole and on disk before it appears. */
	return syncfs(dirfd) < 0 ? err_errno(e, "cannot sync the volume") : 0;
}

static int import(struct cli *cli, const char *name, const char *file, struct err *e)
{
	autostate s = {-1, -1};
	autoclose int from = -1, to = -1;

	if (name_check(NAME_VOLUME, name, e) < 0 || open_input(file, &from, e) < 0 || user_half_enter(cli, e) < 0 ||
	    pod_look_state(cli, &s, e) < 0 ||
	    volumes_begin(&s, name, &to, e) < 0)
		return -e->code;
	if (fill(cli, from, to, e) == 0 && volumes_commit(&s, name, e) == 0)
		return 0;
	volumes_abandon(&s, name);
	return -e->code;
}

static int run_import(struct cli *cli, int argc, char **argv)
{
	struct err e = {};
	char **words;
	int n;

	if (cli_parse(cli, argc, argv, take_none, NULL, &words, &n, &e) < 0 || cli_check_words(cli, n, 1, 2, &e) < 0 ||
	    import(cli, words[0], words[1], &e) < 0)
		return cli_fail(cli, &e);
	return 0;
}

const struct verb cli_verb_volume_export = {
	.name = "export",
	.summary = "write a volume as a tar",
	.usage = "[-F FILE] VOLUME",
	.words = (const char *const[]){"volume", NULL},
	.options = (const struct opt *const[]){export_options, NULL},
	.example = "rocket volume export data > data.tar",
	.exits = "4: no such volume",
	.run = run_export,
};

const struct verb cli_verb_volume_import = {
	.name = "import",
	.summary = "make a volume from a tar",
	.usage = "VOLUME [FILE|-]",
	.words = (const char *const[]){"volume", "file", NULL},
	.example = "rocket volume import data data.tar\nrocket volume export data | ssh host rocket volume import data",
	.exits = "3: there is a volume of this name",
	.run = run_import,
};
