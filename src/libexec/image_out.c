/* SPDX-License-Identifier: Apache-2.0 */
/* Files out to a directory, a tar or stdout (image_out.h). ustar as POSIX.1-2017 has it, pax(1). */
#include "libexec/image_out.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/path.h"
#include "libexec/image_tool.h"

enum { OUT_BLOCK = 512, OUT_CHUNK = 1 << 30, OUT_FILES_MAX = 4096 };

struct image_out {
	enum image_out_form form;
	const char *dest;
	int parent;           /* of dest, unless it is stdout */
	int fd;               /* the directory, or the tar */
	bool made_dir, finished, is_stdout;
	bool nameless;        /* the tar is an O_TMPFILE */
	char tmp_name[64];    /* of the tar, in parent, on its way to its own name */
	struct arena *arena;
	LIST(char *) files;   /* of the directory: what a failure removes again */
};

static int open_parent(struct image_out *o, struct err *e)
{
	size_t n = strlen(o->dest);

	while (n > 1 && o->dest[n - 1] == '/')
		n--;
	char *dest = arena_strndup(o->arena, o->dest, n);
	const char *slash = strrchr(dest, '/');
	const char *dir = !slash ? "." : slash == dest ? "/" : arena_strndup(o->arena, dest, (size_t)(slash - dest));

	o->dest = dest;
	o->parent = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return o->parent < 0 ? image_err(e, "can't write %.200s", dest) : 0;
}

static int refuse_filled(struct image_out *o, struct err *e)
{
	int fd = openat(o->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclosedir DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d)
		return image_err(e, "can't list %.200s", o->dest);
	for (struct dirent *entry; (entry = readdir(d));) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		err_new(e, ERR_STATE, "can't export into %.200s", o->dest);
		err_because(e, "the directory is not empty");
		return err_try(e, "give a directory that is empty or not there yet");
	}
	return 0;
}

static int open_directory(struct image_out *o, struct err *e)
{
	const char *name = path_base(o->dest);

	o->made_dir = mkdirat(o->parent, name, 0777) == 0;
	if (!o->made_dir && errno != EEXIST)
		return image_err(e, "can't make the directory %.200s", o->dest);
	o->fd = openat(o->parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (o->fd < 0)
		return image_err(e, "can't export into %.200s", o->dest);
	return refuse_filled(o, e);
}

static int open_tar(struct image_out *o, struct err *e)
{
	struct stat st;

	if (fstatat(o->parent, path_base(o->dest), &st, 0) == 0 && !S_ISREG(st.st_mode)) {
		/* A pipe or device that somebody reads from: written to as it is. */
		o->fd = S_ISDIR(st.st_mode) ? -1 : openat(o->parent, path_base(o->dest), O_WRONLY | O_CLOEXEC);
		errno = S_ISDIR(st.st_mode) ? EISDIR : errno;
	} else {
		snprintf(o->tmp_name, sizeof(o->tmp_name), ".rocket-export.%d", (int)getpid());
		o->fd = openat(o->parent, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, 0666);
		o->nameless = o->fd >= 0;
		if (o->fd < 0)
			o->fd = openat(o->parent, o->tmp_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	}
	if (o->fd >= 0)
		return 0;
	o->tmp_name[0] = 0;
	return image_err(e, "can't write %.200s", o->dest);
}

static int open_stdout(struct image_out *o, struct err *e)
{
	if (isatty(STDOUT_FILENO)) {
		err_new(e, ERR_USAGE, "the image has nowhere to go");
		err_because(e, "no file was given, and stdout is a terminal");
		return err_try(e, "rocket image export NAME FILE");
	}
	o->is_stdout = true;
	o->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	return o->fd < 0 ? image_err(e, "can't write to stdout") : 0;
}

int image_out_open(struct arena *a, enum image_out_form form, const char *dest, struct image_out **ret, struct err *e)
{
	struct image_out *o = arena_new(a, struct image_out);
	int r;

	*o = (struct image_out){.form = form, .dest = dest, .arena = a, .fd = -1, .parent = -1};
	if (!strcmp(dest, "-") && form != IMAGE_OUT_DIR) {
		r = open_stdout(o, e);
	} else {
		r = open_parent(o, e);
		if (r == 0)
			r = form == IMAGE_OUT_DIR ? open_directory(o, e) : open_tar(o, e);
	}
	if (r < 0)
		image_out_close(o);
	else
		*ret = o;
	return r;
}

static int err_write(const struct image_out *o, struct err *e)
{
	return image_err(e, "can't write %.200s", o->is_stdout ? "to stdout" : o->dest);
}

static int send_all(int out, int in, uint64_t size)
{
	off_t at = 0;

	while ((uint64_t)at < size) {
		uint64_t left = size - (uint64_t)at;
		ssize_t n = sendfile(out, in, &at, left < OUT_CHUNK ? (size_t)left : OUT_CHUNK);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EIO; /* shorter than it was */
		if (n <= 0)
			return -1;
	}
	return 0;
}

/* Directories above path, below the export's own; they are remembered with the files. */
static int make_parents(struct image_out *o, const char *path)
{
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		char *dir = arena_strndup(o->arena, path, (size_t)(slash - path));

		if (mkdirat(o->fd, dir, 0777) == 0)
			*list_add(o->arena, &o->files) = dir;
		else if (errno != EEXIST)
			return -1;
	}
	return 0;
}

static int dir_create(struct image_out *o, const char *path)
{
	int fd = make_parents(o, path) < 0 ? -1 : path_open_beneath(o->fd, path, O_WRONLY | O_CREAT | O_EXCL, 0666);

	if (fd >= 0)
		*list_add(o->arena, &o->files) = arena_strdup(o->arena, path);
	return fd;
}

static void put_octal(char *field, size_t width, uint64_t value)
{
	/* Larger than the octal digits hold: GNU's and POSIX' base-256 form. */
	if (value >> (3 * (width - 1))) {
		memset(field, 0, width);
		for (size_t i = width; i-- > width - 8; value >>= 8)
			field[i] = (char)(value & 0xff);
		field[0] = (char)0x80;
		return;
	}
	field[width - 1] = 0;
	for (size_t i = width - 1; i-- > 0; value >>= 3)
		field[i] = (char)('0' + (value & 7));
}

static int tar_header(struct image_out *o, const char *path, char type, uint64_t size)
{
	char block[OUT_BLOCK] = {};
	unsigned sum = 0;

	if (strlen(path) > 100) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(block, path, strlen(path));
	put_octal(block + 100, 8, type == '5' ? 0755 : 0644);
	put_octal(block + 108, 8, 0);
	put_octal(block + 116, 8, 0);
	put_octal(block + 124, 12, size);
	put_octal(block + 136, 12, 0);
	memset(block + 148, ' ', 8);
	block[156] = type;
	memcpy(block + 257, "ustar\00000", 8);
	for (size_t i = 0; i < OUT_BLOCK; i++)
		sum += (unsigned char)block[i];
	put_octal(block + 148, 7, sum);
	return io_write_all(o->fd, block, sizeof(block));
}

/* A tar lists each directory before what is in it. */
static int tar_parents(struct image_out *o, const char *path)
{
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		char *dir = arena_strndup(o->arena, path, (size_t)(slash - path) + 1);
		bool known = false;

		for (size_t i = 0; !known && i < o->files.n; i++)
			known = !strcmp(o->files.v[i], dir);
		if (known)
			continue;
		*list_add(o->arena, &o->files) = dir;
		if (tar_header(o, dir, '5', 0) < 0)
			return -1;
	}
	return 0;
}

