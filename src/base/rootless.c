/* SPDX-License-Identifier: Apache-2.0 */
/* The user's half of the host, as its programs tell each other: "UID GID SUBUID SUBGID COUNT". See rootless.h. */
#include "base/rootless.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char variable[] = "ROCKET_ROOTLESS";

/* A variable can be anybody's: the kernel says whether the user is really what root here is. */
static bool is_true(const struct rootless *r)
{
	char text[256] = "";
	unsigned inside, outside, count;
	int fd = open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	return n > 0 && sscanf(text, "%u %u %u", &inside, &outside, &count) == 3 && inside == 0 && outside == r->uid &&
	       count == 1;
}

bool rootless_here(struct rootless *ret)
{
	const char *text = getenv(variable);
	struct rootless r;
	char end;

	if (!text || geteuid() != 0 ||
	    sscanf(text, "%u %u %u %u %u%c", &r.uid, &r.gid, &r.sub_uid, &r.sub_gid, &r.sub_count, &end) != 5 || !is_true(&r))
		return false;
	if (ret)
		*ret = r;
	return true;
}

void rootless_remember(const struct rootless *r)
{
	char text[80];

	snprintf(text, sizeof(text), "%u %u %u %u %u", r->uid, r->gid, r->sub_uid, r->sub_gid, r->sub_count);
	setenv(variable, text, 1);
}

bool rootless_is_host_root(void)
{
	return geteuid() == 0 && !rootless_here(NULL);
}

uint32_t rootless_user(void)
{
	struct rootless r;

	return rootless_here(&r) ? r.uid : getuid();
}

void rootless_map_name(const struct rootless *r, char ret[16])
{
	if (r->sub_count)
		snprintf(ret, 16, "%u", r->sub_uid);
	else
		snprintf(ret, 16, "one");
}
