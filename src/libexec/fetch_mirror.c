/* SPDX-License-Identifier: Apache-2.0 */
/* rocket-fetch mirror: a name from one registry to another, with all platforms and signatures. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "base/unit.h"
#include "libexec/fetch_confine.h"
#include "libexec/fetch_tool.h"
#include "registry/mirror.h"

static int take_name(struct fetch_tool *t, const char *typed, bool for_push, struct reference *ref, struct registry_repo **ret,
		     struct err *e)
{
	int r = reference_parse(&t->arena, typed, ref, e);

	if (!r && (ref->transport != REFERENCE_REGISTRY || !ref->host || (for_push && ref->digest))) {
		err_new(e, ERR_USAGE, "'%.120s' is no %s at a registry", typed, for_push ? "place" : "image");
		err_because(e, "it needs a host, and where it goes to has no digest");
		return err_try(e, "rocket image mirror docker.io/library/nginx:1.27 registry.example.com/nginx:1.27");
	}
	return r ? r : registry_find(t->registry, ref, for_push, ret, e);
}

static void say(void *ctx, const char *what)
{
	const struct fetch_tool *t = ctx;

	if (!t->quiet)
		fprintf(stderr, "copied %s\n", what);
}

static void print_done(const struct fetch_tool *t, const char *name, const struct mirror_done *d)
{
	autostr s = {};

	if (t->json) {
		str_add(&s, "{\"name\":");
		str_add_json(&s, name);
		str_addf(&s, ",\"digest\":\"%s\",\"manifests\":%u,\"blobs\":%u,\"signatures\":%u,\"sent_bytes\":%llu}\n", d->digest,
			 d->manifests, d->blobs, d->signatures, (unsigned long long)d->bytes);
		fputs(s.text, stdout);
		return;
	}
	printf("%s@%s\n", name, d->digest);
	unit_add_size(&s, d->bytes);
	if (!t->quiet)
		fprintf(stderr, "%s: %u manifests, %u of them signatures and the like; %u blobs sent, %s\n", name, d->manifests,
			d->signatures, d->blobs, s.text);
}

int fetch_verb_mirror(struct fetch_tool *t, int argc, char **argv, struct err *e)
{
	struct reference from = {}, to = {};
	struct mirror_request q = {.store = &t->store, .say = say, .ctx = t};
	struct mirror_done done = {};
	int r;

	if (argc && !strcmp(argv[0], "--")) {
		argc--;
		argv++;
	}
	if (argc != 2)
		return err_new(e, ERR_USAGE, "mirror needs a name and where it goes");
	r = fetch_open_store(t, e);
	if (!r)
		r = fetch_open_registry(t, e);
	if (!r)
		r = take_name(t, argv[0], false, &from, &q.from, e);
	if (!r)
		r = take_name(t, argv[1], true, &to, &q.to, e);
	if (!r)
		r = fetch_confine(&t->store, e);
	if (r)
		return r;
	q.which = from.digest ? from.digest : from.tag;
	q.tag = to.tag;
	q.mount_from = str_equal(from.host, to.host) && !str_equal(from.repository, to.repository) ? from.repository : NULL;
	r = mirror_name(&t->arena, &q, &done, e);
	if (!r)
		print_done(t, reference_name(&t->arena, &to), &done);
	return r;
}
