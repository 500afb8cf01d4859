/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Volumes whose files stand in the manifest: configMap, secret, downwardAPI, and all of them together as projected. Each
 * becomes a folder in the pod's memory, "kube/VOLUME/…", that containers mount read-only, whole or one file of it (subPath). Pure.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/decode.h"
#include "base/str.h"
#include "pod/kube.h"
#include "pod/native_parts.h"
#include "pod/place.h"

enum { DEFAULT_MODE = 0644, FILES_MAX = 4096 };

/* ---- documents ---- */

struct kube_item {
	char *key, *path, *field, *resource;
	uint32_t mode;
};
struct kube_source {
	char *name;
	bool optional;
	uint32_t mode;
	LIST(struct kube_item) items;
	LIST(struct kube_projection) sources;
};
struct kube_projection {
	struct kube_source config_map, secret, downward;
};

static int item_mode(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	return kube_decode_mode(node, &((struct kube_item *)object)->mode, e);
}

static int source_mode(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	return kube_decode_mode(node, &((struct kube_source *)object)->mode, e);
}

static int item_field(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	const char *path = doc_get_str(node, "fieldPath");

	if (!path)
		return place_bad(node, e, "fieldRef names a fieldPath");
	((struct kube_item *)object)->field = arena_strdup(a, path);
	return 0;
}

#define MODE(key_, decode_) {.key = (key_), .kind = FIELD_CUSTOM, .decode = (decode_)}

static const struct field item_fields[] = {
	FIELD(struct kube_item, key, "key", FIELD_STR, .required = true),
	FIELD(struct kube_item, path, "path", FIELD_STR, .required = true),
	MODE("mode", item_mode),
};
static const struct field_set item_set = FIELD_SET("item", struct kube_item, item_fields);

static const struct field down_fields[] = {
	FIELD(struct kube_item, path, "path", FIELD_STR, .required = true),
	{.key = "fieldRef", .kind = FIELD_CUSTOM, .decode = item_field},
	MODE("mode", item_mode),
};
static const char *const down_aliases[][2] = {
	{"resourceFieldRef", "as a variable: env with resourceFieldRef"}, {NULL, NULL}};
static const struct field_set down_set =
	FIELD_SET("item", struct kube_item, down_fields, .aliases = down_aliases);

/* A configMap is named by `name`, a secret volume by `secretName`, in a projection both by `name`. */
static const struct field map_fields[] = {
	FIELD(struct kube_source, name, "name", FIELD_STR, .required = true),
	FIELD(struct kube_source, items, "items", FIELD_LIST, .sub = &item_set),
	FIELD(struct kube_source, optional, "optional", FIELD_BOOL),
	MODE("defaultMode", source_mode),
};
static const struct field_set map_set = FIELD_SET("configMap", struct kube_source, map_fields);
static const struct field secret_fields[] = {
	FIELD(struct kube_source, name, "secretName", FIELD_STR, .required = true),
	FIELD(struct kube_source, items, "items", FIELD_LIST, .sub = &item_set),
	FIELD(struct kube_source, optional, "optional", FIELD_BOOL),
	MODE("defaultMode", source_mode),
};
static const struct field_set secret_set = FIELD_SET("secret", struct kube_source, secret_fields);
static const struct field downward_fields[] = {
	FIELD(struct kube_source, items, "items", FIELD_LIST, .sub = &down_set),
	MODE("defaultMode", source_mode),
};
static const struct field_set downward_set = FIELD_SET("downwardAPI", struct kube_source, downward_fields);
static const struct field projection_fields[] = {
	FIELD(struct kube_projection, config_map, "configMap", FIELD_STRUCT, .sub = &map_set),
	FIELD(struct kube_projection, secret, "secret", FIELD_STRUCT, .sub = &map_set),
	FIELD(struct kube_projection, downward, "downwardAPI", FIELD_STRUCT, .sub = &downward_set),
};
static const char *const projection_aliases[][2] = {
	{"serviceAccountToken", "there is no API server to ask: take it out, or --ignore-unknown"},
	{"clusterTrustBundle", "it is about a cluster: take it out, or --ignore-unknown"},
	{"podCertificate", "it is about a cluster: take it out, or --ignore-unknown"},
	{NULL, NULL}};
