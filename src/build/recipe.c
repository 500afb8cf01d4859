/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recipe's vocabulary as field tables, and the few checks that a table can't express: an item of
 * `files` is exactly one thing, modes are octal, names are names, paths are absolute and clean.
 */
#include "build/recipe.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/field.h"
#include "base/path.h"
#include "base/str.h"
#include "base/unit.h"
#include "pod/signals.h"

/* The three lines: what is wrong at this place, why, and what to write. */
[[gnu::format(printf, 5, 6)]] static int refuse(const struct doc *at, struct err *e, const char *because,
						const char *hint, const char *fmt, ...)
{
	char what[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	doc_err(at, e, "%s", what);
	err_because(e, "%s", because);
	return err_try(e, "%s", hint);
}

static int expect_scalar(const struct doc *node, const char *hint, struct err *e)
{
	if (node->kind != DOC_NULL && node->kind != DOC_LIST && node->kind != DOC_MAP)
		return 0;
	return refuse(node, e, "a number or a word is expected", hint, "%s has no plain value", node->key ?: "this entry");
}

/* Octal as chmod(1) takes it, 0 to 7777; "0o644" is YAML 1.2's way. */
static int decode_octal(const struct doc *node, int *ret, struct err *e)
{
	const char *text;
	int mode = 0;

	if (expect_scalar(node, "mode: 0644", e))
		return -e->code;
	text = node->text;
	if (str_has_prefix(text, "0o"))
		text += 2;
	if (!text[0] || strlen(text) > 5 || text[strspn(text, "01234567")])
		return refuse(node, e, "modes are octal, as chmod takes them", "mode: 0644", "%s can't be %.40s", node->key, node->text);
	for (; *text; text++)
		mode = mode * 8 + (*text - '0');
	if (mode > 07777)
		return refuse(node, e, "7777 is the largest mode", "mode: 0644", "%s can't be %s", node->key, node->text);
	*ret = mode;
	return 0;
}

static int decode_mode(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	return decode_octal(node, &((struct recipe_item *)object)->mode, e);
}

static int decode_dir_mode(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	return decode_octal(node, &((struct recipe_item *)object)->dir_mode, e);
}

static int decode_owner(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	struct recipe_item *item = object;
	char *colon;

	if (expect_scalar(node, "owner: \"101:101\"", e))
		return -e->code;
	item->owner.given = true;
	item->owner.user = arena_strdup(a, node->text);
	colon = strchr(item->owner.user, ':');
	if (colon) {
		*colon = 0;
		item->owner.group = colon + 1;
	}
	if (!item->owner.user[0] || (colon && !item->owner.group[0]))
		return refuse(node, e, "it is USER or USER:GROUP, names or numbers", "owner: \"101:101\"",
			      "owner can't be %.60s", node->text);
	return 0;
}

static const struct field item_fields[] = {
	FIELD(struct recipe_item, copy, "copy", FIELD_STR),
	FIELD(struct recipe_item, local, "local", FIELD_STR),
	FIELD(struct recipe_item, dir, "dir", FIELD_STR),
	FIELD(struct recipe_item, link, "link", FIELD_STR),
	FIELD(struct recipe_item, text, "text", FIELD_STR),
	FIELD(struct recipe_item, to, "to", FIELD_STR),
	FIELD(struct recipe_item, mode, "mode", FIELD_CUSTOM, .decode = decode_mode),
	FIELD(struct recipe_item, dir_mode, "dir_mode", FIELD_CUSTOM, .decode = decode_dir_mode),
	FIELD(struct recipe_item, owner, "owner", FIELD_CUSTOM, .decode = decode_owner),
	FIELD(struct recipe_item, except, "except", FIELD_STRV),
};

static const char *const item_aliases[][2] = {
	{"source", "copy"},	 {"src", "copy"},	{"path", "copy"},    {"from", "copy"},
	{"dest", "to"},		 {"dst", "to"},		{"target", "to"},    {"content", "text"},
	{"inline", "text"},	 {"symlink", "link"},	{"mkdir", "dir"},    {"directory", "dir"},
	{"chmod", "mode"},	 {"chown", "owner"},	{"user", "owner"},   {"exclude", "except"},
	{"permissions", "mode"}, {NULL, NULL},
};

static const struct field_set item_set =
	FIELD_SET("files item", struct recipe_item, item_fields, .aliases = item_aliases);

/* What each kind of item says, so that the checks are one loop. */
struct item_rule {
	const char *key;
	size_t offset;
	bool needs_to, takes_mode, takes_dir_mode, takes_except;
	bool absolute;       /* its value is a path in the tree or in the image */
	bool to_is_path;     /* `to` is a path in the image */
	const char *usage;   /* for messages */
};

static const char needs_absolute[] = "it must be an absolute path without . and ..";
static const char account_names[] = "it is up to 32 letters, digits, _ - and ., a letter or _ first";

static const struct item_rule item_rules[] = {
	[ITEM_COPY] = {"copy", offsetof(struct recipe_item, copy), false, true, true, true, true, true,
		       "{copy: PATH, to: PATH, mode: …, dir_mode: …, owner: …, except: […]}"},
	[ITEM_LOCAL] = {"local", offsetof(struct recipe_item, local), true, true, true, true, false, true,
			"{local: PATH, to: PATH, mode: …, dir_mode: …, owner: …, except: […]}"},
	[ITEM_DIR] = {"dir", offsetof(struct recipe_item, dir), false, true, false, false, true, true,
		      "{dir: PATH, mode: …, owner: …}"},
	[ITEM_LINK] = {"link", offsetof(struct recipe_item, link), true, false, false, false, true, false,
		       "{link: PATH, to: TARGET, owner: …}"},
	[ITEM_TEXT] = {"text", offsetof(struct recipe_item, text), true, true, false, false, false, true,
		       "{text: TEXT, to: PATH, mode: …, owner: …}"},
};

static const char *item_value(const struct recipe_item *item, size_t kind)
{
	return *(char *const *)((const char *)item + item_rules[kind].offset);
}

static int item_kind(struct recipe_item *item, struct err *e)
{
	unsigned found = 0;

	for (size_t i = 0; i < ARRAY_SIZE(item_rules); i++) {
		if (!item_value(item, i))
			continue;
		item->kind = (enum recipe_item_kind)i;
		found++;
	}
	if (found == 1)
		return 0;
	return refuse(item->place, e, "each item is exactly one of these", "{copy: /usr/bin/x, to: /bin/x}",
		      "an item of files has %s of copy, local, dir, link, text", found ? "more than one" : "none");
}

static int check_item_extras(const struct recipe_item *item, const struct item_rule *rule, struct err *e)
{
	const struct {
		const char *key;
		bool given, allowed;
	} extras[] = {
		{"mode", item->mode >= 0, rule->takes_mode},
		{"dir_mode", item->dir_mode >= 0, rule->takes_dir_mode},
		{"except", item->except != NULL, rule->takes_except},
		{"to", item->to != NULL, item->kind != ITEM_DIR},
	};

	for (size_t i = 0; i < ARRAY_SIZE(extras); i++)
		if (extras[i].given && !extras[i].allowed)
			return refuse(item->place, e, rule->usage, "man rocket-recipe", "%s means nothing with %s",
				      extras[i].key, rule->key);
	if (rule->needs_to && !item->to)
		return refuse(item->place, e, rule->usage, "man rocket-recipe", "%s needs to:", rule->key);
	return 0;
}

static int check_item(const struct recipe_item *item, struct err *e)
{
	const struct item_rule *rule = &item_rules[item->kind];
	const char *value = item_value(item, item->kind);
	int rc = check_item_extras(item, rule, e);

	if (rc)
		return rc;
	if (rule->absolute && !path_is_clean_absolute(value))
		return refuse(item->place, e, needs_absolute, rule->usage, "%s can't be %.100s", rule->key, value);
	if (item->kind == ITEM_LOCAL && (value[0] == '/' || !value[0]))
		return refuse(item->place, e, "it is relative to the recipe's folder", rule->usage, "local can't be %.100s",
			      value);
	if (rule->to_is_path && item->to && !path_is_clean_absolute(item->to))
		return refuse(item->place, e, needs_absolute, rule->usage, "to can't be %.100s", item->to);
	if (item->to && !item->to[0])
		return refuse(item->place, e, "a link points somewhere", rule->usage, "to is empty");
	return 0;
}

static int decode_item(struct arena *a, const struct doc *node, struct recipe_item *item, struct err *e)
{
	const struct decode d = {.arena = a};
	int rc = 0;

	*item = (struct recipe_item){.mode = -1, .dir_mode = -1, .place = node};
	if (node->kind == DOC_STR)
		item->copy = arena_strdup(a, node->text);
	else if (node->kind == DOC_MAP)
		rc = decode_doc(&d, &item_set, node, item, e);
	else
		return refuse(node, e, "it is a path, or a mapping with copy, local, dir, link or text",
			      "{copy: /usr/bin/x, to: /bin/x}", "this is no item of files");
	if (!rc)
		rc = item_kind(item, e);
	return rc ? rc : check_item(item, e);
}

static int decode_files(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	struct recipe *r = object;

	if (node->kind != DOC_LIST)
		return refuse(node, e, "it names what is put in, one item after the other", "files: [/usr/bin/x]",
			      "files must be a list");
	for (const struct doc *child = node->child; child; child = child->next) {
		int rc = decode_item(a, child, list_add(a, &r->files), e);

		if (rc)
			return rc;
	}
	return 0;
}

/* ---- users and groups ---- */

/* What passwd(5) can hold without doubt. */
static bool is_account_name(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");

	return n && n <= 32 && !name[n] && !strchr("-.0123456789", name[0]);
}

static bool is_account_text(const char *text)
{
	return !text || !strpbrk(text, ":\n");
}

static const struct field user_fields[] = {
	FIELD(struct recipe_user, name, "name", FIELD_STR, .internal = true),
	FIELD(struct recipe_user, uid, "uid", FIELD_U32, .required = true),
	FIELD(struct recipe_user, group, "group", FIELD_STR),
	FIELD(struct recipe_user, home, "home", FIELD_STR),
	FIELD(struct recipe_user, shell, "shell", FIELD_STR),
	FIELD(struct recipe_user, comment, "comment", FIELD_STR),
	FIELD(struct recipe_user, groups, "groups", FIELD_STRV),
};

static const char *const user_aliases[][2] = {
	{"gid", "group"}, {"id", "uid"}, {"gecos", "comment"}, {"homedir", "home"}, {NULL, NULL},
};

static const struct field_set user_set = FIELD_SET("user", struct recipe_user, user_fields, .aliases = user_aliases);

static int check_user(const struct doc *node, const struct recipe_user *user, struct err *e)
{
	if (!is_account_name(user->name))
		return refuse(node, e, account_names, "users: {redis: {uid: 101}}", "a user can't be named %.60s",
			      user->name);
	if (user->uid > INT32_MAX)
		return refuse(node, e, "2147483647 is the largest", "users: {redis: {uid: 101}}",
			      "%s can't have the uid %u", user->name, user->uid);
	if (user->home && !path_is_clean_absolute(user->home))
		return refuse(node, e, needs_absolute, "home: /var/lib/redis", "the home of %s can't be %.100s",
			      user->name, user->home);
	if (!is_account_text(user->home) || !is_account_text(user->shell) || !is_account_text(user->comment))
		return refuse(node, e, "passwd can't hold a colon or a line's end", "leave them out",
			      "home, shell or comment of %s has a colon or several lines", user->name);
	for (char **group = user->groups; group && *group; group++)
		if (!is_account_name(*group))
			return refuse(node, e, account_names, "groups: {media: 44}", "a group can't be named %.60s", *group);
	return 0;
}

static int decode_users(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	const struct decode d = {.arena = a};
	struct recipe *r = object;

	if (node->kind != DOC_MAP)
		return refuse(node, e, "each user has a name and a number", "users: {redis: {uid: 101}}",
			      "users must be a mapping from names");
	for (const struct doc *child = node->child; child; child = child->next) {
		struct recipe_user *user = list_add(a, &r->users);
		int rc = decode_doc(&d, &user_set, child, user, e);

		user->name = arena_strdup(a, child->key);
		if (!rc)
			rc = check_user(child, user, e);
		if (rc)
			return rc;
	}
	return 0;
}

static int decode_groups(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	struct recipe *r = object;

	if (node->kind != DOC_MAP)
		return refuse(node, e, "each group has a name and a number", "groups: {media: 44}",
			      "groups must be a mapping from names to numbers");
	for (const struct doc *child = node->child; child; child = child->next) {
		struct recipe_group *group = list_add(a, &r->groups);
		uint64_t gid;

		group->name = arena_strdup(a, child->key);
		if (!is_account_name(group->name))
			return refuse(child, e, account_names, "groups: {media: 44}", "a group can't be named %.60s",
				      group->name);
		if (expect_scalar(child, "groups: {media: 44}", e))
			return -e->code;
		if (unit_parse_u64(child->text, 0, INT32_MAX, &gid))
			return refuse(child, e, "it is a number up to 2147483647", "groups: {media: 44}",
				      "%s can't have the number %.40s", group->name, child->text);
		group->gid = (uint32_t)gid;
	}
	return 0;
}

/* ---- what the image says about running it ---- */

/* "80", 80, "53/udp" -> "80/tcp", "53/udp", as OCI's ExposedPorts has them. */
static int decode_port(struct arena *a, const struct doc *node, struct recipe *r, struct err *e)
{
	const char *slash, *proto;
	uint64_t port;

	if (expect_scalar(node, "ports: [80, 53/udp]", e))
		return -e->code;
	slash = strchr(node->text, '/');
	proto = slash ? slash + 1 : "tcp";
	if (unit_parse_u64(arena_strndup(a, node->text, strcspn(node->text, "/")), 1, 65535, &port) ||
	    (!str_equal(proto, "tcp") && !str_equal(proto, "udp")))
		return refuse(node, e, "a port is a number from 1 to 65535, with /udp behind it or not", "ports: [80, 53/udp]",
			      "%.60s is no port", node->text);
	arena_strv_add(a, &r->ports, arena_printf(a, "%u/%s", (unsigned)port, proto));
	return 0;
}

static int decode_ports(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	if (node->kind != DOC_LIST)
		return refuse(node, e, "an image may listen on several", "ports: [80, 53/udp]", "ports must be a list");
	for (const struct doc *child = node->child; child; child = child->next) {
		int rc = decode_port(a, child, object, e);

		if (rc)
			return rc;
	}
	return 0;
}

static const char *const libraries_names[] = {"auto", "none", NULL};

static const struct field recipe_fields[] = {
	FIELD(struct recipe, name, "name", FIELD_STR),
	FIELD(struct recipe, base, "base", FIELD_STR),
	FIELD(struct recipe, from, "from", FIELD_STR),
	FIELD(struct recipe, arch, "arch", FIELD_STR),
	FIELD(struct recipe, files, "files", FIELD_CUSTOM, .decode = decode_files),
	FIELD(struct recipe, libraries, "libraries", FIELD_ENUM, .names = libraries_names),
	FIELD(struct recipe, plugins, "plugins", FIELD_STRV),
	FIELD(struct recipe, name_service, "name_service", FIELD_STRV),
	FIELD(struct recipe, users, "users", FIELD_CUSTOM, .decode = decode_users),
	FIELD(struct recipe, groups, "groups", FIELD_CUSTOM, .decode = decode_groups),
	FIELD(struct recipe, entrypoint, "entrypoint", FIELD_STRV),
	FIELD(struct recipe, cmd, "cmd", FIELD_STRV),
	FIELD(struct recipe, user, "user", FIELD_STR),
	FIELD(struct recipe, workdir, "workdir", FIELD_STR),
	FIELD(struct recipe, env, "env", FIELD_MAP),
	FIELD(struct recipe, ports, "ports", FIELD_CUSTOM, .decode = decode_ports),
	FIELD(struct recipe, volumes, "volumes", FIELD_STRV),
	FIELD(struct recipe, stop_signal, "stop_signal", FIELD_STR),
	FIELD(struct recipe, labels, "labels", FIELD_MAP),
	FIELD(struct recipe, author, "author", FIELD_STR),
};

static const char *const recipe_aliases[][2] = {
	{"command", "cmd"},	   {"args", "cmd"},	  {"exec", "entrypoint"}, {"environment", "env"},
	{"expose", "ports"},	   {"image", "base"},	  {"tag", "name"},	  {"working_dir", "workdir"},
	{"stopsignal", "stop_signal"}, {"volume", "volumes"}, {"copy", "files: [{copy: …}]"},
	{"nss", "name_service"},   {"architecture", "arch"}, {"maintainer", "author"}, {"libs", "libraries"},
	{NULL, NULL},
};

static const struct field_set recipe_set =
	FIELD_SET("recipe", struct recipe, recipe_fields, .aliases = recipe_aliases);

static int check_paths(const struct doc *root, const struct recipe *r, struct err *e)
{
	if (r->workdir && !path_is_clean_absolute(r->workdir))
		return refuse(doc_get(root, "workdir"), e, needs_absolute, "workdir: /srv", "workdir can't be %.100s", r->workdir);
	for (char **v = r->volumes; v && *v; v++)
		if (!path_is_clean_absolute(*v) || str_equal(*v, "/"))
			return refuse(doc_get(root, "volumes"), e, needs_absolute, "volumes: [/data]",
				      "a volume can't be at %.100s", *v);
	return 0;
}

static int check_signal(const struct doc *root, const struct recipe *r, struct err *e)
{
	struct err inner = {};
	uint32_t signal;

	if (!r->stop_signal || !signal_parse(r->stop_signal, &signal, &inner))
		return 0;
	return refuse(doc_get(root, "stop_signal"), e, inner.because[0] ? inner.because : "signals have names: signal(7)",
		      inner.hint[0] ? inner.hint : "stop_signal: QUIT", "%.60s is no signal", r->stop_signal);
}

/* The words of a list are passed to execve() as they are, so an empty program can't work. */
static int check_run(const struct doc *root, const struct recipe *r, struct err *e)
{
	if (r->entrypoint && r->entrypoint[0] && !r->entrypoint[0][0])
		return refuse(doc_get(root, "entrypoint"), e, "its first word is empty", "entrypoint: [/usr/bin/x]",
			      "entrypoint names no program");
	if (!r->files.n && !r->base)
		return refuse(root, e, "without files: and base: there is nothing in it", "files: [/usr/bin/x]",
			      "the image would be empty");
	return 0;
}

int recipe_read(struct arena *a, const char *file, const char *text, size_t len, struct recipe *ret, struct err *e)
{
	const struct decode d = {.arena = a};
	struct doc *root = NULL;
	struct recipe r = {};
	int rc = doc_parse_yaml(a, file, text, len, &root, e);

	if (!rc)
		rc = decode_doc(&d, &recipe_set, root, &r, e);
	if (!rc)
		rc = check_paths(root, &r, e);
	if (!rc)
		rc = check_run(root, &r, e);
	if (!rc)
		rc = check_signal(root, &r, e);
	if (!rc)
		*ret = r;
	return rc;
}

/* The next line's start behind comments and empty lines; a parser directive decides at once. */
static const char *first_word(const char *text)
{
	for (;;) {
		text += strspn(text, " \t\r\n");
		if (*text != '#' || strncasecmp(text, "# syntax=", 9) == 0)
			return text;
		text += strcspn(text, "\n");
	}
}

bool recipe_is_dockerfile(const char *text)
{
	static const char *const words[] = {"FROM ", "FROM\t", "ARG ", "ARG\t", "# syntax="};
	const char *word = first_word(text);

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strncasecmp(word, words[i], strlen(words[i])) == 0)
			return true;
	return false;
}
