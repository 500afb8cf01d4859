/* SPDX-License-Identifier: Apache-2.0 */
/* See own.h. What the second beginning needs to know comes in one variable of the environment, from where it goes at once. */
#include "oci/own.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/unit.h"
#include "boundary/own_exe.h"

static const char variable[] = "ROCKET_OCI_EXE"; /* "FD:PATH" */

static const char *read_own_path(struct arena *a)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	return n > 0 ? arena_strndup(a, path, (size_t)n) : NULL;
}

static const char *dir_of(struct arena *a, const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? arena_strndup(a, path, (size_t)(slash - path)) : "";
}

/* An ordinary user can't clone mounts of the host; a sealed copy can't be written by anybody either (memfd_create(2)). */
static int open_copy(int *ret_fd, struct err *e)
{
	struct stat st;
	autoclose int own = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	autoclose int copy = memfd_create("rocket-oci", MFD_ALLOW_SEALING);
	off_t at = 0;

	if (own < 0 || copy < 0 || fstat(own, &st) < 0)
		return err_errno(e, "can't copy this program");
	while (at < st.st_size)
		if (sendfile(copy, own, &at, (size_t)(st.st_size - at)) <= 0)
			return err_errno(e, "can't copy this program");
	if (fcntl(copy, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return err_errno(e, "can't seal the copy of this program");
	*ret_fd = take_fd(&copy);
	return 0;
}

/* Is this process's program the sealed copy that fd names? */
static bool is_copy(int fd)
{
	struct stat own, that;

	return fcntl(fd, F_GET_SEALS) > 0 && stat("/proc/self/exe", &own) == 0 && fstat(fd, &that) == 0 &&
	       own.st_dev == that.st_dev && own.st_ino == that.st_ino;
}

static int begin_again(struct oci *o, char **argv, struct err *e)
{
	struct err no_mount = {};
	autoclose int exe = -1;

	if (own_exe_open("/proc/self/exe", &exe, &no_mount) < 0 && open_copy(&exe, e) < 0)
		return -e->code;
	setenv(variable, arena_printf(o->arena, "%d:%s", exe, read_own_path(o->arena) ?: ""), 1);
	(void)!own_exe_become(exe, argv, environ);
	return err_errno(e, "can't begin once more");
}

static int settle(struct oci *o, const char *value, struct err *e)
{
	const char *colon = strchr(value, ':');
	uint64_t fd = 0;

	if (!colon || unit_parse_u64(arena_strndup(o->arena, value, (size_t)(colon - value)), 3, 1 << 20, &fd) < 0)
		return err_new(e, ERR_FAILED, "%s is not yours to set", variable);
	o->programs = dir_of(o->arena, colon + 1);
	unsetenv(variable);
	if (is_copy((int)fd)) {
		prctl(PR_SET_NAME, "rocket-oci", 0, 0, 0);
		close((int)fd);
		return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? err_errno(e, "can't hide this process") : 0;
	}
	autoclose int own = (int)fd;
	return own_exe_shut(own, "rocket-oci", e);
}

int own_begin(struct oci *o, char **argv, bool spawns, struct err *e)
{
	const char *value = getenv(variable);

	if (!spawns) {
		o->programs = dir_of(o->arena, read_own_path(o->arena));
		return 0;
	}
	return value ? settle(o, arena_strdup(o->arena, value), e) : begin_again(o, argv, e);
}

int own_find_program(const struct oci *o, const char *name, const char **ret_path, struct err *e)
{
	const char *const places[] = {
		arena_printf(o->arena, "%s/%s", o->programs, name),
		arena_printf(o->arena, "%s/../libexec/%s", o->programs, name),
		arena_printf(o->arena, "%s/../libexec/rocket/%s", o->programs, name),
		ROCKET_LIBEXECDIR,
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		const char *path = i + 1 < ARRAY_SIZE(places) ? places[i] : arena_printf(o->arena, "%s/%s", places[i], name);

		if (access(path, X_OK) == 0) {
			*ret_path = path;
			return 0;
		}
	}
	err_new(e, ERR_FAILED, "the program %s is not installed", name);
	err_because(e, "it is neither near rocket-oci (%s) nor in " ROCKET_LIBEXECDIR, o->programs);
	return err_try(e, "install Rocket as a whole: make install");
}
