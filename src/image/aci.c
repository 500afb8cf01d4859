/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding of appc's image manifest from the document tree. */
#include "image/aci.h"

#include <string.h>

#include "base/doc.h"
#include "base/str.h"
#include "base/unit.h"

#define LOWER_DIGIT "abcdefghijklmnopqrstuvwxyz0123456789"
#define FILE_NAME "the ACI's manifest"

enum { PORTS_MAX = 1024 };

static bool is_null(const struct doc *node)
{
	return !node || node->kind == DOC_NULL;
}

/* "example.com/reduce-worker": lower-case letters and digits, single separators between them. */
static bool is_identifier(const char *s)
{
	for (;;) {
		size_t n = strspn(s, LOWER_DIGIT);

		if (!n)
			return false;
		s += n;
		if (!*s)
			return true;
		if (!strchr("-._~/", *s++))
			return false;
	}
}

static int get_text(struct arena *a, const struct doc *node, const char *key, char **ret, struct err *e)
{
	const struct doc *v = doc_get(node, key);

	if (is_null(v))
		return 0;
	if (v->kind != DOC_STR)
		return doc_err(v, e, "%s is no text", key);
	*ret = arena_strdup(a, v->text);
	return 0;
}

static int need_text(struct arena *a, const struct doc *node, const char *key, char **ret, struct err *e)
{
	int r = get_text(a, node, key, ret, e);

	if (r || (*ret && **ret))
		return r;
	return doc_err(node, e, "%s is missing", key);
}

/* The members of a list, each of which must be of that kind; an absent list has none. */
static int get_list(const struct doc *node, const char *key, enum doc_kind kind, const struct doc **ret_first,
		    struct err *e)
{
	const struct doc *v = doc_get(node, key);

	*ret_first = NULL;
	if (is_null(v))
		return 0;
	if (v->kind != DOC_LIST)
		return doc_err(v, e, "%s is no list", key);
	for (const struct doc *c = v->child; c; c = c->next)
		if (c->kind != kind)
			return doc_err(c, e, "%s holds something that is no %s", key, kind == DOC_STR ? "text" : "object");
	*ret_first = v->child;
	return 0;
}

static int get_strings(struct arena *a, const struct doc *node, const char *key, char ***ret, struct err *e)
{
	const struct doc *c;
	int r = get_list(node, key, DOC_STR, &c, e);

	for (; c && !r; c = c->next)
		arena_strv_add(a, ret, c->text);
	return r;
}

/* Lists of {name, value}, as labels, annotations and the environment are, to "name=value"; names are unique. */
static int get_pairs(struct arena *a, const struct doc *node, const char *key, char ***ret, struct err *e)
{
	char **seen = NULL;
	const struct doc *c;
	int r = get_list(node, key, DOC_MAP, &c, e);

	for (; c && !r; c = c->next) {
		char *name = NULL, *value = NULL;

		if ((r = need_text(a, c, "name", &name, e)) || (r = get_text(a, c, "value", &value, e)))
			return r;
		if (strchr(name, '='))
			return doc_err(c, e, "the name %.100s has a '=' in it", name);
		for (char **s = seen; s && *s; s++)
			if (!strcmp(*s, name))
				return doc_err(c, e, "%s names %.100s twice", key, name);
		arena_strv_add(a, &seen, name);
		arena_strv_add(a, ret, arena_printf(a, "%s=%s", name, value ? value : ""));
	}
	return r;
}

static const char *value_of(char *const *pairs, const char *name)
{
	size_t n = strlen(name);

	for (; pairs && *pairs; pairs++)
		if (!strncmp(*pairs, name, n) && (*pairs)[n] == '=')
			return *pairs + n + 1;
	return NULL;
}

static int get_ids(struct arena *a, const struct doc *node, char ***ret, struct err *e)
{
	const struct doc *c;
	uint64_t id;
	int r = get_list(node, "supplementaryGIDs", DOC_INT, &c, e);

	for (; c && !r; c = c->next) {
		if (unit_parse_u64(c->text, 0, 0xfffffffe, &id))
			return doc_err(c, e, "supplementaryGIDs holds something that is no group id");
		arena_strv_add(a, ret, c->text);
	}
	return r;
}

