/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rocket-verify: who vouches for an image (design, section 9). libcrypto and gpgv are here and not in
 * `rocket`. What came from outside is parsed by a worker that has given up every privilege (verify_worker.c).
 *
 *   rocket-verify --dir DIR [--run DIR] [--json] [--quiet] COMMAND …
 *
 *   judge [--as NAME] IMAGE…                may they run? keeps the answer beside the image; exit code 5 when not
 *   add KEY --prefix NAME | --any --prefix NAME | --digest NAME[@DIGEST]        `rocket trust add`
 *   sign --key KEY [--as NAME] [--layout …] IMAGE                               `rocket image sign`
 *   attestations --sbom|--provenance IMAGE                                      `rocket image inspect --sbom`
 *   aci --as NAME --signature FILE ACI      checks a detached signature, prints the fingerprint
 */
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/opt.h"
#include "base/rootless.h"
#include "base/str.h"
#include "libexec/verify_tool.h"

static const struct opt opts[] = {
	{"dir", .id = 'd', .arg = "DIR", .help = "the image store"},
	{"run", .id = 'r', .arg = "DIR", .help = "where views are mounted"},
	{"json", .id = 'j', .help = "results and errors as JSON"},
	{"quiet", .id = 'q', .help = "nothing for people"},
	{},
};

static const struct {
	const char *name;
	verify_command *run;
} commands[] = {
	{"judge", verify_judge},
	{"add", verify_add},
	{"sign", verify_sign},
	{"attestations", verify_attestations},
	{"aci", verify_aci},
};

int verify_read_file(struct verify_tool *t, const char *path, size_t limit, char **ret, size_t *ret_n, struct err *e)
{
	autofree char *text = NULL;
	int r = io_read_file(AT_FDCWD, path, limit, &text, ret_n, e);

	if (r == 0)
		*ret = memcpy(arena_alloc(&t->arena, *ret_n + 1), text, *ret_n);
	return r;
}

char *verify_user(struct verify_tool *t)
{
	const char *sudo = rootless_is_host_root() ? getenv("SUDO_USER") : NULL;
	const struct passwd *pw = sudo && *sudo ? NULL : getpwuid(rootless_user());

	return arena_strdup(&t->arena, sudo && *sudo ? sudo : pw ? pw->pw_name : "unknown");
}

void verify_say(const struct verify_tool *t, const char *fmt, ...)
{
	autostr text = {}, visible = {};
	va_list ap;

	if (t->quiet)
		return;
	va_start(ap, fmt);
	str_vaddf(&text, fmt, ap);
	va_end(ap);
	for (char *line = text.text, *next; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		str_add_visible(&visible, line);
		str_add_char(&visible, '\n');
	}
	fputs(str_text(&visible), stderr);
}

int verify_print(const char *text, size_t n, struct err *e)
{
	return io_write_all(STDOUT_FILENO, text, n) < 0 ? err_errno(e, "can't write the result") : 0;
}

static int run(struct verify_tool *t, int argc, char **argv, struct err *e)
{
	const struct opt *const tables[] = {opts, NULL};
	struct opt_walk w = {.argc = argc - 1, .argv = argv + 1, .tables = tables};
	const char *run_dir = NULL, *value;
	const struct opt *o;
	int r;

	while ((r = opt_next(&w, &o, &value, e)) > 0) {
		if (o->id == 'd' || o->id == 'r')
			*(o->id == 'd' ? &t->dir : &run_dir) = value;
		else
			*(o->id == 'j' ? &t->json : &t->quiet) = true;
	}
	if (r < 0)
		return r;
	if (!t->dir || w.at == w.argc)
		return err_new(e, ERR_USAGE, "rocket-verify needs --dir DIR and a command");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(commands[i].name, w.argv[w.at]) != 0)
			continue;
		r = store_open(t->dir, run_dir, &t->store, e);
		return r < 0 ? r : commands[i].run(t, w.argc - w.at - 1, w.argv + w.at + 1, e);
	}
	return err_new(e, ERR_USAGE, "rocket-verify has no command '%.40s'", w.argv[w.at]);
}

int main(int argc, char **argv)
{
	struct verify_tool t = {.store = STORE_NONE};
	struct err e = {};

	signal(SIGPIPE, SIG_IGN);
	int r = run(&t, argc, argv, &e);

	if (r < 0)
		(t.json ? err_print_json : err_print)(stderr, &e);
	store_close(&t.store);
	arena_free(&t.arena);
	return -r;
}
