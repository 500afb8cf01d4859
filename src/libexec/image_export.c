/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rocket-image export: an image of the store as an OCI layout (directory or tar; image-spec,
 * image-layout.md), as a docker-archive, or, an ACI, as itself.
 *
 * What was kept goes out byte for byte: config, tars, and manifest. The manifest names layers by the digest of
 * the bytes as they came; where those were compressed and not kept, the tars go out instead, under a new
 * manifest with the same config and diff_ids. Both digests are printed then, because signatures are over
 * the first.
 */
#include "libexec/image_tool.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/doc.h"
#include "base/io.h"
#include "base/opt.h"
#include "base/str.h"
#include "image/digest.h"
#include "image/oci_doc.h"
#include "libexec/image_out.h"
#include "store/artifact.h"
#include "store/blob.h"

enum { EXPORT_MANIFEST_MAX = 4 << 20 };

#define OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define OCI_LAYER "application/vnd.oci.image.layer.v1.tar"

struct exported {
	LIST(const char *) paths;
};

struct export_job {
	struct image_tool *tool;
	const struct store_image *found;
	struct image_out *out;
	const char *name;            /* for the reference inside; NULL for none */
	struct exported *exported;   /* paths that are out already, when several images go into one layout; else NULL */
	bool exact;                  /* the manifest goes out as it came */
	char digest[DIGEST_TEXT_MAX]; /* of the manifest that goes out */
};

static const struct opt export_opts[] = {
	{"format", 'f', .id = 'f', .arg = "FORMAT", .help = "oci, oci-archive, docker-archive or aci"},
	{"all", .id = 'a', .help = "all images"},
	{},
};

static int err_gone(struct err *e, const char *what, const char *digest)
{
	err_new(e, ERR_FAILED, "the image can't be exported");
	err_because(e, "its %s %.80s is missing in the store", what, digest);
	return err_try(e, "rocket image verify");
}

/* blobs/sha256/HEX of a digest, as both an OCI layout and the store have it. */
static char *blob_path(struct export_job *j, const char *digest)
{
	return arena_printf(&j->tool->arena, "blobs/sha256/%s", digest + strlen("sha256:"));
}

/* Blobs once each, though images may share them. */
static bool is_out(struct export_job *j, const char *path)
{
	for (size_t i = 0; j->exported && i < j->exported->paths.n; i++)
		if (!strcmp(j->exported->paths.v[i], path))
			return true;
	if (j->exported)
		*list_add(&j->tool->arena, &j->exported->paths) = path;
	return false;
}

static int copy_blob(struct export_job *j, const char *digest, const char *path, struct err *e)
{
	autoclose int fd = -1;
	struct stat st;
	int r = is_out(j, path) ? 1 : blob_open(&j->tool->store, digest, &fd, e);

	if (r)
		return r < 0 ? r : 0;
	if (fstat(fd, &st) < 0)
		return image_err(e, "can't read %.80s", digest);
	return image_out_copy(j->out, path, fd, (uint64_t)st.st_size, e);
}

/* The digest under which a layer goes out: as it came, when those bytes are here. */
static const char *layer_digest(const struct export_job *j, const struct image_layer *l)
{
	return j->exact ? l->digest : l->diff_id;
}

static bool is_exact(const struct export_job *j)
{
	const struct image *img = &j->found->image;

	if (!blob_exists(&j->tool->store, img->manifest_digest, NULL))
		return false;
	for (size_t i = 0; i < img->layers.n; i++)
		if (!blob_exists(&j->tool->store, img->layers.v[i].digest, NULL))
			return false;
	return true;
}

static int read_blob(struct export_job *j, const char *digest, char **ret_text, size_t *ret_n, struct err *e)
{
	autoclose int fd = -1;
	int r = blob_open(&j->tool->store, digest, &fd, e);

	return r < 0 ? r : io_read_fd(fd, EXPORT_MANIFEST_MAX, ret_text, ret_n, e);
}

