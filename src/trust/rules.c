/* SPDX-License-Identifier: Apache-2.0 */
/* Files of rules (trust/rules.h). Small, few, and read only when something is judged, listed or changed. */
#include "trust/rules.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/record.h"

const char *const rule_kind_names[] = {"key", "any", "pin", "mask", NULL};
const char *const rule_key_kind_names[] = {"sigstore", "openpgp", NULL};

static const struct field rule_fields[] = {
	FIELD(struct rule, kind, "kind", FIELD_ENUM, .names = rule_kind_names),
	FIELD(struct rule, prefix, "prefix", FIELD_STR),
	FIELD(struct rule, name, "name", FIELD_STR),
	FIELD(struct rule, digest, "digest", FIELD_STR),
	FIELD(struct rule, key_kind, "key_kind", FIELD_ENUM, .names = rule_key_kind_names),
	FIELD(struct rule, key, "key", FIELD_STR),
	FIELD(struct rule, fingerprint, "fingerprint", FIELD_STR),
	FIELD(struct rule, who, "who", FIELD_STR),
	FIELD(struct rule, why, "why", FIELD_STR),
	FIELD(struct rule, added_ns, "added_ns", FIELD_INT),
};
const struct field_set rule_set = FIELD_SET("trust rule", struct rule, rule_fields);

static bool is_id(const char *s)
{
	return strlen(s) == RULE_ID_LEN && strspn(s, "0123456789abcdef") == RULE_ID_LEN;
}

/* The fields that its kind needs are there. */
static bool is_whole(const struct rule *r)
{
	switch (r->kind) {
	case RULE_KEY:
		return r->prefix && *r->prefix && r->key && r->fingerprint;
	case RULE_ANY:
		return r->prefix && *r->prefix;
	case RULE_PIN:
		return r->name && r->digest;
	case RULE_MASK:
		return true;
	}
	return false;
}

static int err_damaged(const char *place, const char *id, struct err *e)
{
	char because[sizeof(e->because)];

	memcpy(because, e->because[0] ? e->because : e->what, sizeof(e->what));
	because[sizeof(e->what) - 1] = 0;
	err_new(e, ERR_FAILED, "what is trusted can't be read");
	err_because(e, "%s/%s is damaged: %.200s", place, id, because[0] ? because : "something is missing in it");
	return err_try(e, "rm %s/%s", place, id);
}

static int read_rule(struct arena *a, int dirfd, const char *place, const char *id, struct rule *ret, struct err *e)
{
	autofree char *text = NULL;
	size_t n;
	int r = io_read_file(dirfd, id, RULES_FILE_MAX, &text, &n, e);

	if (r == 0)
		r = record_read(a, &rule_set, text, n, ret, e);
	if (r < 0 || !is_whole(ret))
		return err_damaged(place, id, e);
	ret->id = arena_strdup(a, id);
	ret->place = arena_strdup(a, place);
	return 0;
}

static struct rule *find_rule(struct rules *rules, const char *id)
{
	for (size_t i = 0; i < rules->list.n; i++)
		if (!strcmp(rules->list.v[i].id, id))
			return &rules->list.v[i];
	return NULL;
}

static int load_place(struct arena *a, const char *place, enum rules_view view, struct rules *rules, struct err *e)
{
	int r = 0, fd = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclosedir DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (!d)
		return err_errno(e, "can't list %s", place);
	for (struct dirent *entry; r == 0 && (entry = readdir(d));) {
		struct rule rule;

		if (!is_id(entry->d_name))
			continue;
		if (rules->list.n >= RULES_MAX)
			return err_new(e, ERR_FAILED, "there are more than %d rules of trust", RULES_MAX);
		r = read_rule(a, fd, place, entry->d_name, &rule, e);
		if (r < 0)
			return r;
		struct rule *same = view == RULES_IN_FORCE ? find_rule(rules, rule.id) : NULL;

		*(same ? same : list_add(a, &rules->list)) = rule;
	}
	return r;
}

static int compare(const void *x, const void *y)
{
	return strcmp(((const struct rule *)x)->id, ((const struct rule *)y)->id);
}

