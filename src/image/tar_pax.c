/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pax extended headers (POSIX.1-2017, pax(1), "pax Extended Header"): records "LEN KEY=VALUE\n", LEN
 * counting the whole record in decimal. Keys that say nothing about the file are skipped; keys that
 * readers disagree about are refused.
 */
#include "image/tar_parts.h"

#include <string.h>

#include "base/cleanup.h"

struct record {
	const char *key;
	size_t key_len;
	const char *value;
	size_t len;
};

int tar_parse_decimal(const char *text, size_t n, uint64_t *ret)
{
	uint64_t v = 0;

	if (!n || n > 20)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9' || __builtin_mul_overflow(v, 10ULL, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(text[i] - '0'), &v))
			return -1;
	}
	*ret = v;
	return 0;
}

/* Digits behind the point; more than nine are cut off. */
static int parse_fraction(const char *text, size_t n, uint32_t *ret_ns)
{
	uint32_t ns = 0, scale = 100000000;

	for (size_t i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		ns += (uint32_t)(text[i] - '0') * scale;
		scale /= 10;
	}
	*ret_ns = ns;
	return 0;
}

int tar_parse_time(const char *text, size_t n, int64_t *ret_s, uint32_t *ret_ns)
{
	bool negative = n && text[0] == '-';
	const char *point = memchr(text, '.', n);
	size_t whole = point ? (size_t)(point - text) : n;
	uint64_t s;
	uint32_t ns = 0;

	if (tar_parse_decimal(text + negative, whole - negative, &s) || s > INT64_MAX / 2)
		return -1;
	if (point && parse_fraction(point + 1, n - whole - 1, &ns))
		return -1;
	int64_t seconds = negative ? -(int64_t)s : (int64_t)s;

	if (negative && ns) {
		seconds--;
		ns = 1000000000 - ns;
	}
	*ret_s = seconds;
	*ret_ns = ns;
	return 0;
}

static int take_number(struct tar *t, const struct record *r, uint64_t max, uint64_t *ret, struct err *e)
{
	uint64_t v;

	if (tar_parse_decimal(r->value, r->len, &v) || v > max)
		return tar_bad(t, e, "pax record %.*s is no number that fits", (int)r->key_len, r->key);
	*ret = v;
	return 0;
}

static int take_id(struct tar *t, const struct record *r, uint32_t *id, bool *has, struct err *e)
{
	uint64_t v = 0;
	int err = take_number(t, r, 0xfffffffe, &v, e);

	*id = (uint32_t)v;
	*has = true;
	return err;
}

static int on_path(struct tar *t, const struct record *r, struct err *e)
{
	return tar_take_path(t, "name", r->value, r->len, &t->ext.path, e);
}

static int on_link(struct tar *t, const struct record *r, struct err *e)
{
	return tar_take_path(t, "link target", r->value, r->len, &t->ext.link, e);
}

static int on_size(struct tar *t, const struct record *r, struct err *e)
{
	t->ext.has_size = true;
	return take_number(t, r, TAR_SIZE_MAX, &t->ext.size, e);
}

static int on_uid(struct tar *t, const struct record *r, struct err *e)
{
	return take_id(t, r, &t->ext.uid, &t->ext.has_uid, e);
}

static int on_gid(struct tar *t, const struct record *r, struct err *e)
{
	return take_id(t, r, &t->ext.gid, &t->ext.has_gid, e);
}

static int on_mtime(struct tar *t, const struct record *r, struct err *e)
{
	t->ext.has_mtime = true;
	if (tar_parse_time(r->value, r->len, &t->ext.mtime, &t->ext.mtime_ns))
		return tar_bad(t, e, "pax record mtime is no time");
	return 0;
}

static int on_charset(struct tar *t, const struct record *r, struct err *e)
{
	static const char utf8[] = "ISO-IR 10646 2000 UTF-8", binary[] = "BINARY";

	if ((r->len == sizeof(utf8) - 1 && !memcmp(r->value, utf8, r->len)) ||
	    (r->len == sizeof(binary) - 1 && !memcmp(r->value, binary, r->len)))
		return 0;
	return tar_bad(t, e, "its names are in character set %.*s, which is not read", (int)(r->len > 40 ? 40 : r->len),
		       r->value);
}

