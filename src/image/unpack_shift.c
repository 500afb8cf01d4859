/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ids inside extended attributes, moved by unpack.shift: POSIX ACLs name users and groups (acl(5),
 * linux/posix_acl_xattr.h), file capabilities the user namespace's root (linux/capability.h, revision 3).
 */
#include "image/unpack_parts.h"

#include <linux/capability.h>
#include <string.h>

#include "base/str.h"

enum { ACL_HEADER = 4, ACL_ENTRY = 8, ACL_ID = 4, ACL_TAG_USER = 0x02, ACL_TAG_GROUP = 0x08 };
enum { CAPS_ROOT = XATTR_CAPS_SZ_2, CAPS_SIZE_3 = XATTR_CAPS_SZ_3 };

static uint32_t get_le(const uint8_t *p, size_t n)
{
	uint32_t v = 0;

	while (n--)
		v = v << 8 | p[n];
	return v;
}

static void put_le32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static size_t shift_acl(uint32_t shift, uint8_t *acl, size_t len)
{
	for (size_t at = ACL_HEADER; at + ACL_ENTRY <= len; at += ACL_ENTRY) {
		uint32_t tag = get_le(acl + at, 2);

		if (tag == ACL_TAG_USER || tag == ACL_TAG_GROUP)
			put_le32(acl + at + ACL_ID, get_le(acl + at + ACL_ID, 4) + shift);
	}
	return len;
}

/* Revision 2 means the first user namespace's root; in a pod that is nobody. */
static size_t shift_caps(uint32_t shift, uint8_t *caps, size_t len)
{
	uint32_t root = len == CAPS_SIZE_3 ? get_le(caps + CAPS_ROOT, 4) : 0;

	if (len != XATTR_CAPS_SZ_2 && len != CAPS_SIZE_3)
		return len;
	put_le32(caps, VFS_CAP_REVISION_3 | (get_le(caps, 4) & VFS_CAP_FLAGS_MASK));
	put_le32(caps + CAPS_ROOT, root + shift);
	return CAPS_SIZE_3;
}

size_t unpack_shift_xattr(uint32_t shift, const char *name, uint8_t *value, size_t len)
{
	if (!strcmp(name, "security.capability"))
		return shift_caps(shift, value, len);
	return str_has_prefix(name, "system.posix_acl_") ? shift_acl(shift, value, len) : len;
}
