/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See rootless_enter.h. newuidmap must be executed outside the namespace that it maps (inside, its set-user-id bit is
 * worth nothing), so its two processes are there before the namespace is, and wait for a word.
 */
#include "boundary/rootless_enter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "boundary/become.h"
#include "boundary/mountfd.h"
#include "boundary/subids.h"

enum { ACCOUNTS_MAX = 4 << 20, MAP_WORDS = 7, COMPLAINT = 300 };

/* ---- which ids there are ---- */

static struct subids find_range(const char *file, const char *name, uint32_t uid)
{
	autofree char *text = NULL;
	struct err ignored = {};
	size_t n;

	if (io_read_file(AT_FDCWD, file, ACCOUNTS_MAX, &text, &n, &ignored) < 0)
		return (struct subids){};
	return subids_largest(text, name, uid);
}

static void find_name(uint32_t uid, char ret[64])
{
	autofree char *passwd = NULL;
	struct err ignored = {};
	const char *name = NULL;
	size_t n;
	int len = 0;

	if (io_read_file(AT_FDCWD, "/etc/passwd", ACCOUNTS_MAX, &passwd, &n, &ignored) == 0)
		name = subids_user_name(passwd, uid, &len);
	/* Not in the file (a directory service): what the session says, as newuidmap checks it anyway. */
	if (!name && (name = getenv("USER")))
		len = (int)strlen(name);
	snprintf(ret, 64, "%.*s", len, name ?: "");
}

const char *rootless_mapper(const char *name)
{
	static const char *const paths[] = { "/usr/bin/newuidmap", "/usr/bin/newgidmap", "/bin/newuidmap", "/bin/newgidmap",
					     "/usr/local/bin/newuidmap", "/usr/local/bin/newgidmap",
					     "/run/wrappers/bin/newuidmap", "/run/wrappers/bin/newgidmap" };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (strcmp(strrchr(paths[i], '/') + 1, name) == 0 && access(paths[i], X_OK) == 0)
			return paths[i];
	return NULL;
}

void rootless_ids(struct rootless *ret)
{
	struct rootless r = { .uid = geteuid(), .gid = getegid() };
	struct subids uids, gids;
	char name[64];

	*ret = r;
	if (!rootless_mapper("newuidmap") || !rootless_mapper("newgidmap"))
		return;
	find_name(r.uid, name);
	uids = find_range("/etc/subuid", name, r.uid);
	gids = find_range("/etc/subgid", name, r.uid);
	if (!uids.count || !gids.count)
		return;
	ret->sub_uid = uids.first;
	ret->sub_gid = gids.first;
	ret->sub_count = uids.count < gids.count ? uids.count : gids.count;
}

/* ---- mapping by newuidmap and newgidmap ---- */

struct mapper {
	const char *program;
	char words[MAP_WORDS][16];
	char *argv[MAP_WORDS + 2];
	pid_t pid;
};

static void mapper_fill(struct mapper *m, const char *name, uint32_t own, uint32_t first, uint32_t count)
{
	const uint32_t numbers[MAP_WORDS] = { (uint32_t)getpid(), 0, own, 1, 1, first, count };

	m->program = rootless_mapper(name);
	m->argv[0] = (char *)(uintptr_t)name;
	for (size_t i = 0; i < MAP_WORDS; i++) {
		snprintf(m->words[i], sizeof(m->words[i]), "%u", numbers[i]);
		m->argv[i + 1] = m->words[i];
	}
	m->argv[MAP_WORDS + 1] = NULL;
}

/* What the mappers and we say to each other: our word that the namespace is there, and their complaints. */
struct mapping {
	int go[2], complaint[2];
	struct mapper uid, gid;
};

[[gnu::noreturn]] static void mapper_main(const struct mapper *m, const struct mapping *p)
{
	char word;

	close(p->go[1]);
	if (read(p->go[0], &word, 1) != 1)
		_exit(ERR_ROCKET);
	dup2(p->complaint[1], STDOUT_FILENO);
	dup2(p->complaint[1], STDERR_FILENO);
	execv(m->program, m->argv);
	_exit(ERR_NOT_INVOKABLE);
}

static int mapper_start(struct mapper *m, const struct mapping *p)
{
	m->pid = fork();
	if (m->pid == 0)
		mapper_main(m, p);
	return m->pid < 0 ? -1 : 0;
}