static int on_sparse_major(struct tar *t, const struct record *r, struct err *e)
{
	t->ext.has_sparse_major = true;
	return take_number(t, r, 1000, &t->ext.sparse_major, e);
}

static int on_sparse_minor(struct tar *t, const struct record *r, struct err *e)
{
	return take_number(t, r, 1000, &t->ext.sparse_minor, e);
}

static int on_sparse_name(struct tar *t, const struct record *r, struct err *e)
{
	return tar_take_path(t, "name", r->value, r->len, &t->ext.sparse_name, e);
}

static int on_sparse_size(struct tar *t, const struct record *r, struct err *e)
{
	t->ext.has_real_size = true;
	return take_number(t, r, TAR_SIZE_MAX, &t->ext.real_size, e);
}

static int on_sparse_map(struct tar *t, const struct record *r, struct err *e)
{
	t->ext.has_sparse_map = true;
	t->ext.map = (struct tar_sparse){};
	return tar_parse_sparse_list(t, r->value, r->len, &t->ext.map, e);
}

static int on_sparse_count(struct tar *t, const struct record *r, struct err *e)
{
	uint64_t count; /* of the pieces that GNU.sparse.map lists: the list itself counts */

	return take_number(t, r, TAR_PIECES_MAX, &count, e);
}

static int on_sparse_old(struct tar *t, const struct record *r, struct err *e)
{
	return tar_bad(t, e, "it has a sparse file in pax format 0.0, which is not read: make it with a tar of today");
}

static int on_dump(struct tar *t, const struct record *r, struct err *e)
{
	return tar_bad(t, e, "%.*s: incremental and multi-volume archives are not read", (int)r->key_len, r->key);
}

static bool is_dropped_xattr(const char *name)
{
	static const char *const dropped[] = {"trusted.overlay.", "user.overlay.", "trusted.rocket.", "user.rocket."};

	for (size_t i = 0; i < ARRAY_SIZE(dropped); i++)
		if (!strncmp(name, dropped[i], strlen(dropped[i])))
			return true;
	return false;
}

/*
 * What overlayfs or Rocket would take for its own marks is dropped, and labels of security modules of the
 * machine that made the image; everything else is the app's.
 */
static bool is_kept_xattr(const char *name)
{
	static const char *const exact[] = {"security.capability", "system.posix_acl_access", "system.posix_acl_default"};
	static const char *const prefixes[] = {"user.", "trusted."};

	for (size_t i = 0; i < ARRAY_SIZE(exact); i++)
		if (!strcmp(name, exact[i]))
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (!strncmp(name, prefixes[i], strlen(prefixes[i])) && name[strlen(prefixes[i])])
			return !is_dropped_xattr(name);
	return false;
}

/* A later record for the same name replaces the earlier one, as everywhere in pax. */
static struct tar_xattr *xattr_slot(struct tar *t, const char *name, struct err *e)
{
	for (const struct tar_xattr *x = t->ext.xattrs; x; x = x->next)
		if (!strcmp(x->name, name))
			return (struct tar_xattr *)x;
	struct tar_xattr *x = tar_alloc(t, sizeof(*x), e);

	if (!x)
		return NULL;
	x->name = name;
	x->next = t->ext.xattrs;
	t->ext.xattrs = x;
	return x;
}

