/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One batch of netlink and a handful of writes below /proc/sys/net: it lies on the path of every start.
 * What only the relay needs (marks and their tables) the relay sets itself, when a hole needs one.
 */
#include "net/pod_net.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"
#include "net/netlink.h"
#include "net/wall.h"

static const char *const setup_steps[] = {
	"bring up the pod's loopback",
	"set the pod's IPv4 wall (a prohibit route)",
	"set the pod's IPv6 wall (a prohibit route)",
};

static int setup_routes(struct err *e)
{
	struct netlink_route wall = {
		.type = RTN_PROHIBIT,
		.to.family = AF_INET,
		.table = RT_TABLE_MAIN,
		.metric = NET_WALL_METRIC,
	};
	struct netlink_batch b = {};
	int failed = -1, r;
	autoclose int fd = netlink_open();

	if (fd < 0) {
		errno = -fd;
		return err_errno(e, "can't open a route socket in the pod's network");
	}
	netlink_add_link_up(&b, NET_LO);
	netlink_add_route(&b, NETLINK_CREATE, &wall);
	wall.to.family = AF_INET6;
	netlink_add_route(&b, NETLINK_CREATE, &wall);
	netlink_forgive_family(&b);
	r = netlink_commit(fd, &b, &failed);
	if (r == 0)
		return 0;
	errno = -r;
	return err_errno(e, "can't %s", failed < 0 ? "talk to the kernel about routes" : setup_steps[failed]);
}

/* The last group that the pod has, so that every group may ping. */
static void format_ping_range(const struct plan *p, char *text, size_t cap)
{
	uint32_t last = p->ids.count ? p->ids.count - 1 : 0x7fffffff;

	snprintf(text, cap, "0 %u", last);
}

struct knob {
	const char *path;  /* below /proc/sys */
	const char *value;
	bool ipv6;         /* absent on a host without IPv6 */
};

static int setup_sysctls(int sysfd, const struct plan *p, struct err *e)
{
	char ping_range[32];
	const struct knob knobs[] = {
		{ "net/ipv4/ip_unprivileged_port_start", "0", false },
		{ "net/ipv4/ping_group_range", ping_range, false },
		{ "net/ipv6/conf/default/accept_ra", "0", true },
	};

	format_ping_range(p, ping_range, sizeof(ping_range));
	for (size_t i = 0; i < ARRAY_SIZE(knobs); i++) {
		if (io_write_knob(sysfd, knobs[i].path, knobs[i].value) == 0)
			continue;
		if (errno == ENOENT && knobs[i].ipv6)
			continue;
		return err_errno(e, "can't set %s in the pod's network", knobs[i].path);
	}
	return 0;
}

/*
 * "net.ipv4.conf.eth0.x" to "net/ipv4/conf/eth0/x", as sysctl(8) does: where slashes separate, a dot is an
 * ordinary character. False for what could leave /proc/sys/net.
 */
static bool sysctl_path(const char *key, size_t len, char *path, size_t cap)
{
	bool dots = !memchr(key, '/', len);

	if (len + 1 > cap)
		return false;
	memcpy(path, key, len);
	path[len] = 0;
	for (char *c = path; dots && *c; c++)
		if (*c == '.')
			*c = '/';
	return str_has_prefix(path, "net/") && !strstr(path, "..") && !strstr(path, "//");
}

static int setup_own_sysctl(int sysfd, const char *assignment, struct err *e)
{
	const char *equals = strchr(assignment, '=');
	char path[256];

	if (!equals)
		return err_new(e, ERR_USAGE, "the sysctl \"%s\" has no value", assignment);
	if (!str_has_prefix(assignment, "net.") && !str_has_prefix(assignment, "net/"))
		return 0; /* kernel.* and fs.* are the boundary's */
	if (!sysctl_path(assignment, (size_t)(equals - assignment), path, sizeof(path)))
		return err_new(e, ERR_USAGE, "\"%s\" is no name of a sysctl", assignment);
	if (io_write_knob(sysfd, path, equals + 1) == 0)
		return 0;
	if (errno == ENOENT) {
		err_new(e, ERR_NOT_FOUND, "can't set the sysctl %s", assignment);
		return err_because(e, "a pod's network has no such sysctl on this kernel");
	}
	if (errno == EACCES || errno == EPERM) {
		err_new(e, ERR_POLICY, "can't set the sysctl %s", assignment);
		return err_because(e, "this kernel keeps it for the whole host");
	}
	return err_errno(e, "can't set the sysctl %s", assignment);
}

int net_setup_pod(const struct plan *p, struct err *e)
{
	autoclose int sysfd = -1;
	int r;

	if (p->host_net)
		return 0;
	r = setup_routes(e);
	if (r < 0)
		return r;
	sysfd = open("/proc/sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (sysfd < 0)
		return err_errno(e, "can't open /proc/sys");
	r = setup_sysctls(sysfd, p, e);
	for (char **s = p->sysctls; r == 0 && s && *s; s++)
		r = setup_own_sysctl(sysfd, *s, e);
	return r;
}
