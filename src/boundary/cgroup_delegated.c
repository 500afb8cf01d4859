/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of an ordinary user. See cgroup_delegated.h. */
#include "boundary/cgroup_delegated.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"

#define LEAF "rocket-supervisor"

/* The cgroup2 hierarchy: the host's only one, or beside version 1. */
static int open_root(bool *ret_v2)
{
	static const char *const places[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
	struct statfs fs;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		autoclose int fd = open(places[i], O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0 || fstatfs(fd, &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC)
			continue;
		*ret_v2 = i == 0;
		return take_fd(&fd);
	}
	return -1;
}

/* "0::/a/b" of /proc/self/cgroup, as "a/b". False for what lies outside this cgroup namespace. */
static bool read_own(char *ret, size_t cap)
{
	char text[4096] = "";
	autoclose int fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	char *line = n <= 0 ? NULL : strncmp(text, "0::/", 4) == 0 ? text : strstr(text, "\n0::/");

	if (!line)
		return false;
	line = strchr(line, '/') + 1;
	line[strcspn(line, "\n")] = 0;
	if (strstr(line, "..") || strlen(line) >= cap)
		return false;
	snprintf(ret, cap, "%s", line);
	return true;
}

static ssize_t read_group_file(int root, const char *group, const char *file, char *ret, size_t cap)
{
	char path[300];

	snprintf(path, sizeof(path), "%s%s%s", group, *group ? "/" : "", file);
	autoclose int fd = openat(root, path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, ret, cap - 1);

	ret[n > 0 ? n : 0] = 0;
	return n;
}

static bool is_given(int root, const char *group)
{
	char path[300];

	snprintf(path, sizeof(path), "%s%scgroup.procs", group, *group ? "/" : "");
	return faccessat(root, path, W_OK, AT_EACCESS) == 0 && faccessat(root, *group ? group : ".", W_OK, AT_EACCESS) == 0;
}

/* Is the process the only one in the group? */
static bool is_alone(const char *procs)
{
	return strtol(procs, NULL, 10) == getpid() && strchr(procs, '\n') == strrchr(procs, '\n');
}

/* Processes live in leaves alone: it hands controllers down already, or nothing lives in it. */
static bool may_have_groups(int root, const char *group)
{
	char text[256];

	if (read_group_file(root, group, "cgroup.subtree_control", text, sizeof(text)) > 1)
		return true;
	return read_group_file(root, group, "cgroup.procs", text, sizeof(text)) >= 0 && !*text;
}

/* From our own group upwards. False: none, *base is undefined. */
static bool find_above(int root, char *base)
{
	while (is_given(root, base)) {
		char *slash = strrchr(base, '/');

		if (may_have_groups(root, base))
			return true;
		if (!*base)
			return false;
		*(slash ?: base) = 0;
	}
	return false;
}

/* Our own group, when nobody else lives in it: we can leave it for a leaf. */
static bool find_own(int root, const char *own)
{
	char procs[256];

	return is_given(root, own) && read_group_file(root, own, "cgroup.procs", procs, sizeof(procs)) > 0 && is_alone(procs);
}

static void read_controllers(int root, struct cgroup_delegation *d)
{
	char text[sizeof(d->controllers) - 2];
	ssize_t n = read_group_file(root, d->base, "cgroup.controllers", text, sizeof(text));

	text[strcspn(text, "\n")] = 0;
	if (n > 1)
		snprintf(d->controllers, sizeof(d->controllers), " %s ", text);
}

void cgroup_delegation_find(struct cgroup_delegation *ret)
{
	struct cgroup_delegation d = {};
	bool v2 = false;
	autoclose int root = open_root(&v2);
	char own[sizeof(d.base)];

	*ret = d;
	if (root < 0 || !read_own(own, sizeof(own)))
		return;
	memcpy(d.base, own, sizeof(own));
	if (!find_above(root, d.base)) {
		if (!find_own(root, own))
			return;
		memcpy(d.base, own, sizeof(own));
	}
	d.found = true;
	if (v2)
		read_controllers(root, &d);
	*ret = d;
}

bool cgroup_delegation_has(const struct cgroup_delegation *d, const char *controller)
{
	char word[32];

	snprintf(word, sizeof(word), " %s ", controller);
	return strstr(d->controllers, word) != NULL;
}

const char *cgroup_delegation_lack(const struct cgroup_delegation *d)
{
	bool v2 = false;
	autoclose int root = open_root(&v2);

	if (d->found && *d->controllers)
		return NULL;
	if (!v2)
		return "an ordinary user's limits need control groups of version 2; this host has version 1's";
	return d->found ? "the control group that this host gives you has no controllers"
			: "this host gives you no control group of your own (cgroup v2 delegation)";
}

const char *cgroup_delegation_remedy(void)
{
	/* sd_booted(3) */
	return access("/run/systemd/system", F_OK) == 0 ? "systemd-run --user --scope -p Delegate=yes rocket run …" :
							  "rocket doctor";
}

int cgroup_delegation_make_room(const struct cgroup_delegation *d)
{
	char own[sizeof(d->base)], path[300];
	bool v2;
	autoclose int root = d->found ? open_root(&v2) : -1;

	if (root < 0 || !read_own(own, sizeof(own)) || strcmp(own, d->base) != 0)
		return 0;
	snprintf(path, sizeof(path), "%s%s" LEAF, own, *own ? "/" : "");
	if (mkdirat(root, path, 0755) < 0 && errno != EEXIST)
		return -1;
	snprintf(path, sizeof(path), "%s%s" LEAF "/cgroup.procs", own, *own ? "/" : "");
	return io_write_knob(root, path, "0");
}