static const struct field_set projection_set =
	FIELD_SET("projection", struct kube_projection, projection_fields, .aliases = projection_aliases);
static const struct field projected_fields[] = {
	FIELD(struct kube_source, sources, "sources", FIELD_LIST, .sub = &projection_set, .required = true),
	MODE("defaultMode", source_mode),
};
static const struct field_set projected_set = FIELD_SET("projected", struct kube_source, projected_fields);

/* ---- one file ---- */

struct folder {
	const char *volume;
	const struct doc *node;
	uint32_t mode;
};

/* A relative path without "..": it must not leave the volume. */
bool kube_is_inside(const char *path)
{
	if (!*path || *path == '/' || strlen(path) > 300)
		return false;
	for (const char *p = path; p; p = strchr(p, '/') ? strchr(p, '/') + 1 : NULL) {
		size_t n = strcspn(p, "/");

		if (n == 0 || n > 255 || (n == 1 && *p == '.') || (n == 2 && !strncmp(p, "..", 2)))
			return false;
	}
	return true;
}

static int add_file(struct kube *k, const struct folder *f, const char *path, const char *text,
		    bool base64, bool secret, uint32_t mode, struct err *e)
{
	const struct kube_pod_security *s = &k->doc.spec.security;
	char *name = arena_printf(k->arena, "kube/%s/%s", f->volume, path);

	if (!kube_is_inside(path))
		return place_bad(f->node, e, "'%.80s' is no path inside a volume", path);
	if (k->pod.files.n >= FILES_MAX)
		return place_bad(f->node, e, "the volumes of the Pod hold more than 4096 files");
	for (size_t i = 0; i < k->pod.files.n; i++)
		if (!strcmp(k->pod.files.v[i].name, name))
			return place_bad(f->node, e, "two files of the volume %.60s are %.80s", f->volume, path);
	*list_add(k->arena, &k->pod.files) = (struct pod_file){
		.place = place_of(k->arena, f->node),
		.name = name,
		.from = FILE_TEXT,
		.source = arena_strdup(k->arena, text),
		.base64 = base64,
		.secret = secret,
		.is_placed = true,
		.mode = mode ? mode : f->mode ? f->mode : DEFAULT_MODE,
		.gid = s->has_fs_group ? (uint32_t)s->fs_group : 0,
	};
	return 0;
}

/* ---- ConfigMaps and Secrets ---- */

struct found {
	const char *text;
	bool base64;
};

static struct found find_key(const struct kube_values *v, const char *key, size_t n)
{
	bool secret = !strcmp(v->kind, "Secret");
	const char *text;

	if ((text = kube_pair_value(v->string_data, key, n)))
		return (struct found){text, false};
	if ((text = kube_pair_value(v->data, key, n)))
		return (struct found){text, secret};
	return (struct found){kube_pair_value(v->binary_data, key, n), true};
}

static int add_key(struct kube *k, const struct folder *f, const struct kube_values *v, const char *key,
		   size_t n, const char *path, uint32_t mode, struct err *e)
{
	struct found x = find_key(v, key, n);

	if (!x.text)
		return place_bad(f->node, e, "the %s %.60s has no key '%.*s'", v->kind, v->metadata.name,
				 (int)(n < 60 ? n : 60), key);
	if (x.base64 && !kube_is_base64(x.text))
		return place_bad(f->node, e, "the key '%.*s' of the %s %.60s is no base64 text",
				 (int)(n < 60 ? n : 60), key, v->kind, v->metadata.name);
	return add_file(k, f, path, x.text, x.base64, !strcmp(v->kind, "Secret"), mode, e);
}

static int add_all_keys(struct kube *k, const struct folder *f, const struct kube_values *v, struct err *e)
{
	char **const lists[] = {v->string_data, v->data, v->binary_data};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		for (char **p = lists[i]; p && *p && !rc; p++) {
			size_t n = strcspn(*p, "=");

			/* stringData wins over data of the same key. */
			if (i && kube_pair_value(v->string_data, *p, n))
				continue;
			rc = add_key(k, f, v, *p, n, arena_strndup(k->arena, *p, n), 0, e);
		}
	return rc;
}

