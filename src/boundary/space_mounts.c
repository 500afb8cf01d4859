/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mounts of an OCI container, in the order of its config, each made detached and attached once, by descriptor, at a
 * place that was resolved inside the root. Runs in the container's process, which is root of its user namespace; what the
 * host had to open comes as descriptors (space_open.c). No allocation.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "boundary/inside_parts.h"
#include "boundary/mountfd.h"
#include "boundary/space.h"

/* <sys/mount.h> clashes with <linux/mount.h> in Debian 12's glibc. */
enum { PRIVATE = 1 << 18, MAX_DATA = 32 };
#define STRICT (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

/* ---- the root ---- */

int space_attach_root(const struct space *s, int *ret_root, struct err *e)
{
	autoclose int host_root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	autoclose int own = s->root_fd < 0 ? mountfd_clone(AT_FDCWD, s->root_path, AT_RECURSIVE) : -1;
	int root = s->root_fd < 0 ? own : s->root_fd;

	if (root < 0)
		return err_errno(e, "can't clone the root %.160s", s->root_path);
	if (mountfd_make_private() < 0)
		return err_errno(e, "can't make the container's mounts private");
	if (host_root < 0 || mountfd_attach(root, host_root) < 0)
		return err_errno(e, "can't attach the root %.160s", s->root_path);
	*ret_root = fcntl(root, F_DUPFD_CLOEXEC, 3);
	return *ret_root < 0 ? err_errno(e, "can't keep the root") : 0;
}

/* ---- one mount ---- */

static int set_attributes(const struct oci_attach *m, int fd, struct err *e)
{
	if (m->set | m->clear && mountfd_setattr(fd, m->set, m->clear, 0) < 0)
		return err_errno(e, "can't set the attributes of the mount on %.120s", m->target);
	if (m->set_all | m->clear_all && mountfd_setattr(fd, m->set_all, m->clear_all, AT_RECURSIVE) < 0)
		return err_errno(e, "can't set the recursive attributes of the mount on %.120s", m->target);
	return 0;
}

/* Programs trust /proc and /sys by their paths: no link on the way (CVE-2019-16884 and kin). */
static bool is_trusted_by_path(const char *type)
{
	return strcmp(type, "proc") == 0 || strcmp(type, "sysfs") == 0;
}

static int open_place(int root, const struct oci_attach *m, bool is_dir)
{
	int fd;

	if (m->type && is_trusted_by_path(m->type)) {
		fd = path_open_beneath(root, m->target + strspn(m->target, "/"), O_PATH | O_DIRECTORY, 0);
		if (fd >= 0 || errno != ENOENT)
			return fd;
	}
	return inside_open_target(root, m->target, is_dir);
}

static int attach_at(int root, const struct oci_attach *m, bool is_dir, int fd, struct err *e)
{
	autoclose int at = open_place(root, m, is_dir);

	if (at < 0 || mountfd_attach(fd, at) < 0)
		return err_errno(e, "can't mount on %.160s", m->target);
	return 0;
}

/* Nothing passes unless it was asked for: what is bound comes with the propagation that it has on the host. */
static int settle_propagation(const struct oci_attach *m, int fd, struct err *e)
{
	if (mountfd_propagate(fd, m->propagation ?: PRIVATE, m->propagation ? m->propagation_recursive : true) < 0)
		return err_errno(e, "can't set the propagation of the mount on %.120s", m->target);
	return 0;
}

static int bind(const struct space *s, int root, const struct oci_attach *m, const struct space_mount *opened, struct err *e)
{
	autoclose int own = opened->fd >= 0 ? -1 : mountfd_clone(AT_FDCWD, m->source, m->recursive ? AT_RECURSIVE : 0);
	int fd = opened->fd >= 0 ? opened->fd : own;

	if (fd < 0)
		return err_errno(e, "can't bind %.160s", m->source);
	if (settle_propagation(m, fd, e) < 0 || set_attributes(m, fd, e) < 0)
		return -e->code;
	return attach_at(root, m, opened->is_dir, fd, e);
}

/* ---- a new file system ---- */

static int set_data(int fs, const char *word)
{
	char key[64];
	const char *equals = strchr(word, '=');
	size_t n = equals ? (size_t)(equals - word) : 0;

	if (!equals)
		return (int)syscall(SYS_fsconfig, fs, FSCONFIG_SET_FLAG, word, NULL, 0);
	if (n >= sizeof(key))
		return (errno = EINVAL, -1);
	memcpy(key, word, n);
	key[n] = 0;
	return (int)syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, key, equals + 1, 0);
}

/* "async" is what a file system does without being told; "silent" and the like concern mount(8). */
static bool says_nothing(const char *word)
{
	static const char *const words[] = { "async", "nomand", "nolazytime", "silent", "loud", "iversion", "noiversion" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}

static int label_data(const struct space *s, const struct oci_attach *m, int fs)
{
	const char *label = s->oci->config->linux_.mount_label;

	if (!label || !*label || is_trusted_by_path(m->type))
		return 0;
	return (int)syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "context", label, 0);
}

