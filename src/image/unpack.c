/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files are made in the tree's order, each in the open descriptor of its directory. Directories are
 * private while they are filled and get what they are last: so nobody walks into a half-made one, and no
 * default ACL or set-group-id bit of theirs changes what is made inside.
 */
#include "image/unpack_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { DIR_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

int unpack_err(struct err *e, const char *fmt, ...)
{
	char what[sizeof(e->what)];
	int saved = errno;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	errno = saved;
	err_errno(e, "%s", what);
	if (saved == ENOSPC || saved == EDQUOT)
		err_try(e, "df -h   (the file system that it goes to is full)");
	if (saved == EPERM || saved == EINVAL)
		err_try(e, "do it as root, on a file system that keeps owners and attributes");
	return -e->code;
}

static int unpack_dir(struct unpacker *p, uint32_t node, int fd, struct err *e);

static void name_text(const struct tree_name *name, char text[TREE_NAME_MAX + 1])
{
	memcpy(text, name->text, name->len);
	text[name->len] = 0;
}

static int make_dir(struct unpacker *p, uint32_t node, const struct unpack_at *at, struct err *e)
{
	const struct tree_node *n = &p->u->tree->node[node];

	if (mkdirat(at->dirfd, at->name, 0700) < 0)
		return unpack_err(e, "can't make the directory %.150s of the image", at->name);
	autoclose int fd = openat(at->dirfd, at->name, DIR_FLAGS);

	if (fd < 0)
		return unpack_err(e, "can't open the directory %.150s of the image", at->name);
	int r = unpack_dir(p, node, fd, e);
	struct unpack_at opened = {at->dirfd, at->name, fd};

	return r ? r : unpack_meta(p, n, &opened, e);
}

static int make_file(struct unpacker *p, const struct tree_node *n, const struct unpack_at *at, struct err *e)
{
	autoclose int fd = openat(at->dirfd, at->name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, n->mode & 0777);

	if (fd < 0)
		return unpack_err(e, "can't make the file %.150s of the image", at->name);
	int r = n->size ? unpack_data(p, n, fd, e) : 0;
	struct unpack_at opened = {at->dirfd, at->name, fd};

	return r ? r : unpack_meta(p, n, &opened, e);
}

static int make_special(struct unpacker *p, const struct tree_node *n, const struct unpack_at *at, struct err *e)
{
	int r;

	if ((p->u->as_user || p->u->no_devices) && (S_ISCHR(n->mode) || S_ISBLK(n->mode))) {
		p->u->left_out++;
		return 0;
	}
	if (S_ISLNK(n->mode))
		r = symlinkat(n->link, at->dirfd, at->name);
	else
		r = mknodat(at->dirfd, at->name, n->mode & (S_IFMT | 0777), makedev(n->major, n->minor));
	if (r < 0)
		return unpack_err(e, "can't make %.150s of the image", at->name);
	return unpack_meta(p, n, at, e);
}

/* Opens the directory of the first name again, a component at a time. -1 with errno. */
static int open_again(struct unpacker *p, uint32_t dir)
{
	const struct tree *t = p->u->tree;
	uint32_t chain[TREE_DEPTH_MAX + 1];
	size_t n = 0;
	char text[TREE_NAME_MAX + 1];

	for (; dir != TREE_ROOT && n < ARRAY_SIZE(chain); dir = t->node[dir].up)
		chain[n++] = p->dir_name[dir];
	int fd = openat(p->u->dirfd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	while (fd >= 0 && n) {
		name_text(&t->name[chain[--n]], text);
		int next = openat(fd, text, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		cleanup_close(&fd);
		fd = next;
	}
	return fd;
}

static int make_link(struct unpacker *p, uint32_t dir, uint32_t node, const struct unpack_at *at, struct err *e)
{
	bool here = p->first_dir[node] == dir;
	autoclose int other = here ? -1 : open_again(p, p->first_dir[node]);
	char text[TREE_NAME_MAX + 1];

	if (!here && other < 0)
		return unpack_err(e, "can't open a directory of the image again");
	name_text(&p->u->tree->name[p->first_name[node]], text);
	if (linkat(here ? at->dirfd : other, text, at->dirfd, at->name, 0) == 0)
		return 0;
	if (errno == ENOENT && (p->u->as_user || p->u->no_devices)) { /* a device that was left out */
		p->u->left_out++;
		return 0;
	}
	return unpack_err(e, "can't make the hard link %.150s of the image", at->name);
}

static int make_entry(struct unpacker *p, uint32_t dir, uint32_t name, int dirfd, struct err *e)
{
	const struct tree *t = p->u->tree;
	uint32_t node = t->name[name].node;
	const struct tree_node *n = &t->node[node];
	char text[TREE_NAME_MAX + 1];
	struct unpack_at at = {dirfd, text, -1};

	if (n->synthetic && !p->u->mount_points)
		return 0;
	name_text(&t->name[name], text);
	p->u->files++;
	if (S_ISDIR(n->mode)) {
		p->dir_name[node] = name;
		return make_dir(p, node, &at, e);
	}
	if (p->first_name[node])
		return make_link(p, dir, node, &at, e);
	p->first_name[node] = name;
	p->first_dir[node] = dir;
	return S_ISREG(n->mode) ? make_file(p, n, &at, e) : make_special(p, n, &at, e);
}

static int unpack_dir(struct unpacker *p, uint32_t node, int fd, struct err *e)
{
	const struct tree_node *n = &p->u->tree->node[node];
	int r = 0;

	for (uint32_t i = 0; i < n->n_kids && !r; i++)
		r = make_entry(p, node, n->kids[i], fd, e);
	return r;
}

/* What the directory brings with it would be inherited by all that is made in it. */
static int clear_root(int fd, struct err *e)
{
	if (fremovexattr(fd, "system.posix_acl_default") < 0 && errno != ENODATA && errno != ENOTSUP)
		return unpack_err(e, "can't remove the directory's default ACL");
	return fchmod(fd, 0700) < 0 ? unpack_err(e, "can't set the mode of the directory") : 0;
}

static int unpack_root(struct unpacker *p, struct err *e)
{
	struct unpack_at at = {.name = ".", .dirfd = p->u->dirfd};
	autoclose int fd = openat(p->u->dirfd, ".", DIR_FLAGS);

	if (fd < 0)
		return unpack_err(e, "can't open the directory");
	at.fd = fd;
	int r = clear_root(fd, e);

	if (!r)
		r = unpack_dir(p, TREE_ROOT, fd, e);
	return r ? r : unpack_meta(p, &p->u->tree->node[TREE_ROOT], &at, e);
}

int unpack_tree(struct unpack *u, struct err *e)
{
	size_t n = u->tree->n_nodes;
	autofree struct unpacker *p = calloc(1, sizeof(*p));
	autofree uint32_t *first_dir = calloc(n, sizeof(*first_dir)), *first_name = calloc(n, sizeof(*first_name)),
			  *dir_name = calloc(n, sizeof(*dir_name));

	if (!p || !first_dir || !first_name || !dir_name)
		abort();
	p->u = u;
	p->uid = geteuid();
	p->gid = getegid();
	p->first_dir = first_dir;
	p->first_name = first_name;
	p->dir_name = dir_name;
	mode_t mask = umask(0);
	int r = unpack_root(p, e);

	umask(mask);
	return r;
}