/* The annotations of the manifest that came are as true of the one that goes. */
static void add_annotations(struct export_job *j, struct str *m)
{
	autofree char *text = NULL;
	struct doc *doc = NULL;
	struct err ignored = {};
	size_t n;

	if (read_blob(j, j->found->image.manifest_digest, &text, &n, &ignored) < 0 ||
	    doc_parse_json(&j->tool->arena, NULL, text, n, &doc, &ignored) < 0)
		return;
	const struct doc *map = doc_get(doc, "annotations");

	if (!map || map->kind != DOC_MAP || !map->n)
		return;
	str_add(m, ",\"annotations\":{");
	for (const struct doc *a = map->child; a; a = a->next) {
		str_add(m, a == map->child ? "" : ",");
		str_add_json(m, a->key);
		str_add_char(m, ':');
		str_add_json(m, a->kind == DOC_STR ? a->text : "");
	}
	str_add_char(m, '}');
}

static int write_manifest(struct export_job *j, struct str *m, struct err *e)
{
	const struct image *img = &j->found->image;
	uint64_t config_size = 0;

	if (!blob_exists(&j->tool->store, img->id, &config_size))
		return err_gone(e, "config", img->id);
	str_addf(m, "{\"schemaVersion\":2,\"mediaType\":\"" OCI_MANIFEST "\",");
	str_addf(m, "\"config\":{\"mediaType\":\"" OCI_CONFIG "\",\"digest\":\"%s\",\"size\":%llu},\"layers\":[", img->id,
		 (unsigned long long)config_size);
	for (size_t i = 0; i < img->layers.n; i++) {
		uint64_t size = 0;

		if (!blob_exists(&j->tool->store, img->layers.v[i].diff_id, &size))
			return err_gone(e, "layer", img->layers.v[i].diff_id);
		str_addf(m, "%s{\"mediaType\":\"" OCI_LAYER "\",\"digest\":\"%s\",\"size\":%llu}", i ? "," : "",
			 img->layers.v[i].diff_id, (unsigned long long)size);
	}
	str_add_char(m, ']');
	add_annotations(j, m);
	str_add_char(m, '}');
	return 0;
}

static int get_manifest(struct export_job *j, struct str *m, const char **ret_type, struct err *e)
{
	const struct image *img = &j->found->image;
	autofree char *text = NULL;
	size_t n;
	int r;

	j->exact = is_exact(j);
	if (!j->exact) {
		*ret_type = OCI_MANIFEST;
		r = write_manifest(j, m, e);
	} else {
		*ret_type = img->manifest_type ? img->manifest_type : OCI_MANIFEST;
		r = read_blob(j, img->manifest_digest, &text, &n, e);
		if (r == 0)
			str_add_bytes(m, text, n);
	}
	if (r == 0)
		digest_text(m->text, m->len, j->digest);
	return r;
}

/* Blobs once each, though two layers of an image may be the same. */
static int put_layers(struct export_job *j, struct err *e)
{
	const struct image *img = &j->found->image;
	int r = 0;

	for (size_t i = 0; r == 0 && i < img->layers.n; i++) {
		const char *digest = layer_digest(j, &img->layers.v[i]);
		bool again = false;

		for (size_t k = 0; !again && k < i; k++)
			again = !strcmp(layer_digest(j, &img->layers.v[k]), digest);
		if (!again)
			r = copy_blob(j, digest, blob_path(j, digest), e);
	}
	return r;
}

/* What speaks about the image, for another Rocket: each as a blob, and a list of them. */
static int put_artifacts(struct export_job *j, struct str *entry, struct err *e)
{
	const struct image *img = &j->found->image;
	char digest[DIGEST_TEXT_MAX];
	struct artifacts list = {};
	autostr text = {};
	int r = artifact_list(&j->tool->store, &j->tool->arena, img->manifest_digest, &list, e);

	if (r < 0 || !list.list.n)
		return r;
	for (size_t i = 0; i < list.list.n && r == 0; i++)
		r = copy_blob(j, list.list.v[i].blob, blob_path(j, list.list.v[i].blob), e);
	artifact_write_list(&text, &list);
	digest_text(text.text, text.len, digest);
	str_addf(entry, ",\"" OCI_NOTE_ARTIFACTS "\":\"%s\"", digest);
	if (r == 0 && !is_out(j, blob_path(j, digest)))
		r = image_out_put(j->out, blob_path(j, digest), text.text, text.len, e);
	return r;
}

