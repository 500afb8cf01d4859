/* SPDX-License-Identifier: Apache-2.0 */
/* Private to tree*.c: names and nodes, and walking. */
#pragma once

#include "image/tree.h"

enum { TREE_LINKS_MAX = 40 };

/* A component of a path. */
struct tree_part {
	const char *text;
	size_t len;
};

/* The next component of *at, over slashes and "."; false at the end. */
bool tree_next_part(const char **at, struct tree_part *ret);
bool tree_part_is(const struct tree_part *p, const char *text);

uint32_t tree_new_node(struct tree *t, uint32_t mode);
/* The living name in dir, or 0. */
uint32_t tree_look(const struct tree *t, uint32_t dir, const struct tree_part *part);
/* Makes the name lead to the node, in the current layer; what was there is gone. Gives the name. */
uint32_t tree_put(struct tree *t, uint32_t dir, const struct tree_part *part, uint32_t node);
/* A new directory that no archive lists. ERR_FAILED: too deep. */
[[nodiscard]] int tree_imply_dir(struct tree *t, uint32_t dir, const struct tree_part *part, uint32_t *ret, struct err *e);
/* As a directory that nobody described. */
void tree_reset_dir(struct tree_node *n);
[[nodiscard]] int tree_check_depth(const struct tree *t, uint32_t dir, struct err *e);

static inline uint16_t tree_layer(const struct tree *t)
{
	return (uint16_t)(t->n_layers - 1);
}

[[gnu::format(printf, 2, 3)]] int tree_bad(struct err *e, const char *fmt, ...);

/*
 * Finds the directory that path's last component stands in, making missing ones; *ret_last is the empty
 * part when path is the root itself.
 */
[[nodiscard]] int tree_walk_to_parent(struct tree *t, const char *path, uint32_t *ret_dir, struct tree_part *ret_last,
				      struct err *e);
/* One step down from *dir, through symlinks, making what is missing. */
[[nodiscard]] int tree_enter(struct tree *t, uint32_t *dir, const struct tree_part *part, unsigned *hops, struct err *e);
