/* SPDX-License-Identifier: Apache-2.0 */
/* APP.root (own_root.h). It appears by rename when it is whole, so that a start never takes half of one. */
#include "boundary/own_root.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "boundary/mountfd.h"

enum { OWN_ROOT_NAME = 160 };

static void root_name(const struct root_request *r, const char *suffix, char name[OWN_ROOT_NAME])
{
	snprintf(name, OWN_ROOT_NAME, "%.120s.root%s", r->app->name, suffix);
}

bool own_root_exists(const struct root_request *r)
{
	char name[OWN_ROOT_NAME];

	root_name(r, "", name);
	return faccessat(r->pod_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

bool own_root_fits(const struct root_request *r, const struct err *e)
{
	return r->unpack && (e->errnum == EINVAL || e->errnum == EOPNOTSUPP || e->errnum == ENODEV);
}

int own_root_make(const struct root_request *r, struct err *e)
{
	char name[OWN_ROOT_NAME], fresh[OWN_ROOT_NAME];
	int err;

	root_name(r, "", name);
	root_name(r, ".new", fresh);
	err = io_remove_tree(r->pod_fd, fresh, e);
	if (err < 0)
		return err;
	autoclose int fd = mkdirat(r->pod_fd, fresh, 0700) < 0 ? -1 :
			   openat(r->pod_fd, fresh, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return err_errno(e, "can't make a root for %s", r->app->name);
	err = r->unpack(r->context, r->app, fd, e);
	if (err == 0 && renameat2(r->pod_fd, fresh, r->pod_fd, name, RENAME_NOREPLACE) < 0)
		err = err_errno(e, "can't make a root for %s", r->app->name);
	return err;
}

int own_root_open(const struct root_request *r, int *ret_fd, struct err *e)
{
	char name[OWN_ROOT_NAME];

	root_name(r, "", name);
	autoclose int fd = mountfd_clone(r->pod_fd, name, AT_SYMLINK_NOFOLLOW);

	if (fd < 0 || mountfd_setattr(fd, MOUNT_ATTR_NODEV, 0, 0) < 0) {
		err_errno(e, "can't use the root of %s", r->app->name);
		return err_try(e, "rocket doctor");
	}
	*ret_fd = take_fd(&fd);
	return 0;
}
