/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index and its tars to a detached mount (Documentation/filesystems/erofs.rst; fsopen(2) family):
 * file-backed, so without a loop device, the tars given as the extra devices in the index's order.
 *
 * Every file is named to the kernel by /proc/self/fd/N: what was opened is what is mounted. The whole index
 * is asked for ahead of the mount: EROFS reading it page by page takes a hundred times longer.
 */
#include "store/view.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "store/blob.h"
#include "store/layout.h"

static int set_option(int fs, const char *key, int fd)
{
	char self[32];

	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	return (int)syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, key, self, 0);
}

/* Which errors say "not here", rather than "this file is bad". */
static bool host_cannot(int errnum)
{
	static const int no[] = {ENOTBLK, ENODEV, EPERM, ENOSYS, EOPNOTSUPP, EACCES};

	for (size_t i = 0; i < ARRAY_SIZE(no); i++)
		if (errnum == no[i])
			return true;
	return false;
}

static int err_mount(const struct store *s, const char *view, struct err *e)
{
	int errnum = errno;

	err_errno(e, "can't mount the view %.20s of %s", view, s->path);
	if (host_cannot(errnum))
		return err_recode(e, ERR_STATE);
	return err_try(e, "rocket image verify --all");
}

/* The index, then its tars. All stay open until the file system is made: only then the kernel opens them. */
struct sources {
	int *fds;
	size_t n;
};

static void sources_close(struct sources *src)
{
	while (src->n)
		close(src->fds[--src->n]);
}

static int sources_open(const struct store *s, struct arena *a, const char *view, struct sources *src, struct err *e)
{
	struct blob_view_recipe recipe = {};
	int r = blob_get_view_recipe(s, a, view, &recipe, e);

	if (r < 0)
		return err_recode(e, ERR_FAILED);
	src->fds = arena_alloc(a, (recipe.tars.n + 1) * sizeof(int));
	r = blob_open_view(s, view, &src->fds[0], e);
	src->n = r == 0;
	for (size_t i = 0; r == 0 && i < recipe.tars.n; i++) {
		r = blob_open(s, recipe.tars.v[i].blob, &src->fds[src->n], e);
		src->n += r == 0;
	}
	return r < 0 ? err_recode(e, ERR_FAILED) : 0;
}

static int configure(int fs, const struct sources *src)
{
	struct stat st;
	int r = fstat(src->fds[0], &st);

	if (r == 0)
		readahead(src->fds[0], 0, (size_t)st.st_size);
	for (size_t i = 0; r == 0 && i < src->n; i++)
		r = set_option(fs, i ? "device" : "source", src->fds[i]);
	return r == 0 ? (int)syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) : r;
}

int view_mount_erofs(const struct store *s, const char *view, int *ret_fd, struct err *e)
{
	/* Declared first, so freed last: the list of sources lies in it. */
	autoarena a = {};
	[[gnu::cleanup(sources_close)]] struct sources src = {};
	autoclose int fs = (int)syscall(SYS_fsopen, "erofs", FSOPEN_CLOEXEC);

	if (fs < 0)
		return err_mount(s, view, e);
	int r = sources_open(s, &a, view, &src, e);

	if (r < 0)
		return r;
	if (configure(fs, &src) < 0)
		return err_mount(s, view, e);
	int fd = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC,
			      MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID);

	if (fd < 0)
		return err_mount(s, view, e);
	*ret_fd = fd;
	return 0;
}

bool blob_view_mountable(const struct store *s, const char *view)
{
	struct err ignored = {};
	int fd = -1;

	if (view_mount_erofs(s, view, &fd, &ignored) < 0)
		return false;
	close(fd);
	return true;
}
