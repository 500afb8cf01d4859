/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking a user up in the image's own passwd(5) and group(5). Data in: the spec of the owner or of
 * the image, two texts. Out: numbers. Lines are walked in place, nothing is copied but what is
 * returned. Invariants: digits are a number and never a name; a number that does not fit is an
 * error and never 0; a line whose numbers are no numbers is an error when it is the one that was
 * asked for, else skipped. Pure.
 */
#include "pod/accounts.h"

#include <stdbool.h>
#include <string.h>

#include "base/str.h"
#include "base/unit.h"

/* A piece of text that is not terminated. */
struct span {
	const char *p;
	size_t n;
};

static bool span_is(struct span s, const char *word)
{
	return s.n == strlen(word) && !memcmp(s.p, word, s.n);
}

/* The next line of *inout, which moves behind it; false at the end. */
static bool next_line(const char **inout, struct span *ret)
{
	const char *p = *inout;
	size_t n;

	if (!p || !*p)
		return false;
	n = strcspn(p, "\n");
	*ret = (struct span){p, n};
	*inout = p + n + (p[n] == '\n');
	return true;
}

/* The next part of *inout up to the separator; false when there is none left. */
static bool next_part(struct span *inout, char separator, struct span *ret)
{
	const char *end;

	if (!inout->p)
		return false;
	end = memchr(inout->p, separator, inout->n);
	*ret = (struct span){inout->p, end ? (size_t)(end - inout->p) : inout->n};
	if (end)
		*inout = (struct span){end + 1, inout->n - ret->n - 1};
	else
		*inout = (struct span){};
	return true;
}

/* The parts of a passwd or group line between ':'. False for a comment or a line that is too short.
 */
static bool split_line(struct span line, struct span *parts, size_t n)
{
	if (!line.n || *line.p == '#' || *line.p == '+' || *line.p == '-')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!next_part(&line, ':', &parts[i]))
			return false;
	return true;
}

static bool parse_id(struct span s, uint32_t *ret)
{
	char digits[12] = {};
	uint64_t id;

	if (s.n == 0 || s.n >= sizeof(digits))
		return false;
	memcpy(digits, s.p, s.n);
	if (strspn(digits, "0123456789") != s.n || unit_parse_u64(digits, 0, INT32_MAX, &id))
		return false;
	*ret = (uint32_t)id;
	return true;
}

static bool is_number(const char *word)
{
	return *word && strspn(word, "0123456789") == strlen(word);
}

/* One of user's or group's names: what useradd(8) would take, and dots. */
static bool is_name(const char *word)
{
	size_t n = strlen(word);

	return n && n <= 256 && *word != '-' &&
	       strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") ==
		       n;
}

static int bad_id(const char *what, const char *word, struct err *e)
{
	err_new(e, ERR_USAGE, "'%.60s' can't be a %s", word, what);
	return err_because(e, "a %s is a name of the image, or a number from 0 to 2147483647",
			   what);
}

static int check_word(const char *what, const char *word, uint32_t *ret_id, bool *ret_numeric,
		      struct err *e)
{
	*ret_numeric = is_number(word);
	if (*ret_numeric ? !parse_id((struct span){word, strlen(word)}, ret_id) : !is_name(word))
		return bad_id(what, word, e);
	return 0;
}

/* ---- passwd(5): name:password:uid:gid:gecos:home:shell ---- */

enum {
	PASSWD_NAME,
	PASSWD_PASSWORD,
	PASSWD_UID,
	PASSWD_GID,
	PASSWD_GECOS,
	PASSWD_HOME,
	PASSWD_PARTS
};

/* The first line with this name, or with this uid when name is NULL. */
static bool find_user(const char *passwd, const char *name, uint32_t uid, struct span *parts)
{
	struct span line;
	uint32_t id;

	while (next_line(&passwd, &line)) {
		if (!split_line(line, parts, PASSWD_PARTS))
			continue;
		if (name ? span_is(parts[PASSWD_NAME], name)
			 : parse_id(parts[PASSWD_UID], &id) && id == uid)
			return true;
	}
	return false;
}

static int unknown_name(const char *what, const char *word, const char *file, struct err *e)
{
	err_new(e, ERR_NOT_FOUND, "the image has no %s '%s'", what, word);
	err_because(e, "its /etc/%s does not name it", file);
	return err_try(e, "give a number instead, as in user: \"1000:1000\"");
}

/* The user's own name, for the member lists of group(5); empty when passwd has none. */
static int resolve_user(struct arena *a, const char *word, const char *passwd,
			struct account *account, struct span *ret_name, struct err *e)
{
	struct span parts[PASSWD_PARTS];
	bool numeric;
	int rc = check_word("user", word, &account->uid, &numeric, e);

