/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries of image/tar.h's reader, made below a directory. The parent of an entry is opened without following
 * links, missing parts are made; then the last component alone is worked on. The reader has refused
 * NULs, overlong names and broken numbers already.
 */
#include "cli/tar_in.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/path.h"
#include "image/tar.h"

struct dir_time {
	char *path;
	int64_t mtime;
	uint32_t mtime_ns;
};

struct tar_in {
	struct tar_in_options options;
	struct arena *arena;
	struct tar *reader;
	LIST(struct dir_time) times;
	uint64_t left_out;
	/* The file whose payload comes. */
	int fd;
	const struct tar_sparse *sparse;
	size_t piece;
	uint64_t at;    /* in the piece, or in the file */
	uint64_t size;
};

/* One place of an entry: its parent, and its name there; "." when it is the directory itself. */
struct place {
	int parent;
	const char *name;
	char path[4096]; /* cleaned: no ".", no "..", no doubled slashes */
};

static int refuse_path(const char *path, const char *why, struct err *e)
{
	err_new(e, ERR_FAILED, "the archive holds the path %.200s", path);
	return err_because(e, "%s", why);
}

/* "./a//b/" -> "a/b"; "." stays. What leads up is refused, absolute paths start at the directory. */
static int clean_path(const char *path, char out[4096], struct err *e)
{
	size_t len = 0;

	for (const char *p = path; *p;) {
		size_t n = strcspn(p, "/");

		if (n == 2 && p[0] == '.' && p[1] == '.')
			return refuse_path(path, "it leads out with ..", e);
		if (n && !(n == 1 && p[0] == '.')) {
			if (len + n + 2 > 4096)
				return refuse_path(path, "it is too long", e);
			if (len)
				out[len++] = '/';
			memcpy(out + len, p, n);
			len += n;
		}
		p += n + (p[n] == '/');
	}
	if (!len)
		out[len++] = '.';
	out[len] = 0;
	return 0;
}

/* A directory below parent, made when it is missing; anything else in its place is replaced. */
static int open_part(int parent, const char *name, int *ret)
{
	for (int tries = 0; tries < 3; tries++) {
		*ret = path_open_beneath(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
		if (*ret >= 0)
			return 0;
		if (errno != ENOENT && errno != ELOOP && errno != ENOTDIR)
			return -1;
		if (errno != ENOENT && unlinkat(parent, name, 0) < 0 && errno != ENOENT)
			return -1;
		if (mkdirat(parent, name, 0755) < 0 && errno != EEXIST)
			return -1;
	}
	errno = EBUSY;
	return -1;
}

static int open_parents(const struct tar_in *t, struct place *p)
{
	char *name = p->path;
	autoclose int at = fcntl(t->options.dirfd, F_DUPFD_CLOEXEC, 3);

	if (at < 0)
		return -1;
	for (char *slash; (slash = strchr(name, '/')); name = slash + 1) {
		int next;

		*slash = 0;
		int r = open_part(at, name, &next);

		*slash = '/';
		if (r < 0)
			return -1;
		close(at);
		at = next;
	}
	p->name = name;
	p->parent = take_fd(&at);
	return 0;
}

static int find_place(const struct tar_in *t, const char *path, struct place *p, struct err *e)
{
	p->parent = -1;
	if (clean_path(path, p->path, e) < 0)
		return -e->code;
	return open_parents(t, p) < 0 ? err_errno(e, "cannot make the directories of %.200s", path) : 0;
}

static int map_id(const struct tar_in *t, uint32_t id, uint32_t *ret, const char *path, struct err *e)
{
	if (t->options.id_count && id >= t->options.id_count)
		return refuse_path(path, "its owner lies outside the pod's ids", e);
	*ret = id + (t->options.id_count ? t->options.id_base : 0);
	return 0;
}

static int give_owner(const struct tar_in *t, const struct place *p, const struct tar_entry *x, struct err *e)
{
	uint32_t uid = t->options.owner_uid, gid = t->options.owner_gid;

	if (!t->options.one_owner &&
	    (map_id(t, x->uid, &uid, x->path, e) < 0 || map_id(t, x->gid, &gid, x->path, e) < 0))
		return -e->code;
	if (fchownat(p->parent, p->name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(e, "cannot give %.200s its owner", x->path);
	return 0;
}

static mode_t mode_of(const struct tar_in *t, const struct tar_entry *x)
{
	return x->mode & (t->options.keep_privileges ? 07777 : 01777);
}

static void set_xattrs(const struct tar_in *t, int fd, const struct tar_entry *x)
{
	for (const struct tar_xattr *a = x->xattrs; a; a = a->next) {
		bool user = strncmp(a->name, "user.", 5) == 0;

		/* A file system without them loses them, as any copy to it would. */
		if (user || (t->options.keep_privileges && strcmp(a->name, "security.capability") == 0))
			(void)!fsetxattr(fd, a->name, a->value, a->len, 0);
	}
}

/* Mode, attributes and time of an open file or directory; after its owner, which takes setuid bits away. */
static int give_mode(const struct tar_in *t, int fd, const struct tar_entry *x, struct err *e)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = x->mtime, .tv_nsec = x->mtime_ns}};

	if (fchmod(fd, mode_of(t, x)) < 0)
		return err_errno(e, "cannot give %.200s its mode", x->path);
	set_xattrs(t, fd, x);
	(void)!futimens(fd, times);
	return 0;
}