/* The image's entry in the index, and with it what only another Rocket looks for: the manifest that it came with. */
static int put_entry(struct export_job *j, const char *type, size_t manifest_size, struct str *index, struct err *e)
{
	const struct image *img = &j->found->image;
	autostr notes = {};
	int r = 0;

	if (j->name) {
		str_add(&notes, ",\"org.opencontainers.image.ref.name\":");
		str_add_json(&notes, j->name);
	}
	if (!j->exact && strcmp(j->digest, img->manifest_digest) && blob_exists(&j->tool->store, img->manifest_digest, NULL)) {
		str_addf(&notes, ",\"" OCI_NOTE_ORIGINAL "\":\"%s\"", img->manifest_digest);
		r = copy_blob(j, img->manifest_digest, blob_path(j, img->manifest_digest), e);
	}
	if (r == 0)
		r = put_artifacts(j, &notes, e);
	str_add(index, index->len ? ",{\"mediaType\":" : "{\"mediaType\":");
	str_add_json(index, type);
	str_addf(index, ",\"digest\":\"%s\",\"size\":%zu", j->digest, manifest_size);
	if (notes.len)
		str_addf(index, ",\"annotations\":{%s}", notes.text + 1);
	str_add_char(index, '}');
	return r;
}

/* Everything of one image but the index, to which its entry is added. */
static int put_image(struct export_job *j, struct str *index, struct err *e)
{
	const struct image *img = &j->found->image;
	autostr manifest = {};
	const char *type = NULL;
	int r = get_manifest(j, &manifest, &type, e);

	if (r == 0 && !is_out(j, blob_path(j, j->digest)))
		r = image_out_put(j->out, blob_path(j, j->digest), manifest.text, manifest.len, e);
	if (r == 0)
		r = copy_blob(j, img->id, blob_path(j, img->id), e);
	if (r == 0)
		r = put_layers(j, e);
	return r < 0 ? r : put_entry(j, type, manifest.len, index, e);
}

static int begin_layout(struct image_out *out, struct err *e)
{
	static const char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";

	return image_out_put(out, "oci-layout", layout, sizeof(layout) - 1, e);
}

/* By the index the directory is a layout: last. */
static int end_layout(struct image_out *out, const struct str *entries, struct err *e)
{
	autostr index = {};

	str_addf(&index, "{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_INDEX "\",\"manifests\":[%s]}", str_text(entries));
	return image_out_put(out, "index.json", index.text, index.len, e);
}

static int export_oci(struct export_job *j, struct err *e)
{
	struct exported exported = {};
	autostr entries = {};
	int r;

	j->exported = &exported;
	r = begin_layout(j->out, e);
	if (r == 0)
		r = put_image(j, &entries, e);
	return r < 0 ? r : end_layout(j->out, &entries, e);
}

/*
 * What `docker save` writes and `docker load` reads: manifest.json with the config and the tars by name
 * (moby, image/tarexport). It has no place for a manifest.
 */
static int export_docker(struct export_job *j, struct err *e)
{
	const struct image *img = &j->found->image;
	const char *config = arena_printf(&j->tool->arena, "%s.json", img->id + strlen("sha256:"));
	autostr manifest = {};
	int r;

	str_addf(&manifest, "[{\"Config\":\"%s\",\"RepoTags\":[", config);
	if (j->name)
		str_add_json(&manifest, j->name);
	str_add(&manifest, "],\"Layers\":[");
	for (size_t i = 0; i < img->layers.n; i++)
		str_addf(&manifest, "%s\"%s\"", i ? "," : "", blob_path(j, img->layers.v[i].diff_id));
	str_add(&manifest, "]}]");
	j->exact = false;
	r = image_out_put(j->out, "manifest.json", manifest.text, manifest.len, e);
	if (r == 0)
		r = copy_blob(j, img->id, config, e);
	return r < 0 ? r : put_layers(j, e);
}

