/* SPDX-License-Identifier: Apache-2.0 */
/* Finding, reading and merging configuration files and the environment, key by key. */
#include "cli/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/doc.h"
#include "base/io.h"
#include "base/str.h"
#include "base/unit.h"
#include "cli/settle.h"

#define FILE_MAX (64U << 10)
#define KEYS_MAX 64

static int check_absolute(const char *value)
{
	return value[0] == '/' ? 0 : -1;
}

static int check_bool(const char *value)
{
	return strcmp(value, "true") == 0 || strcmp(value, "false") == 0 ? 0 : -1;
}

static int check_output(const char *value)
{
	enum cli_output output;

	return settle_output(value, &output);
}

static int check_time(const char *value)
{
	int64_t ns;

	return unit_parse_time(value, &ns);
}

static int check_insecure(const char *value)
{
	unsigned bits;

	return settle_insecure(value, &bits);
}

const struct config_key config_keys[] = {
	{"dir", "where images and pods are kept; root: /var/lib/rocket, else below $XDG_DATA_HOME", NULL,
	 check_absolute, "an absolute path"},
	{"run_dir", "sockets and mounts; root: /run/rocket, else below $XDG_RUNTIME_DIR", NULL, check_absolute,
	 "an absolute path"},
	{"output", "form of the output, as -o", "table", check_output, "table, wide, json, yaml or name"},
	{"quiet", "print nothing for people, as -q", "false", check_bool, "true or false"},
	{"insecure_options", "risks that are taken, as --insecure-options", NULL, check_insecure,
	 "a list of image, tls, http"},
	{"grace_period", "how long gc leaves exited pods", "30m", check_time, "a time such as 30m"},
	{},
};

static size_t count_keys(void)
{
	size_t n = 0;

	while (config_keys[n].name)
		n++;
	return n;
}

char **config_places(struct arena *a)
{
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	char **places = NULL;

	arena_strv_add(a, &places, "/usr/share/rocket");
	arena_strv_add(a, &places, "/etc/rocket");
	if (xdg && xdg[0] == '/')
		arena_strv_add(a, &places, arena_printf(a, "%s/rocket", xdg));
	else if (home && home[0] == '/')
		arena_strv_add(a, &places, arena_printf(a, "%s/.config/rocket", home));
	return places;
}

static struct config_value *find_value(const struct config *c, const char *key)
{
	for (size_t i = 0; config_keys[i].name; i++) {
		if (strcmp(config_keys[i].name, key) == 0)
			return &c->values[i];
	}
	return NULL;
}

const char *config_get(const struct config *c, const char *key)
{
	const struct config_value *v = find_value(c, key);

	return v ? v->value : NULL;
}

static int unknown_key(const struct doc *node, struct err *e)
{
	const char *names[KEYS_MAX + 1];
	size_t n = 0;

	for (; config_keys[n].name && n < KEYS_MAX; n++)
		names[n] = config_keys[n].name;
	names[n] = NULL;
	const char *nearest = str_nearest(node->key, names);

	doc_key_err(node, e, "there is no configuration key %.60s", node->key);
	return nearest ? err_try(e, "%s", nearest) : err_try(e, "rocket config");
}

static int take_node(struct arena *a, const struct config *c, const struct doc *node, struct err *e)
{
	struct config_value *v = find_value(c, node->key);

	if (!v)
		return unknown_key(node, e);
	if (!node->text || node->kind == DOC_NULL)
		return doc_err(node, e, "%s must be %s", node->key, v->key->expected);
	if (v->key->check && v->key->check(node->text) < 0) {
		doc_err(node, e, "%s must be %s", node->key, v->key->expected);
		return err_because(e, "it is %.100s", node->text);
	}
	v->value = node->text;
	v->origin = arena_printf(a, "%s:%u", node->file, node->line);
	return 0;
}

static int load_file(struct arena *a, const struct config *c, int dirfd, const char *name, const char *path,
		     struct err *e)
{
	autofree char *text = NULL;
	size_t len;
	struct doc *all;

	if (io_read_file(dirfd, name, FILE_MAX, &text, &len, e) < 0)
		return -e->code;
	if (doc_parse_yaml_all(a, path, text, len, &all, e) < 0)
		return -e->code;
	const struct doc *top = all->child;

	if (!top || (all->n == 1 && top->kind == DOC_NULL))
		return 0; /* all of it is comments */
	if (all->n > 1)
		return doc_err(top->next, e, "a second document starts here; one is expected");
	if (top->kind != DOC_MAP)
		return doc_err(top, e, "a map of keys is expected");
	for (const struct doc *node = top->child; node; node = node->next) {
		if (take_node(a, c, node, e) < 0)
			return -e->code;
	}
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in the directory that end so, sorted, in the arena. */
static char **list_names(struct arena *a, int dirfd, const char *suffix)
{
	autoclose int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclosedir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *d;
	char **names = NULL;

	if (!dir)
		return NULL;
	take_fd(&fd);
	while ((d = readdir(dir))) {
		if (d->d_name[0] != '.' && str_has_suffix(d->d_name, suffix))
			arena_strv_add(a, &names, d->d_name);
	}
	if (names)
		qsort(names, strv_len(names), sizeof(*names), compare_names);
	return names;
}

static int load_folder(struct arena *a, const struct config *c, int parent, const char *path, const char *name,
		       struct err *e)
{
	autoclose int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (char **n = fd < 0 ? NULL : list_names(a, fd, ".yaml"); n && *n; n++) {
		if (load_file(a, c, fd, *n, arena_printf(a, "%s/%s/%s", path, name, *n), e) < 0)
			return -e->code;
	}
	return 0;
}

static int load_place(struct arena *a, const struct config *c, const char *path, struct err *e)
{
	autoclose int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return 0; /* most hosts have none of them */
	if (fstatat(fd, "rocket.yaml", &st, 0) == 0 &&
	    load_file(a, c, fd, "rocket.yaml", arena_printf(a, "%s/rocket.yaml", path), e) < 0)
		return -e->code;
	for (char **n = list_names(a, fd, ".d"); n && *n; n++) {
		if (load_folder(a, c, fd, path, *n, e) < 0)
			return -e->code;
	}
	return 0;
}

static int load_environment(struct arena *a, const struct config *c, struct err *e)
{
	for (size_t i = 0; config_keys[i].name; i++) {
		struct config_value *v = &c->values[i];
		char *name = arena_printf(a, "ROCKET_%s", v->key->name);

		for (char *p = name; *p; p++)
			*p = *p >= 'a' && *p <= 'z' ? (char)(*p & ~0x20) : *p;
		const char *value = getenv(name);

		if (!value || !*value)
			continue;
		if (v->key->check && v->key->check(value) < 0) {
			err_new(e, ERR_USAGE, "$%s must be %s", name, v->key->expected);
			return err_because(e, "it is %.100s", value);
		}
		v->value = value;
		v->origin = arena_printf(a, "$%s", name);
	}
	return 0;
}

int config_load(struct arena *a, char *const *places, const struct config **ret, struct err *e)
{
	struct config *c = arena_new(a, struct config);
	size_t n = count_keys();

	c->values = arena_alloc(a, n * sizeof(*c->values));
	for (size_t i = 0; i < n; i++)
		c->values[i] = (struct config_value){&config_keys[i], config_keys[i].preset,
						     config_keys[i].preset ? "built in" : "not set"};
	for (; *places; places++) {
		if (load_place(a, c, *places, e) < 0)
			return -e->code;
	}
	if (load_environment(a, c, e) < 0)
		return -e->code;
	*ret = c;
	return 0;
}
