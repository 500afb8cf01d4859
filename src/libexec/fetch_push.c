/* SPDX-License-Identifier: Apache-2.0 */
/* rocket-fetch push: an image of the store to a registry. As for a fetch, privileges go before the registry speaks. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/opt.h"
#include "base/str.h"
#include "base/unit.h"
#include "libexec/fetch_confine.h"
#include "libexec/fetch_tool.h"
#include "registry/push.h"
#include "registry/signatures.h"

static const struct opt opts[] = {
	{"compression", .id = 'c', .arg = "HOW", .help = "gzip, zstd or none"},
	{},
};

static int take_compression(const char *value, struct push_request *q, struct err *e)
{
	for (int i = 0; compress_names[i]; i++) {
		if (strcmp(compress_names[i], value))
			continue;
		q->compression = (enum compress_kind)i;
		q->is_compression_given = true;
		return 0;
	}
	err_new(e, ERR_USAGE, "there is no compression '%.40s'", value);
	err_because(e, "layers are sent as gzip, zstd or none");
	return err_try(e, "--compression zstd");
}

static void print_done(const struct fetch_tool *t, const struct image *img, const char *name, const struct push_done *d)
{
	autostr s = {};

	if (t->json) {
		str_add(&s, "{\"name\":");
		str_add_json(&s, name);
		str_addf(&s, ",\"digest\":\"%s\",\"original_digest\":\"%s\",\"exact\":%s,\"sent_bytes\":%llu,", d->digest,
			 img->manifest_digest, d->exact ? "true" : "false", (unsigned long long)d->bytes);
		str_addf(&s, "\"layers_sent\":%u,\"layers_mounted\":%u,\"layers_there\":%u}\n", d->sent, d->mounted, d->there);
		fputs(s.text, stdout);
		return;
	}
	printf("%s@%s\n", name, d->digest);
	if (t->quiet)
		return;
	unit_add_size(&s, d->bytes);
	fprintf(stderr, "%s: sent %s; layers: %u sent, %u mounted, %u there already\n", name, s.text, d->sent, d->mounted,
		d->there);
	if (!d->exact)
		fprintf(stderr,
			"note: its layers were compressed anew, so the manifest is another one than here (%.19s): signatures over that do "
			"not cover it\n",
			img->manifest_digest);
}

static int find_target(struct fetch_tool *t, const char *typed, struct reference *ref, struct registry_repo **ret, struct err *e)
{
	int r = reference_parse(&t->arena, typed, ref, e);

	if (!r && (ref->transport != REFERENCE_REGISTRY || !ref->host || ref->digest)) {
		err_new(e, ERR_USAGE, "'%.120s' is no place at a registry", typed);
		err_because(e, ref->digest ? "a digest is what comes out, not where it goes" : "it names no host");
		return err_try(e, "rocket push IMAGE registry.example.com/team/app:1.0");
	}
	return r ? r : registry_find(t->registry, ref, true, ret, e);
}

static int run(struct fetch_tool *t, const char *name, const char *target, struct push_request asked, struct err *e)
{
	struct push_request *q = &asked;
	struct store_image found = {};
	struct reference ref;
	struct push_done done = {};
	unsigned signatures = 0;
	int r = fetch_open_store(t, e);

	if (!r)
		r = store_find_image(&t->store, &t->arena, name, &found, e);
	if (!r)
		r = fetch_open_registry(t, e);
	if (!r)
		r = find_target(t, strcmp(name, target) || !found.name ? target : found.name, &ref, &q->repo, e);
	if (!r)
		r = fetch_confine(&t->store, e);
	if (r)
		return r;
	char *full = reference_name(&t->arena, &ref);
	struct fetch_display *display = fetch_display_begin(t, full);
	struct fetch_progress progress = {fetch_display_show, display};

	q->store = &t->store;
	q->ref = &ref;
	q->image = &found.image;
	q->progress = display ? &progress : NULL;
	r = push_image(&t->arena, q, &done, e);
	fetch_display_end(display);
	/* Signatures are over the manifest: they go with the very same one, and with no other. */
	if (!r && done.exact)
		r = signatures_push_for(q->repo, &t->store, &t->arena, done.digest, &signatures, e);
	if (!r)
		print_done(t, &found.image, full, &done);
	return r;
}

int fetch_verb_push(struct fetch_tool *t, int argc, char **argv, struct err *e)
{
	const struct opt *const tables[] = {opts, NULL};
	struct opt_walk w = {.argc = argc, .argv = argv, .tables = tables};
	struct push_request q = {};
	const struct opt *o;
	const char *value;
	int r;

	while ((r = opt_next(&w, &o, &value, e)) > 0)
		if (take_compression(value, &q, e))
			return -e->code;
	if (!r && w.argc - w.at != 2)
		r = err_new(e, ERR_USAGE, "push needs an image and where it goes");
	return r ? r : run(t, w.argv[w.at], w.argv[w.at + 1], q, e);
}

/* rocket-fetch signatures --digest DIGEST NAME: what was signed just now, to where the manifest went a moment ago. */
int fetch_verb_signatures(struct fetch_tool *t, int argc, char **argv, struct err *e)
{
	static const struct opt digest_opts[] = {
		{"digest", .id = 'd', .arg = "DIGEST", .help = "of the manifest"},
		{},
	};
	const struct opt *const tables[] = {digest_opts, NULL};
	struct opt_walk w = {.argc = argc, .argv = argv, .tables = tables};
	struct registry_repo *repo = NULL;
	const char *digest = NULL, *value;
	struct reference ref;
	unsigned sent = 0;
	const struct opt *o;
	int r;

	while ((r = opt_next(&w, &o, &value, e)) > 0)
		digest = value;
	if (!r && (w.argc - w.at != 1 || !digest))
		r = err_new(e, ERR_USAGE, "signatures needs --digest DIGEST and where the image is");
	if (!r)
		r = fetch_open_store(t, e);
	if (!r)
		r = fetch_open_registry(t, e);
	if (!r)
		r = find_target(t, w.argv[w.at], &ref, &repo, e);
	if (!r)
		r = fetch_confine(&t->store, e);
	if (!r)
		r = signatures_push_for(repo, &t->store, &t->arena, digest, &sent, e);
	if (!r && !t->quiet)
		fprintf(stderr, "%s: %u signatures sent\n", reference_name(&t->arena, &ref), sent);
	return r;
}
