/* SPDX-License-Identifier: Apache-2.0 */
/* Extended attributes, inline behind the inode, each with its prefix as a number. */
#include "image/erofs_parts.h"

#include <string.h>

#include "base/cleanup.h"

static const struct {
	const char *prefix;
	uint8_t index;
} prefixes[] = {
	{"user.", 1},
	{"system.posix_acl_access", 2},
	{"system.posix_acl_default", 3},
	{"trusted.", 4},
	{"security.", 6},
};

enum { XATTRS_MAX = 4 * 0xfff0 }; /* the count of 4-byte units has 16 bits */

/* What marks a mount point that Rocket added. */
static const struct tar_xattr synthetic = {"trusted.rocket.synthetic", (const uint8_t *)"y", 1, NULL};

static const struct tar_xattr *xattrs_of(const struct tree_node *n)
{
	return n->synthetic ? &synthetic : n->xattrs;
}

static uint8_t split_name(const char *name, const char **ret_rest)
{
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		size_t len = strlen(prefixes[i].prefix);

		if (!strncmp(name, prefixes[i].prefix, len)) {
			*ret_rest = name + len;
			return prefixes[i].index;
		}
	}
	*ret_rest = name; /* tar_pax.c lets no other prefix pass */
	return 0;
}

static size_t entry_size(const struct tar_xattr *x)
{
	const char *rest;

	split_name(x->name, &rest);
	return (sizeof(struct erofs_xattr) + strlen(rest) + x->len + 3) & ~(size_t)3;
}

int erofs_xattr_size(const struct tree_node *n, uint32_t *ret_bytes, struct err *e)
{
	size_t sum = 0;

	for (const struct tar_xattr *x = xattrs_of(n); x; x = x->next)
		sum += entry_size(x);
	if (sum > XATTRS_MAX) {
		err_new(e, ERR_FAILED, "can't make a view of the image");
		return err_because(e, "a file has more than %d bytes of extended attributes", XATTRS_MAX);
	}
	*ret_bytes = sum ? (uint32_t)(sum + sizeof(struct erofs_xattr_header)) : 0;
	return 0;
}

void erofs_xattr_write(const struct tree_node *n, uint8_t *to)
{
	to += sizeof(struct erofs_xattr_header); /* zeros */
	for (const struct tar_xattr *x = xattrs_of(n); x; x = x->next) {
		const char *rest;
		uint8_t index = split_name(x->name, &rest);
		size_t len = strlen(rest);
		struct erofs_xattr head = {(uint8_t)len, index, (uint16_t)x->len};

		memcpy(to, &head, sizeof(head));
		memcpy(to + sizeof(head), rest, len);
		memcpy(to + sizeof(head) + len, x->value, x->len);
		to += entry_size(x);
	}
}
