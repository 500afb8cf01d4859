/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rocket-fetch fetch-aci: an ACI by appc discovery or from an https address, with the images that it depends on, and its
 * detached signature. A dependency's name is found like any other; what is there already is not fetched.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/opt.h"
#include "base/str.h"
#include "image/oci_doc.h"
#include "libexec/fetch_confine.h"
#include "libexec/fetch_tool.h"
#include "registry/choose.h"
#include "registry/discovery.h"
#include "store/artifact.h"
#include "store/blob.h"
#include "store/import.h"
#include "store/import_aci.h"

enum { OPT_PLATFORM, OPT_NAME, DEPTH_MAX = 16, IMAGES_MAX = 64, SIGNATURE_MAX = 256 << 10, PIPE_SIZE = 1 << 20 };

static const struct opt opts[] = {
	{"platform", .id = OPT_PLATFORM, .arg = "OS/ARCH", .help = "for another machine than this one"},
	{"name", .id = OPT_NAME, .arg = "NAME", .help = "what to call the image"},
	{},
};

struct aci_fetch {
	struct fetch_tool *t;
	const char *who;
	struct oci_platform platform;
	char **under_way; /* names from the top down to this one: a circle is refused */
	unsigned images;
};

/* A stream from the network into the import's pipe. */
struct stream {
	struct registry *registry;
	const char *url;
	int to;
	struct err err;
};

static int on_bytes(void *ctx, const void *bytes, size_t n)
{
	return io_write_all(((struct stream *)ctx)->to, bytes, n);
}

static void *bring(void *arg)
{
	struct stream *s = arg;

	(void)!registry_stream_url(s->registry, s->url, on_bytes, s, &s->err);
	close(take_fd(&s->to));
	return NULL;
}

/* appc's words for a machine (spec/aci.md, os and arch). */
static const char *appc_arch(const char *arch)
{
	static const char *const words[][2] = {{"arm64", "aarch64"}, {"386", "i386"}, {"arm", "armv7l"}};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(words[i][0], arch))
			return words[i][1];
	return arch;
}

static bool has_label(char *const *labels, const char *name)
{
	size_t n = strlen(name);

	for (; labels && *labels; labels++)
		if (!strncmp(*labels, name, n) && (*labels)[n] == '=')
			return true;
	return false;
}

/* Labels that were not given: the newest, for this machine. */
static char **complete_labels(struct aci_fetch *f, char *const *given)
{
	struct arena *a = &f->t->arena;
	char **labels = NULL;

	for (; given && *given; given++)
		arena_strv_add(a, &labels, *given);
	if (!has_label(labels, "version"))
		arena_strv_add(a, &labels, "version=latest");
	if (!has_label(labels, "os"))
		arena_strv_add(a, &labels, arena_printf(a, "os=%s", f->platform.os));
	if (!has_label(labels, "arch"))
		arena_strv_add(a, &labels, arena_printf(a, "arch=%s", appc_arch(f->platform.arch)));
	return labels;
}

static int err_other(const char *what, const char *want, const char *got, struct err *e)
{
	err_new(e, ERR_FAILED, "the ACI is another one than was asked for");
	err_because(e, "its %.40s is %.120s instead of %.120s", what, got ? got : "(none)", want);
	return err_try(e, "ask whoever publishes it");
}

/* After download, name and labels must be those asked for (spec/discovery.md, "Validation"). */
static int check_manifest(const struct aci_manifest *m, const char *app, char *const *asked, struct err *e)
{
	if (app && strcmp(m->name, app))
		return err_other("name", app, m->name, e);
	for (; asked && *asked; asked++) {
		bool found = false;

		if (str_equal(*asked, "version=latest"))
			continue;
		for (char **l = m->config.labels; l && *l && !found; l++)
			found = !strcmp(*l, *asked);
		if (str_has_prefix(*asked, "version="))
			found = str_equal(m->version, *asked + strlen("version="));
		if (str_has_prefix(*asked, "os="))
			found = str_equal(m->config.os, *asked + 3);
		if (str_has_prefix(*asked, "arch="))
			found = !m->config.arch || str_equal(appc_arch(m->config.arch), *asked + 5) || str_equal(m->config.arch, *asked + 5);
		if (!found)
			return err_other("set of labels", *asked, NULL, e);
	}
	return 0;
}

