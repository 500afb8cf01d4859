/* SPDX-License-Identifier: Apache-2.0 */
/* Probes for an ordinary user: his ids, the programs that map them, his half of the host, his control groups. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "boundary/cgroup_delegated.h"
#include "boundary/rootless_enter.h"
#include "cli/doctor.h"

enum { ACCOUNTS_MAX = 4 << 20, IDS_NEEDED = 65536, FIRST_FREE = 100000 };

void doctor_newuidmap(const struct cli *cli, struct doctor_finding *f)
{
	const char *uid = rootless_mapper("newuidmap"), *gid = rootless_mapper("newgidmap");

	if (uid && gid)
		doctor_found(f, DOCTOR_OK, "%.180s", uid);
	else
		doctor_found(f, DOCTOR_MISSING, "%s is not installed", uid ? "newgidmap" : "newuidmap");
}

/* Behind the last id that anybody has: a range from there on is free. */
static uint64_t end_of_ranges(const char *file)
{
	autofree char *text = NULL;
	struct err ignored = {};
	uint64_t end = FIRST_FREE;
	size_t n;

	if (io_read_file(AT_FDCWD, file, ACCOUNTS_MAX, &text, &n, &ignored) < 0)
		return end;
	for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
		char *first = strchr(line, ':'), *count = first ? strchr(first + 1, ':') : NULL;
		uint64_t last = count ? strtoull(first + 1, NULL, 10) + strtoull(count + 1, NULL, 10) : 0;

		end = last > end ? last : end;
	}
	return end;
}

static void suggest_range(struct doctor_finding *f)
{
	uint64_t uids = end_of_ranges("/etc/subuid"), gids = end_of_ranges("/etc/subgid");
	unsigned long long first = uids > gids ? uids : gids, last = first + IDS_NEEDED - 1;

	snprintf(f->remedy, sizeof(f->remedy), "usermod --add-subuids %llu-%llu --add-subgids %llu-%llu %s   (as root)", first,
		 last, first, last, getenv("USER") ?: "USER");
}

void doctor_subids(const struct cli *cli, struct doctor_finding *f)
{
	struct rootless r;

	rootless_ids(&r);
	if (r.sub_count >= IDS_NEEDED - 1) {
		doctor_found(f, DOCTOR_OK, "%u ids from %u on", r.sub_count, r.sub_uid);
		return;
	}
	doctor_found(f, r.sub_count ? DOCTOR_LIMITED : DOCTOR_MISSING,
		     "%u ids are in both /etc/subuid and /etc/subgid; most images want %u", r.sub_count, IDS_NEEDED);
	suggest_range(f);
}

static int try_half(const void *context)
{
	struct err *e = (struct err *)(uintptr_t)context;

	return rootless_enter(e) < 0;
}

void doctor_half(const struct cli *cli, struct doctor_finding *f)
{
	/* Shared with the child, so that its error comes back. */
	struct err *e = doctor_shared_err();
	struct rootless r;

	rootless_ids(&r);
	if (!e || doctor_in_child(try_half, e) != 0) {
		doctor_found(f, DOCTOR_MISSING, "%.100s: %.90s", e ? e->what : "cannot try", e ? e->because : "no memory");
		if (e && *e->hint)
			snprintf(f->remedy, sizeof(f->remedy), "%.190s", e->hint);
	} else {
		doctor_found(f, DOCTOR_OK, r.sub_count ? "you are root over your own ids there" : "with your own id alone");
	}
}

void doctor_delegation(const struct cli *cli, struct doctor_finding *f)
{
	struct cgroup_delegation d;
	const char *lack;

	cgroup_delegation_find(&d);
	lack = cgroup_delegation_lack(&d);
	if (!lack) {
		doctor_found(f, DOCTOR_OK, "below /%.60s:%.100s", d.base, d.controllers);
		return;
	}
	doctor_found(f, DOCTOR_LIMITED, "%.190s", lack);
	if (strcmp(cgroup_delegation_remedy(), "rocket doctor") != 0)
		snprintf(f->remedy, sizeof(f->remedy), "%s", cgroup_delegation_remedy());
}