static int add_xattr(struct tar *t, const char *name, size_t name_len, const struct record *r, struct err *e)
{
	char text[TAR_XATTR_NAME_MAX + 1];

	if (!name_len || name_len > TAR_XATTR_NAME_MAX || memchr(name, 0, name_len))
		return tar_bad(t, e, "an extended attribute has an impossible name");
	memcpy(text, name, name_len);
	text[name_len] = 0;
	if (!is_kept_xattr(text))
		return 0;
	t->ext.xattr_bytes += name_len + r->len;
	if (r->len > TAR_XATTR_VALUE_MAX || t->ext.xattr_bytes > TAR_XATTRS_MAX)
		return tar_bad(t, e, "extended attribute %s is too large", text);
	char *copy = tar_alloc(t, name_len + 1 + r->len, e);
	struct tar_xattr *x = copy ? xattr_slot(t, memcpy(copy, text, name_len + 1), e) : NULL;

	if (!x)
		return -ERR_FAILED;
	x->value = memcpy(copy + name_len + 1, r->value, r->len);
	x->len = r->len;
	return 0;
}

struct key {
	const char *name;
	int (*take)(struct tar *t, const struct record *r, struct err *e);
	bool refused_globally; /* it would change every file that follows, and readers disagree about that */
};

static const struct key keys[] = {
	{"path", on_path, true},
	{"linkpath", on_link, true},
	{"size", on_size, true},
	{"uid", on_uid, true},
	{"gid", on_gid, true},
	{"mtime", on_mtime, true},
	{"hdrcharset", on_charset, false},
	{"GNU.sparse.major", on_sparse_major, true},
	{"GNU.sparse.minor", on_sparse_minor, true},
	{"GNU.sparse.name", on_sparse_name, true},
	{"GNU.sparse.realsize", on_sparse_size, true},
	{"GNU.sparse.size", on_sparse_size, true},
	{"GNU.sparse.numblocks", on_sparse_count, true},
	{"GNU.sparse.map", on_sparse_map, true},
	{"GNU.sparse.offset", on_sparse_old, true},
	{"GNU.sparse.numbytes", on_sparse_old, true},
	{"GNU.dumpdir", on_dump, true},
	{"GNU.volume.filename", on_dump, true},
	{"GNU.volume.offset", on_dump, true},
	{"GNU.volume.size", on_dump, true},
};

static int take_record(struct tar *t, const struct record *r, bool global, struct err *e)
{
	static const char xattr[] = "SCHILY.xattr.";
	size_t prefix = sizeof(xattr) - 1;

	if (r->key_len > prefix && !memcmp(r->key, xattr, prefix)) {
		if (global)
			return tar_bad(t, e, "a global pax header sets extended attributes of all files");
		return add_xattr(t, r->key + prefix, r->key_len - prefix, r, e);
	}
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const struct key *k = &keys[i];

		if (strlen(k->name) != r->key_len || memcmp(k->name, r->key, r->key_len))
			continue;
		if (global && k->refused_globally)
			return tar_bad(t, e, "a global pax header sets %s of all files", k->name);
		return k->take(t, r, e);
	}
	return 0;
}

/* The record at text; *ret_len is its whole length. */
static int parse_record(const struct tar *t, const char *text, size_t left, struct record *ret, size_t *ret_len,
			struct err *e)
{
	const char *space = memchr(text, ' ', left < 20 ? left : 20);
	uint64_t len;

	if (!space || tar_parse_decimal(text, (size_t)(space - text), &len) || len > left ||
	    len < (size_t)(space - text) + 4 || text[len - 1] != '\n')
		return tar_bad(t, e, "a pax record has a wrong length");
	const char *key = space + 1, *end = text + len - 1;
	const char *equals = memchr(key, '=', (size_t)(end - key));

	if (!equals || equals == key)
		return tar_bad(t, e, "a pax record has no key");
	*ret = (struct record){key, (size_t)(equals - key), equals + 1, (size_t)(end - equals - 1)};
	*ret_len = len;
	return 0;
}

int tar_parse_pax(struct tar *t, const char *text, size_t len, bool global, struct err *e)
{
	for (size_t at = 0; at < len;) {
		struct record record;
		size_t n;
		int r = parse_record(t, text + at, len - at, &record, &n, e);

		if (!r)
			r = take_record(t, &record, global, e);
		if (r)
			return r;
		at += n;
	}
	return 0;
}