static int fetch_app(struct aci_fetch *f, const char *app, char *const *labels, const char *name, char **ret_name, struct err *e);

/* What it rests on, before it: import_aci_read() finds them in the store. */
static int bring_dependencies(void *ctx, const struct aci_manifest *m, struct err *e)
{
	struct aci_fetch *f = ctx;
	int r = 0;

	for (size_t i = 0; i < m->dependencies.n && !r; i++) {
		const struct aci_dependency *d = &m->dependencies.v[i];
		struct store_image found = {};
		struct err ignored = {};
		char *name;

		if (d->image_id && !store_find_image(&f->t->store, &f->t->arena, d->image_id, &found, &ignored))
			continue;
		r = fetch_app(f, d->name, d->labels, NULL, &name, e);
	}
	return r;
}

struct aci_source {
	const char *url, *signature, *app;
	char *const *labels;
	const char *name;
};

static int import(struct aci_fetch *f, const struct aci_source *from, int fd, struct image *ret, char **ret_name, struct err *e)
{
	struct arena *a = &f->t->arena;
	struct import_input input = {.fd = fd, .left = UINT64_MAX};
	struct import_layer layer = IMPORT_LAYER_NONE;
	struct found_image found = {};
	struct aci_manifest manifest = {};
	struct aci_dependencies bring_first = {.bring = bring_dependencies, .ctx = f};
	struct import_image in = {
		.found = &found,
		.ready = &layer,
		.vouch = {.how = (char *)"fetched", .who = (char *)f->who, .source = arena_printf(a, "aci:%s", from->url)},
	};
	int r = import_aci_read_with(&f->t->store, a, &input, &bring_first, &layer, &found, &manifest, e);

	if (!r)
		r = check_manifest(&manifest, from->app, from->labels, e);
	if (!r) {
		*ret_name = arena_strdup(a, from->name ? from->name : found.name);
		r = store_normalise_name(a, *ret_name, ret_name, e);
		in.name = *ret_name;
	}
	if (!r)
		r = import_image(&f->t->store, a, &in, ret, e);
	import_layer_free(&layer);
	return r;
}

static int stream_in(struct aci_fetch *f, const struct aci_source *from, struct image *ret, char **ret_name, struct err *e)
{
	struct stream s = {.registry = f->t->registry, .url = from->url};
	pthread_t thread;
	int pipe[2], r;

	if (pipe2(pipe, O_CLOEXEC) < 0)
		return err_errno(e, "can't make a pipe");
	fcntl(pipe[1], F_SETPIPE_SZ, PIPE_SIZE);
	s.to = pipe[1];
	errno = pthread_create(&thread, NULL, bring, &s);
	if (errno) {
		close(pipe[0]);
		close(pipe[1]);
		return err_errno(e, "can't start a thread");
	}
	r = import(f, from, pipe[0], ret, ret_name, e);
	close(pipe[0]);
	pthread_join(thread, NULL);
	/* What the import saw of a failing network is the end of a pipe. */
	if (s.err.code && s.err.code != ERR_BUSY && r) {
		*e = s.err;
		r = -e->code;
	}
	return r;
}

/* The signature is kept as it came, with the digest of the file that it is over: whether it is good is trust's to say. */
static int keep_signature(struct aci_fetch *f, const struct aci_source *from, const struct image *img, struct err *e)
{
	struct registry_document d;
	struct err why = {};

	if (!from->signature || registry_get_url(f->t->registry, &f->t->arena, from->signature, SIGNATURE_MAX, &d, &why)) {
		if (f->t->options.note)
			f->t->options.note(arena_printf(&f->t->arena, "%s has no signature that could be had", from->url));
		return 0;
	}
	struct artifact artifact = {
		.kind = ARTIFACT_ACI,
		.blob = d.digest,
		.size = d.len,
		.media_type = (char *)"application/pgp-signature",
	};

	return artifact_put(&f->t->store, img->manifest_digest, &artifact, d.text, e);
}