/* What the kernel says of it in words, when it does (fsopen(2), "message retrieval"). */
static int fs_error(const struct oci_attach *m, int fs, const char *word, struct err *e)
{
	char text[200] = "";
	int saved = errno;
	ssize_t n = fs < 0 ? -1 : read(fs, text, sizeof(text) - 1);

	errno = saved;
	err_errno(e, "can't make the %.32s for %.120s%s%.60s", m->type, m->target, word ? ": option " : "", word ?: "");
	if (n > 2)
		err_because(e, "%.*s", (int)strcspn(text + 2, "\n"), text + 2);
	return -e->code;
}

static int new_fs(const struct space *s, const struct oci_attach *m, int *ret, struct err *e)
{
	autoclose int fs = (int)syscall(SYS_fsopen, m->type, FSOPEN_CLOEXEC);

	if (fs < 0)
		return fs_error(m, -1, NULL, e);
	for (char **word = m->data; word && *word; word++)
		if (!says_nothing(*word) && set_data(fs, *word) < 0)
			return fs_error(m, fs, *word, e);
	if (label_data(s, m, fs) < 0 ||
	    syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "source", m->source && *m->source ? m->source : m->type, 0) < 0 ||
	    syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return fs_error(m, fs, NULL, e);
	*ret = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, m->set & ~(uint64_t)MOUNT_ATTR_RDONLY);
	return *ret < 0 ? fs_error(m, fs, NULL, e) : 0;
}

/* In a user namespace sysfs of a foreign network, or mqueue of a foreign IPC, can't be made: the host's serve. */
static int mount_of_the_host(const struct oci_attach *m)
{
	const char *path = strcmp(m->type, "sysfs") == 0 ? "/sys" : strcmp(m->type, "mqueue") == 0 ? "/dev/mqueue" : NULL;

	return path ? mountfd_clone(AT_FDCWD, path, AT_RECURSIVE) : (errno = EPERM, -1);
}

static int copy_up(int root, const struct oci_attach *m, int fd, struct err *e)
{
	autoclose int from = path_open_in_root(root, m->target, O_RDONLY | O_DIRECTORY, 0);

	return from < 0 ? 0 : space_copy_up(from, fd, e);
}

static int mount_new(const struct space *s, int root, const struct oci_attach *m, struct err *e)
{
	autoclose int fd = -1;

	if (new_fs(s, m, &fd, e) < 0) {
		fd = e->errnum == EPERM && s->oci->namespaces & CLONE_NEWUSER ? mount_of_the_host(m) : -1;
		if (fd < 0)
			return -e->code;
		*e = (struct err){};
	}
	if (m->copy_up && copy_up(root, m, fd, e) < 0)
		return -e->code;
	if (m->propagation && settle_propagation(m, fd, e) < 0)
		return -e->code;
	if (set_attributes(m, fd, e) < 0)
		return -e->code;
	return attach_at(root, m, true, fd, e);
}

static int remount(int root, const struct oci_attach *m, struct err *e)
{
	autoclose int at = path_open_in_root(root, m->target, O_PATH, 0);

	if (at < 0)
		return err_errno(e, "can't open %.160s to remount it", m->target);
	return set_attributes(m, at, e);
}

/* ---- control groups ---- */

static int mount_cgroup2(int root, const struct oci_attach *m, struct err *e)
{
	autoclose int fd = mountfd_new("cgroup2", NULL, 0, STRICT);

	if (fd < 0)
		return err_errno(e, "can't mount the control groups on %.120s", m->target);
	if (set_attributes(m, fd, e) < 0)
		return -e->code;
	return attach_at(root, m, true, fd, e);
}

/*
 * The container's own group shows as the root of its hierarchy, with or without a cgroup namespace. By path: only what is
 * mounted in this very mount namespace can be cloned, and descriptors that came along are of the host's.
 */
static int bind_group(const struct space *s, int dir, const struct oci_attach *m, const char *name, struct err *e)
{
	char path[700];
	const uint64_t read_only = m->set & MOUNT_ATTR_RDONLY;

	snprintf(path, sizeof(path), "/sys/fs/cgroup/%s/%s", name, s->group_path);
	autoclose int fd = mountfd_clone(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW);
	if (mkdirat(dir, name, 0755) < 0 && errno != EEXIST)
		return err_errno(e, "can't make the folder of the hierarchy %s", name);
	autoclose int at = openat(dir, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || at < 0 || mountfd_setattr(fd, STRICT | read_only, 0, 0) < 0 || mountfd_propagate(fd, PRIVATE, false) < 0 ||
	    mountfd_attach(fd, at) < 0)
		return err_errno(e, "can't show the hierarchy %s", name);
	return 0;
}

