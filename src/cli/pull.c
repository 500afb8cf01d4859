/* SPDX-License-Identifier: Apache-2.0 */
/* See pull.h. */
#include "cli/pull.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"
#include "cli/libexec.h"
#include "image/reference.h"
#include "store/store.h"

enum { NAMES_MAX_BYTES = 64 << 10 };

void pull_add_risks(const struct cli *cli, const char *auth_file, char ***args)
{
	if (cli->insecure & CLI_INSECURE_TLS)
		arena_strv_add(cli->arena, args, "--insecure-tls");
	if (cli->insecure & CLI_INSECURE_HTTP)
		arena_strv_add(cli->arena, args, "--insecure-http");
	if (auth_file) {
		arena_strv_add(cli->arena, args, "--auth-file");
		arena_strv_add(cli->arena, args, auth_file);
	}
}

static void add_pair(const struct cli *cli, char ***args, const char *option, const char *value)
{
	if (!value)
		return;
	arena_strv_add(cli->arena, args, option);
	arena_strv_add(cli->arena, args, value);
}

static int fetch_words(const struct cli *cli, const struct pull *how, const char *verb, const char *from, char *const *more,
		       char ***args, struct err *e)
{
	char *name = NULL;

	if (how->name && store_normalise_name(cli->arena, how->name, &name, e))
		return -e->code;
	pull_add_risks(cli, how->auth_file, args);
	arena_strv_add(cli->arena, args, verb);
	add_pair(cli, args, "--platform", how->platform);
	add_pair(cli, args, "--name", name);
	arena_strv_add(cli->arena, args, "--");
	arena_strv_add(cli->arena, args, from);
	for (; more && *more; more++)
		arena_strv_add(cli->arena, args, *more);
	return 0;
}

/* What lies on this host is imported; behind a directory may stand which of its images. */
static int import_words(const struct cli *cli, const struct pull *how, const struct reference *ref, char *const *more,
			char ***args, struct err *e)
{
	const char *which = ref->ref ? ref->ref : more ? *more : NULL;
	char *name = NULL;

	if (how->platform) {
		err_new(e, ERR_USAGE, "--platform is for registries");
		err_because(e, "%.150s lies on this host", ref->path);
		return err_try(e, "rocket image import %.150s", ref->path);
	}
	if (more && *more && (ref->ref || more[1])) {
		err_new(e, ERR_USAGE, "one image at a time comes from %.150s", ref->path);
		err_because(e, "it was given more than one name");
		return err_try(e, "rocket fetch dir:%.120s   (all that it has)", ref->path);
	}
	if (how->name && store_normalise_name(cli->arena, how->name, &name, e))
		return -e->code;
	add_pair(cli, args, "--ref", which);
	add_pair(cli, args, "--name", name);
	arena_strv_add(cli->arena, args, "--");
	arena_strv_add(cli->arena, args, ref->path);
	return 0;
}

int pull_words(const struct cli *cli, const struct pull *how, const char *from, char *const *more, const char **ret_program,
	       char ***ret_args, struct err *e)
{
	struct reference ref;
	char **args = NULL;
	bool remote, aci;
	int r = reference_parse(cli->arena, from, &ref, e);

	if (r)
		return r;
	aci = ref.transport == REFERENCE_ACI;
	remote = ref.transport == REFERENCE_REGISTRY || (aci && (ref.app || strstr(ref.path, "://")));
	r = remote ? fetch_words(cli, how, aci ? "fetch-aci" : "fetch", from, more, &args, e)
		   : import_words(cli, how, &ref, more, &args, e);
	if (r)
		return r;
	*ret_program = remote ? "rocket-fetch" : "rocket-import";
	*ret_args = args;
	return 0;
}

/* The last line of what the program printed. */
static int read_name(const struct cli *cli, int fd, const char **ret, struct err *e)
{
	autofree char *text = NULL;
	size_t n;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_errno(e, "can't read the image's name");
	int r = io_read_fd(fd, NAMES_MAX_BYTES, &text, &n, e);

	if (r)
		return r;
	while (n && text[n - 1] == '\n')
		text[--n] = 0;
	const char *line = strrchr(text, '\n');

	*ret = arena_strdup(cli->arena, line ? line + 1 : text);
	return **ret ? 0 : err_new(e, ERR_FAILED, "no image came");
}

int pull_run(const struct cli *cli, const char *program, char *const *words, bool json, int out_fd, struct err *e)
{
	char **argv = NULL, *path = NULL;
	int r = libexec_find(cli->arena, program, &path, e);

	if (r)
		return r;
	arena_strv_add(cli->arena, &argv, path);
	add_pair(cli, &argv, "--dir", cli->dir);
	add_pair(cli, &argv, "--run", cli->run_dir);
	if (json)
		arena_strv_add(cli->arena, &argv, "--json");
	if (cli->quiet)
		arena_strv_add(cli->arena, &argv, "--quiet");
	for (; *words; words++)
		arena_strv_add(cli->arena, &argv, *words);
	return libexec_run(path, argv, out_fd, e);
}

int pull_image(const struct cli *cli, const char *from, const char **ret_name, struct err *e)
{
	const struct pull how = {};
	const char *program = NULL;
	char **words = NULL;
	autoclose int out = memfd_create("names", MFD_CLOEXEC);
	int r = out < 0 ? err_errno(e, "can't make a file in memory") : 0;

	if (!r)
		r = pull_words(cli, &how, from, NULL, &program, &words, e);
	if (!r)
		r = pull_run(cli, program, words, false, out, e);
	if (r < 0)
		return r;
	/* The program has said its three lines: an error without words. What it was asked came from here, so no usage. */
	if (r > 0) {
		*e = (struct err){.code = r == ERR_USAGE ? ERR_FAILED : r};
		return -e->code;
	}
	return read_name(cli, out, ret_name, e);
}
