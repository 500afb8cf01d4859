/* SPDX-License-Identifier: Apache-2.0 */
/* Host id ranges of pods. See ids.h. */
#include "supervise/ids.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"

/* From 0x10000000 on, above what distributions hand out (524288…), up to 0x7fff0000: 28 000 pods. */
enum { SLOT_IDS = 65536, FIRST_SLOT = 0x1000, LAST_SLOT = 0x7ffe, CLAIM_FILE_MAX = 1 << 20, MAX_CLAIMS = 512 };

/* What others hold where pods would begin: hardly ever anything, but it must not be overlooked. */
struct claims {
	struct { uint64_t first, end; } v[MAX_CLAIMS];
	size_t n;
	bool too_many;
};

static void add_claim(struct claims *c, uint64_t first, uint64_t count)
{
	uint64_t lowest = (uint64_t)FIRST_SLOT * SLOT_IDS;

	/* Most claims lie far below where pods begin. */
	if (first + count <= lowest)
		return;
	if (c->n == MAX_CLAIMS) {
		c->too_many = true;
		return;
	}
	c->v[c->n].first = first;
	c->v[c->n++].end = first + count;
}

/* "user:FIRST:COUNT" lines; with passwd "user:x:UID:…", each a claim of one. */
static void read_claims(struct claims *c, const char *path, bool ranges)
{
	autofree char *text = NULL;
	size_t n;
	struct err ignored = {};

	if (io_read_file(AT_FDCWD, path, CLAIM_FILE_MAX, &text, &n, &ignored) < 0)
		return;
	for (char *line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		char *first = strchr(line, ':');
		char *second = first ? strchr(first + 1, ':') : NULL;

		if (!second)
			continue;
		if (ranges)
			add_claim(c, strtoull(first + 1, NULL, 10), strtoull(second + 1, NULL, 10));
		else
			add_claim(c, strtoull(second + 1, NULL, 10), 1);
	}
}

static bool is_claimed(const struct claims *c, uint32_t slot)
{
	uint64_t first = (uint64_t)slot * SLOT_IDS, end = first + SLOT_IDS;

	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].first < end && first < c->v[i].end)
			return true;
	return false;
}

static bool take_slot(const struct state *s, const struct claims *c, uint32_t slot, const char *pod_id)
{
	char path[32];

	if (is_claimed(c, slot))
		return false;
	snprintf(path, sizeof(path), "index/ids/%u", slot);
	return symlinkat(pod_id, s->runfd, path) == 0;
}

static void free_slot(const struct state *s, uint32_t slot)
{
	char path[32];

	snprintf(path, sizeof(path), "index/ids/%u", slot);
	(void)!unlinkat(s->runfd, path, 0);
}

static bool take_slots(const struct state *s, const struct claims *c, uint32_t slot, uint32_t n, const char *pod_id)
{
	for (uint32_t i = 0; i < n; i++) {
		if (slot + i <= LAST_SLOT && take_slot(s, c, slot + i, pod_id))
			continue;
		while (i--)
			free_slot(s, slot + i);
		return false;
	}
	return true;
}

int ids_take(const struct state *s, const char *pod_id, uint32_t count, struct plan_ids *ret, struct err *e)
{
	const uint32_t slots = (count + SLOT_IDS - 1) / SLOT_IDS, range = LAST_SLOT - FIRST_SLOT + 1;
	[[gnu::uninitialized]] struct claims c;
	uint32_t start;

	c.n = c.too_many = 0;
	read_claims(&c, "/etc/subuid", true);
	read_claims(&c, "/etc/subgid", true);
	read_claims(&c, "/etc/passwd", false);
	if (c.too_many) {
		err_new(e, ERR_FAILED, "/etc/subuid, /etc/subgid and /etc/passwd claim too many id ranges");
		err_because(e, "more than %d lie at or above %u, where pods' ranges begin", MAX_CLAIMS, FIRST_SLOT * SLOT_IDS);
		return err_try(e, "grep -c . /etc/subuid /etc/subgid   (ranges below that number do not count)");
	}
	/* The pod's id is random: starting there, the first try nearly always hits a free slot. */
	start = (uint32_t)(strtoul((char[9]){ pod_id[0], pod_id[1], pod_id[2], pod_id[3], pod_id[4], pod_id[5],
					      pod_id[6], pod_id[7], 0 },
				   NULL, 16) % range);
	for (uint32_t i = 0; i < range; i++) {
		uint32_t slot = FIRST_SLOT + (start + i) % range;

		if (!take_slots(s, &c, slot, slots, pod_id))
			continue;
		ret->base = slot * SLOT_IDS;
		ret->count = slots * SLOT_IDS;
		return 0;
	}
	err_new(e, ERR_BUSY, "no host id range is free for the pod");
	err_because(e, "all %u ranges are taken by pods or by /etc/subuid", range);
	return err_try(e, "rocket gc --grace-period 0");
}

int ids_index(int index_fd, const char *pod_id, const struct plan_ids *ids)
{
	for (uint32_t i = 0; ids->kind == IDS_RANGE && i < ids->count / SLOT_IDS; i++) {
		char path[32];

		snprintf(path, sizeof(path), "ids/%u", ids->base / SLOT_IDS + i);
		if (symlinkat(pod_id, index_fd, path) < 0 && errno != EEXIST)
			return -1;
	}
	return 0;
}

static void release_found(const struct state *s, const char *pod_id)
{
	autoclosedir DIR *d = fdopendir(openat(s->runfd, "index/ids", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	struct dirent *entry;

	while (d && (entry = readdir(d))) {
		char holder[POD_ID_LEN + 1] = "";

		if (readlinkat(dirfd(d), entry->d_name, holder, POD_ID_LEN) == POD_ID_LEN && strcmp(holder, pod_id) == 0)
			(void)!unlinkat(dirfd(d), entry->d_name, 0);
	}
}

void ids_release(const struct state *s, const char *pod_id, const struct plan_ids *ids)
{
	if (ids->count == 0)
		release_found(s, pod_id);
	for (uint32_t i = 0; i < ids->count / SLOT_IDS; i++) {
		uint32_t slot = ids->base / SLOT_IDS + i;
		char path[32], holder[POD_ID_LEN + 1] = "";

		snprintf(path, sizeof(path), "index/ids/%u", slot);
		if (readlinkat(s->runfd, path, holder, POD_ID_LEN) == POD_ID_LEN && strcmp(holder, pod_id) == 0)
			free_slot(s, slot);
	}
}

void ids_sweep(const struct state *s)
{
	int fd = openat(s->runfd, "index/ids", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclosedir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	while (d && (entry = readdir(d))) {
		char holder[POD_ID_LEN + 1] = "";

		if (readlinkat(fd, entry->d_name, holder, POD_ID_LEN) == POD_ID_LEN && !state_pod_exists(s, holder))
			(void)!unlinkat(fd, entry->d_name, 0);
	}
}
