/* SPDX-License-Identifier: Apache-2.0 */
/* passwd(5) and group(5) as texts: lines are looked up where they stand and appended at the end. */
#include "build/accounts.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "base/unit.h"

/* Field n (from 0) of the line, in the arena-free form of pointer and length. */
static const char *line_field(const char *line, unsigned n, size_t *ret_len)
{
	for (; n; n--) {
		line += strcspn(line, ":\n");
		if (*line != ':')
			return NULL;
		line++;
	}
	*ret_len = strcspn(line, ":\n");
	return line;
}

static bool field_number(const char *line, unsigned n, uint32_t *ret)
{
	char text[16];
	uint64_t value;
	size_t len;
	const char *field = line_field(line, n, &len);

	if (!field || len >= sizeof(text))
		return false;
	memcpy(text, field, len);
	text[len] = 0;
	if (unit_parse_u64(text, 0, UINT32_MAX, &value))
		return false;
	*ret = (uint32_t)value;
	return true;
}

static const char *next_line(const char *line)
{
	line += strcspn(line, "\n");
	return *line ? line + 1 : line;
}

static bool line_has_name(const char *line, const char *name)
{
	size_t n = strlen(name);

	return strncmp(line, name, n) == 0 && line[n] == ':';
}

bool accounts_find_name(const char *text, const char *name, uint32_t *ret_id, uint32_t *ret_second)
{
	for (const char *line = text; *line; line = next_line(line)) {
		if (!line_has_name(line, name) || !field_number(line, 2, ret_id))
			continue;
		if (!field_number(line, 3, ret_second))
			*ret_second = *ret_id; /* a group has no second number */
		return true;
	}
	return false;
}

/* The line whose id is this; NULL when none. */
static const char *find_id(const char *text, uint32_t id)
{
	uint32_t found;

	for (const char *line = text; *line; line = next_line(line))
		if (field_number(line, 2, &found) && found == id)
			return line;
	return NULL;
}

char *accounts_name_of(struct arena *a, const char *text, uint32_t id)
{
	const char *line = find_id(text, id);

	return line ? arena_strndup(a, line, strcspn(line, ":\n")) : NULL;
}

/* Texts while they grow. */
struct making {
	struct arena *a;
	struct str passwd, group;
	bool changed;
	struct err *e;
};

static void making_free(struct making *m)
{
	str_free(&m->passwd);
	str_free(&m->group);
}

static void add_base(struct str *text, const char *base)
{
	str_add(text, base);
	if (text->len && text->text[text->len - 1] != '\n')
		str_add_char(text, '\n');
}

static int refuse_taken(struct making *m, const char *what, const char *because)
{
	err_new(m->e, ERR_USAGE, "%s", what);
	err_because(m->e, "%s", because);
	return err_try(m->e, "give it another number in the recipe");
}

/* Is there an equal entry (1), none (0), or a contradiction (error)? */
static int check_taken(struct making *m, const char *text, const char *what, const char *name, uint32_t id)
{
	uint32_t found, second;
	const char *line;

	if (accounts_find_name(text, name, &found, &second)) {
		if (found == id)
			return 1;
		return refuse_taken(m, arena_printf(m->a, "%s %s can't have the number %u", what, name, id),
				    arena_printf(m->a, "it has %u already", found));
	}
	line = find_id(text, id);
	if (line)
		return refuse_taken(m, arena_printf(m->a, "%s %s can't have the number %u", what, name, id),
				    arena_printf(m->a, "%.*s has it", (int)strcspn(line, ":\n"), line));
	return 0;
}

static int add_group(struct making *m, const char *name, uint32_t gid)
{
	int rc = check_taken(m, str_text(&m->group), "the group", name, gid);

	if (rc)
		return rc == 1 ? 0 : rc;
	str_addf(&m->group, "%s:x:%u:\n", name, gid);
	m->changed = true;
	return 0;
}

/* A group given as name or number; numbers need no entry. */
static int find_group(struct making *m, const struct recipe_user *user, uint32_t *ret_gid)
{
	uint32_t second;
	uint64_t gid;

	if (!unit_parse_u64(user->group, 0, INT32_MAX, &gid)) {
		*ret_gid = (uint32_t)gid;
		return 0;
	}
	if (accounts_find_name(str_text(&m->group), user->group, ret_gid, &second))
		return 0;
	err_new(m->e, ERR_USAGE, "the group %s of user %s is unknown", user->group, user->name);
	err_because(m->e, "neither the recipe nor its base has it");
	return err_try(m->e, "add it to groups: {%s: NUMBER}", user->group);
}

