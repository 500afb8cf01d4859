/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The environment of a container: envFrom, then env, from plain values, the Pod's own fields, and
 * the ConfigMaps and Secrets beside it; with $(NAME) replaced as Kubernetes does. Pure.
 */
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "base/unit.h"
#include "pod/flags_parts.h"
#include "pod/kube.h"
#include "pod/place.h"

enum { ENV_TEXT_MAX = 1 << 20 };

/* ---- $(NAME) ---- */

const char *kube_pair_value(char **env, const char *name, size_t n)
{
	for (char **p = env; p && *p; p++)
		if (!strncmp(*p, name, n) && (*p)[n] == '=')
			return *p + n + 1;
	return NULL;
}

/* "$(NAME)" at p, and its length; what is unknown stays as it is. */
static size_t expand_one(struct str *out, const char *p, char **env)
{
	const char *end = strchr(p, ')');
	const char *value = end ? kube_pair_value(env, p + 2, (size_t)(end - p - 2)) : NULL;

	if (!value) {
		str_add_char(out, '$');
		return 1;
	}
	str_add(out, value);
	return (size_t)(end - p) + 1;
}

static char *expand(struct arena *a, const char *text, char **env)
{
	autostr out = {};

	while (*text && out.len < ENV_TEXT_MAX) {
		if (text[0] == '$' && text[1] == '$') {
			str_add_char(&out, '$');
			text += 2;
		} else if (text[0] == '$' && text[1] == '(') {
			text += expand_one(&out, text, env);
		} else {
			str_add_char(&out, *text++);
		}
	}
	return arena_strdup(a, str_text(&out));
}

char **kube_expand_words(struct kube *k, char **words, char **env)
{
	char **list;

	if (!words)
		return NULL;
	list = arena_alloc(k->arena, (strv_len(words) + 1) * sizeof(*list));
	for (size_t i = 0; words[i]; i++)
		list[i] = expand(k->arena, words[i], env);
	return list;
}

/* ---- ConfigMaps and Secrets ---- */

const struct kube_values *kube_find_values(const struct kube *k, const char *kind,
					     const char *name)
{
	for (size_t i = 0; i < k->values.n; i++)
		if (!strcmp(k->values.v[i].kind, kind) &&
		    !strcmp(k->values.v[i].metadata.name, name))
			return &k->values.v[i];
	return NULL;
}

static int digit64(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *p = c ? strchr(digits, c) : NULL;

	return p ? (int)(p - digits) : -1;
}

bool kube_is_base64(const char *text)
{
	size_t n = 0;

	for (; *text && *text != '='; text++) {
		if (*text == '\n' || *text == '\r')
			continue;
		if (digit64(*text) < 0)
			return false;
		n++;
	}
	text += strspn(text, "=\r\n");
	return !*text && n % 4 != 1;
}

/* RFC 4648, line breaks allowed; NULL for what is none, or holds a zero byte. */
static char *decode64(struct arena *a, const char *text)
{
	char *out = arena_alloc(a, strlen(text) / 4 * 3 + 4);
	uint32_t bits = 0;
	size_t n = 0, have = 0;

	for (; *text && *text != '='; text++) {
		if (*text == '\n' || *text == '\r')
			continue;
		if (digit64(*text) < 0)
			return NULL;
		bits = bits << 6 | (uint32_t)digit64(*text);
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		out[n++] = (char)(bits >> have);
	}
	text += strspn(text, "=\r\n");
	out[n] = 0;
	return *text || have >= 6 || strlen(out) != n ? NULL : out;
}

/* "KEY=VALUE" of a Secret's data as "KEY=text". */
static char *decode_pair(struct arena *a, const char *pair)
{
	size_t n = strcspn(pair, "=");
	char *text = decode64(a, pair + n + 1);

	return text ? arena_printf(a, "%.*s=%s", (int)n, pair, text) : NULL;
}