static int tar_pad(struct image_out *o, uint64_t size)
{
	static const char zeros[OUT_BLOCK];
	size_t over = size % OUT_BLOCK;

	return over ? io_write_all(o->fd, zeros, OUT_BLOCK - over) : 0;
}

static int begin_file(struct image_out *o, const char *path, uint64_t size, int *ret_fd)
{
	*ret_fd = o->form == IMAGE_OUT_DIR ? dir_create(o, path) : o->fd;
	if (*ret_fd < 0)
		return -1;
	return o->form == IMAGE_OUT_TAR && (tar_parents(o, path) < 0 || tar_header(o, path, '0', size) < 0) ? -1 : 0;
}

static int end_file(struct image_out *o, uint64_t size, int fd)
{
	if (o->form == IMAGE_OUT_DIR)
		return close(fd);
	return o->form == IMAGE_OUT_TAR ? tar_pad(o, size) : 0;
}

int image_out_put(struct image_out *o, const char *path, const void *bytes, size_t n, struct err *e)
{
	int fd = -1;

	if (begin_file(o, path, n, &fd) < 0 || io_write_all(fd, bytes, n) < 0 || end_file(o, n, fd) < 0)
		return err_write(o, e);
	return 0;
}

int image_out_copy(struct image_out *o, const char *path, int in, uint64_t size, struct err *e)
{
	int fd = -1;

	if (begin_file(o, path, size, &fd) < 0 || send_all(fd, in, size) < 0 || end_file(o, size, fd) < 0)
		return err_write(o, e);
	return 0;
}

static int name_it(struct image_out *o)
{
	char self[32];

	snprintf(self, sizeof(self), "/proc/self/fd/%d", o->fd);
	if (linkat(AT_FDCWD, self, o->parent, o->tmp_name, AT_SYMLINK_FOLLOW) < 0)
		return -1;
	o->nameless = false;
	return 0;
}

int image_out_finish(struct image_out *o, struct err *e)
{
	static const char zeros[2 * OUT_BLOCK];

	if (o->form == IMAGE_OUT_TAR && io_write_all(o->fd, zeros, sizeof(zeros)) < 0)
		return err_write(o, e);
	if (o->nameless && name_it(o) < 0)
		return err_write(o, e);
	if (o->tmp_name[0] && renameat(o->parent, o->tmp_name, o->parent, path_base(o->dest)) < 0)
		return err_write(o, e);
	o->tmp_name[0] = 0;
	o->finished = true;
	return 0;
}

static void remove_made(struct image_out *o)
{
	for (size_t i = o->files.n; i-- > 0;)
		if (unlinkat(o->fd, o->files.v[i], 0) < 0)
			unlinkat(o->fd, o->files.v[i], AT_REMOVEDIR);
	if (o->made_dir)
		unlinkat(o->parent, path_base(o->dest), AT_REMOVEDIR);
}

void image_out_close(struct image_out *o)
{
	if (!o)
		return;
	if (o->form == IMAGE_OUT_DIR && !o->finished && o->fd >= 0)
		remove_made(o);
	if (o->tmp_name[0] && !o->nameless)
		unlinkat(o->parent, o->tmp_name, 0);
	if (o->fd >= 0)
		close(o->fd);
	if (o->parent >= 0)
		close(o->parent);
	o->fd = o->parent = -1;
	o->tmp_name[0] = 0;
}
