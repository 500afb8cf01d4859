/* SPDX-License-Identifier: Apache-2.0 */
/* rocket version: which Rocket this is, and which kernel it runs on. */
#include <sys/utsname.h>

#include "base/str.h"
#include "cli/emit.h"
#include "cli/verbs.h"

static int take_none(void *context, const struct opt *o, const char *value, struct err *e)
{
	return 0; /* the verb has no options of its own */
}

static int run(struct cli *cli, int argc, char **argv)
{
	autoemit m = emit_new(cli);
	struct err e = {};
	struct utsname host;
	char **words;
	int n;

	if (cli_parse(cli, argc, argv, take_none, NULL, &words, &n, &e) < 0 || cli_check_words(cli, n, 0, 0, &e) < 0)
		return cli_fail(cli, &e);
	uname(&host);
	if (cli->output == CLI_TABLE) {
		str_addf(&m.out, "rocket %s\nkernel %s %s\n", ROCKET_VERSION, host.release, host.machine);
		return cli_print(cli, m.out.text, m.out.len);
	}
	emit_open_map(&m, NULL);
	emit_str(&m, "version", ROCKET_VERSION);
	emit_str(&m, "kernel", host.release);
	emit_str(&m, "machine", host.machine);
	emit_close(&m);
	return emit_print(&m, cli);
}

const struct verb cli_verb_version = {
	.name = "version",
	.summary = "print the version of Rocket and of the kernel",
	.usage = "[-o json]",
	.example = "rocket version -o json",
	.json = "version: of Rocket\nkernel: release of the running kernel\nmachine: its architecture, as uname -m",
	.documents = true,
	.run = run,
};
