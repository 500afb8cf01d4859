/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to import*.c: buffers that one thread fills and others read, in order. All rings of one layer
 * share a lock and its conditions, so that a thread can wait for either of two, and so that one failure stops
 * them all.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { RING_SLOTS = 8, RING_ALIGN = 4096 };

struct ring_sync {
	pthread_mutex_t mutex;
	pthread_cond_t filled; /* what readers wait for */
	pthread_cond_t room;   /* what the one who fills waits for */
	bool failed;     /* somebody gave up: err says why */
	struct err err;
};

void ring_sync_init(struct ring_sync *s);
void ring_sync_destroy(struct ring_sync *s);
/* The first failure is kept; all waiting threads wake up. */
void ring_fail(struct ring_sync *s, const struct err *e);

struct ring {
	struct ring_sync *sync;
	uint8_t *slot[RING_SLOTS];
	size_t len[RING_SLOTS];
	unsigned readers_left[RING_SLOTS];
	uint64_t filled;    /* slots put so far */
	bool closed;        /* no more will be put */
	unsigned readers;
	size_t slot_size;
};

/* Slots are page-aligned and of slot_size bytes. */
void ring_init(struct ring *r, struct ring_sync *sync, size_t slot_size, unsigned readers);
void ring_free(struct ring *r);

/* The next slot to fill, once all its readers are done; NULL when somebody failed. */
uint8_t *ring_get_empty(struct ring *r);
void ring_put(struct ring *r, size_t len);
void ring_close(struct ring *r);

/* The n-th filled slot; NULL at the end and when somebody failed. */
const uint8_t *ring_take(struct ring *r, uint64_t n, size_t *ret_len);
void ring_done(struct ring *r, uint64_t n);

/*
 * Waits until ring a has a slot past *na or b one past *nb (or ends). 0: a's, 1: b's, -1: both are at their end or
 * somebody failed. b may be NULL.
 */
int ring_wait_either(struct ring *a, uint64_t na, struct ring *b, uint64_t nb);