struct export_format {
	const char *name;
	enum image_out_form form;
	bool aci;            /* of an ACI; the others of all but an ACI */
	bool has_manifest;
	int (*run)(struct export_job *j, struct err *e);
};

/* An ACI is one blob, named by its id. */
static int export_aci(struct export_job *j, struct err *e)
{
	return copy_blob(j, j->found->image.id, "", e);
}

static const struct export_format formats[] = {
	{"oci", IMAGE_OUT_DIR, .has_manifest = true, .run = export_oci},
	{"oci-archive", IMAGE_OUT_TAR, .has_manifest = true, .run = export_oci},
	{"docker-archive", IMAGE_OUT_TAR, .run = export_docker},
	{"aci", IMAGE_OUT_RAW, .aci = true, .run = export_aci},
};

/* Without --format: an ACI as itself, a directory as a layout, else a tar of it. */
static const char *default_format(const struct image *img, const char *dest)
{
	struct stat st;

	if (img->format == IMAGE_ACI)
		return "aci";
	if (str_has_suffix(dest, "/") || (strcmp(dest, "-") != 0 && stat(dest, &st) == 0 && S_ISDIR(st.st_mode)))
		return "oci";
	return "oci-archive";
}

static int find_format(const char *name, const struct image *img, const struct export_format **ret, struct err *e)
{
	const struct export_format *f = NULL;

	for (size_t i = 0; !f && i < ARRAY_SIZE(formats); i++)
		if (!strcmp(formats[i].name, name))
			f = &formats[i];
	if (!f) {
		err_new(e, ERR_USAGE, "there is no export format '%.40s'", name);
		err_because(e, "the formats are oci, oci-archive, docker-archive and aci");
		return err_try(e, "--format oci-archive");
	}
	if (f->aci != (img->format == IMAGE_ACI)) {
		err_new(e, ERR_USAGE, "the image can't be exported as %s", f->name);
		err_because(e, f->aci ? "only an image that came as an ACI is one" : "an ACI's files are no OCI layers");
		return err_try(e, "--format %s", f->aci ? "oci-archive" : "aci");
	}
	*ret = f;
	return 0;
}

static int report(const struct export_job *j, const struct export_format *f, const char *dest, struct err *e)
{
	const struct image *img = &j->found->image;
	autostr out = {};

	if (f->has_manifest && !j->exact && strcmp(j->digest, img->manifest_digest) != 0)
		image_say(j->tool,
			  "the manifest is a new one, %s instead of %s: the layers came compressed and only their tars were "
			  "kept. Signatures of the old one do not hold for it.",
			  j->digest, img->manifest_digest);
	if (!strcmp(dest, "-"))
		return 0;
	if (!j->tool->json)
		return image_say(j->tool, "exported %s to %s as %s", j->name ? j->name : img->id, dest, f->name), 0;
	str_add(&out, "{\"name\":");
	str_add_json(&out, j->name ? j->name : "");
	str_addf(&out, ",\"id\":\"%s\",\"format\":\"%s\",\"to\":", img->id, f->name);
	str_add_json(&out, dest);
	str_addf(&out, ",\"original_manifest_digest\":\"%s\"", img->manifest_digest);
	if (f->has_manifest)
		str_addf(&out, ",\"manifest_digest\":\"%s\",\"exact\":%s", j->digest, j->exact ? "true" : "false");
	str_add(&out, "}\n");
	return image_print(out.text, out.len, e);
}

