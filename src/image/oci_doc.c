/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding of OCI documents from the document tree. null stands for "absent" everywhere, as Go writes it. */
#include "image/oci_doc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/cleanup.h"
#include "base/doc.h"
#include "base/str.h"
#include "base/unit.h"

static const struct {
	const char *type;
	enum oci_kind kind;
} media_types[] = {
	{OCI_TYPE_INDEX, OCI_INDEX},
	{"application/vnd.docker.distribution.manifest.list.v2+json", OCI_INDEX},
	{OCI_TYPE_MANIFEST, OCI_MANIFEST},
	{"application/vnd.docker.distribution.manifest.v2+json", OCI_MANIFEST},
	{OCI_TYPE_CONFIG, OCI_CONFIG},
	{"application/vnd.docker.container.image.v1+json", OCI_CONFIG},
	{OCI_TYPE_LAYER, OCI_LAYER},
	{OCI_TYPE_LAYER "+gzip", OCI_LAYER},
	{OCI_TYPE_LAYER "+zstd", OCI_LAYER},
	{"application/vnd.oci.image.layer.nondistributable.v1.tar", OCI_LAYER},
	{"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", OCI_LAYER},
	{"application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", OCI_LAYER},
	{"application/vnd.docker.image.rootfs.diff.tar", OCI_LAYER},
	{"application/vnd.docker.image.rootfs.diff.tar.gzip", OCI_LAYER},
	{"application/vnd.docker.image.rootfs.diff.tar.zstd", OCI_LAYER},
	{"application/vnd.docker.image.rootfs.foreign.diff.tar", OCI_LAYER},
	{"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", OCI_LAYER},
};

enum oci_kind oci_kind_of(const char *media_type)
{
	for (size_t i = 0; i < ARRAY_SIZE(media_types); i++)
		if (str_equal(media_types[i].type, media_type))
			return media_types[i].kind;
	return OCI_OTHER;
}

bool oci_is_digest(const char *text)
{
	return text && !strncmp(text, "sha256:", 7) && strspn(text + 7, "0123456789abcdef") == 64 && !text[7 + 64];
}

static bool is_null(const struct doc *node)
{
	return !node || node->kind == DOC_NULL;
}

/* A string that may be absent; an empty one is as good as absent. */
static int get_text(struct arena *a, const struct doc *node, const char *key, char **ret, struct err *e)
{
	const struct doc *v = doc_get(node, key);

	*ret = NULL;
	if (is_null(v))
		return 0;
	if (v->kind != DOC_STR)
		return doc_err(v, e, "%s is no text", key);
	if (*v->text)
		*ret = arena_strdup(a, v->text);
	return 0;
}

static int get_list(const struct doc *node, const char *key, enum doc_kind kind, const struct doc **ret, struct err *e)
{
	const struct doc *v = doc_get(node, key);

	*ret = NULL;
	if (is_null(v))
		return 0;
	if (v->kind != kind)
		return doc_err(v, e, "%s is no %s", key, kind == DOC_LIST ? "list" : "object");
	*ret = v;
	return 0;
}

static int parse(struct arena *a, const char *name, const char *text, size_t len, struct doc **ret, struct err *e)
{
	int r;

	if (len > OCI_DOCUMENT_MAX) {
		err_new(e, ERR_FAILED, "%.150s is larger than %d bytes", name, OCI_DOCUMENT_MAX);
		return err_because(e, "no image needs that");
	}
	r = doc_parse_json(a, name, text, len, ret, e);
	if (!r && (*ret)->kind != DOC_MAP)
		r = doc_err(*ret, e, "it is no object");
	return r ? err_recode(e, ERR_FAILED) : 0;
}

/* The type that the document gives itself must be the one by which it was referred to. */
static int check_type(struct arena *a, const struct doc *node, enum oci_kind kind, const char *referred, char **ret,
		      struct err *e)
{
	char *own;
	int r = get_text(a, node, "mediaType", &own, e);

	if (r)
		return r;
	if (own && referred && strcmp(own, referred))
		return doc_err(node, e, "it says that it is %.100s, but is referred to as %.100s", own, referred);
	*ret = own ? own : arena_strdup(a, referred);
	if (*ret && oci_kind_of(*ret) != kind)
		return doc_err(node, e, "it is %.100s, which is not what is needed here", *ret);
	return 0;
}

