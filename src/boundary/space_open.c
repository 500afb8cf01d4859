/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of an OCI container is opened on the host's side, with the host's privileges, before anything is made: namespaces
 * by path, the root file system and what is bound, as detached mounts. Who may not make those (an ordinary user) leaves
 * them to the container's process, which owns its mount namespace. And the id maps. See space.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "boundary/mountfd.h"
#include "boundary/space.h"

enum { PRIVATE = 1 << 18, SLAVE = 1 << 19 };

/* ---- namespaces by path ---- */

static int open_join(const struct oci_join *j, int *ret, struct err *e)
{
	autoclose int fd = open(j->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int type;

	if (fd < 0)
		return err_errno(e, "can't open the namespace %.160s", j->path);
	type = ioctl(fd, NS_GET_NSTYPE);
	if (type < 0 || (uint64_t)type != j->type)
		return err_new(e, ERR_USAGE, "config.json: linux.namespaces: %.160s is no namespace of that type", j->path);
	*ret = take_fd(&fd);
	return 0;
}

static int open_joins(struct space *s, struct err *e)
{
	for (size_t i = 0; i < s->oci->joins.n; i++) {
		if (open_join(&s->oci->joins.v[i], &s->join_fds[i], e) < 0)
			return -e->code;
		s->n_joins++;
	}
	for (size_t i = 0; i < s->n_joins; i++)
		if (s->oci->joins.v[i].type == CLONE_NEWTIME)
			s->time_fd = s->join_fds[i];
	return 0;
}

/* ---- id maps ---- */

static size_t format_maps(const struct oci_id_map *maps, size_t n, char *text, size_t cap)
{
	size_t len = 0;

	for (size_t i = 0; i < n && len < cap; i++) {
		int got = snprintf(text + len, cap - len, "%u %u %u\n", maps[i].container_id, maps[i].host_id, maps[i].size);

		len += got > 0 ? (size_t)got : 0;
	}
	return len < cap ? len : 0;
}

/* newuidmap PID CONTAINER HOST SIZE …: setuid, by /etc/subuid (newuidmap(1)). */
static int map_by_helper(const char *helper, pid_t pid, const struct oci_id_map *maps, size_t n)
{
	char numbers[16][3][12], pid_text[12];
	char *argv[3 * 16 + 3] = { (char *)helper, pid_text };
	int status = -1;
	size_t at = 2;

	if (n > 16)
		return (errno = E2BIG, -1);
	snprintf(pid_text, sizeof(pid_text), "%d", pid);
	for (size_t i = 0; i < n; i++) {
		const uint32_t values[] = { maps[i].container_id, maps[i].host_id, maps[i].size };

		for (int k = 0; k < 3; k++) {
			snprintf(numbers[i][k], sizeof(numbers[i][k]), "%u", values[k]);
			argv[at++] = numbers[i][k];
		}
	}
	pid_t child = vfork();
	if (child == 0) {
		execvp(helper, argv);
		_exit(127);
	}
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return status == 0 ? 0 : (errno = EPERM, -1);
}

static int write_maps(pid_t pid, const char *file, const char *helper, const struct oci_id_map *maps, size_t n, struct err *e)
{
	char path[64];
	autofree char *text = malloc(OCI_CONFIG_MAX_BYTES / 256);
	size_t len = text ? format_maps(maps, n, text, OCI_CONFIG_MAX_BYTES / 256) : 0;

	if (len == 0)
		return err_new(e, ERR_USAGE, "config.json: linux.%s has too many ranges", file);
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	if (io_write_knob(AT_FDCWD, path, text) == 0)
		return 0;
	int saved = errno;
	if (saved == EPERM && geteuid() != 0 && map_by_helper(helper, pid, maps, n) == 0)
		return 0;
	errno = saved;
	err_errno(e, "can't map the container's ids (%s)", file);
	if (geteuid() != 0)
		return err_try(e, "grep \"^$(id -un):\" /etc/subuid /etc/subgid   (and apt install uidmap)");
	return -e->code;
}

/* An ordinary user's own single id: allowed once the namespace can't change groups (user_namespaces(7)). */
static void deny_groups(pid_t pid, const struct oci_linux *l)
{
	char path[64];

	if (geteuid() == 0 || l->gid_mappings.n != 1 || l->gid_mappings.v[0].size != 1)
		return;
	snprintf(path, sizeof(path), "/proc/%d/setgroups", pid);
	(void)!io_write_knob(AT_FDCWD, path, "deny");
}

int space_map_ids(const struct space *s, pid_t pid, struct err *e)
{
	const struct oci_linux *l = &s->oci->config->linux_;

	if (!(s->oci->fresh & CLONE_NEWUSER))
		return 0;
	deny_groups(pid, l);
	if (write_maps(pid, "uid_map", "newuidmap", l->uid_mappings.v, l->uid_mappings.n, e) < 0)
		return -e->code;
	return write_maps(pid, "gid_map", "newgidmap", l->gid_mappings.v, l->gid_mappings.n, e);
}

/* ---- an id-mapped mount ---- */

[[gnu::noreturn]] static void hold_namespace(void)
{
	for (;;)
		pause();
}

static int write_mount_maps(pid_t pid, const struct oci_mount *m, struct err *e)
{
	if (write_maps(pid, "uid_map", "newuidmap", m->uid_mappings.v, m->uid_mappings.n, e) < 0)
		return -e->code;
	return write_maps(pid, "gid_map", "newgidmap", m->gid_mappings.v, m->gid_mappings.n, e);
}

/* A user namespace that exists for its maps alone (mount_setattr(2)). */
static int open_map_namespace(const struct oci_mount *m, int *ret, struct err *e)
{
	struct clone_args args = { .flags = CLONE_NEWUSER, .exit_signal = SIGCHLD };
	char path[64];
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	if (pid == 0)
		hold_namespace();
	if (pid < 0)
		return err_errno(e, "can't make a user namespace for the ids of a mount");
	int r = write_mount_maps((pid_t)pid, m, e);
	snprintf(path, sizeof(path), "/proc/%ld/ns/user", pid);
	*ret = r < 0 ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	if (r == 0 && *ret < 0)
		r = err_errno(e, "can't open the user namespace of a mount");
	kill((pid_t)pid, SIGKILL);
	while (waitpid((pid_t)pid, NULL, 0) < 0 && errno == EINTR)
		;
	return r;
}

/* Its own maps, else those of the container. */
static int map_mount(const struct space *s, const struct oci_attach *m, int fd, struct err *e)
{
	const struct oci_linux *l = &s->oci->config->linux_;
	const struct oci_mount container = {
		.uid_mappings = { l->uid_mappings.v, l->uid_mappings.n },
		.gid_mappings = { l->gid_mappings.v, l->gid_mappings.n },
	};
	autoclose int ns = -1;

	if (open_map_namespace(m->asked->uid_mappings.n ? m->asked : &container, &ns, e) < 0)
		return -e->code;
	if (mountfd_idmap(fd, ns, m->idmap == OCI_IDMAP_RECURSIVE ? AT_RECURSIVE : 0) == 0)
		return 0;
	err_errno(e, "can't map the ids of the mount on %.120s", m->target);
	return err_because(e, "its file system must support that (ext4, xfs, btrfs, tmpfs since 6.3)");
}

/* ---- root and binds ---- */

static bool may_clone_mounts(int error)
{
	return error != EPERM && error != EACCES;
}

static int open_bind(const struct space *s, const struct oci_attach *m, struct space_mount *ret, struct err *e)
{
	struct stat st;
	const int follow = m->no_follow ? O_NOFOLLOW : 0;
	autoclose int source = open(m->source, O_PATH | O_CLOEXEC | follow);

	if (source < 0 || fstat(source, &st) < 0)
		return err_errno(e, "can't bind %.160s, the source of the mount on %.80s", m->source, m->target);
	autoclose int fd = mountfd_clone(source, "", m->recursive ? AT_RECURSIVE : 0);
	if (fd < 0 && (may_clone_mounts(errno) || m->idmap))
		return err_errno(e, "can't bind %.160s", m->source);
	if (fd >= 0 && m->idmap && map_mount(s, m, fd, e) < 0)
		return -e->code;
	*ret = (struct space_mount){ .fd = take_fd(&fd), .is_dir = S_ISDIR(st.st_mode) };
	return 0;
}

/* A root that is no mount of its own gets one; propagation as asked, else nothing passes. */
static int open_root(struct space *s, struct err *e)
{
	struct stat st;
	autoclose int dir = open(s->root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0 || fstat(dir, &st) < 0)
		return err_errno(e, "can't open the root %.160s", s->root_path);
	if (!(s->oci->namespaces & CLONE_NEWNS))
		return 0;
	s->root_fd = mountfd_clone(dir, "", AT_RECURSIVE);
	if (s->root_fd < 0)
		return may_clone_mounts(errno) ? err_errno(e, "can't clone the root %.160s", s->root_path) : 0;
	/* A slave gets what the host mounts; what else was asked for comes once the host's root is left (pivot_root(2)). */
	if (mountfd_propagate(s->root_fd, s->oci->root_propagation == SLAVE ? SLAVE : PRIVATE, true) < 0)
		return err_errno(e, "can't make the root private");
	return 0;
}

int space_open(struct space *s, struct err *e)
{
	if (open_joins(s, e) < 0 || open_root(s, e) < 0)
		return -e->code;
	s->mounts = calloc(s->oci->mounts.n + 1, sizeof(*s->mounts));
	if (!s->mounts)
		return err_errno(e, "can't prepare the mounts");
	for (size_t i = 0; i < s->oci->mounts.n; i++) {
		s->mounts[i] = (struct space_mount){ .fd = -1, .is_dir = true };
		if (s->oci->mounts.v[i].kind == OCI_ATTACH_BIND && open_bind(s, &s->oci->mounts.v[i], &s->mounts[i], e) < 0)
			return -e->code;
	}
	return 0;
}

void space_close(struct space *s)
{
	for (size_t i = 0; i < s->n_joins; i++)
		cleanup_close(&s->join_fds[i]);
	for (size_t i = 0; s->mounts && i < s->oci->mounts.n; i++)
		if (s->mounts[i].fd > 0)
			cleanup_close(&s->mounts[i].fd);
	free(s->mounts);
	cleanup_close(&s->root_fd);
	s->mounts = NULL;
	s->n_joins = 0;
	s->root_fd = -1;
}
