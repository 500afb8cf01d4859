/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as the place of an image: what is accepted has its parts, and reads the same when it is written again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "image/reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check(bool good)
{
	if (!good)
		abort();
}

static void check_registry(struct arena *a, const struct reference *r)
{
	struct reference again;
	struct err e = {};

	check(r->repository && *r->repository && (r->tag || r->digest) && !strstr(r->repository, "//"));
	check(!strchr(r->repository, ' ') && r->repository[0] != '/' && (!r->host || !strpbrk(r->host, "/@ ?#\\")));
	if (!r->host)
		return;
	check(!reference_parse(a, arena_printf(a, "docker://%s", reference_name(a, r)), &again, &e));
	check(!strcmp(again.host, r->host) && !strcmp(again.repository, r->repository) && str_equal(again.tag, r->tag));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	autoarena a = {};
	struct reference r;
	struct err e = {};
	char *text = arena_strndup(&a, (const char *)bytes, n);

	if (reference_parse(&a, text, &r, &e)) {
		check(e.code == ERR_USAGE && e.what[0] && e.because[0] && e.hint[0]);
		return 0;
	}
	if (r.transport == REFERENCE_REGISTRY)
		check_registry(&a, &r);
	else
		check((r.path && *r.path) || (r.transport == REFERENCE_ACI && r.app && *r.app));
	return 0;
}
