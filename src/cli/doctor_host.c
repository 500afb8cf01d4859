/* SPDX-License-Identifier: Apache-2.0 */
/* Probes of the host: the place of the store, helper programs. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"
#include "base/unit.h"
#include "boundary/mountfd.h"
#include "cli/doctor.h"
#include "cli/pod_root.h"

const char *doctor_nearest_dir(struct arena *a, const char *path)
{
	char *p = arena_strdup(a, path);

	while (access(p, F_OK) < 0 && strcmp(p, "/") != 0) {
		char *slash = strrchr(p, '/');

		slash[slash == p] = 0;
	}
	return p;
}

void doctor_store(const struct cli *cli, struct doctor_finding *f)
{
	struct statfs st;
	autostr space = {};

	if (statfs(doctor_nearest_dir(cli->arena, cli->dir), &st) < 0) {
		doctor_found(f, DOCTOR_MISSING, "%.120s: %s", cli->dir, strerrordesc_np(errno));
		return;
	}
	bool overlay = st.f_type == OVERLAYFS_SUPER_MAGIC, tmpfs = st.f_type == TMPFS_MAGIC;

	unit_add_size(&space, (uint64_t)st.f_bavail * (uint64_t)st.f_bsize);
	doctor_found(f, overlay || tmpfs ? DOCTOR_LIMITED : DOCTOR_OK, "%.120s, %s free%s", cli->dir, space.text,
		     overlay ? ", on overlay" : tmpfs ? ", on tmpfs" : "");
}

/* What every start does with the image's view and with volumes: a clone of the mount, its ids mapped. */
void doctor_idmap(const struct cli *cli, struct doctor_finding *f)
{
	const struct plan_ids ids = {.base = 0x70000000, .count = 65536};
	const char *dir = doctor_nearest_dir(cli->arena, cli->dir);

	if (geteuid() != 0) {
		doctor_found(f, DOCTOR_LIMITED, "only root may make them");
		return;
	}
	autoclose int userns = pod_root_userns(&ids);
	autoclose int mount = mountfd_clone(AT_FDCWD, dir, 0);

	if (userns < 0 || mount < 0)
		doctor_found(f, DOCTOR_MISSING, "cannot try: %s", strerrordesc_np(errno));
	else if (mountfd_idmap(mount, userns, 0) < 0)
		doctor_found(f, DOCTOR_MISSING, "not on the file system of %.120s: %s", dir, strerrordesc_np(errno));
	else
		doctor_found(f, DOCTOR_OK, "on the file system of %.150s", dir);
}

/* Looks a program up as a shell does; the path is in the arena, or NULL. */
static const char *find_program(struct arena *a, const char *name)
{
	const char *path = getenv("PATH");

	for (path = path ? path : "/usr/sbin:/usr/bin:/sbin:/bin"; *path;) {
		size_t len = strcspn(path, ":");
		const char *file = arena_printf(a, "%.*s/%s", (int)len, path, name);

		if (len && access(file, X_OK) == 0)
			return file;
		path += len + (path[len] == ':');
	}
	return NULL;
}

void doctor_pasta(const struct cli *cli, struct doctor_finding *f)
{
	const char *path = find_program(cli->arena, "pasta");

	if (path)
		doctor_found(f, DOCTOR_OK, "%.180s", path);
	else
		doctor_found(f, DOCTOR_MISSING, "not installed");
}