static int bad_secret(const struct kube *k, const struct doc *node, const char *name, struct err *e)
{
	return place_bad(node, e, "the data of the Secret %.60s is no base64 text", name);
}

static int add_pair(struct kube *k, struct kube_app *ka, const char *prefix, const char *pair)
{
	flag_set_pair(k->arena, &ka->app.env,
		      prefix ? arena_printf(k->arena, "%s%s", prefix, pair) : pair);
	return 0;
}

static int add_all(struct kube *k, struct kube_app *ka, const char *kind,
		   const struct kube_source_ref *ref, const char *prefix, struct err *e)
{
	const struct kube_values *v = kube_find_values(k, kind, ref->name);
	const struct doc *node = front_at(ka->node, "envFrom");
	bool secret = !strcmp(kind, "Secret");

	if (!v)
		return ref->optional ? 0
				     : place_bad(node, e, "there is no %s named %.60s in this file",
						 kind, ref->name);
	for (char **p = v->data; p && *p; p++) {
		const char *pair = secret ? decode_pair(k->arena, *p) : *p;

		if (!pair)
			return bad_secret(k, node, ref->name, e);
		add_pair(k, ka, prefix, pair);
	}
	for (char **p = v->string_data; p && *p; p++)
		add_pair(k, ka, prefix, *p);
	return 0;
}

static int value_of_key(struct kube *k, const struct doc *node, const char *kind,
			const struct kube_key_ref *ref, const char **ret, struct err *e)
{
	const struct kube_values *v = kube_find_values(k, kind, ref->name);
	size_t n = strlen(ref->key);
	const char *data = v ? kube_pair_value(v->data, ref->key, n) : NULL;
	const char *text = v ? kube_pair_value(v->string_data, ref->key, n) : NULL;

	if (!text && data)
		text = strcmp(kind, "Secret") ? data : decode64(k->arena, data);
	if (data && !text)
		return bad_secret(k, node, ref->name, e);
	*ret = text;
	if (text || ref->optional)
		return 0;
	return place_bad(node, e, "there is no %s named %.60s with the key %.60s in this file",
			 kind, ref->name, ref->key);
}

/* ---- the Pod's own fields ---- */

/* "metadata.labels['app']" and "metadata.annotations['app']" */
static const char *subscript(const char *path, const char *start, char **pairs)
{
	size_t n = strlen(start), len = strlen(path);

	if (strncmp(path, start, n) || len < n + 4 || strncmp(path + n, "['", 2) ||
	    strcmp(path + len - 2, "']"))
		return NULL;
	return kube_pair_value(pairs, path + n + 2, len - n - 4);
}

int kube_value_of_field(struct kube *k, const struct doc *node, const char *path,
			  const char **ret, struct err *e)
{
	const struct kube_metadata *m = &k->doc.metadata;
	const char *value = subscript(path, "metadata.labels", m->labels);

	if (!value)
		value = subscript(path, "metadata.annotations", m->annotations);
	if (!value && !strcmp(path, "metadata.name"))
		value = m->name;
	if (!value && !strcmp(path, "metadata.namespace"))
		value = m->namespace ? m->namespace : "default";
	/* The pod's own address is its loopback: what binds or announces it is reached there. */
	if (!value && (!strcmp(path, "status.podIP") || !strcmp(path, "status.podIPs")))
		value = "127.0.0.1";
	if (!value && !strcmp(path, "spec.serviceAccountName"))
		value = "default";
	*ret = value;
	return value ? 0 : front_refuse(k->in, node, e, "the field %.80s as a variable", path);
}

/* ---- env ---- */

static const char *resource_text(const struct kube_app *ka, const char *resource)
{
	const struct kube_resources *r = &ka->from->resources;
	bool limits = str_has_prefix(resource, "limits."), requests = str_has_prefix(resource, "requests.");
	const char *key = strchr(resource, '.');
	const char *text = NULL;

	if (!limits && !requests)
		return NULL;
	if (requests)
		text = kube_pair_value(r->requests, key + 1, strlen(key + 1));
	/* What nobody requests is what the limit says, in Kubernetes too. */
	return text ? text : kube_pair_value(r->limits, key + 1, strlen(key + 1));
}