/* CVE-2021-41190: a document that is an index to one reader and a manifest to another. */
static int check_single_meaning(const struct doc *node, enum oci_kind kind, struct err *e)
{
	static const struct {
		enum oci_kind kind;
		const char *key;
	} owners[] = {
		{OCI_INDEX, "manifests"}, {OCI_MANIFEST, "layers"}, {OCI_MANIFEST, "config"},
		{OCI_OTHER, "fsLayers"},  {OCI_OTHER, "history"},   {OCI_OTHER, "signatures"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(owners); i++)
		if (owners[i].kind != kind && doc_get(node, owners[i].key))
			return doc_err(node, e, "it is ambiguous: %s does not belong into %s", owners[i].key,
				       kind == OCI_INDEX ? "an index" : "a manifest");
	return 0;
}

static int check_schema(const struct doc *node, struct err *e)
{
	const struct doc *v = doc_get(node, "schemaVersion");

	if (v && v->kind == DOC_INT && !strcmp(v->text, "2"))
		return 0;
	if (v && v->kind == DOC_INT && !strcmp(v->text, "1"))
		return doc_err(v, e, "it is of schema version 1, which has been obsolete since 2017 and is not read");
	return doc_err(v ? v : node, e, "its schemaVersion is not 2");
}

static int get_annotations(struct arena *a, const struct doc *node, struct oci_descriptor *d, struct err *e)
{
	const struct doc *notes;
	char *type = NULL;
	int r = get_list(node, "annotations", DOC_MAP, &notes, e);

	if (r || !notes)
		return r;
	if ((r = get_text(a, notes, "org.opencontainers.image.ref.name", &d->ref_name, e)) ||
	    (r = get_text(a, notes, "io.containerd.image.name", &d->full_name, e)) ||
	    (r = get_text(a, notes, OCI_NOTE_ORIGINAL, &d->original, e)) ||
	    (r = get_text(a, notes, OCI_NOTE_ARTIFACTS, &d->artifacts, e)) ||
	    (r = get_text(a, notes, "vnd.docker.reference.type", &type, e)))
		return r;
	if ((d->original && !oci_is_digest(d->original)) || (d->artifacts && !oci_is_digest(d->artifacts)))
		return doc_err(notes, e, "an annotation of Rocket's is no digest");
	d->is_attestation = str_equal(type, "attestation-manifest");
	return 0;
}

static int get_platform(struct arena *a, const struct doc *node, struct oci_descriptor *d, struct err *e)
{
	const struct doc *p;
	int r = get_list(node, "platform", DOC_MAP, &p, e);

	if (r || !p)
		return r;
	if ((r = get_text(a, p, "os", &d->os, e)) || (r = get_text(a, p, "architecture", &d->arch, e)))
		return r;
	return get_text(a, p, "variant", &d->variant, e);
}

static int get_size(const struct doc *node, uint64_t *ret, struct err *e)
{
	const struct doc *v = doc_get(node, "size");

	if (v && v->kind == DOC_INT && !unit_parse_u64(v->text, 0, INT64_MAX, ret))
		return 0;
	return doc_err(v ? v : node, e, "its size is no number of bytes");
}

static int get_descriptor(struct arena *a, const struct doc *node, struct oci_descriptor *ret, struct err *e)
{
	int r;

	if (node->kind != DOC_MAP)
		return doc_err(node, e, "a reference is no object");
	if ((r = get_text(a, node, "mediaType", &ret->media_type, e)) ||
	    (r = get_text(a, node, "digest", &ret->digest, e)) || (r = get_size(node, &ret->size, e)))
		return r;
	if (!oci_is_digest(ret->digest))
		return doc_err(node, e, "'%.100s' is no digest: sha256 and 64 lower-case hex digits are read",
			       ret->digest ? ret->digest : "");
	r = get_platform(a, node, ret, e);
	return r ? r : get_annotations(a, node, ret, e);
}

static int decode_index(struct arena *a, const struct doc *node, const char *media_type, struct oci_index *ret,
			struct err *e)
{
	const struct doc *list;
	char *type;
	int r;

	if ((r = check_single_meaning(node, OCI_INDEX, e)) || (r = check_schema(node, e)) ||
	    (r = check_type(a, node, OCI_INDEX, media_type, &type, e)) ||
	    (r = get_list(node, "manifests", DOC_LIST, &list, e)))
		return r;
	for (const struct doc *c = list ? list->child : NULL; c && !r; c = c->next)
		r = get_descriptor(a, c, list_add(a, &ret->manifests), e);
	return r;
}

int oci_parse_index(struct arena *a, const char *name, const char *media_type, const char *text, size_t len,
		    struct oci_index *ret, struct err *e)
{
	struct oci_index index = {};
	struct doc *node;
	int r = parse(a, name, text, len, &node, e);

	if (!r)
		r = decode_index(a, node, media_type, &index, e);
	if (r)
		return err_recode(e, ERR_FAILED);
	*ret = index;
	return 0;
}

static int check_layer_type(const struct doc *node, const struct oci_descriptor *d, struct err *e)
{
	if (oci_kind_of(d->media_type) == OCI_LAYER)
		return 0;
	if (d->media_type && strstr(d->media_type, "+encrypted"))
		return doc_err(node, e, "a layer is encrypted, which is not read: decrypt the image first");
	return doc_err(node, e, "a layer is of the unknown type %.100s", d->media_type ? d->media_type : "(none)");
}

static int decode_layers(struct arena *a, const struct doc *node, struct oci_manifest *m, struct err *e)
{
	const struct doc *list;
	int r = get_list(node, "layers", DOC_LIST, &list, e);

	if (!r && list && list->n > OCI_LAYERS_MAX)
		return doc_err(list, e, "it has more than %d layers", OCI_LAYERS_MAX);
	for (const struct doc *c = list ? list->child : NULL; c && !r; c = c->next) {
		struct oci_descriptor *d = list_add(a, &m->layers);

		r = get_descriptor(a, c, d, e);
		if (!r)
			r = check_layer_type(c, d, e);
	}
	return r;
}

static int decode_manifest(struct arena *a, const struct doc *node, const char *media_type, struct oci_manifest *m,
			   struct err *e)
{
	const struct doc *config = doc_get(node, "config");
	int r;

	if ((r = check_single_meaning(node, OCI_MANIFEST, e)) || (r = check_schema(node, e)) ||
	    (r = check_type(a, node, OCI_MANIFEST, media_type, &m->media_type, e)))
		return r;
	if (is_null(config))
		return doc_err(node, e, "it names no config");
	r = get_descriptor(a, config, &m->config, e);
	if (r)
		return r;
	if (oci_kind_of(m->config.media_type) != OCI_CONFIG)
		return doc_err(config, e, "it is no image to run: its config is %.100s",
			       m->config.media_type ? m->config.media_type : "of no type");
	return decode_layers(a, node, m, e);
}

int oci_parse_manifest(struct arena *a, const char *name, const char *media_type, const char *text, size_t len,
		       struct oci_manifest *ret, struct err *e)
{
	struct oci_manifest m = {};
	struct doc *node;
	int r = parse(a, name, text, len, &node, e);

	if (!r)
		r = decode_manifest(a, node, media_type, &m, e);
	if (r)
		return err_recode(e, ERR_FAILED);
	if (!m.media_type)
		m.media_type = arena_strdup(a, OCI_TYPE_MANIFEST);
	*ret = m;
	return 0;
}

/* A list of strings; a single string is one, as docker's old images have it. */
static int get_strings(struct arena *a, const struct doc *node, const char *key, char ***ret, struct err *e)
{
	const struct doc *v = doc_get(node, key);

	if (is_null(v))
		return 0;
	if (v->kind == DOC_STR) {
		arena_strv_add(a, ret, v->text);
		return 0;
	}
	if (v->kind != DOC_LIST)
		return doc_err(v, e, "%s is no list", key);
	for (const struct doc *c = v->child; c; c = c->next) {
		if (c->kind != DOC_STR)
			return doc_err(c, e, "%s holds something that is no text", key);
		arena_strv_add(a, ret, c->text);
	}
	return 0;
}

/* The keys of an object, as Volumes and ExposedPorts have them. */
static int get_keys(struct arena *a, const struct doc *node, const char *key, char ***ret, struct err *e)
{
	const struct doc *v;
	int r = get_list(node, key, DOC_MAP, &v, e);

	for (const struct doc *c = v ? v->child : NULL; c; c = c->next)
		arena_strv_add(a, ret, c->key);
	return r;
}

static int get_labels(struct arena *a, const struct doc *node, char ***ret, struct err *e)
{
	const struct doc *v;
	int r = get_list(node, "Labels", DOC_MAP, &v, e);

	for (const struct doc *c = v ? v->child : NULL; c && !r; c = c->next) {
		if (c->kind != DOC_STR && c->kind != DOC_NULL)
			return doc_err(c, e, "the label %.100s is no text", c->key);
		if (!strchr(c->key, '='))
			arena_strv_add(a, ret, arena_printf(a, "%s=%s", c->key, c->kind == DOC_STR ? c->text : ""));
	}
	return r;
}

/* An entry without "=" would import a variable of whoever runs the image: dropped (CVE-2026-57231). */
static int get_env(struct arena *a, const struct doc *node, char ***ret, struct err *e)
{
	char **all = NULL;
	int r = get_strings(a, node, "Env", &all, e);

	for (char **v = all; v && *v && !r; v++)
		if (strchr(*v, '=') && **v != '=')
			arena_strv_add(a, ret, *v);
	return r;
}

static int decode_run(struct arena *a, const struct doc *node, struct image_config *c, struct err *e)
{
	int r;

	if ((r = get_strings(a, node, "Entrypoint", &c->entrypoint, e)) || (r = get_strings(a, node, "Cmd", &c->cmd, e)) ||
	    (r = get_env(a, node, &c->env, e)) || (r = get_text(a, node, "User", &c->user, e)) ||
	    (r = get_text(a, node, "WorkingDir", &c->workdir, e)) || (r = get_keys(a, node, "Volumes", &c->volumes, e)) ||
	    (r = get_keys(a, node, "ExposedPorts", &c->ports, e)) ||
	    (r = get_text(a, node, "StopSignal", &c->stop_signal, e)))
		return r;
	return get_labels(a, node, &c->labels, e);
}

static int decode_diff_ids(struct arena *a, const struct doc *node, struct oci_config *ret, struct err *e)
{
	const struct doc *rootfs, *ids = NULL;
	int r = get_list(node, "rootfs", DOC_MAP, &rootfs, e);

	if (!r && rootfs && doc_get_str(rootfs, "type") && !str_equal(doc_get_str(rootfs, "type"), "layers"))
		return doc_err(rootfs, e, "its root file system is not made of layers");
	if (!r && rootfs)
		r = get_list(rootfs, "diff_ids", DOC_LIST, &ids, e);
	for (const struct doc *c = ids ? ids->child : NULL; c && !r; c = c->next) {
		if (c->kind != DOC_STR || !oci_is_digest(c->text))
			return doc_err(c, e, "a diff_id is no digest: sha256 and 64 lower-case hex digits are read");
		*list_add(a, &ret->diff_ids) = arena_strdup(a, c->text);
	}
	return r;
}

static int decode_config(struct arena *a, const struct doc *node, struct oci_config *ret, struct err *e)
{
	struct image_config *c = &ret->config;
	const struct doc *run;
	int r;

	if ((r = get_text(a, node, "os", &c->os, e)) || (r = get_text(a, node, "architecture", &c->arch, e)) ||
	    (r = get_text(a, node, "variant", &c->variant, e)) || (r = get_text(a, node, "created", &c->created, e)) ||
	    (r = get_text(a, node, "author", &c->author, e)) || (r = get_list(node, "config", DOC_MAP, &run, e)))
		return r;
	if (run)
		r = decode_run(a, run, c, e);
	return r ? r : decode_diff_ids(a, node, ret, e);
}

int oci_parse_config(struct arena *a, const char *name, const char *text, size_t len, struct oci_config *ret,
		     struct err *e)
{
	struct oci_config c = {};
	struct doc *node;
	int r = parse(a, name, text, len, &node, e);

	if (!r)
		r = decode_config(a, node, &c, e);
	if (r)
		return err_recode(e, ERR_FAILED);
	*ret = c;
	return 0;
}

struct oci_platform oci_host_platform(void)
{
	static const struct {
		const char *machine, *arch, *variant;
	} machines[] = {
		{"x86_64", "amd64", NULL},   {"aarch64", "arm64", "v8"},    {"armv7l", "arm", "v7"},
		{"armv6l", "arm", "v6"},     {"i686", "386", NULL},         {"riscv64", "riscv64", NULL},
		{"ppc64le", "ppc64le", NULL}, {"s390x", "s390x", NULL},     {"loongarch64", "loong64", NULL},
	};
	struct utsname u;

	if (uname(&u) < 0)
		return (struct oci_platform){"linux", "unknown", NULL};
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++)
		if (!strcmp(machines[i].machine, u.machine))
			return (struct oci_platform){"linux", machines[i].arch, machines[i].variant};
	return (struct oci_platform){"linux", "unknown", NULL};
}

/* x86-64-v3 code does not run everywhere, so an image of a named level is taken only when there is no other. */
int oci_platform_fit(const struct oci_platform *want, const char *os, const char *arch, const char *variant)
{
	if (!str_equal(os, want->os) || !str_equal(arch, want->arch))
		return 0;
	if (str_equal(variant, want->variant) || (!variant && want->variant && !strcmp(want->variant, "v8")))
		return 3;
	if (!variant)
		return 2;
	/* arm: an older variant runs too */
	if (want->variant && strcmp(variant, want->variant) < 0)
		return 1;
	return want->variant ? 0 : 1;
}