static int run_export(struct image_tool *t, const char *name, const char *dest, const char *format, struct err *e)
{
	const struct export_format *f = NULL;
	struct store_image found = {};
	int r = store_find_image(&t->store, &t->arena, name, &found, e);

	if (r == 0)
		r = find_format(format ? format : default_format(&found.image, dest), &found.image, &f, e);
	if (r < 0 || !f)
		return r;
	enum blob_place place;
	const char *hex;
	/* What has no name but its own digest needs none inside either. */
	bool named = found.name && !blob_parse_digest(found.name, &place, &hex);
	struct export_job j = {.tool = t, .found = &found, .name = named ? found.name : NULL};
	autoimageout *out = NULL;

	r = image_out_open(&t->arena, f->form, dest, &out, e);
	j.out = out;
	if (r == 0)
		r = f->run(&j, e);
	if (r == 0)
		r = image_out_finish(out, e);
	return r < 0 ? r : report(&j, f, dest, e);
}

static int put_all(struct image_tool *t, struct image_out *out, const struct store_image *images, size_t n, size_t *ret_done,
		   struct err *e)
{
	struct exported exported = {};
	autostr entries = {};
	int r = begin_layout(out, e);

	for (size_t i = 0; i < n && r == 0; i++) {
		enum blob_place place;
		const char *hex;
		bool named = !blob_parse_digest(images[i].name, &place, &hex);
		struct export_job j = {
			.tool = t,
			.found = &images[i],
			.out = out,
			.name = named ? images[i].name : NULL,
			.exported = &exported,
		};

		if (images[i].image.format == IMAGE_ACI) {
			image_say(t, "note: %s is an ACI, which no layout holds: rocket image export %s FILE.aci", images[i].name,
				  images[i].name);
			continue;
		}
		r = put_image(&j, &entries, e);
		(*ret_done)++;
	}
	return r < 0 ? r : end_layout(out, &entries, e);
}

/* All images into one layout, for another Rocket without a network. */
static int export_all(struct image_tool *t, const char *dest, const char *format, struct err *e)
{
	struct stat st;
	bool dir = format ? !strcmp(format, "oci") : str_has_suffix(dest, "/") || (stat(dest, &st) == 0 && S_ISDIR(st.st_mode));
	struct store_image *images = NULL;
	autoimageout *out = NULL;
	size_t n = 0, done = 0;
	int r = store_list_images(&t->store, &t->arena, &images, &n, e);

	if (r == 0 && format && strcmp(format, "oci") && strcmp(format, "oci-archive")) {
		err_new(e, ERR_USAGE, "all images can't be exported as %.40s", format);
		err_because(e, "several images with their signatures fit into an OCI layout alone");
		return err_try(e, "rocket image export --all DIR/");
	}
	if (r == 0 && !n) {
		err_new(e, ERR_NOT_FOUND, "there is nothing to export");
		err_because(e, "the store %.200s has no images", t->store.path);
		return err_try(e, "rocket image list");
	}
	if (r == 0)
		r = image_out_open(&t->arena, dir ? IMAGE_OUT_DIR : IMAGE_OUT_TAR, dest, &out, e);
	if (r == 0)
		r = put_all(t, out, images, n, &done, e);
	if (r == 0)
		r = image_out_finish(out, e);
	if (r == 0 && strcmp(dest, "-"))
		image_say(t, "exported %zu images to %s", done, dest);
	return r;
}

int image_export(struct image_tool *t, int argc, char **argv, struct err *e)
{
	const struct opt *const tables[] = {export_opts, NULL};
	struct opt_walk w = {.argc = argc, .argv = argv, .tables = tables};
	const char *format = NULL, *value;
	const struct opt *o;
	bool all = false;
	int r;

	while ((r = opt_next(&w, &o, &value, e)) > 0) {
		if (o->id == 'a')
			all = true;
		else
			format = value;
	}
	if (r < 0)
		return r;
	if (all && argc - w.at == 1)
		return export_all(t, argv[w.at], format, e);
	if (argc - w.at != 2 || all) {
		err_new(e, ERR_USAGE, "export takes an image and where it goes");
		err_because(e, "it was given %d words", argc - w.at);
		return err_try(e, "rocket image export NAME FILE");
	}
	return run_export(t, argv[w.at], argv[w.at + 1], format, e);
}
