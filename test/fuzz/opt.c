/* SPDX-License-Identifier: Apache-2.0 */
/* A command line, one word a line: the walk ends, and stays inside argv. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/opt.h"

enum { WORDS_MAX = 64 };

static const struct opt first[] = {
	{"detach", 'd', NULL, "", 1, NULL}, {"memory", 'm', "SIZE", "", 2, NULL}, {"rm", 0, NULL, "", 3, NULL}, {},
};
static const struct opt second[] = {
	{"memory", 'M', NULL, "", 4, NULL}, {"env", 'e', "K=V", "", 5, NULL}, {},
};
static const struct opt *const tables[] = {first, second, NULL};

static void walk(int argc, char **argv)
{
	struct opt_walk w = {.argc = argc, .argv = argv, .tables = tables};
	size_t steps = 0;

	while (w.at < argc || w.cluster) {
		const struct opt *o = NULL;
		const char *value = NULL;
		struct err e = {};
		int r = opt_next(&w, &o, &value, &e);

		if (r > 0 && (!o || (o->arg != NULL) != (value != NULL)))
			abort();
		if (r < 0 && (e.code != ERR_USAGE || !e.what[0]))
			abort();
		if (r < 0)
			return;
		if (r == 0)
			w.at++;
		if (++steps > 100000)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *rest = text, *word, *argv[WORDS_MAX + 1];
	int argc = 0;

	if (!text)
		abort();
	if (size)
		memcpy(text, data, size);
	text[size] = 0;
	while (argc < WORDS_MAX && (word = strsep(&rest, "\n")))
		argv[argc++] = word;
	argv[argc] = NULL;
	walk(argc, argv);
	free(text);
	return 0;
}
