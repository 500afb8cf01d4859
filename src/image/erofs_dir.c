/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories: blocks that each hold a sorted run of entries, all fixed parts first and the names behind
 * them. The last block is cut to what it holds.
 */
#include "image/erofs_parts.h"

#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"

enum { ENTRY = sizeof(struct erofs_dirent), ENTRIES_MAX = EROFS_BLOCK / (ENTRY + 1) + 1 };

struct item {
	const char *text;
	uint32_t len;
	uint32_t node;
};

struct cursor {
	const struct tree *t;
	uint32_t dir;
	uint32_t kid;
	unsigned dots; /* of "." and "..", how many are out */
};

/* Does the next of "." and ".." come before this name? */
static bool dots_first(const struct cursor *c, const struct tree_name *name)
{
	size_t n = c->dots + 1;
	int r = memcmp("..", name->text, name->len < n ? name->len : n);

	return r < 0 || (r == 0 && n < name->len);
}

static bool next_item(struct cursor *c, struct item *ret)
{
	const struct tree_node *dir = &c->t->node[c->dir];
	const struct tree_name *name = c->kid < dir->n_kids ? &c->t->name[dir->kids[c->kid]] : NULL;

	if (c->dots < 2 && (!name || dots_first(c, name))) {
		*ret = (struct item){"..", c->dots + 1, c->dots ? dir->up : c->dir};
		c->dots++;
		return true;
	}
	if (!name)
		return false;
	*ret = (struct item){name->text, name->len, name->node};
	c->kid++;
	return true;
}

void erofs_dir_size(const struct tree *t, uint32_t dir, uint64_t *ret_full_blocks, uint32_t *ret_tail)
{
	struct cursor c = {.t = t, .dir = dir};
	struct item item;
	uint64_t full = 0;
	uint32_t used = 0;

	while (next_item(&c, &item)) {
		if (used + ENTRY + item.len > EROFS_BLOCK) {
			full++;
			used = 0;
		}
		used += ENTRY + item.len;
	}
	*ret_full_blocks = full;
	*ret_tail = used;
}

static uint8_t file_type_of(uint32_t mode)
{
	static const uint8_t types[] = {[1] = 5, [2] = 3, [4] = 2, [6] = 4, [8] = 1, [10] = 7, [12] = 6};
	uint32_t i = mode >> 12;

	return i < ARRAY_SIZE(types) ? types[i] : 0;
}

static void write_run(const struct tree *t, const struct erofs_place *places, const struct item *items, uint32_t n,
		      uint8_t *to)
{
	uint32_t name_at = n * ENTRY;

	for (uint32_t i = 0; i < n; i++) {
		struct erofs_dirent d = {
			.nid = places[items[i].node].nid,
			.name_offset = (uint16_t)name_at,
			.file_type = file_type_of(t->node[items[i].node].mode),
		};

		memcpy(to + (size_t)i * ENTRY, &d, ENTRY);
		memcpy(to + name_at, items[i].text, items[i].len);
		name_at += items[i].len;
	}
}

void erofs_dir_write(const struct tree *t, const struct erofs_place *places, uint32_t dir, uint8_t *blocks,
		     uint8_t *tail)
{
	struct cursor c = {.t = t, .dir = dir};
	struct item items[ENTRIES_MAX], item;
	uint32_t n = 0, used = 0;

	while (next_item(&c, &item)) {
		if (used + ENTRY + item.len > EROFS_BLOCK) {
			write_run(t, places, items, n, blocks);
			blocks += EROFS_BLOCK;
			n = used = 0;
		}
		items[n++] = item;
		used += ENTRY + item.len;
	}
	write_run(t, places, items, n, tail ? tail : blocks);
}