/* limits.cpu rounds up to whole CPUs, memory to bytes, both by the divisor (1 when nothing is said). */
static int value_of_resource(struct kube *k, const struct kube_app *ka, const struct doc *node,
			     const struct kube_value_from *from, const char **ret, struct err *e)
{
	const char *text = resource_text(ka, from->resource);
	const char *divisor = from->divisor && strcmp(from->divisor, "0") ? from->divisor : "1";
	uint64_t bytes, unit;
	uint32_t milli, milli_unit;

	if (text && str_has_suffix(from->resource, ".cpu") && !unit_parse_cpus(text, &milli) &&
	    !unit_parse_cpus(divisor, &milli_unit) && milli_unit) {
		*ret = arena_printf(k->arena, "%u", (milli + milli_unit - 1) / milli_unit);
		return 0;
	}
	if (text && str_has_suffix(from->resource, ".memory") && !unit_parse_size(text, &bytes) &&
	    !unit_parse_size(divisor, &unit) && unit) {
		*ret = arena_printf(k->arena, "%" PRIu64, bytes / unit + (bytes % unit != 0));
		return 0;
	}
	return front_refuse(k->in, node, e, "the resource %.60s as a variable", from->resource);
}

static int value_of_env(struct kube *k, struct kube_app *ka, const struct doc *node, const struct kube_env *env,
			char **so_far, const char **ret, struct err *e)
{
	const struct kube_value_from *from = &env->from;
	int sources = (from->config_map.name != NULL) + (from->secret.name != NULL) +
		      (from->field != NULL) + (from->resource != NULL);

	if (sources > 1 || (sources && env->value && *env->value))
		return place_bad(node, e, "the variable %.60s has more than one source", env->name);
	if (from->config_map.name)
		return value_of_key(k, node, "ConfigMap", &from->config_map, ret, e);
	if (from->secret.name)
		return value_of_key(k, node, "Secret", &from->secret, ret, e);
	if (from->field)
		return kube_value_of_field(k, node, from->field, ret, e);
	if (from->resource)
		return value_of_resource(k, ka, node, from, ret, e);
	*ret = expand(k->arena, env->value ? env->value : "", so_far);
	return 0;
}

static int add_one(struct kube *k, struct kube_app *ka, const struct doc *node,
		   const struct kube_env *env, struct err *e)
{
	const char *value = NULL;
	int rc;

	if (!*env->name || strchr(env->name, '='))
		return place_bad(node, e, "a variable's name can't be empty or hold '='");
	if ((rc = value_of_env(k, ka, node, env, ka->app.env, &value, e)) || !value)
		return rc;
	return add_pair(k, ka, NULL, arena_printf(k->arena, "%s=%s", env->name, value));
}

static int add_from(struct kube *k, struct kube_app *ka, const struct kube_env_from *from,
		    struct err *e)
{
	if ((from->config_map.name != NULL) == (from->secret.name != NULL))
		return place_bad(front_at(ka->node, "envFrom"), e,
				 "an entry of envFrom has either configMapRef or secretRef");
	if (from->config_map.name)
		return add_all(k, ka, "ConfigMap", &from->config_map, from->prefix, e);
	return add_all(k, ka, "Secret", &from->secret, from->prefix, e);
}

int kube_add_env(struct kube *k, struct kube_app *ka, struct err *e)
{
	const struct doc *node = front_at(ka->node, "env");
	const struct doc *c = ka->from->env.n ? node->child : NULL;
	int rc = 0;

	for (size_t i = 0; i < ka->from->env_from.n && !rc; i++)
		rc = add_from(k, ka, &ka->from->env_from.v[i], e);
	for (size_t i = 0; i < ka->from->env.n && !rc; i++, c = c->next)
		rc = add_one(k, ka, c, &ka->from->env.v[i], e);
	return rc;
}