static int add_values(struct kube *k, const struct folder *f, const char *kind,
		      const struct kube_source *s, struct err *e)
{
	const struct kube_values *v = kube_find_values(k, kind, s->name);
	int rc = 0;

	if (!v && s->optional)
		return 0;
	if (!v) {
		place_bad(f->node, e, "there is no %s named %.60s in this file", kind, s->name);
		return err_try(e, "put the %s as one more document into the file, after ---", kind);
	}
	if (!s->items.n)
		return add_all_keys(k, f, v, e);
	for (size_t i = 0; i < s->items.n && !rc; i++) {
		const struct kube_item *x = &s->items.v[i];

		rc = add_key(k, f, v, x->key, strlen(x->key), x->path, x->mode, e);
	}
	return rc;
}

/* metadata.labels and metadata.annotations as a whole: a line KEY="VALUE" each. */
static char *whole_map(struct kube *k, char **pairs)
{
	autostr out = {};

	for (char **p = pairs; p && *p; p++) {
		size_t n = strcspn(*p, "=");

		str_addf(&out, "%.*s=", (int)n, *p);
		str_add_json(&out, *p + n + 1);
		str_add_char(&out, '\n');
	}
	return arena_strdup(k->arena, str_text(&out));
}

static int add_downward(struct kube *k, const struct folder *f, const struct kube_source *s, struct err *e)
{
	const struct kube_metadata *m = &k->doc.metadata;
	int rc = 0;

	for (size_t i = 0; i < s->items.n && !rc; i++) {
		const struct kube_item *x = &s->items.v[i];
		const char *text = NULL;

		if (!x->field)
			return place_bad(f->node, e, "an item of downwardAPI has a fieldRef");
		if (!strcmp(x->field, "metadata.labels"))
			text = whole_map(k, m->labels);
		else if (!strcmp(x->field, "metadata.annotations"))
			text = whole_map(k, m->annotations);
		else
			rc = kube_value_of_field(k, f->node, x->field, &text, e);
		if (!rc && text)
			rc = add_file(k, f, x->path, text, false, false, x->mode, e);
	}
	return rc;
}

static int add_projected(struct kube *k, const struct folder *f, const struct kube_source *s, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < s->sources.n && !rc; i++) {
		const struct kube_projection *p = &s->sources.v[i];
		int n = (p->config_map.name != NULL) + (p->secret.name != NULL) + (p->downward.items.n != 0);

		if (n != 1)
			return front_refuse(k->in, f->node, e, "a source of a projected volume that is none of "
							       "configMap, secret, downwardAPI");
		if (p->config_map.name)
			rc = add_values(k, f, "ConfigMap", &p->config_map, e);
		else if (p->secret.name)
			rc = add_values(k, f, "Secret", &p->secret, e);
		else
			rc = add_downward(k, f, &p->downward, e);
	}
	return rc;
}

int kube_add_files(struct kube *k, const struct kube_volume *v, struct err *e)
{
	const struct doc *node = v->files;
	struct decode d = {.arena = k->arena, .warn = k->in->warn};
	struct kube_source s = {};
	const struct {
		const char *key;
		const struct field_set *set;
	} kinds[] = {
		{"configMap", &map_set},
		{"secret", &secret_set},
		{"downwardAPI", &downward_set},
		{"projected", &projected_set},
	};
	size_t kind = 0;
	int rc;

	while (strcmp(kinds[kind].key, node->key))
		kind++;
	if ((rc = decode_doc(&d, kinds[kind].set, node, &s, e)))
		return rc;
	const struct folder f = {v->name, node, s.mode};

	switch (kind) {
	case 0:
		return add_values(k, &f, "ConfigMap", &s, e);
	case 1:
		return add_values(k, &f, "Secret", &s, e);
	case 2:
		return add_downward(k, &f, &s, e);
	default:
		return add_projected(k, &f, &s, e);
	}
}
