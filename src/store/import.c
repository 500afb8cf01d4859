/* SPDX-License-Identifier: Apache-2.0 */
/* A file, pipe or directory into the store: what it is (import_probe.h), its images, and each of them. */
#include "store/import.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "base/str.h"
#include "image/archive.h"
#include "image/digest.h"
#include "image/oci_doc.h"
#include "store/artifact.h"
#include "store/import_aci.h"
#include "store/import_probe.h"
#include "store/import_spool.h"

struct run {
	const struct store *store;
	struct arena *a;
	const struct import_request *request;
	struct import_result *result;
};

/* ---- names ---- */

/* "dir/redis_7.oci.tar.gz" -> "redis_7"; NULL for a stream. */
static char *name_from_source(struct arena *a, const char *source)
{
	static const char *const ends[] = {".gz",  ".zst", ".xz",        ".tgz",        ".tar",  ".aci",
					   ".oci", ".oci-archive", ".docker", ".rootfs", ".img"};
	char *name = arena_strdup(a, source);
	size_t n = strlen(name);

	while (n > 1 && name[n - 1] == '/')
		name[--n] = 0;
	name = arena_strdup(a, path_base(name));
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		if (!str_has_suffix(name, ends[i]) || strlen(name) == strlen(ends[i]))
			continue;
		name[strlen(name) - strlen(ends[i])] = 0;
		i = (size_t)-1; /* from the start: there may be another one */
	}
	for (char *c = name; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	return str_equal(source, "-") || !*name ? NULL : name;
}

static int err_no_name(const struct run *r, struct err *e)
{
	err_new(e, ERR_USAGE, "the image needs a name");
	err_because(e, "it has none of its own, and %.150s makes none", r->request->source);
	return err_try(e, "rocket image import %.150s NAME", r->request->source);
}

/* The user's, else the image's own (":tag" is half of one), else one made from the file's. */
static int choose_name(const struct run *r, const struct found_image *found, char **ret, struct err *e)
{
	const char *own = found->name, *made = name_from_source(r->a, r->request->source);
	struct err ignored = {};

	if (r->request->name)
		return store_normalise_name(r->a, r->request->name, ret, e);
	if (own && *own != ':' && !store_normalise_name(r->a, own, ret, &ignored))
		return 0;
	if (made && own && *own == ':' && !store_normalise_name(r->a, arena_printf(r->a, "%s%s", made, own), ret, &ignored))
		return 0;
	if (made && !store_normalise_name(r->a, made, ret, &ignored))
		return 0;
	return err_no_name(r, e);
}

/* ---- each image ---- */

struct archive_layers {
	struct archive *archive;
	const struct found_image *found;
	struct archive_member *members; /* looked up before threads run */
};

static int open_member(void *ctx, size_t i, struct import_input *ret, struct err *e)
{
	const struct archive_layers *l = ctx;
	const struct archive_member *m = &l->members[i];

	*ret = (struct import_input){.fd = m->fd, .seekable = true, .offset = m->offset, .left = m->size};
	return 0;
}

/* Also of layers that the store has and nobody will read: an image that contradicts itself is refused. */
static int check_size(const struct found_layer *layer, const struct archive_member *m, struct err *e)
{
	if (!layer->digest || layer->size == m->size)
		return 0;
	err_new(e, ERR_FAILED, "layer %.80s is not what the image says", layer->digest);
	return err_because(e, "it has %llu bytes instead of %llu", (unsigned long long)m->size,
			   (unsigned long long)layer->size);
}

static int find_members(struct run *r, struct archive_layers *l, struct err *e)
{
	size_t n = l->found->layers.n;
	int err = 0;

	l->members = arena_alloc(r->a, (n + 1) * sizeof(*l->members));
	for (size_t i = 0; i < n && !err; i++) {
		err = archive_find(l->archive, l->found->layers.v[i].member, &l->members[i], e);
		if (!err)
			err = check_size(&l->found->layers.v[i], &l->members[i], e);
	}
	return err;
}

static int import_one(struct run *r, struct import_image *in, struct err *e)
{
	char *name = NULL;
	struct image img;
	int err = choose_name(r, in->found, &name, e);

	in->name = name;
	in->vouch.how = arena_strdup(r->a, "imported");
	in->vouch.who = arena_strdup(r->a, r->request->who);
	in->vouch.source = arena_strdup(r->a, r->request->origin ? r->request->origin : r->request->source);
	in->progress = r->request->progress;
	if (!err)
		err = import_image(r->store, r->a, in, &img, e);
	if (err)
		return err;
	struct import_done *done = list_add(r->a, &r->result->images);

	done->name = name;
	done->image = img;
	return 0;
}

static int err_several(const struct run *r, const struct found *found, struct err *e)
{
	autostr names = {};

	for (size_t i = 0; i < found->images.n && names.len < 250; i++)
		str_addf(&names, "%s%s", i ? ", " : "", found->images.v[i].name ? found->images.v[i].name : "(no name)");
	err_new(e, ERR_USAGE, "%.150s has %zu images, which can't have one name", r->request->source, found->images.n);
	err_because(e, "it has: %.300s", names.text);
	return err_try(e, "rocket image import --ref %.60s %.100s NAME   (or without NAME for all)",
		       found->images.v[0].name ? found->images.v[0].name + (*found->images.v[0].name == ':') : "REF",
		       r->request->source);
}

static int read_blob(struct run *r, struct archive *archive, const char *digest, size_t limit, char **ret, size_t *ret_n,
		     struct err *e)
{
	char actual[DIGEST_TEXT_MAX];
	int err = archive_read(archive, r->a, arena_printf(r->a, "blobs/sha256/%s", digest + strlen("sha256:")), limit, ret, ret_n, e);

