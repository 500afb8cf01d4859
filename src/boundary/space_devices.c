/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /dev of an OCI container: the default devices and links that the specification demands, and those of its config.
 * Where nodes can't be made (a user namespace), the host's are bound. In the container's process; no allocation.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "boundary/inside_parts.h"
#include "boundary/mountfd.h"
#include "boundary/space.h"

struct node {
	const char *path;
	mode_t type, mode;
	dev_t dev;
	uid_t uid;
	gid_t gid;
};

static const struct node defaults[] = {
	{ "/dev/null", S_IFCHR, 0666, 0x103, 0, 0 },   { "/dev/zero", S_IFCHR, 0666, 0x105, 0, 0 },
	{ "/dev/full", S_IFCHR, 0666, 0x107, 0, 0 },   { "/dev/random", S_IFCHR, 0666, 0x108, 0, 0 },
	{ "/dev/urandom", S_IFCHR, 0666, 0x109, 0, 0 }, { "/dev/tty", S_IFCHR, 0666, 0x500, 0, 0 },
};

static const char *const links[][2] = {
	{ "/proc/self/fd", "dev/fd" },		{ "/proc/self/fd/0", "dev/stdin" }, { "/proc/self/fd/1", "dev/stdout" },
	{ "/proc/self/fd/2", "dev/stderr" }, { "/proc/kcore", "dev/core" },
};

static int bind_host_node(int root, const struct node *n, struct err *e)
{
	autoclose int fd = mountfd_clone(AT_FDCWD, n->path, 0);

	if (fd < 0)
		return err_errno(e, "can't bind the host's device %.120s", n->path);
	return inside_attach(root, n->path, false, fd, e);
}

/* The folder of a path inside the root, made where it is missing. */
static int open_parent(int root, const char *path, const char **ret_name)
{
	char parent[4096];
	const char *slash = strrchr(path, '/');

	*ret_name = slash + 1;
	snprintf(parent, sizeof(parent), "%.*s", slash > path ? (int)(slash - path) : 1, path);
	return inside_open_target(root, parent, true);
}

static int make_node(const struct space *s, int root, const struct node *n, struct err *e)
{
	const char *name;
	struct stat st;
	autoclose int dir = open_parent(root, n->path, &name);

	if (dir < 0)
		return err_errno(e, "can't open the folder of %.120s", n->path);
	if (s->oci->namespaces & CLONE_NEWUSER && n->type != S_IFIFO)
		return bind_host_node(root, n, e);
	if (mknodat(dir, name, n->type | n->mode, n->dev) == 0) {
		if (fchownat(dir, name, n->uid, n->gid, AT_SYMLINK_NOFOLLOW) == 0)
			return 0;
		return err_errno(e, "can't give away %.120s", n->path);
	}
	if (errno == EPERM)
		return bind_host_node(root, n, e);
	/* What is there already serves when it is the same device. */
	if (errno == EEXIST && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && (st.st_mode & S_IFMT) == n->type &&
	    (n->type == S_IFIFO || st.st_rdev == n->dev))
		return 0;
	return err_errno(e, "can't make the device %.120s", n->path);
}

static uint32_t number(const char *text, uint32_t otherwise)
{
	return text ? (uint32_t)strtoul(text, NULL, 10) : otherwise;
}

static struct node node_of(const struct oci_device *d)
{
	return (struct node){
		.path = d->path,
		.type = *d->type == 'b' ? S_IFBLK : *d->type == 'p' ? S_IFIFO : S_IFCHR,
		.mode = number(d->file_mode, 0666) & 07777,
		.dev = makedev(number(d->major, 0), number(d->minor, 0)),
		.uid = number(d->uid, 0),
		.gid = number(d->gid, 0),
	};
}

static bool is_overridden(const struct space *s, const char *path)
{
	const struct oci_linux *l = &s->oci->config->linux_;

	for (size_t i = 0; i < l->devices.n; i++)
		if (strcmp(l->devices.v[i].path, path) == 0)
			return true;
	return false;
}

/* When somebody's /dev is bound whole, it is theirs. */
static bool dev_is_bound(const struct space *s)
{
	for (size_t i = 0; i < s->oci->mounts.n; i++)
		if (s->oci->mounts.v[i].kind == OCI_ATTACH_BIND && strcmp(s->oci->mounts.v[i].target, "/dev") == 0)
			return true;
	return false;
}

static int make_links(int root, struct err *e)
{
	autoclose int dev = inside_open_target(root, "/dev", true);
	struct stat st;

	if (dev < 0)
		return err_errno(e, "can't open the container's /dev");
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		if (symlinkat(links[i][0], dev, links[i][1] + strlen("dev/")) < 0 && errno != EEXIST)
			return err_errno(e, "can't make the link %s", links[i][1]);
	/* A ptmx of the root's own devpts alone. */
	if (fstatat(dev, "ptmx", &st, AT_SYMLINK_NOFOLLOW) == 0)
		(void)!unlinkat(dev, "ptmx", 0);
	if (symlinkat("pts/ptmx", dev, "ptmx") < 0 && errno != EEXIST)
		return err_errno(e, "can't make the link dev/ptmx");
	return 0;
}

int space_make_devices(const struct space *s, int root, struct err *e)
{
	const struct oci_linux *l = &s->oci->config->linux_;
	mode_t mask = umask(0);
	int r = 0;

	if (!dev_is_bound(s)) {
		for (size_t i = 0; r == 0 && i < ARRAY_SIZE(defaults); i++)
			if (!is_overridden(s, defaults[i].path))
				r = make_node(s, root, &defaults[i], e);
		for (size_t i = 0; r == 0 && i < l->devices.n; i++)
			r = make_node(s, root, &(struct node[]){ node_of(&l->devices.v[i]) }[0], e);
		if (r == 0)
			r = make_links(root, e);
	}
	umask(mask);
	return r;
}