/* What stands in the way goes, but a directory stays: its content is not the archive's to remove. */
static int clear_place(const struct place *p, const struct tar_entry *x, struct err *e)
{
	if (unlinkat(p->parent, p->name, 0) == 0 || errno == ENOENT)
		return 0;
	return err_errno(e, "cannot replace %.200s", x->path);
}

static void close_file(struct tar_in *t)
{
	cleanup_close(&t->fd);
	t->fd = -1;
}

static int make_file(struct tar_in *t, const struct place *p, const struct tar_entry *x, struct err *e)
{
	close_file(t);
	if (clear_place(p, x, e) < 0)
		return -e->code;
	autoclose int fd = openat(p->parent, p->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_errno(e, "cannot make %.200s", x->path);
	if (give_owner(t, p, x, e) < 0)
		return -e->code;
	/* The size first: what a sparse file doesn't bring stays a hole. */
	if (ftruncate(fd, (off_t)x->size) < 0)
		return err_errno(e, "cannot make %.200s of %llu bytes", x->path, (unsigned long long)x->size);
	if (give_mode(t, fd, x, e) < 0)
		return -e->code;
	t->fd = take_fd(&fd);
	t->sparse = x->sparse;
	t->piece = 0;
	t->at = 0;
	t->size = x->size;
	return 0;
}

static int make_dir(struct tar_in *t, const struct place *p, const struct tar_entry *x, struct err *e)
{
	bool root = strcmp(p->name, ".") == 0;
	autoclose int fd = -1;

	if (root && t->options.keep_root)
		return 0;
	if (!root && open_part(p->parent, p->name, &fd) < 0)
		return err_errno(e, "cannot make the directory %.200s", x->path);
	if (root)
		fd = fcntl(t->options.dirfd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return err_errno(e, "cannot open the directory %.200s", x->path);
	if (give_owner(t, p, x, e) < 0 || give_mode(t, fd, x, e) < 0)
		return -e->code;
	/* Its time changes with what comes into it. */
	*list_add(t->arena, &t->times) =
		(struct dir_time){arena_strdup(t->arena, p->path), x->mtime, x->mtime_ns};
	return 0;
}

static int make_symlink(struct tar_in *t, const struct place *p, const struct tar_entry *x, struct err *e)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = x->mtime, .tv_nsec = x->mtime_ns}};

	if (clear_place(p, x, e) < 0)
		return -e->code;
	if (symlinkat(x->link, p->parent, p->name) < 0)
		return err_errno(e, "cannot make the link %.200s", x->path);
	(void)!utimensat(p->parent, p->name, times, AT_SYMLINK_NOFOLLOW);
	return give_owner(t, p, x, e);
}

static int make_hard_link(struct tar_in *t, const struct place *p, const struct tar_entry *x, struct err *e)
{
	struct place target = {.parent = -1, .name = ""};
	int r = find_place(t, x->link, &target, e);
	autoclose int parent = target.parent;

	if (r < 0)
		return r;
	if (strcmp(target.path, p->path) == 0)
		return 0;
	if (clear_place(p, x, e) < 0)
		return -e->code;
	if (linkat(parent, target.name, p->parent, p->name, 0) < 0)
		return err_errno(e, "cannot make the hard link %.200s to %.200s", x->path, x->link);
	return 0;
}