	*ret_name = (struct span){};
	if (rc)
		return rc;
	account->home = arena_strdup(a, "/");
	if (!find_user(passwd, numeric ? NULL : word, account->uid, parts))
		return numeric ? 0 : unknown_name("user", word, "passwd", e);
	if (!parse_id(parts[PASSWD_UID], &account->uid) ||
	    !parse_id(parts[PASSWD_GID], &account->gid)) {
		err_new(e, ERR_USAGE, "the image's user '%s' has no usable id", word);
		return err_because(e,
				   "its line in /etc/passwd holds no numbers from 0 to 2147483647");
	}
	if (parts[PASSWD_HOME].n && *parts[PASSWD_HOME].p == '/')
		account->home = arena_strndup(a, parts[PASSWD_HOME].p, parts[PASSWD_HOME].n);
	*ret_name = parts[PASSWD_NAME];
	return 0;
}

/* ---- group(5): name:password:gid:member,member ---- */

enum { GROUP_NAME, GROUP_PASSWORD, GROUP_GID, GROUP_MEMBERS, GROUP_PARTS };

static int find_group(const char *group, const char *name, uint32_t *ret, struct err *e)
{
	struct span line, parts[GROUP_PARTS];
	const char *text = group;

	while (next_line(&text, &line)) {
		if (!split_line(line, parts, GROUP_PARTS) || !span_is(parts[GROUP_NAME], name))
			continue;
		if (parse_id(parts[GROUP_GID], ret))
			return 0;
		err_new(e, ERR_USAGE, "the image's group '%s' has no usable id", name);
		return err_because(e,
				   "its line in /etc/group holds no number from 0 to 2147483647");
	}
	return unknown_name("group", name, "group", e);
}

static int resolve_group(const char *word, const char *group, uint32_t *ret, struct err *e)
{
	bool numeric;
	int rc = check_word("group", word, ret, &numeric, e);

	return rc || numeric ? rc : find_group(group, word, ret, e);
}

static int add_gid(struct arena *a, uint32_t gid, struct account *account, struct err *e)
{
	char *text = arena_printf(a, "%u", gid);
	size_t n = 0;

	for (char **p = account->groups; p && *p; p++, n++)
		if (!strcmp(*p, text))
			return 0;
	if (n == ACCOUNT_GROUPS_MAX) {
		err_new(e, ERR_USAGE, "the user is in more than %d groups", ACCOUNT_GROUPS_MAX);
		err_because(e, "the image's /etc/group lists it that often");
		return err_try(e, "name the group, as in user: \"USER:GROUP\"");
	}
	arena_strv_add(a, &account->groups, text);
	return 0;
}

int account_add_group(struct arena *a, const char *name, const char *group, struct account *account,
		      struct err *e)
{
	uint32_t gid = 0;
	int rc = resolve_group(name, group, &gid, e);

	return rc ? rc : add_gid(a, gid, account, e);
}

static bool has_member(struct span members, struct span name)
{
	struct span one;

	while (next_part(&members, ',', &one))
		if (one.n == name.n && name.n && !memcmp(one.p, name.p, one.n))
			return true;
	return false;
}

/* Every group whose line lists the user. */
static int add_memberships(struct arena *a, const char *group, struct span name,
			   struct account *account, struct err *e)
{
	struct span line, parts[GROUP_PARTS];
	uint32_t gid;
	int rc = 0;

	while (!rc && next_line(&group, &line)) {
		if (!split_line(line, parts, GROUP_PARTS) ||
		    !has_member(parts[GROUP_MEMBERS], name))
			continue;
		if (parse_id(parts[GROUP_GID], &gid))
			rc = add_gid(a, gid, account, e);
	}
	return rc;
}

int account_resolve(struct arena *a, const char *spec, const char *passwd, const char *group,
		    struct account *ret, struct err *e)
{
	char *user = arena_strdup(a, spec && *spec ? spec : "0");
	char *colon = strchr(user, ':');
	struct account account = {};
	struct span name;
	int rc;

	if (colon)
		*colon = 0;
	if ((rc = resolve_user(a, user, passwd, &account, &name, e)))
		return rc;
	if (colon && (rc = resolve_group(colon + 1, group, &account.gid, e)))
		return rc;
	if ((rc = add_gid(a, account.gid, &account, e)))
		return rc;
	if (!colon && (rc = add_memberships(a, group, name, &account, e)))
		return rc;
	*ret = account;
	return 0;
}
