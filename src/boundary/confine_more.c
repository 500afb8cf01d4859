/* SPDX-License-Identifier: Apache-2.0 */
/* See confine_more.h. Between clone and exec: no allocation. runtime-spec, config.md, "process". */
#include "boundary/confine_more.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "boundary/become.h"
#include "boundary/rlimit.h"

[[gnu::noreturn]] static void fail(const struct confine *c, int status_fd, const char *what)
{
	struct err e = {};

	err_errno(&e, "can't start %s: %s", c->who, what);
	confine_fail(status_fd, &e);
}

int confine_settle_held(const struct confine_more *m, int status_fd, int held[CONFINE_HELD])
{
	int high[CONFINE_HELD], last = status_fd;

	for (int i = 0; i < CONFINE_HELD; i++) {
		high[i] = m->held[i] < 0 ? -1 : fcntl(m->held[i], F_DUPFD_CLOEXEC, status_fd + 32);
		if (m->held[i] >= 0 && high[i] < 0)
			return -1;
	}
	for (int i = 0; i < CONFINE_HELD; i++) {
		held[i] = high[i] < 0 ? -1 : dup3(high[i], ++last, O_CLOEXEC);
		if (high[i] >= 0 && held[i] < 0)
			return -1;
	}
	return last;
}

/* ---- capabilities and ids ---- */

static int read_permitted(uint64_t *ret)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {};

	if (syscall(SYS_capget, &header, data) < 0)
		return -1;
	*ret = data[0].permitted | (uint64_t)data[1].permitted << 32;
	return 0;
}

int confine_set_caps(const struct oci_caps_sets *sets)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	uint64_t have;

	if (read_permitted(&have) < 0)
		return -1;
	const uint64_t permitted = sets->permitted & have, effective = sets->effective & permitted,
		       inheritable = sets->inheritable & (sets->bounding | permitted) & have;
	struct __user_cap_data_struct data[2] = {
		{ (uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable },
		{ (uint32_t)(effective >> 32), (uint32_t)(permitted >> 32), (uint32_t)(inheritable >> 32) },
	};

	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &header, data) < 0)
		return -1;
	for (int cap = 0; cap < 64; cap++)
		if (sets->ambient & permitted & inheritable & UINT64_C(1) << cap)
			prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0);
	return 0;
}

int confine_become(const struct confine *c)
{
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return -1;
	if (!c->keep_groups && syscall(SYS_setgroups, c->n_groups, c->groups) < 0)
		return -1;
	if (syscall(SYS_setresgid, c->gid, c->gid, c->gid) < 0 || syscall(SYS_setresuid, c->uid, c->uid, c->uid) < 0)
		return -1;
	return prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
}

/* ---- the rest ---- */

/* "exec LABEL" for AppArmor, the label itself for SELinux; opened on the host's /proc, where nobody can fake it. */
static void write_label(const struct confine *c, int fd, const char *prefix, const char *label, int status_fd)
{
	char text[4096];
	int n = snprintf(text, sizeof(text), "%s%s", prefix, label);

	if (n < 0 || n >= (int)sizeof(text) || write(fd, text, (size_t)n) != n)
		fail(c, status_fd, "its security label");
}

static void set_limits(const struct confine *c, int status_fd)
{
	const struct confine_more *m = c->more;
	struct err e = {};

	for (size_t i = 0; i < m->n_rlimits; i++)
		if (rlimit_set(&m->rlimits[i], &e) < 0)
			confine_fail(status_fd, &e);
}

static void set_scheduling(const struct confine *c, int status_fd)
{
	const struct oci_how *how = c->more->how;
	enum { WHO_PROCESS = 1 };

	if (how->has_scheduler && syscall(SYS_sched_setattr, 0, &how->scheduler, 0) < 0)
		fail(c, status_fd, "its scheduler");
	if (how->has_io_priority && syscall(SYS_ioprio_set, WHO_PROCESS, 0, how->io_priority) < 0)
		fail(c, status_fd, "its io priority");
	if (how->has_personality && syscall(SYS_personality, how->personality) < 0)
		fail(c, status_fd, "its personality");
}

/* "name:password:UID:gid:gecos:HOME:shell": the sixth field of the line whose third is uid. */
static bool home_of_line(const char *line, uid_t uid, char home[OCI_HOME_MAX])
{
	char number[16];
	const char *at = line, *end;

	snprintf(number, sizeof(number), "%u", uid);
	for (int field = 0; field < 2; field++, at++)
		if (!(at = memchr(at, ':', strcspn(at, "\n"))))
			return false;
	if (strncmp(at, number, strlen(number)) != 0 || at[strlen(number)] != ':')
		return false;
	for (int field = 0; field < 3; field++, at++)
		if (!(at = memchr(at, ':', strcspn(at, "\n"))))
			return false;
	end = at + strcspn(at, ":\n");
	if (*at != '/' || end - at > OCI_HOME_MAX - 8)
		return false;
	snprintf(home, OCI_HOME_MAX, "HOME=%.*s", (int)(end - at), at);
	return true;
}

/* The container's own passwd, a few lines of an image: what lies behind the first 64 KiB is not looked at. */
static void fill_home(const struct confine *c)
{
	static char text[64 << 10];
	autoclose int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	text[n < 0 ? 0 : n] = 0;
	for (const char *line = text; *line; line += strcspn(line, "\n") + (line[strcspn(line, "\n")] == '\n'))
		if (home_of_line(line, c->uid, c->more->how->home))
			return;
}

void confine_go_through(const struct confine *c, const int held[CONFINE_HELD], int *status_fd)
{
	const struct confine_more *m = c->more;

	if (m->how->home)
		fill_home(c);
	if (m->gate)
		m->gate(c, held, status_fd);
	set_scheduling(c, *status_fd);
	set_limits(c, *status_fd);
	if (m->apparmor_fd)
		write_label(c, held[m->apparmor_fd - 1], "exec ", m->how->apparmor, *status_fd);
	if (m->selinux_fd)
		write_label(c, held[m->selinux_fd - 1], "", m->how->selinux, *status_fd);
	if (m->how->has_umask)
		umask(m->how->umask);
}