	if (err)
		return err;
	digest_text(*ret, *ret_n, actual);
	if (!strcmp(actual, digest))
		return 0;
	err_new(e, ERR_FAILED, "%.80s is not what the image says", digest);
	return err_because(e, "the bytes have the digest %.80s", actual);
}

/* Signatures and the like that an export carried, put beside the image as they were; each is checked against its digest. */
static int import_artifacts(struct run *r, struct archive *archive, const struct found_image *image, struct err *e)
{
	struct artifacts list = {};
	char *text = NULL;
	size_t n = 0;
	int err = read_blob(r, archive, image->artifacts, OCI_DOCUMENT_MAX, &text, &n, e);

	if (!err)
		err = artifact_parse_list(r->a, text, n, &list, e);
	for (size_t i = 0; i < list.list.n && !err; i++) {
		struct artifact *a = &list.list.v[i];

		err = read_blob(r, archive, a->blob, ARTIFACT_SIZE_MAX, &text, &n, e);
		a->size = n;
		if (!err)
			err = artifact_put(r->store, image->manifest_digest, a, text, e);
	}
	return err;
}

static int import_found(struct run *r, struct archive *archive, struct found *found, struct err *e)
{
	int err = 0;

	if (r->request->name && found->images.n > 1)
		return err_several(r, found, e);
	for (size_t i = 0; i < found->images.n && !err; i++) {
		struct archive_layers l = {.archive = archive, .found = &found->images.v[i]};
		struct import_image in = {.found = &found->images.v[i], .open_layer = open_member, .ctx = &l};

		err = find_members(r, &l, e);
		if (!err)
			err = import_one(r, &in, e);
		if (!err && in.found->artifacts)
			err = import_artifacts(r, archive, in.found, e);
	}
	return err;
}

static int import_archive(struct run *r, struct archive *archive, struct err *e)
{
	struct found found = {};
	struct found_want want = {.ref = r->request->ref};
	int err;

	if (archive_has(archive, "oci-layout") && archive_has(archive, "index.json"))
		err = oci_layout_read(archive, r->a, &want, &found, e);
	else
		err = docker_archive_read(archive, r->a, &want, &found, e);
	return err ? err : import_found(r, archive, &found, e);
}

/* ---- each transport ---- */

static int import_dir(struct run *r, struct import_probe *p, struct err *e)
{
	autoarchive *archive = NULL;
	int err = archive_open_dir(p->in.fd, &archive, e);

	return err ? err : import_archive(r, archive, e);
}

/* A plain file can be read where it is, when it begins where the file begins. */
static int import_container(struct run *r, struct import_probe *p, struct err *e)
{
	autoarchive *archive = NULL;
	autoblob spooled = BLOB_WRITER_NONE;
	int fd = p->in.fd, err = 0;

	if (!p->in.seekable || p->in.offset || p->compression != INFLATE_NONE) {
		err = import_spool(r->store, &p->in, p->compression, &spooled, e);
		fd = spooled.fd;
	}
	if (!err)
		err = archive_open_tar(fd, &archive, e);
	return err ? err : import_archive(r, archive, e);
}

static int open_stream(void *ctx, size_t i, struct import_input *ret, struct err *e)
{
	*ret = *(const struct import_input *)ctx;
	return 0;
}

static int import_rootfs(struct run *r, struct import_probe *p, struct err *e)
{
	struct found_image found = {.format = IMAGE_ROOTFS};
	struct import_image in = {.found = &found, .open_layer = open_stream, .ctx = &p->in};
	char *name;
	int err = choose_name(r, &found, &name, e); /* before a long file is read */

	list_add(r->a, &found.layers);
	return err ? err : import_one(r, &in, e);
}

static void note_unused(const struct run *r, const struct aci_manifest *m)
{
	autostr text = {};

	if (!m->unused || !r->request->note)
		return;
	str_addf(&text, "%.100s asks for what Rocket does not take from an image:", m->name);
	for (char **u = m->unused; *u && text.len < 1000; u++)
		str_addf(&text, " %.100s", *u);
	r->request->note(text.text);
}

static int import_aci(struct run *r, struct import_probe *p, struct err *e)
{
	struct found_image found = {};
	struct aci_manifest manifest = {};
	struct import_layer layer = IMPORT_LAYER_NONE;
	struct import_image in = {.found = &found, .ready = &layer};
	int err = import_aci_read(r->store, r->a, &p->in, &layer, &found, &manifest, e);

	if (!err) {
		note_unused(r, &manifest);
		err = import_one(r, &in, e);
	}
	import_layer_free(&layer);
	return err;
}

int import_run(const struct store *s, struct arena *a, const struct import_request *request,
	       struct import_result *ret, struct err *e)
{
	static int (*const by_transport[])(struct run *r, struct import_probe *p, struct err *e) = {
		[IMPORT_LAYOUT_DIR] = import_dir,
		[IMPORT_CONTAINER] = import_container,
		[IMPORT_ACI] = import_aci,
		[IMPORT_ROOTFS] = import_rootfs,
	};
	struct import_result result = {};
	struct run r = {.store = s, .a = a, .request = request, .result = &result};
	autofree struct import_probe *p = calloc(1, sizeof(*p));

	if (!p)
		abort();
	int err = import_probe(request->fd, request->source, p, e);

	if (!err)
		err = by_transport[p->transport](&r, p, e);
	if (!err)
		*ret = result;
	return err;
}