static int get_mount_points(struct arena *a, const struct doc *node, char ***ret, struct err *e)
{
	const struct doc *c;
	int r = get_list(node, "mountPoints", DOC_MAP, &c, e);

	for (; c && !r; c = c->next) {
		char *path = NULL;

		r = need_text(a, c, "path", &path, e);
		if (!r && *path != '/')
			return doc_err(c, e, "the mount point %.100s is no absolute path", path);
		if (!r)
			arena_strv_add(a, ret, path);
	}
	return r;
}

static int get_number(const struct doc *node, const char *key, uint64_t absent, uint64_t min, uint64_t max, uint64_t *ret,
		      struct err *e)
{
	const struct doc *v = doc_get(node, key);

	*ret = absent;
	if (is_null(v) && absent >= min)
		return 0;
	if (v && v->kind == DOC_INT && !unit_parse_u64(v->text, min, max, ret))
		return 0;
	return doc_err(v ? v : node, e, "%s is no number from %llu to %llu", key, (unsigned long long)min,
		       (unsigned long long)max);
}

static int get_port(struct arena *a, const struct doc *node, char ***ret, struct err *e)
{
	char *protocol = NULL;
	uint64_t port, count;
	int r;

	if ((r = need_text(a, node, "protocol", &protocol, e)) || (r = get_number(node, "port", 0, 1, 65535, &port, e)) ||
	    (r = get_number(node, "count", 1, 1, PORTS_MAX, &count, e)))
		return r;
	if (strcmp(protocol, "tcp") && strcmp(protocol, "udp"))
		return doc_err(node, e, "the protocol %.20s of a port is neither tcp nor udp", protocol);
	if (port + count > 65536)
		return doc_err(node, e, "a range of ports ends behind 65535");
	for (uint64_t i = 0; i < count && strv_len(*ret) < PORTS_MAX; i++)
		arena_strv_add(a, ret, arena_printf(a, "%llu/%s", (unsigned long long)(port + i), protocol));
	return 0;
}

static int get_ports(struct arena *a, const struct doc *node, char ***ret, struct err *e)
{
	const struct doc *c;
	int r = get_list(node, "ports", DOC_MAP, &c, e);

	for (; c && !r; c = c->next)
		r = get_port(a, c, ret, e);
	return r;
}

static int get_unused(struct arena *a, const struct doc *app, const char *key, char ***ret, struct err *e)
{
	const struct doc *c;
	int r = get_list(app, key, DOC_MAP, &c, e);

	for (; c && !r; c = c->next) {
		char *name = NULL;

		r = need_text(a, c, "name", &name, e);
		if (!r)
			arena_strv_add(a, ret, name);
	}
	return r;
}

static int decode_app(struct arena *a, const struct doc *app, struct aci_manifest *m, struct err *e)
{
	struct image_config *c = &m->config;
	int r;

	if (app->kind != DOC_MAP)
		return doc_err(app, e, "app is no object");
	m->has_app = true;
	if ((r = need_text(a, app, "user", &m->user, e)) || (r = need_text(a, app, "group", &m->group, e)) ||
	    (r = get_strings(a, app, "exec", &c->entrypoint, e)) || (r = get_ids(a, app, &c->groups, e)) ||
	    (r = get_text(a, app, "workingDirectory", &c->workdir, e)) || (r = get_pairs(a, app, "environment", &c->env, e)) ||
	    (r = get_mount_points(a, app, &c->volumes, e)) || (r = get_ports(a, app, &c->ports, e)) ||
	    (r = get_unused(a, app, "eventHandlers", &m->unused, e)))
		return r;
	return get_unused(a, app, "isolators", &m->unused, e);
}

static bool is_image_id(const char *s)
{
	return !strncmp(s, "sha512-", 7) && strspn(s + 7, "0123456789abcdef") == 128 && !s[7 + 128];
}

static int decode_dependency(struct arena *a, const struct doc *node, struct aci_dependency *d, struct err *e)
{
	int r;

	if ((r = need_text(a, node, "imageName", &d->name, e)) || (r = get_text(a, node, "imageID", &d->image_id, e)) ||
	    (r = get_pairs(a, node, "labels", &d->labels, e)) ||
	    (r = get_number(node, "size", 0, 0, INT64_MAX, &d->size, e)))
		return r;
	if (!is_identifier(d->name))
		return doc_err(node, e, "'%.100s' is no image name", d->name);
	if (d->image_id && !is_image_id(d->image_id))
		return doc_err(node, e, "'%.150s' is no image ID: sha512- and 128 lower-case hex digits", d->image_id);
	return 0;
}

