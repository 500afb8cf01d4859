/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines of run, one word between two zero bytes or line ends, up to the plan. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "world.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static int read_none(void *context, const char *path, const char **ret_text, size_t *ret_len,
		     struct err *e)
{
	*ret_text = "pod: a\napps: {web: {image: box}}\n";
	*ret_len = strlen(*ret_text);
	return 0;
}

static void run(struct world *w, char **argv)
{
	struct flags_input in = {
		.arena = &w->arena,
		.argc = (int)strv_len(argv),
		.argv = argv,
		.base_dir = "/base",
		.read_file = read_none,
	};
	struct run_flags flags = {};
	struct plan plan = {};
	struct pod pod = {};
	struct err e = {};

	if (flags_parse(&in, &pod, &flags, &e)) {
		if (!e.what[0] || e.code != ERR_USAGE)
			abort();
		return;
	}
	if (world_resolve(w, &pod, &plan, &e) && !e.what[0])
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct world w;
	char **argv = NULL, *copy, *save = NULL;

	if (n > 1 << 12)
		return 0;
	world_init(&w);
	copy = arena_alloc(&w.arena, n + 1);
	for (size_t i = 0; i < n; i++)
		copy[i] = (char)(bytes[i] ? bytes[i] : '\n');
	arena_strv_add(&w.arena, &argv, "run");
	for (char *word = strtok_r(copy, "\n", &save); word; word = strtok_r(NULL, "\n", &save))
		arena_strv_add(&w.arena, &argv, word);
	run(&w, argv);
	world_free(&w);
	return 0;
}
