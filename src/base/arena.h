/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An arena: everything that a document, a pod or a plan consists of, freed at once. Zeroed memory.
 * Running out of memory aborts (see str.h).
 */
#pragma once

#include <stddef.h>

struct arena {
	struct arena_block *head;
};

void *arena_alloc(struct arena *a, size_t size);
char *arena_strdup(struct arena *a, const char *s); /* NULL gives NULL */
char *arena_strndup(struct arena *a, const char *s, size_t n);
[[gnu::format(printf, 2, 3)]] char *arena_printf(struct arena *a, const char *fmt, ...);
void arena_free(struct arena *a);
#define autoarena [[gnu::cleanup(arena_free)]] struct arena

#define arena_new(a, type) ((type *)arena_alloc((a), sizeof(type)))

/*
 * Adds a copy of s to a NULL-terminated list of strings in the arena; `*v` is NULL or was grown by this
 * function alone (or by record.h and decode.h): a list made otherwise has no room behind its end.
 */
void arena_strv_add(struct arena *a, char ***v, const char *s);
size_t strv_len(char *const *v); /* v may be NULL */

/*
 * A list of structs by value: declare the member as LIST(struct x) and grow it with list_add(), which
 * gives the new, zeroed last item. Grow a list by list_add() alone: it keeps no capacity, the count tells
 * it, and items move when it grows. The layout (pointer, count) is what FIELD_LIST of field.h reads.
 */
#define LIST(type)          \
	struct {            \
		type *v;    \
		size_t n;   \
	}

void *list_grow(struct arena *a, void *items, size_t *n, size_t item_size);
#define list_add(arena, list)                                                               \
	({                                                                                  \
		(list)->v = list_grow((arena), (list)->v, &(list)->n, sizeof(*(list)->v)); \
		&(list)->v[(list)->n - 1];                                                  \
	})
