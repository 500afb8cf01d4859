/* SPDX-License-Identifier: Apache-2.0 */
/* Slots are handed over in order, so a counter says what is full; per slot, how many readers still need it. */
#include "store/import_ring.h"

#include <stdlib.h>
#include <string.h>

void ring_sync_init(struct ring_sync *s)
{
	memset(s, 0, sizeof(*s));
	pthread_mutex_init(&s->mutex, NULL);
	pthread_cond_init(&s->filled, NULL);
	pthread_cond_init(&s->room, NULL);
}

void ring_sync_destroy(struct ring_sync *s)
{
	pthread_cond_destroy(&s->filled);
	pthread_cond_destroy(&s->room);
	pthread_mutex_destroy(&s->mutex);
}

void ring_fail(struct ring_sync *s, const struct err *e)
{
	pthread_mutex_lock(&s->mutex);
	if (!s->failed)
		s->err = *e;
	s->failed = true;
	pthread_cond_broadcast(&s->filled);
	pthread_cond_broadcast(&s->room);
	pthread_mutex_unlock(&s->mutex);
}

void ring_init(struct ring *r, struct ring_sync *sync, size_t slot_size, unsigned readers)
{
	memset(r, 0, sizeof(*r));
	r->sync = sync;
	r->slot_size = slot_size;
	r->readers = readers;
	for (size_t i = 0; i < RING_SLOTS; i++) {
		r->slot[i] = aligned_alloc(RING_ALIGN, slot_size);
		if (!r->slot[i])
			abort();
	}
}

void ring_free(struct ring *r)
{
	for (size_t i = 0; i < RING_SLOTS; i++)
		free(r->slot[i]);
}

uint8_t *ring_get_empty(struct ring *r)
{
	size_t i = r->filled % RING_SLOTS;
	uint8_t *slot;

	pthread_mutex_lock(&r->sync->mutex);
	while (r->readers_left[i] && !r->sync->failed)
		pthread_cond_wait(&r->sync->room, &r->sync->mutex);
	slot = r->sync->failed ? NULL : r->slot[i];
	pthread_mutex_unlock(&r->sync->mutex);
	return slot;
}

void ring_put(struct ring *r, size_t len)
{
	size_t i = r->filled % RING_SLOTS;

	pthread_mutex_lock(&r->sync->mutex);
	r->len[i] = len;
	r->readers_left[i] = r->readers;
	r->filled++;
	pthread_cond_broadcast(&r->sync->filled);
	pthread_mutex_unlock(&r->sync->mutex);
}

void ring_close(struct ring *r)
{
	pthread_mutex_lock(&r->sync->mutex);
	r->closed = true;
	pthread_cond_broadcast(&r->sync->filled);
	pthread_mutex_unlock(&r->sync->mutex);
}

const uint8_t *ring_take(struct ring *r, uint64_t n, size_t *ret_len)
{
	const uint8_t *slot = NULL;

	pthread_mutex_lock(&r->sync->mutex);
	while (r->filled <= n && !r->closed && !r->sync->failed)
		pthread_cond_wait(&r->sync->filled, &r->sync->mutex);
	if (r->filled > n && !r->sync->failed) {
		slot = r->slot[n % RING_SLOTS];
		*ret_len = r->len[n % RING_SLOTS];
	}
	pthread_mutex_unlock(&r->sync->mutex);
	return slot;
}

void ring_done(struct ring *r, uint64_t n)
{
	pthread_mutex_lock(&r->sync->mutex);
	if (!--r->readers_left[n % RING_SLOTS])
		pthread_cond_signal(&r->sync->room);
	pthread_mutex_unlock(&r->sync->mutex);
}

static bool is_over(const struct ring *r, uint64_t n)
{
	return !r || (r->closed && r->filled <= n);
}

int ring_wait_either(struct ring *a, uint64_t na, struct ring *b, uint64_t nb)
{
	struct ring_sync *s = a->sync;
	int which = -1;

	pthread_mutex_lock(&s->mutex);
	while (!s->failed && a->filled <= na && !(b && b->filled > nb) && !(is_over(a, na) && is_over(b, nb)))
		pthread_cond_wait(&s->filled, &s->mutex);
	if (!s->failed && a->filled > na)
		which = 0;
	else if (!s->failed && b && b->filled > nb)
		which = 1;
	pthread_mutex_unlock(&s->mutex);
	return which;
}
