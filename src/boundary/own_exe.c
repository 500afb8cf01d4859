/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mount belongs to no namespace: it lives as long as a process runs from it. The kernel asks for MNT_NOEXEC when a
 * program is executed and for MNT_READONLY when it is opened to be written, on whatever way it was reached.
 */
#include "boundary/own_exe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "boundary/mountfd.h"

#define OWN_EXE "/proc/self/exe"

int own_exe_open(const char *path, int *ret_fd, struct err *e)
{
	autoclose int fd = mountfd_clone(AT_FDCWD, path, 0);

	if (fd < 0 || mountfd_setattr(fd, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, 0, 0) < 0 ||
	    fcntl(fd, F_SETFD, 0) < 0) {
		err_errno(e, "can't put %s out of the pod's reach", path);
		return err_try(e, "rocket doctor");
	}
	*ret_fd = take_fd(&fd);
	return 0;
}

int own_exe_become(int fd, char *const *argv, char *const *envp)
{
	return (int)syscall(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH);
}

static bool is_own(int fd)
{
	struct stat own, that;

	return stat(OWN_EXE, &own) == 0 && fstat(fd, &that) == 0 && own.st_dev == that.st_dev &&
	       own.st_ino == that.st_ino;
}

int own_exe_shut(int own, const char *name, struct err *e)
{
	/* Executed by descriptor, a process is named after that on kernels before 6.14. */
	prctl(PR_SET_NAME, name, 0, 0, 0);
	if (!is_own(own))
		return err_new(e, ERR_FAILED, "this program was not handed its own file");
	/* Nor is anything else of this process a pod's to look at, whatever ids it has. */
	if (mountfd_setattr(own, MOUNT_ATTR_NOEXEC, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_errno(e, "can't put this program out of the pod's reach");
	return 0;
}

/* Of who may clone no mount: in memory, nothing of the host's, and nobody can write to it (memfd_create(2)). */
static bool is_sealed_copy(void)
{
	autoclose int fd = open(OWN_EXE, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && fcntl(fd, F_GET_SEALS) > 0 && fcntl(fd, F_GET_SEALS) & F_SEAL_WRITE;
}

bool own_exe_is_shut(void)
{
	const unsigned long both = ST_RDONLY | ST_NOEXEC;
	struct statvfs fs;

	return (statvfs(OWN_EXE, &fs) == 0 && (fs.f_flag & both) == both) || is_sealed_copy();
}