static int make_fifo(struct tar_in *t, const struct place *p, const struct tar_entry *x, struct err *e)
{
	if (clear_place(p, x, e) < 0)
		return -e->code;
	if (mkfifoat(p->parent, p->name, mode_of(t, x) & 0777) < 0)
		return err_errno(e, "cannot make the fifo %.200s", x->path);
	return give_owner(t, p, x, e);
}

static int left_out(struct tar_in *t, const struct place *p, const struct tar_entry *x, struct err *e)
{
	t->left_out++;
	return 0;
}

typedef int make_fn(struct tar_in *t, const struct place *p, const struct tar_entry *x, struct err *e);

static make_fn *const makers[] = {
	[TAR_FILE] = make_file, [TAR_HARD_LINK] = make_hard_link, [TAR_SYMLINK] = make_symlink,
	[TAR_CHAR] = left_out,  [TAR_BLOCKDEV] = left_out,        [TAR_DIR] = make_dir,
	[TAR_FIFO] = make_fifo,
};

static int on_entry(void *context, const struct tar_entry *x, struct err *e)
{
	struct tar_in *t = context;
	struct place p = {.parent = -1, .name = ""};

	if (find_place(t, x->path, &p, e) < 0)
		return -e->code;
	autoclose int parent = p.parent;

	if (strcmp(p.name, ".") == 0 && x->type != TAR_DIR)
		return refuse_path(x->path, "only a directory can stand there", e);
	return makers[x->type](t, &p, x, e);
}

/* Where the next payload byte lies in the file, and how many may follow it there. */
static uint64_t next_room(struct tar_in *t, uint64_t *ret_offset)
{
	if (!t->sparse) {
		*ret_offset = t->at;
		return t->size - t->at;
	}
	while (t->piece < t->sparse->n && t->at == t->sparse->piece[t->piece].len) {
		t->piece++;
		t->at = 0;
	}
	if (t->piece == t->sparse->n)
		return 0;
	*ret_offset = t->sparse->piece[t->piece].offset + t->at;
	return t->sparse->piece[t->piece].len - t->at;
}

static int on_data(void *context, const uint8_t *bytes, size_t n, struct err *e)
{
	struct tar_in *t = context;

	while (n) {
		uint64_t offset = 0, room = next_room(t, &offset);
		size_t part = n < room ? n : (size_t)room;

		if (!part || t->fd < 0)
			return err_new(e, ERR_FAILED, "the archive brings more than it said");
		ssize_t w = pwrite(t->fd, bytes, part, (off_t)offset);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return err_errno(e, "cannot write a file");
		t->at += (uint64_t)w;
		bytes += w;
		n -= (size_t)w;
	}
	return 0;
}

int tar_in_open(struct arena *a, const struct tar_in_options *options, struct tar_in **ret, struct err *e)
{
	struct tar_in *t = arena_new(a, struct tar_in);
	const struct tar_callbacks callbacks = {.on_entry = on_entry, .on_data = on_data, .ctx = t};

	*t = (struct tar_in){.options = *options, .arena = a, .fd = -1};
	t->reader = tar_open(a, &callbacks);
	if (!t->reader)
		return err_new(e, ERR_FAILED, "no memory for the archive's reader");
	*ret = t;
	return 0;
}

int tar_in_push(void *context, const void *bytes, size_t n, struct err *e)
{
	struct tar_in *t = context;

	return tar_push(t->reader, bytes, n, e);
}

static void give_dir_time(const struct tar_in *t, const struct dir_time *d)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = d->mtime, .tv_nsec = d->mtime_ns}};
	autoclose int fd = path_open_beneath(t->options.dirfd, d->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);

	if (fd >= 0)
		(void)!futimens(fd, times);
}

int tar_in_finish(struct tar_in *t, struct err *e)
{
	if (tar_finish(t->reader, e) < 0)
		return -e->code;
	for (size_t i = t->times.n; i > 0; i--)
		give_dir_time(t, &t->times.v[i - 1]);
	return 0;
}

uint64_t tar_in_left_out(const struct tar_in *t)
{
	return t->left_out;
}

void tar_in_close(struct tar_in *t)
{
	if (!t)
		return;
	close_file(t);
	tar_close(t->reader);
	t->reader = NULL;
}
