/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifests of every kind, up to the plan and back: what is taken must resolve or be refused, and a
 * plan written as a manifest must be taken again.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "pod/manifest.h"
#include "pod/manifest_write.h"
#include "world.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static int parse(struct world *w, const char *text, size_t n, struct pod *ret, struct err *e)
{
	const struct native_input in = {
		.arena = &w->arena, .file = "pod.yaml", .base_dir = "/base"};

	return manifest_parse(&in, text, n, ret, e);
}

static void go_on(struct world *w, const struct pod *pod)
{
	struct plan plan = {};
	struct pod again = {};
	struct err e = {};
	autostr text = {};

	if (world_resolve(w, pod, &plan, &e)) {
		if (!e.what[0] || !e.code)
			abort();
		return;
	}
	manifest_write(&text, &plan);
	if (parse(w, text.text, text.len, &again, &e))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct world w;
	struct pod pod = {};
	struct err e = {};

	if (n > 1 << 15)
		return 0;
	world_init(&w);
	if (parse(&w, (const char *)bytes, n, &pod, &e) == 0)
		go_on(&w, &pod);
	else if (!e.what[0] || e.code != ERR_USAGE)
		abort();
	world_free(&w);
	return 0;
}