int rules_load(struct arena *a, const char *dir, enum rules_view view, struct rules *ret, struct err *e)
{
	struct rules rules = {};
	size_t kept = 0;
	int r = 0;

	arena_strv_add(a, &rules.places, RULES_VENDOR_DIR);
	arena_strv_add(a, &rules.places, RULES_HOST_DIR);
	arena_strv_add(a, &rules.places, arena_printf(a, "%s/trust", dir));
	for (char **place = rules.places; r == 0 && *place; place++)
		r = load_place(a, *place, view, &rules, e);
	if (r < 0)
		return r;
	for (size_t i = 0; view == RULES_IN_FORCE && i < rules.list.n; i++)
		if (rules.list.v[i].kind != RULE_MASK)
			rules.list.v[kept++] = rules.list.v[i];
	if (view == RULES_IN_FORCE)
		rules.list.n = kept;
	if (rules.list.n)
		qsort(rules.list.v, rules.list.n, sizeof(*rules.list.v), compare);
	*ret = rules;
	return 0;
}

static int open_own_place(const char *dir, int *ret_fd, struct err *e)
{
	autoarena a = {};
	char *place = arena_printf(&a, "%s/trust", dir);
	int r = io_mkdir_p(AT_FDCWD, place, 0700, e);

	if (r < 0)
		return r;
	*ret_fd = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *ret_fd < 0 ? err_errno(e, "can't open %s", place) : 0;
}

int rules_put(const char *dir, const struct rule *rule, struct err *e)
{
	autoclose int fd = -1;
	autostr text = {};
	int r = open_own_place(dir, &fd, e);

	if (r < 0)
		return r;
	record_write(&text, &rule_set, rule, RECORD_PRETTY);
	return io_write_file_atomic(fd, rule->id, text.text, text.len, 0600, IO_SYNC, e);
}

static int err_no_rule(const char *id, const char *because, struct err *e)
{
	err_new(e, ERR_NOT_FOUND, "there is no rule of trust '%.40s'", id);
	err_because(e, "%s", because);
	return err_try(e, "rocket trust list");
}

static int find_by_prefix(const struct rules *rules, const char *id, const struct rule **ret, struct err *e)
{
	const struct rule *found = NULL;

	if (strlen(id) < 4)
		return err_no_rule(id, "an id is given by at least 4 of its digits", e);
	for (size_t i = 0; i < rules->list.n; i++) {
		if (!str_has_prefix(rules->list.v[i].id, id))
			continue;
		if (found) {
			err_new(e, ERR_USAGE, "'%.40s' means more than one rule", id);
			err_because(e, "%s and %s begin with it", found->id, rules->list.v[i].id);
			return err_try(e, "rocket trust list");
		}
		found = &rules->list.v[i];
	}
	if (!found)
		return err_no_rule(id, "no rule in force has that id", e);
	*ret = found;
	return 0;
}

int rules_remove(struct arena *a, const char *dir, const char *id, bool *ret_masked, struct err *e)
{
	autoclose int fd = -1;
	struct rules rules = {};
	const struct rule *rule = NULL;
	int r = rules_load(a, dir, RULES_IN_FORCE, &rules, e);

	if (r == 0)
		r = find_by_prefix(&rules, id, &rule, e);
	if (r == 0)
		r = open_own_place(dir, &fd, e);
	if (r < 0 || !rule)
		return r;
	bool own = faccessat(fd, rule->id, F_OK, AT_SYMLINK_NOFOLLOW) == 0;

	if (own && (unlinkat(fd, rule->id, 0) < 0 || io_sync_dir(fd) < 0))
		return err_errno(e, "can't remove %s/trust/%s", dir, rule->id);
	/* What another place says once more would be in force again. */
	bool elsewhere = false;

	for (char **place = rules.places; *place && place[1]; place++)
		elsewhere |= access(arena_printf(a, "%s/%s", *place, rule->id), F_OK) == 0;
	*ret_masked = elsewhere;
	if (!elsewhere)
		return 0;
	const struct rule mask = {.kind = RULE_MASK, .id = rule->id, .added_ns = io_now_ns()};

	return rules_put(dir, &mask, e);
}