static int decode_dependencies(struct arena *a, const struct doc *node, struct aci_manifest *m, struct err *e)
{
	const struct doc *c;
	int r = get_list(node, "dependencies", DOC_MAP, &c, e);

	for (; c && !r; c = c->next) {
		if (m->dependencies.n >= ACI_DEPENDENCIES_MAX)
			return doc_err(c, e, "it has more than %d dependencies", ACI_DEPENDENCIES_MAX);
		r = decode_dependency(a, c, list_add(a, &m->dependencies), e);
	}
	return r;
}

static int decode_whitelist(struct arena *a, const struct doc *node, struct aci_manifest *m, struct err *e)
{
	int r = get_strings(a, node, "pathWhitelist", &m->whitelist, e);

	for (char **w = m->whitelist; w && *w && !r; w++)
		if (**w != '/')
			return doc_err(node, e, "pathWhitelist holds %.100s, which is no absolute path", *w);
	return r;
}

/* appc's words for processors to those of OCI, which the rest of Rocket speaks. */
static char *arch_of(struct arena *a, const char *arch)
{
	static const char *const words[][2] = {
		{"i386", "386"}, {"aarch64", "arm64"}, {"armv7l", "arm"}, {"armv6l", "arm"}, {"x86_64", "amd64"},
	};

	for (size_t i = 0; arch && i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(words[i][0], arch))
			return arena_strdup(a, words[i][1]);
	return arena_strdup(a, arch);
}

static int decode_labels(struct arena *a, const struct doc *node, struct aci_manifest *m, struct err *e)
{
	char **labels = NULL, **notes = NULL;
	int r = get_pairs(a, node, "labels", &labels, e);

	if (!r)
		r = get_pairs(a, node, "annotations", &notes, e);
	if (r)
		return r;
	if (value_of(labels, "name"))
		return doc_err(node, e, "labels holds 'name', which is reserved");
	if (value_of(labels, "arch") && !value_of(labels, "os"))
		return doc_err(node, e, "labels holds arch without os");
	m->version = arena_strdup(a, value_of(labels, "version"));
	m->config.os = arena_strdup(a, value_of(labels, "os"));
	m->config.arch = arch_of(a, value_of(labels, "arch"));
	m->config.created = arena_strdup(a, value_of(notes, "created"));
	m->config.author = arena_strdup(a, value_of(notes, "authors"));
	for (char **l = labels; l && *l; l++)
		arena_strv_add(a, &m->config.labels, *l);
	for (char **l = notes; l && *l; l++)
		arena_strv_add(a, &m->config.labels, *l);
	return 0;
}

static int check_kind(struct arena *a, const struct doc *node, struct err *e)
{
	char *kind = NULL, *version = NULL;
	int r;

	if ((r = need_text(a, node, "acKind", &kind, e)) || (r = need_text(a, node, "acVersion", &version, e)))
		return r;
	if (strcmp(kind, "ImageManifest"))
		return doc_err(node, e, "acKind is %.40s, not ImageManifest", kind);
	if (strncmp(version, "0.", 2) || !strcmp(version, "0.0.0"))
		return doc_err(node, e, "acVersion is %.40s, and 0.x is known", version);
	return 0;
}

static int decode(struct arena *a, const struct doc *node, struct aci_manifest *m, struct err *e)
{
	const struct doc *app = doc_get(node, "app");
	int r;

	if (node->kind != DOC_MAP)
		return doc_err(node, e, "it is no object");
	if ((r = check_kind(a, node, e)) || (r = need_text(a, node, "name", &m->name, e)))
		return r;
	if (!is_identifier(m->name))
		return doc_err(node, e, "'%.100s' is no image name", m->name);
	if ((r = decode_labels(a, node, m, e)) || (r = decode_dependencies(a, node, m, e)) ||
	    (r = decode_whitelist(a, node, m, e)))
		return r;
	return is_null(app) ? 0 : decode_app(a, app, m, e);
}

int aci_parse_manifest(struct arena *a, const char *text, size_t len, struct aci_manifest *ret, struct err *e)
{
	struct aci_manifest m = {};
	struct doc *node;
	int r;

	if (len > ACI_MANIFEST_MAX)
		return err_new(e, ERR_FAILED, FILE_NAME " is larger than %d bytes", ACI_MANIFEST_MAX);
	r = doc_parse_json(a, FILE_NAME, text, len, &node, e);
	if (!r)
		r = decode(a, node, &m, e);
	if (r)
		return err_recode(e, ERR_FAILED);
	*ret = m;
	return 0;
}