/* 0 when it did its work. */
static int mapper_wait(struct mapper *m)
{
	int status = 0;

	if (m->pid <= 0)
		return -1;
	while (waitpid(m->pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

static int mapping_begin(struct mapping *p, const struct rootless *r, struct err *e)
{
	*p = (struct mapping){ .go = { -1, -1 }, .complaint = { -1, -1 } };
	mapper_fill(&p->uid, "newuidmap", r->uid, r->sub_uid, r->sub_count);
	mapper_fill(&p->gid, "newgidmap", r->gid, r->sub_gid, r->sub_count);
	if (pipe2(p->go, O_CLOEXEC) < 0 || pipe2(p->complaint, O_CLOEXEC) < 0 || mapper_start(&p->uid, p) < 0 ||
	    mapper_start(&p->gid, p) < 0)
		return err_errno(e, "can't start newuidmap and newgidmap");
	return 0;
}

static int mapping_failed(const struct mapping *p, const struct rootless *r, struct err *e)
{
	char text[COMPLAINT + 1] = "";
	ssize_t n = read(p->complaint[0], text, COMPLAINT);

	text[n > 0 ? strcspn(text, "\n") : 0] = 0;
	err_new(e, ERR_FAILED, "can't map this user's ids (%u and %u of /etc/subuid and /etc/subgid, %u of each)", r->sub_uid,
		r->sub_gid, r->sub_count);
	err_because(e, "%s", *text ? text : "newuidmap or newgidmap failed (are they set-user-id root?)");
	return err_try(e, "rocket doctor");
}

/* Our word, or none (then they end without a deed); and their outcome. */
static int mapping_end(struct mapping *p, bool go, const struct rootless *r, struct err *e)
{
	int failed = 0;

	if (go && io_write_all(p->go[1], "gg", 2) < 0)
		failed = -1;
	cleanup_close(&p->go[0]);
	cleanup_close(&p->go[1]);
	cleanup_close(&p->complaint[1]);
	failed |= mapper_wait(&p->uid);
	failed |= mapper_wait(&p->gid);
	if (go && failed)
		mapping_failed(p, r, e);
	cleanup_close(&p->complaint[0]);
	return go && failed ? -e->code : 0;
}

/* ---- the namespaces ---- */

static int no_namespace(struct err *e)
{
	int saved = errno;

	err_errno(e, "this host does not let you make a user namespace");
	if (saved == ENOSPC)
		return err_try(e, "sysctl -w user.max_user_namespaces=65536   (as root)");
	if (faccessat(AT_FDCWD, "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", F_OK, 0) == 0)
		return err_try(e, "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0   (as root)");
	return err_try(e, "sysctl -w kernel.unprivileged_userns_clone=1   (as root)");
}

static int make_namespaces(struct err *e)
{
	return unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0 ? no_namespace(e) : 0;
}

/* Who may not map several ids gives up to set his groups for good (user_namespaces(7)). */
static int map_one(const struct rootless *r, struct err *e)
{
	char uid_map[32], gid_map[32];

	snprintf(uid_map, sizeof(uid_map), "0 %u 1", r->uid);
	snprintf(gid_map, sizeof(gid_map), "0 %u 1", r->gid);
	if (io_write_knob(AT_FDCWD, "/proc/self/setgroups", "deny") < 0 ||
	    io_write_knob(AT_FDCWD, "/proc/self/uid_map", uid_map) < 0 ||
	    io_write_knob(AT_FDCWD, "/proc/self/gid_map", gid_map) < 0)
		return err_errno(e, "can't map your own id");
	return 0;
}

static int make_half(const struct rootless *r, struct err *e)
{
	struct mapping p;
	int err;

	if (r->sub_count == 0) {
		err = make_namespaces(e);
		return err < 0 ? err : map_one(r, e);
	}
	err = mapping_begin(&p, r, e);
	if (err == 0)
		err = make_namespaces(e);
	if (err == 0)
		return mapping_end(&p, true, r, e);
	struct err ignored = {};

	(void)!mapping_end(&p, false, r, &ignored);
	return err;
}

/* The groups stay: they are what lets the user read his files. A pod's processes lose them (spawn.c). */
static int become_root_of_half(struct err *e)
{
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return err_errno(e, "can't become root of your own ids");
	if (mountfd_make_private() < 0)
		return err_errno(e, "can't make mounts of your own");
	return 0;
}

int rootless_enter(struct err *e)
{
	struct rootless r;
	int err;

	rootless_ids(&r);
	err = make_half(&r, e);
	if (err == 0)
		err = become_root_of_half(e);
	if (err == 0)
		rootless_remember(&r);
	return err;
}

/* Seen from inside, the map's lines tell the host's ids: "0 OWN 1" and, with several, "1 FIRST COUNT". -1: another map. */
static int read_map(const char *file, uint32_t *ret_first, uint32_t *ret_count)
{
	char text[256] = "";
	uint32_t first = 0, count = 0;
	autoclose int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0 || sscanf(text, " 0 %*u 1 1 %u %u", &first, &count) == 1)
		return -1;
	*ret_first = first;
	*ret_count = count;
	return 0;
}

int rootless_join(pid_t pid, struct err *e)
{
	struct rootless r = { .uid = geteuid(), .gid = getegid() };
	char path[64];
	uint32_t gids;

	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	autoclose int inner = open(path, O_RDONLY | O_CLOEXEC);
	autoclose int half = inner < 0 ? -1 : ioctl(inner, NS_GET_PARENT);

	if (half < 0 || setns(half, CLONE_NEWUSER) < 0 || read_map("/proc/self/uid_map", &r.sub_uid, &r.sub_count) < 0 ||
	    read_map("/proc/self/gid_map", &r.sub_gid, &gids) < 0 || unshare(CLONE_NEWNS) < 0)
		return err_errno(e, "can't go where the pod was made");
	int err = become_root_of_half(e);
	if (err == 0)
		rootless_remember(&r);
	return err;
}
