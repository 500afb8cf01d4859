/* SPDX-License-Identifier: Apache-2.0 */
/* Which control groups there are, what they can limit, and whether this user may make any. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"
#include "boundary/cgroup.h"
#include "cli/doctor.h"

static const struct {
	enum cgroup_controller controller;
	const char *name;
} limits[] = {
	{CGROUP_MEMORY, "memory"}, {CGROUP_CPU, "cpu"},         {CGROUP_CPUSET, "cpuset"}, {CGROUP_IO, "io"},
	{CGROUP_PIDS, "pids"},     {CGROUP_DEVICES, "devices"}, {CGROUP_FREEZER, "freezer"},
};

void doctor_cgroup(const struct cli *cli, struct doctor_finding *f)
{
	struct cgroup_host h;
	struct err e = {};

	if (cgroup_host_open(CGROUP_EVERY, &h, &e) < 0) {
		doctor_found(f, DOCTOR_MISSING, "%.150s", e.because[0] ? e.because : e.what);
		return;
	}
	if (h.layout == CGROUP_LAYOUT_V2)
		doctor_found(f, DOCTOR_OK, "version 2");
	else if (h.root_fd[CGROUP_UNIFIED] >= 0)
		doctor_found(f, DOCTOR_LIMITED, "hybrid: version 1 with a version 2 hierarchy beside it");
	else
		doctor_found(f, DOCTOR_LIMITED, "version 1");
	cgroup_host_close(&h);
}

/* On version 2 the controllers are words of one file; devices and freezer belong to the kernel itself. */
static bool has_v2_controller(const struct cgroup_host *h, const char *name)
{
	autofree char *text = NULL;
	autostr padded = {}, word = {};
	struct err e = {};
	size_t len;

	if (strcmp(name, "devices") == 0 || strcmp(name, "freezer") == 0)
		return true;
	if (io_read_file(h->root_fd[CGROUP_UNIFIED], "cgroup.controllers", 4096, &text, &len, &e) < 0)
		return false;
	text[strcspn(text, "\n")] = 0;
	str_addf(&padded, " %s ", text);
	str_addf(&word, " %s ", name);
	return strstr(padded.text, word.text) != NULL;
}

void doctor_controllers(const struct cli *cli, struct doctor_finding *f)
{
	autostr have = {}, lack = {};
	struct cgroup_host h;
	struct err e = {};

	if (cgroup_host_open(CGROUP_EVERY, &h, &e) < 0) {
		doctor_found(f, DOCTOR_MISSING, "no control groups");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		bool there = h.layout == CGROUP_LAYOUT_V2 ? has_v2_controller(&h, limits[i].name)
							  : h.root_fd[limits[i].controller] >= 0;

		str_addf(there ? &have : &lack, " %s", limits[i].name);
	}
	cgroup_host_close(&h);
	if (lack.len)
		doctor_found(f, DOCTOR_LIMITED, "missing:%s (there:%s)", lack.text, have.len ? have.text : " none");
	else
		doctor_found(f, DOCTOR_OK, "%s", have.text + 1);
}

void doctor_clone_into(const struct cli *cli, struct doctor_finding *f)
{
	struct cgroup_host h;
	struct err e = {};

	if (cgroup_host_open(CGROUP_EVERY, &h, &e) < 0) {
		doctor_found(f, DOCTOR_MISSING, "no control groups");
		return;
	}
	/* The flag is as old as Linux 5.7; what it needs is the version 2 hierarchy. */
	if (h.root_fd[CGROUP_UNIFIED] >= 0)
		doctor_found(f, DOCTOR_OK, "a process starts in its group");
	else
		doctor_found(f, DOCTOR_LIMITED, "no version 2 hierarchy is mounted");
	cgroup_host_close(&h);
}