/* Adds a member at the end of the group's line. */
static int join_group(struct making *m, const char *group, const char *user)
{
	autostr text = {};
	const char *end = NULL;

	for (const char *line = str_text(&m->group); *line; line = next_line(line))
		if (line_has_name(line, group))
			end = line + strcspn(line, "\n");
	if (!end) {
		err_new(m->e, ERR_USAGE, "the group %s of user %s is unknown", group, user);
		err_because(m->e, "neither the recipe nor its base has it");
		return err_try(m->e, "add it to groups: {%s: NUMBER}", group);
	}
	str_add_bytes(&text, m->group.text, (size_t)(end - m->group.text));
	str_addf(&text, "%s%s%s", end[-1] == ':' ? "" : ",", user, end);
	str_free(&m->group);
	m->group = text;
	text = (struct str){};
	m->changed = true;
	return 0;
}

static int add_user(struct making *m, const struct recipe_user *user)
{
	uint32_t gid = user->uid;
	int rc = user->group ? find_group(m, user, &gid) : 0;

	if (!rc && !user->group)
		rc = add_group(m, user->name, gid);
	if (!rc)
		rc = check_taken(m, str_text(&m->passwd), "the user", user->name, user->uid);
	if (rc)
		return rc == 1 ? 0 : rc;
	str_addf(&m->passwd, "%s:x:%u:%u:%s:%s:%s\n", user->name, user->uid, gid, user->comment ?: "",
		 user->home ?: "/nonexistent", user->shell ?: "/usr/sbin/nologin");
	m->changed = true;
	for (char **group = user->groups; !rc && group && *group; group++)
		rc = join_group(m, *group, user->name);
	return rc;
}

/* Every file belongs to somebody: root is there as soon as the files are. */
static void add_root(struct making *m)
{
	if (!find_id(str_text(&m->passwd), 0))
		str_add(&m->passwd, "root:x:0:0:root:/root:/bin/sh\n");
	if (!find_id(str_text(&m->group), 0))
		str_add(&m->group, "root:x:0:\n");
}

int accounts_make(struct arena *a, const struct recipe *r, const char *base_passwd, const char *base_group,
		  struct accounts *ret, struct err *e)
{
	[[gnu::cleanup(making_free)]] struct making m = {.a = a, .e = e};
	int rc = 0;

	add_base(&m.passwd, base_passwd);
	add_base(&m.group, base_group);
	if (r->users.n || r->groups.n)
		add_root(&m);
	for (size_t i = 0; !rc && i < r->groups.n; i++)
		rc = add_group(&m, r->groups.v[i].name, r->groups.v[i].gid);
	for (size_t i = 0; !rc && i < r->users.n; i++)
		rc = add_user(&m, &r->users.v[i]);
	if (rc)
		return rc;
	ret->passwd = arena_strdup(a, str_text(&m.passwd));
	ret->group = arena_strdup(a, str_text(&m.group));
	ret->changed = m.changed;
	return 0;
}

static int unknown_owner(struct err *e, const char *what, const char *name)
{
	err_new(e, ERR_USAGE, "the %s %s of an owner is unknown", what, name);
	err_because(e, "neither the recipe nor its base has it");
	return err_try(e, "use a number, or add it to %ss:", what);
}

static int find_user_owner(const struct accounts *acc, const char *user, uint32_t *ret_uid, uint32_t *ret_gid,
			   struct err *e)
{
	const char *line;
	uint64_t uid;

	if (unit_parse_u64(user, 0, INT32_MAX, &uid))
		return accounts_find_name(acc->passwd, user, ret_uid, ret_gid) ? 0 :
										 unknown_owner(e, "user", user);
	*ret_uid = (uint32_t)uid;
	line = find_id(acc->passwd, *ret_uid);
	if (!line || !field_number(line, 3, ret_gid))
		*ret_gid = *ret_uid;
	return 0;
}

int accounts_find_owner(const struct accounts *acc, const struct recipe_owner *owner, uint32_t *ret_uid,
			uint32_t *ret_gid, struct err *e)
{
	uint32_t uid, gid, second;
	uint64_t number;
	int rc = find_user_owner(acc, owner->user, &uid, &gid, e);

	if (rc)
		return rc;
	if (owner->group && !unit_parse_u64(owner->group, 0, INT32_MAX, &number))
		gid = (uint32_t)number;
	else if (owner->group && !accounts_find_name(acc->group, owner->group, &gid, &second))
		return unknown_owner(e, "group", owner->group);
	*ret_uid = uid;
	*ret_gid = gid;
	return 0;
}
