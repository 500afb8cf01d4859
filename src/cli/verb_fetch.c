/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rocket fetch: images from registries and other places. rocket-fetch does it, without privileges to spare; then it is
 * judged whether they may run (cli/trust_gate.h), and said.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/record.h"
#include "cli/libexec.h"
#include "cli/pull.h"
#include "cli/trust_gate.h"
#include "cli/verb_image.h"
#include "cli/verbs.h"

enum { OUTPUT_MAX = 1 << 20 };

static const struct opt fetch_opts[] = {
	{"platform", .id = 'p', .arg = "OS/ARCH", .help = "for another machine than this one, such as linux/arm64"},
	{"name", .id = 'n', .arg = "NAME", .help = "what to call the image, instead of its own name"},
	{"auth-file", .id = 'a', .arg = "FILE", .help = "where credentials are, instead of where docker and podman keep them",
	 .complete = "file"},
	{"trust", .id = 't', .help = "vouch for exactly what comes, from now on: its digest is shown and pinned"},
	{},
};
static const struct opt *const tables[] = {fetch_opts, NULL};

struct asked {
	struct pull how;
	bool trust;
};

static int take(void *context, const struct opt *o, const char *value, struct err *e)
{
	struct asked *asked = context;
	struct pull *how = &asked->how;

	if (o->id == 't')
		asked->trust = true;
	else
		*(o->id == 'p' ? &how->platform : o->id == 'n' ? &how->name : &how->auth_file) = value;
	return 0;
}

/* What rocket-fetch prints an image: its name, or an object with it. */
struct fetched {
	char *name;
};
static const struct field fetched_fields[] = {FIELD(struct fetched, name, "name", FIELD_STR)};
static const struct field_set fetched_set = FIELD_SET("fetched image", struct fetched, fetched_fields);

static int judge_line(struct cli *cli, const struct store *s, char *line, bool trust, struct err *e)
{
	struct fetched fetched = {.name = line};

	if (*line == '{' && record_read(cli->arena, &fetched_set, line, strlen(line), &fetched, e) < 0)
		return -e->code;
	return fetched.name ? trust_after_fetch(cli, s, fetched.name, trust, e) : 0;
}

static int judge_all(struct cli *cli, int fd, bool trust, struct err *e)
{
	autofree char *text = NULL;
	autostore store = STORE_NONE;
	size_t n;
	int r = lseek(fd, 0, SEEK_SET) < 0 ? err_errno(e, "can't read what was fetched") : 0;

	if (r == 0)
		r = io_read_fd(fd, OUTPUT_MAX, &text, &n, e);
	if (r == 0 && cli_print(cli, text, n) != 0)
		return err_new(e, ERR_FAILED, "can't write the result");
	if (r == 0)
		r = image_open_store(cli, &store, e);
	for (char *line = text, *next; r == 0 && line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		r = judge_line(cli, &store, line, trust, e);
	}
	return r;
}

/* What is imported from this host is vouched for by that. */
static int fetch(struct cli *cli, const struct asked *asked, const char *program, char *const *args, int *ret_code,
		 struct err *e)
{
	autoclose int out = memfd_create("names", MFD_CLOEXEC);
	bool json = cli->output == CLI_JSON || cli->output == CLI_YAML;

	if (strcmp(program, "rocket-fetch") != 0)
		return libexec_become(cli, program, args, e);
	if (out < 0)
		return err_errno(e, "can't make a file in memory");
	*ret_code = pull_run(cli, program, args, json, out, e);
	if (*ret_code < 0)
		return *ret_code;
	/* Those that came before one failed are here. */
	return judge_all(cli, out, asked->trust, e);
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct asked asked = {};
	const char *program;
	char **words, **args = NULL;
	struct err e = {};
	int n, code = 0;

	if (cli_parse(cli, argc, argv, take, &asked, &words, &n, &e) < 0 || cli_check_words(cli, n, 1, -1, &e) < 0 ||
	    pull_words(cli, &asked.how, words[0], words + 1, &program, &args, &e) < 0 ||
	    fetch(cli, &asked, program, args, &code, &e) < 0)
		return cli_fail(cli, &e);
	return code;
}

const struct verb cli_verb_fetch = {
	.name = "fetch",
	.summary = "bring images from a registry, by an appc name, or from a file or directory",
	.usage = "NAME…",
	.words = (const char *const[]){"image", NULL},
	.options = tables,
	.example = "rocket fetch docker.io/library/nginx:1.27\nrocket fetch --trust quay.io/team/app:1.0\nrocket fetch --platform linux/arm64 registry.example.com/team/app:1.0\n"
		   "rocket fetch oci:./nginx.oci",
	.json = "name: in the store\nid: digest of the config\ndigest: of the manifest\nsource_digest: what the name meant at the "
		"registry: of the index, when it was one\nfetched_bytes: that came in for layers\nwas_there: nothing had to be fetched",
	.exits = "4: the registry has no such image\n5: registries.conf blocks it\n6: the registry or the way to it failed",
	.documents = true,
	.run = run,
};
