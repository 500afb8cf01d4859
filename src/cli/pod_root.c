/* SPDX-License-Identifier: Apache-2.0 */
/* An app's root file system from outside, whether it runs or not. */
#include "cli/pod_root.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "boundary/mountfd.h"
#include "boundary/root.h"
#include "cli/user_half.h"
#include "cli/verb_image.h"

static int app_ended(const struct pod_root *r, struct err *e)
{
	err_new(e, ERR_STATE, "the app %s has just ended", r->ref.app->name);
	err_because(e, "its root went with it");
	return err_try(e, "rocket status %s", r->ref.plan.name);
}

/* By the host's /proc; the pidfd says afterwards that the pid was still the app's. */
static int open_mounted(struct pod_root *r, int pidfd, int64_t pid, struct err *e)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%lld/root", (long long)pid);
	r->fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return r->fd >= 0 && syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) == 0 ? 0 : app_ended(r, e);
}

/* A child of ours in the app's mount namespace clones the root mount alone and hands it out. */
[[gnu::noreturn]] static void clone_root(int pidfd, int sock)
{
	int fd = setns(pidfd, CLONE_NEWNS) < 0 ? -1 : mountfd_clone(AT_FDCWD, "/", 0);

	_exit(fd < 0 || io_send_fds(sock, "r", 1, &fd, 1) < 0);
}

static int open_bare(struct pod_root *r, int pidfd, struct err *e)
{
	int pair[2], fd = -1;
	size_t n = 1;
	char byte;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(e, "cannot make a socket");
	pid_t child = fork();

	if (child == 0)
		clone_root(pidfd, pair[1]);
	close(pair[1]);
	ssize_t got = child < 0 ? -1 : io_recv_fds(pair[0], &byte, 1, &fd, &n);

	close(pair[0]);
	if (child > 0)
		waitpid(child, NULL, 0);
	if (got != 1 || n != 1)
		return app_ended(r, e);
	r->fd = fd;
	return 0;
}

static int open_running(struct cli *cli, struct pod_root *r, enum pod_root_mounts mounts, struct err *e)
{
	autoclose int pidfd = -1;
	int64_t pid;

	if (pod_ref_app_pidfd(cli, &r->ref, &pidfd, &pid, e) < 0)
		return -e->code;
	return mounts == POD_ROOT_BARE ? open_bare(r, pidfd, e) : open_mounted(r, pidfd, pid, e);
}

static int write_map(pid_t pid, const char *file, const struct plan_ids *ids)
{
	char path[64], map[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	snprintf(map, sizeof(map), "0 %u %u\n", ids->base, ids->count);
	return io_write_knob(AT_FDCWD, path, map);
}

int pod_root_userns(const struct plan_ids *ids)
{
	int ready[2], fd = -1;
	char path[64], byte = 0;

	if (pipe2(ready, O_CLOEXEC) < 0)
		return -1;
	pid_t pid = fork();

	if (pid == 0) {
		byte = unshare(CLONE_NEWUSER) == 0;
		(void)!write(ready[1], &byte, 1);
		pause();
		_exit(0);
	}
	close(ready[1]);
	if (pid > 0 && read(ready[0], &byte, 1) == 1 && byte && write_map(pid, "uid_map", ids) == 0 &&
	    write_map(pid, "gid_map", ids) == 0) {
		snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	int saved = errno;

	close(ready[0]);
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	errno = saved;
	return fd;
}

static int mount_stopped(struct cli *cli, struct pod_root *r, struct err *e)
{
	const struct plan *plan = &r->ref.plan;
	const bool maps = plan->ids.count && !plan_is_rootless(plan);
	autoclose int userns = maps ? pod_root_userns(&plan->ids) : -1;
	autoclose int view = -1;

	if (maps && userns < 0)
		return err_errno(e, "cannot make a user namespace with the pod's ids");
	/* Held until the end: nobody starts, removes or copies into it meanwhile. */
	if (state_lock_pod(&r->ref.pod, e) < 0 || image_open_store(cli, &r->store, e) < 0 ||
	    store_open_view(&r->store, r->ref.app->view, &view, &r->use_fd, e) < 0)
		return -e->code;
	const struct pod_files files = {.etc_fd = -1, .shm_fd = -1, .userns_fd = userns, .mqueue_fd = -1};
	const struct root_request request = {
		.plan = plan, .app = r->ref.app, .files = &files, .view_fd = view, .links_fd = -1, .pod_fd = r->ref.pod.fd};

	r->mounted = true;
	return root_prepare_tree(&request, &r->fd, e);
}

int pod_root_open(struct cli *cli, const char *word, enum pod_root_mounts mounts, struct pod_root *ret, struct err *e)
{
	autoroot r = POD_ROOT_NONE;

	if (user_half_enter_for(cli, word, e) < 0 || pod_ref_open(cli, word, &r.ref, e) < 0 ||
	    pod_ref_need_app(&r.ref, word, e) < 0)
		return -e->code;
	if ((r.ref.pod.phase == POD_RUNNING ? open_running(cli, &r, mounts, e) : mount_stopped(cli, &r, e)) < 0)
		return -e->code;
	*ret = r;
	r = (struct pod_root)POD_ROOT_NONE;
	return 0;
}

/* The layer was mounted `volatile`: what was written is synced here, and the marker of that is taken away. */
static void settle_layer(struct pod_root *r)
{
	struct err ignored = {};
	char name[128];

	snprintf(name, sizeof(name), "%s.upper", r->ref.app->name);
	autoclose int upper = openat(r->ref.pod.fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (upper >= 0)
		(void)!syncfs(upper);
	snprintf(name, sizeof(name), "%s.work/work/incompat", r->ref.app->name);
	autoclose int incompat = openat(r->ref.pod.fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (incompat >= 0)
		(void)!io_remove_tree(incompat, "volatile", &ignored);
}

void pod_root_close(struct pod_root *r)
{
	cleanup_close(&r->fd);
	r->fd = -1;
	if (r->mounted)
		settle_layer(r);
	if (r->use_fd >= 0)
		store_release_view(&r->store, r->ref.app->view, &r->use_fd);
	if (r->store.dirfd >= 0)
		store_close(&r->store);
	pod_ref_close(&r->ref);
}

int pod_root_become(const struct pod_root *r, struct err *e)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct caps[2];
	uid_t root = r->ref.plan.ids.base;

	setfsgid(root);
	setfsuid(root);
	if (syscall(SYS_capget, &header, caps) < 0)
		return err_errno(e, "cannot tell this process's capabilities");
	caps[0].effective = caps[0].permitted;
	caps[1].effective = caps[1].permitted;
	if (syscall(SYS_capset, &header, caps) < 0)
		return err_errno(e, "cannot keep this process's capabilities");
	return 0;
}
