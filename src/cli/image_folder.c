/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is a folder of an image empty? A unix link has a folder of its own where that hides nothing. Data in: an image's view.
 * Out: struct image_folder. The path is resolved inside the image.
 */
#include "cli/image_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "cli/libexec.h"
#include "cli/pod_make.h"

static bool is_empty(int fd)
{
	autoclosedir DIR *d = fdopendir(fcntl(fd, F_DUPFD_CLOEXEC, 3));
	struct dirent *entry;

	while (d && (entry = readdir(d)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			return false;
	return d != NULL;
}

static int look(int view, const char *path, struct image_folder *ret, struct err *e)
{
	struct image_folder f = {};
	struct stat st;
	autoclose int fd = path_open_in_root(view, path, O_RDONLY | O_DIRECTORY, 0);

	if (fd < 0 && errno != ENOENT && errno != ENOTDIR)
		return err_errno(e, "can't look at %s in the image", path);
	f.exists = fd >= 0 || errno == ENOTDIR;
	f.is_folder = fd >= 0;
	if (fd >= 0 && fstat(fd, &st) < 0)
		return err_errno(e, "can't look at %s in the image", path);
	if (fd >= 0) {
		f.empty = is_empty(fd);
		f.uid = st.st_uid;
		f.gid = st.st_gid;
		f.mode = st.st_mode & 07777;
	}
	*ret = f;
	return 0;
}

int image_folder_stat(void *context, const struct image *img, const char *path, struct image_folder *ret, struct err *e)
{
	struct pod_making *m = context;
	autoclose int view = -1;
	int use = -1;
	char *builder = NULL;
	int r = libexec_find(m->cli->arena, "rocket-image", &builder, e);

	if (r < 0)
		return r;
	m->store.builder = builder;
	r = store_open_view(&m->store, img->view, &view, &use, e);
	if (r < 0)
		return r;
	r = look(view, path, ret, e);
	store_release_view(&m->store, img->view, &use);
	return r;
}
