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

static bool may_have_groups(int root, const char *group)
{
	char text[256];

	if (read_group_file(root, group, "cgroup.subtree_control", text, sizeof(text)) > 1)
		return true;
	if (read_group_file(root, group, "cgroup.procs", text, sizeof(text)) < 0)
		return false;
	return !*text || is_alone(text);
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
	char *slash;

	*ret = d;
	if (root < 0 || !read_own(d.base, sizeof(d.base)))
		return;
	while (is_given(root, d.base) && !may_have_groups(root, d.base)) {
		if (!*d.base)
			return;
		slash = strrchr(d.base, '/');
		*(slash ?: d.base) = 0;
	}
	if (!is_given(root, d.base))
		return;
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

int cgroup_delegation_make_room(int root_fd, const char *pod_path)
{
	char own[200], path[300];
	const char *slash = strrchr(pod_path, '/');
	size_t n = slash ? (size_t)(slash - pod_path) : 0;

	if (!read_own(own, sizeof(own)) || strlen(own) != n || strncmp(own, pod_path, n) != 0)
		return 0;
	snprintf(path, sizeof(path), "%s%s" LEAF, own, n ? "/" : "");
	if (mkdirat(root_fd, path, 0755) < 0 && errno != EEXIST)
		return -1;
	snprintf(path, sizeof(path), "%s%s" LEAF "/cgroup.procs", own, n ? "/" : "");
	return io_write_knob(root_fd, path, "0");
}
