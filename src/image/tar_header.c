/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One 512-byte header block: checksum, numbers, names. Fields by offset:
 *
 *   0 name 100 | 100 mode 8 | 108 uid 8 | 116 gid 8 | 124 size 12 | 136 mtime 12 | 148 chksum 8 | 156 type 1
 *   157 linkname 100 | 257 magic 6 | 263 version 2 | 265 uname 32 | 297 gname 32 | 329 major 8 | 337 minor 8
 *   345 prefix 155 (ustar), 131 (star), times and a sparse map (GNU)
 */
#include "image/tar_parts.h"

#include <string.h>

enum { AT_MODE = 100, AT_UID = 108, AT_GID = 116, AT_SIZE = 124, AT_MTIME = 136, AT_SUM = 148, AT_TYPE = 156,
       AT_LINK = 157, AT_MAGIC = 257, AT_MAJOR = 329, AT_MINOR = 337, AT_PREFIX = 345, AT_STAR = 508 };
enum { NAME_LEN = 100, PREFIX_LEN = 155, STAR_PREFIX_LEN = 131 };
#define ID_MAX 0xfffffffeULL /* (uint32_t)-1 means "no id" to the kernel */

bool tar_is_zero_block(const uint8_t *block)
{
	return !block[0] && !memcmp(block, block + 1, TAR_BLOCK - 1);
}

/* Two's complement, big endian, below the marking bit. */
static int parse_base256(const uint8_t *field, size_t n, int64_t *ret)
{
	int64_t v = field[0] & 0x40 ? (int64_t)(field[0] | ~(int64_t)0x7f) : (field[0] & 0x3f);

	for (size_t i = 1; i < n; i++) {
		if (v > (INT64_MAX >> 8) || v < (INT64_MIN >> 8))
			return -1;
		v = (int64_t)((uint64_t)v << 8) | field[i];
	}
	*ret = v;
	return 0;
}

static bool is_blank(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != 0 && p[i] != ' ')
			return false;
	return true;
}

int tar_parse_number(const uint8_t *field, size_t n, int64_t *ret)
{
	uint64_t v = 0;
	size_t i = 0;

	if (field[0] & 0x80)
		return parse_base256(field, n, ret);
	while (i < n && field[i] == ' ')
		i++;
	for (; i < n && field[i] >= '0' && field[i] <= '7'; i++) {
		if (v >> 60)
			return -1;
		v = v << 3 | (field[i] - '0');
	}
	if (!is_blank(field + i, n - i))
		return -1;
	*ret = (int64_t)v;
	return 0;
}

/* Both sums that writers are known to make: of unsigned and of signed bytes. */
static bool is_sum_right(const uint8_t *block)
{
	int64_t want;
	int64_t sum = 0, signed_sum = 0;

	if (tar_parse_number(block + AT_SUM, 8, &want))
		return false;
	for (size_t i = 0; i < TAR_BLOCK; i++) {
		sum += block[i];
		signed_sum += (int8_t)block[i];
	}
	for (size_t i = AT_SUM; i < AT_SUM + 8; i++) {
		sum += ' ' - block[i];
		signed_sum += ' ' - (int8_t)block[i];
	}
	return want == sum || want == signed_sum;
}

static int parse_u64(const struct tar *t, const uint8_t *field, size_t n, uint64_t max, const char *what, uint64_t *ret,
		     struct err *e)
{
	int64_t v;

	if (tar_parse_number(field, n, &v))
		return tar_bad(t, e, "the %s in the header is no number", what);
	if (v < 0 || (uint64_t)v > max)
		return tar_bad(t, e, "the %s in the header is out of range", what);
	*ret = (uint64_t)v;
	return 0;
}

static int parse_u32(const struct tar *t, const uint8_t *field, uint64_t max, const char *what, uint32_t *ret,
		     struct err *e)
{
	uint64_t v = 0;
	int r = parse_u64(t, field, 8, max, what, &v, e);

	*ret = (uint32_t)v;
	return r;
}

static int parse_device(const struct tar *t, const uint8_t *block, struct tar_header *h, struct err *e)
{
	if (h->type != '3' && h->type != '4')
		return 0;
	if (!h->ustar && !h->gnu)
		return tar_bad(t, e, "a device in an archive of the oldest format has no number");
	int r = parse_u32(t, block + AT_MAJOR, 0xfff, "major device number", &h->major, e);

	return r ? r : parse_u32(t, block + AT_MINOR, 0xfffff, "minor device number", &h->minor, e);
}

int tar_parse_header(const struct tar *t, const uint8_t *block, struct tar_header *ret, struct err *e)
{
	struct tar_header h = {
		.type = (char)block[AT_TYPE],
		.ustar = !memcmp(block + AT_MAGIC, "ustar\0", 6),
		.gnu = !memcmp(block + AT_MAGIC, "ustar  \0", 8),
	};
	int r;

	if (!is_sum_right(block))
		return tar_bad(t, e, "the header's checksum is wrong");
	if ((r = parse_u64(t, block + AT_SIZE, 12, TAR_SIZE_MAX, "size", &h.size, e)) ||
	    (r = parse_u32(t, block + AT_MODE, UINT32_MAX, "mode", &h.mode, e)) ||
	    (r = parse_u32(t, block + AT_UID, ID_MAX, "owner", &h.uid, e)) ||
	    (r = parse_u32(t, block + AT_GID, ID_MAX, "group", &h.gid, e)) || (r = parse_device(t, block, &h, e)))
		return r;
	if (tar_parse_number(block + AT_MTIME, 12, &h.mtime))
		return tar_bad(t, e, "the time in the header is no number");
	h.mode &= 07777;
	*ret = h;
	return 0;
}

int tar_header_path(struct tar *t, const uint8_t *block, const struct tar_header *h, const char **ret, struct err *e)
{
	char path[NAME_LEN + PREFIX_LEN + 1];
	bool star = !memcmp(block + AT_STAR, "tar\0", 4);
	size_t n = 0;

	if (h->ustar)
		n = strnlen((const char *)block + AT_PREFIX, star ? STAR_PREFIX_LEN : PREFIX_LEN);
	if (n) {
		memcpy(path, block + AT_PREFIX, n);
		path[n++] = '/';
	}
	size_t name = strnlen((const char *)block, NAME_LEN);

	memcpy(path + n, block, name);
	return tar_take_path(t, "name", path, n + name, ret, e);
}

int tar_header_link(struct tar *t, const uint8_t *block, const char **ret, struct err *e)
{
	size_t n = strnlen((const char *)block + AT_LINK, NAME_LEN);

	return tar_take_path(t, "link target", (const char *)block + AT_LINK, n, ret, e);
}
