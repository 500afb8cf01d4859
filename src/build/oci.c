/* SPDX-License-Identifier: Apache-2.0 */
/* JSON is written as text: the shape is fixed, and a library would decide about spaces and order. */
#include "build/oci.h"

#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "pod/signals.h"

/* Starts `"key":`, with a comma where something stands before it. */
static void add_key(struct str *out, const char *key)
{
	char last = out->len ? out->text[out->len - 1] : '{';

	if (last != '{' && last != '[')
		str_add_char(out, ',');
	str_add_json(out, key);
	str_add_char(out, ':');
}

static void add_string(struct str *out, const char *key, const char *value)
{
	if (!value)
		return;
	add_key(out, key);
	str_add_json(out, value);
}

static void add_list(struct str *out, const char *key, char *const *values)
{
	if (!values || !values[0])
		return;
	add_key(out, key);
	str_add_char(out, '[');
	for (size_t i = 0; values[i]; i++) {
		if (i)
			str_add_char(out, ',');
		str_add_json(out, values[i]);
	}
	str_add_char(out, ']');
}


static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The length of what makes two entries the same: all of it, or the key of "K=V". */
static size_t key_length(const char *entry, bool pairs)
{
	return pairs ? strcspn(entry, "=") : strlen(entry);
}

static bool same_key(const char *a, const char *b, bool pairs)
{
	size_t n = key_length(a, pairs);

	return n == key_length(b, pairs) && memcmp(a, b, n) == 0;
}

/* Adds or, for pairs, replaces in place. */
static void set_entry(struct arena *a, char ***list, const char *entry, bool pairs)
{
	for (size_t i = 0; *list && (*list)[i]; i++)
		if (same_key((*list)[i], entry, pairs)) {
			(*list)[i] = arena_strdup(a, entry);
			return;
		}
	arena_strv_add(a, list, entry);
}

/* Base first, the recipe over it: an entry with the same key keeps its place and gets the new value. */
static char **merge(struct arena *a, char *const *base, char *const *over, bool pairs)
{
	char **merged = NULL;

	for (size_t i = 0; base && base[i]; i++)
		set_entry(a, &merged, base[i], pairs);
	for (size_t i = 0; over && over[i]; i++)
		set_entry(a, &merged, over[i], pairs);
	return merged;
}

static char **sort(char **list)
{
	if (list)
		qsort(list, strv_len(list), sizeof(*list), compare_strings);
	return list;
}

/* {"80/tcp":{},"443/tcp":{}} */
static void add_empty_objects(struct str *out, const char *key, char *const *names)
{
	if (!names || !names[0])
		return;
	add_key(out, key);
	str_add_char(out, '{');
	for (size_t i = 0; names[i]; i++) {
		add_key(out, names[i]);
		str_add(out, "{}");
	}
	str_add_char(out, '}');
}

static void add_pairs(struct arena *a, struct str *out, const char *key, char *const *pairs)
{
	if (!pairs || !pairs[0])
		return;
	add_key(out, key);
	str_add_char(out, '{');
	for (size_t i = 0; pairs[i]; i++) {
		size_t n = strcspn(pairs[i], "=");

		add_string(out, arena_strndup(a, pairs[i], n), pairs[i] + n + (pairs[i][n] == '='));
	}
	str_add_char(out, '}');
}

static char *utc_time(struct arena *a, int64_t time_s)
{
	time_t t = (time_t)time_s;
	struct tm tm;
	char text[32];

	if (!gmtime_r(&t, &tm) || !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
		return NULL;
	return arena_strdup(a, text);
}

/* "quit", "QUIT" and "3" mean the same and must give the same bytes: the long name, as docker writes it. */
static char *signal_name(struct arena *a, char *name)
{
	struct err e = {};
	uint32_t signal;
	char *known;

	if (!name || signal_parse(name, &signal, &e))
		return name;
	known = signal_format(a, signal);
	return known[0] >= '0' && known[0] <= '9' ? known : arena_printf(a, "SIG%s", known);
}

/* An entrypoint of the recipe makes the base's cmd meaningless, as with docker. */
static char **choose_cmd(const struct recipe *r, const struct image_config *base)
{
	return r->cmd || r->entrypoint ? r->cmd : base->cmd;
}

void oci_make_config(struct arena *a, const struct recipe *r, const struct image_config *base, int64_t time_s,
		     struct image_config *ret)
{
	static const struct image_config nothing;

	base = base ? base : &nothing;
	*ret = (struct image_config){
		.entrypoint = r->entrypoint ? r->entrypoint : base->entrypoint,
		.cmd = choose_cmd(r, base),
		.env = merge(a, base->env, r->env, true),
		.user = r->user ? r->user : base->user,
		.workdir = r->workdir ? r->workdir : base->workdir,
		.volumes = sort(merge(a, base->volumes, r->volumes, false)),
		.ports = sort(merge(a, base->ports, r->ports, false)),
		.stop_signal = r->stop_signal ? signal_name(a, r->stop_signal) : base->stop_signal,
		.labels = sort(merge(a, base->labels, r->labels, true)),
		.os = arena_strdup(a, "linux"),
		.created = utc_time(a, time_s),
		.author = r->author,
	};
}

static void add_run_config(struct arena *a, struct str *out, const struct image_config *c)
{
	add_key(out, "config");
	str_add_char(out, '{');
	add_string(out, "User", c->user);
	add_empty_objects(out, "ExposedPorts", c->ports);
	add_list(out, "Env", c->env);
	add_list(out, "Entrypoint", c->entrypoint);
	add_list(out, "Cmd", c->cmd);
	add_empty_objects(out, "Volumes", c->volumes);
	add_string(out, "WorkingDir", c->workdir);
	add_pairs(a, out, "Labels", c->labels);
	add_string(out, "StopSignal", c->stop_signal);
	str_add_char(out, '}');
}

static void add_rootfs(struct str *out, const struct oci_image *img)
{
	add_key(out, "rootfs");
	str_add(out, "{\"type\":\"layers\",\"diff_ids\":[");
	for (size_t i = 0; i < img->n_layers; i++) {
		if (i)
			str_add_char(out, ',');
		str_add_json(out, img->layers[i].diff_id);
	}
	str_add(out, "]}");
}

void oci_write_config(struct str *out, const struct oci_image *img)
{
	const struct image_config *c = img->config;
	autoarena a = {};

	str_add_char(out, '{');
	add_string(out, "created", c->created);
	add_string(out, "author", c->author);
	add_string(out, "architecture", c->arch);
	add_string(out, "os", c->os);
	add_string(out, "variant", c->variant);
	add_run_config(&a, out, c);
	add_rootfs(out, img);
	str_add_char(out, '}');
}

static void add_descriptor(struct str *out, const char *type, const char *digest, uint64_t size)
{
	str_add(out, "{");
	add_string(out, "mediaType", type);
	add_string(out, "digest", digest);
	str_addf(out, ",\"size\":%llu}", (unsigned long long)size);
}

void oci_write_manifest(struct str *out, const struct oci_image *img, const char *config_digest, uint64_t config_size)
{
	str_add(out, "{\"schemaVersion\":2");
	add_string(out, "mediaType", OCI_TYPE_MANIFEST);
	add_key(out, "config");
	add_descriptor(out, OCI_TYPE_CONFIG, config_digest, config_size);
	add_key(out, "layers");
	str_add_char(out, '[');
	for (size_t i = 0; i < img->n_layers; i++) {
		if (i)
			str_add_char(out, ',');
		add_descriptor(out, img->layers[i].media_type, img->layers[i].digest, img->layers[i].size);
	}
	str_add(out, "]}");
}
