/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks in a list, the current one first; a big allocation gets a block of its own behind it. Small
 * blocks first, because most arenas hold one record and page faults decide a start.
 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BLOCK 4000U
#define LARGEST_BLOCK 262144U
#define FIRST_ITEMS 4U

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	max_align_t bytes[];
};

static struct arena_block *block_new(size_t size)
{
	if (size > SIZE_MAX / 2)
		abort();
	struct arena_block *b = malloc(sizeof(*b) + size);

	if (!b)
		abort();
	b->next = NULL;
	b->used = 0;
	b->size = size;
	return b;
}

static void *block_take(struct arena_block *b, size_t size)
{
	void *p = (char *)b->bytes + b->used;

	b->used += size;
	return memset(p, 0, size);
}

static struct arena_block *block_for(struct arena *a, size_t size)
{
	struct arena_block *head = a->head;
	size_t usual = !head ? FIRST_BLOCK : head->size >= LARGEST_BLOCK / 2 ? LARGEST_BLOCK : head->size * 2;

	if (head && size > usual / 2) {
		struct arena_block *big = block_new(size);

		big->next = head->next;
		head->next = big;
		return big;
	}
	struct arena_block *b = block_new(size > usual ? size : usual);

	b->next = head;
	a->head = b;
	return b;
}

void *arena_alloc(struct arena *a, size_t size)
{
	if (size > SIZE_MAX / 4)
		abort();
	size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	if (a->head && size <= a->head->size - a->head->used)
		return block_take(a->head, size);
	return block_take(block_for(a, size), size);
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	if (!s)
		return NULL;
	n = strnlen(s, n);
	char *copy = arena_alloc(a, n + 1);

	memcpy(copy, s, n);
	return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return s ? arena_strndup(a, s, strlen(s)) : NULL;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	char small[256];
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(small, sizeof(small), fmt, ap);

	va_end(ap);
	if (n < 0)
		abort();
	if ((size_t)n < sizeof(small))
		return arena_strndup(a, small, (size_t)n);
	char *text = arena_alloc(a, (size_t)n + 1);

	va_start(ap, fmt);
	vsnprintf(text, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return text;
}

void arena_free(struct arena *a)
{
	struct arena_block *next;

	for (struct arena_block *b = a->head; b; b = next) {
		next = b->next;
		free(b);
	}
	a->head = NULL;
}

size_t strv_len(char *const *v)
{
	size_t n = 0;

	while (v && v[n])
		n++;
	return n;
}

/* Capacity is not kept: n items lie in FIRST_ITEMS or the next power of two, so it grows when n is one. */
static int is_full(size_t n)
{
	return n == 0 || (n >= FIRST_ITEMS && (n & (n - 1)) == 0);
}

void *list_grow(struct arena *a, void *items, size_t *n, size_t item_size)
{
	if (is_full(*n)) {
		size_t cap = *n ? *n * 2 : FIRST_ITEMS;

		if (cap > SIZE_MAX / 4 / item_size)
			abort();
		void *grown = arena_alloc(a, cap * item_size);

		if (*n)
			memcpy(grown, items, *n * item_size);
		items = grown;
	}
	(*n)++;
	return items;
}

void arena_strv_add(struct arena *a, char ***v, const char *s)
{
	size_t n = strv_len(*v), slots = *v ? n + 1 : 0;

	*v = list_grow(a, *v, &slots, sizeof(**v));
	(*v)[n] = arena_strdup(a, s);
	(*v)[n + 1] = NULL;
}