static int fetch_from(struct aci_fetch *f, const struct aci_source *from, char **ret_name, struct err *e)
{
	struct image img = {};
	int r = ++f->images > IMAGES_MAX ? err_new(e, ERR_FAILED, "the ACI needs more than %d others", IMAGES_MAX) : 0;

	if (!r)
		r = stream_in(f, from, &img, ret_name, e);
	return r ? r : keep_signature(f, from, &img, e);
}

static void show_keys(const struct aci_fetch *f, const struct discovered *d)
{
	for (char **k = d->keys; k && *k && f->t->options.note; k++)
		f->t->options.note(arena_printf(&f->t->arena, "keys for %s are at %s: rocket trust add KEY --prefix %s, when you trust them",
						d->prefix, *k, d->prefix));
}

static int fetch_app(struct aci_fetch *f, const char *app, char *const *labels, const char *name, char **ret_name, struct err *e)
{
	char **complete = complete_labels(f, labels);
	struct discovered d = {};
	size_t depth = strv_len(f->under_way);
	int r = 0;

	for (char **u = f->under_way; u && *u; u++)
		if (!strcmp(*u, app))
			return err_new(e, ERR_FAILED, "the ACI %.100s needs itself", app);
	if (depth >= DEPTH_MAX)
		return err_new(e, ERR_FAILED, "ACIs need each other more than %d deep", DEPTH_MAX);
	arena_strv_add(&f->t->arena, &f->under_way, app);
	r = discovery_find(f->t->registry, &f->t->arena, app, complete, &d, e);
	if (!r) {
		struct aci_source from = {d.image, d.signature, app, complete, name};

		if (!depth)
			show_keys(f, &d);
		r = fetch_from(f, &from, ret_name, e);
	}
	f->under_way[depth] = NULL;
	return r;
}

static void print_name(const struct fetch_tool *t, const char *name)
{
	autostr s = {};

	if (t->json) {
		str_add(&s, "{\"name\":");
		str_add_json(&s, name);
		str_add(&s, "}");
	}
	puts(t->json ? s.text : name);
}

static int fetch_typed(struct aci_fetch *f, const char *typed, const char *name, struct err *e)
{
	struct reference ref;
	char *done = NULL;
	int r = reference_parse(&f->t->arena, typed, &ref, e);

	if (!r && ref.transport == REFERENCE_REGISTRY) {
		/* A plain name whose host is no registry: the version is the tag. */
		ref.app = reference_repository(&f->t->arena, &ref);
		if (ref.tag && strcmp(ref.tag, "latest"))
			arena_strv_add(&f->t->arena, &ref.labels, arena_printf(&f->t->arena, "version=%s", ref.tag));
	}
	if (!r && ref.app) {
		r = fetch_app(f, ref.app, ref.labels, name, &done, e);
	} else if (!r) {
		struct aci_source from = {ref.path, arena_printf(&f->t->arena, "%s.asc", ref.path), NULL, NULL, name};

		r = fetch_from(f, &from, &done, e);
	}
	if (!r)
		print_name(f->t, done);
	return r;
}

int fetch_aci_one(struct fetch_tool *t, const char *typed, const char *platform, const char *name, const char *who, struct err *e)
{
	struct aci_fetch f = {.t = t, .who = who};
	int r = choose_platform(&t->arena, platform, &f.platform, e);

	return r ? r : fetch_typed(&f, typed, name, e);
}

int fetch_verb_aci(struct fetch_tool *t, int argc, char **argv, struct err *e)
{
	const struct opt *const tables[] = {opts, NULL};
	struct opt_walk w = {.argc = argc, .argv = argv, .tables = tables};
	const char *value, *platform = NULL, *name = NULL, *who = arena_strdup(&t->arena, fetch_user_name());
	const struct opt *o;
	int r;

	while ((r = opt_next(&w, &o, &value, e)) > 0)
		*(o->id == OPT_PLATFORM ? &platform : &name) = value;
	if (!r && w.argc - w.at < 1)
		r = err_new(e, ERR_USAGE, "fetch-aci needs a name");
	if (!r)
		r = fetch_open_store(t, e);
	if (!r)
		r = fetch_open_registry(t, e);
	if (!r)
		r = fetch_confine(&t->store, e);
	for (int i = w.at; i < w.argc && !r; i++)
		r = fetch_aci_one(t, w.argv[i], platform, name, who, e);
	return r;
}