/* "cpu,cpuacct" is also found as "cpu" and as "cpuacct". */
static void link_parts(int dir, const struct space_group *g)
{
	char part[32];
	const char *at = g->name;

	while (strchr(g->name, ',') && *at) {
		size_t n = strcspn(at, ",");

		snprintf(part, sizeof(part), "%.*s", (int)n, at);
		(void)!symlinkat(g->name, dir, part);
		at += n + (at[n] == ',');
	}
}

static int mount_cgroup1(const struct space *s, int root, const struct oci_attach *m, struct err *e)
{
	const struct mountfd_option options[] = { { "mode", MOUNTFD_STRING, "755", -1 } };
	autoclose int fd = mountfd_new("tmpfs", options, 1, STRICT);

	if (fd < 0 || attach_at(root, m, true, fd, e) < 0)
		return fd < 0 ? err_errno(e, "can't mount the control groups on %.120s", m->target) : -e->code;
	for (size_t i = 0; i < s->n_groups; i++) {
		if (bind_group(s, fd, m, s->groups[i].name, e) < 0)
			return -e->code;
		link_parts(fd, &s->groups[i]);
	}
	if (s->unified_fd >= 0 && bind_group(s, fd, m, "unified", e) < 0)
		return -e->code;
	return set_attributes(m, fd, e);
}

static int mount_cgroup(const struct space *s, int root, const struct oci_attach *m, struct err *e)
{
	return s->cgroup_v2 ? mount_cgroup2(root, m, e) : mount_cgroup1(s, root, m, e);
}

int space_attach_mounts(const struct space *s, int root, struct err *e)
{
	for (size_t i = 0; i < s->oci->mounts.n; i++) {
		const struct oci_attach *m = &s->oci->mounts.v[i];
		int r = m->kind == OCI_ATTACH_BIND   ? bind(s, root, m, &s->mounts[i], e) :
			m->kind == OCI_ATTACH_CGROUP ? mount_cgroup(s, root, m, e) :
			m->kind == OCI_ATTACH_NEW    ? mount_new(s, root, m, e) :
						       remount(root, m, e);

		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- masks ---- */

struct masks {
	int null_fd, empty_fd;
	bool empty_used;
};

/* The first is the mount itself; from then on it is attached here, and can be cloned on every kernel. */
static int take_empty(struct masks *m)
{
	bool first = !m->empty_used;

	if (m->empty_fd < 0)
		m->empty_fd = mountfd_new("tmpfs", (const struct mountfd_option[]){ { "mode", MOUNTFD_STRING, "755", -1 } }, 1,
					  STRICT | MOUNT_ATTR_RDONLY);
	m->empty_used = true;
	return first ? fcntl(m->empty_fd, F_DUPFD_CLOEXEC, 3) : mountfd_clone(m->empty_fd, "", 0);
}

static int mask(int root, struct masks *m, const char *path, struct err *e)
{
	struct stat st;
	autoclose int at = path_open_in_root(root, path, O_PATH | O_NOFOLLOW, 0);
	autoclose int over = -1;

	if (at < 0 || fstat(at, &st) < 0 || S_ISLNK(st.st_mode))
		return 0;
	if (!S_ISDIR(st.st_mode) && m->null_fd < 0)
		return err_new(e, ERR_FAILED, "can't mask %.120s: the container's /dev/null is no device", path);
	over = S_ISDIR(st.st_mode) ? take_empty(m) : mountfd_clone(m->null_fd, "", 0);
	if (over < 0 || mountfd_attach(over, at) < 0)
		return err_errno(e, "can't mask %.160s", path);
	return 0;
}

/* A node of the container's own /dev that is the device, never a file of the image (CVE-2025-31133). */
static int open_null(int root)
{
	struct stat st;
	autoclose int fd = path_open_beneath(root, "dev/null", O_PATH, 0);

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != 0x103)
		return -1;
	return take_fd(&fd);
}

static int make_read_only(int root, const char *path, struct err *e)
{
	autoclose int at = path_open_in_root(root, path, O_PATH | O_NOFOLLOW, 0);
	autoclose int fd = -1;

	if (at < 0)
		return 0;
	fd = mountfd_clone(at, "", AT_RECURSIVE);
	if (fd < 0 || mountfd_setattr(fd, MOUNT_ATTR_RDONLY, 0, AT_RECURSIVE) < 0 || mountfd_attach(fd, at) < 0)
		return err_errno(e, "can't make %.160s read-only", path);
	return 0;
}

/* "ro" of mounts that had to be filled first comes with their attributes; what remains are these two lists. */
int space_close_views(const struct space *s, int root, struct err *e)
{
	const struct oci_linux *l = &s->oci->config->linux_;
	struct masks m = { .null_fd = l->masked_paths ? open_null(root) : -1, .empty_fd = -1 };
	int r = 0;

	for (char **path = l->readonly_paths; r == 0 && path && *path; path++)
		r = make_read_only(root, *path, e);
	for (char **path = l->masked_paths; r == 0 && path && *path; path++)
		r = mask(root, &m, *path, e);
	cleanup_close(&m.null_fd);
	cleanup_close(&m.empty_fd);
	return r;
}
