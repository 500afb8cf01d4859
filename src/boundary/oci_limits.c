/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.resources as values of control files, on v1 and v2: one table row a limit, one function where it takes more than a
 * number. Sources: config-linux.md; cgroup-v2.rst; cgroup-v1/{memory,blkio-controller,devices,pids,hugetlb,net_cls}.rst.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "boundary/oci_cgroup.h"

static int cannot(struct err *e, const char *limit, const char *why)
{
	err_new(e, ERR_FAILED, "this host can't enforce linux.resources.%s", limit);
	err_because(e, "%s", why);
	return err_try(e, "rocket doctor");
}

/* Writes a value to the controller's file. */
static int put(const struct oci_cgroup *g, const char *controller, const char *file, const char *limit, const char *value,
	       struct err *e)
{
	int fd = oci_cgroup_fd(g, controller);
	char why[256];

	if (fd < 0)
		return cannot(e, limit, "its cgroup controller is not mounted here");
	if (io_write_knob(fd, file, value) == 0)
		return 0;
	snprintf(why, sizeof(why), "writing \"%.64s\" to %.64s gave: %s", value, file,
		 errno == ENOENT ? "this kernel has no such control" : strerror(errno));
	return cannot(e, limit, why);
}

/* ---- one number, one file ---- */

struct row {
	const char *limit;      /* below linux.resources */
	size_t offset;          /* of the number in struct oci_resources */
	const char *controller;
	const char *v1, *v2;    /* NULL: not as a plain number, or not at all */
	const char *v2_why_not; /* v2 has nothing of the kind */
};

#define AT(member) offsetof(struct oci_resources, member)

static const struct row rows[] = {
	{ "memory.reservation", AT(memory.reservation), "memory", "memory.soft_limit_in_bytes", "memory.low", NULL },
	{ "memory.kernelTCP", AT(memory.kernel_tcp), "memory", "memory.kmem.tcp.limit_in_bytes", NULL,
	  "cgroup v2 counts it with the rest" },
	{ "memory.swappiness", AT(memory.swappiness), "memory", "memory.swappiness", NULL, "cgroup v2 has none a group" },
	{ "cpu.shares", AT(cpu.shares), "cpu", "cpu.shares", NULL, NULL },
	{ "cpu.burst", AT(cpu.burst), "cpu", "cpu.cfs_burst_us", "cpu.max.burst", NULL },
	{ "cpu.realtimePeriod", AT(cpu.realtime_period), "cpu", "cpu.rt_period_us", NULL, "cgroup v2 has no real-time share" },
	{ "cpu.realtimeRuntime", AT(cpu.realtime_runtime), "cpu", "cpu.rt_runtime_us", NULL,
	  "cgroup v2 has no real-time share" },
	{ "cpu.idle", AT(cpu.idle), "cpu", "cpu.idle", "cpu.idle", NULL },
	{ "cpu.cpus", AT(cpu.cpus), "cpuset", "cpuset.cpus", "cpuset.cpus", NULL },
	{ "cpu.mems", AT(cpu.mems), "cpuset", "cpuset.mems", "cpuset.mems", NULL },
	{ "blockIO.leafWeight", AT(block_io.leaf_weight), "blkio", "blkio.leaf_weight", NULL, "cgroup v2 has no leaf weight" },
	{ "network.classID", AT(network.class_id), "net_cls", "net_cls.classid", NULL, "cgroup v2 marks no packets" },
};

static const char *member(const struct oci_resources *r, size_t offset)
{
	return *(char *const *)(const void *)((const char *)r + offset);
}

static int apply_rows(const struct oci_cgroup *g, const struct oci_resources *r, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *x = &rows[i];
		const char *value = member(r, x->offset);
		const char *file = g->v2 ? x->v2 : x->v1;

		/* 0 of a real-time share or period means that nobody asked, as runc has it. */
		if (!value || !*value || (strstr(x->limit, "realtime") && strcmp(value, "0") == 0))
			continue;
		if (!file && g->v2 && x->v2_why_not)
			return cannot(e, x->limit, x->v2_why_not);
		if (file && put(g, x->controller, file, x->limit, g->v2 && *value == '-' ? "max" : value, e) < 0)
			return -e->code;
	}
	return 0;
}

/* ---- memory ---- */

static long long number(const char *text)
{
	return text ? strtoll(text, NULL, 10) : 0;
}

/* Memory and swap together is never less than memory: which of the two comes first depends on the direction. */
static int apply_memory_v1(const struct oci_cgroup *g, const struct oci_resources *r, struct err *e)
{
	static const char limit_file[] = "memory.limit_in_bytes", swap_file[] = "memory.memsw.limit_in_bytes";
	const char *limit = r->memory.limit, *swap = r->memory.swap;
	int fd = oci_cgroup_fd(g, "memory");
	bool swap_is_last = !swap || fd < 0 || !limit || io_write_knob(fd, limit_file, limit) == 0;

	if (swap && number(swap) != 0 && !swap_is_last && put(g, "memory", swap_file, "memory.swap", swap, e) < 0)
		return -e->code;
	if (limit && number(limit) != 0 && put(g, "memory", limit_file, "memory.limit", limit, e) < 0)
		return -e->code;
	if (swap && number(swap) != 0 && swap_is_last && put(g, "memory", swap_file, "memory.swap", swap, e) < 0)
		return -e->code;
	/* On v1 one file, two meanings: a write of 1 keeps the killer away. */
	return r->memory.disable_oom_killer ? put(g, "memory", "memory.oom_control", "memory.disableOOMKiller", "1", e) : 0;
}

/* OCI's swap is memory and swap together, v2's is swap alone. */
static int apply_memory_v2(const struct oci_cgroup *g, const struct oci_resources *r, struct err *e)
{
	const long long limit = number(r->memory.limit), swap = number(r->memory.swap);
	char text[32] = "max";

	if (r->memory.disable_oom_killer)
		return cannot(e, "memory.disableOOMKiller", "cgroup v2 always has it");
	if (swap > 0 && limit <= 0)
		return cannot(e, "memory.swap", "it is memory and swap together, and memory is not limited");
	if (swap > 0 && swap < limit)
		return cannot(e, "memory.swap", "it is memory and swap together, and less than memory alone");
	if (swap > 0)
		snprintf(text, sizeof(text), "%lld", swap - limit);
	if (swap != 0 && put(g, "memory", "memory.swap.max", "memory.swap", text, e) < 0)
		return -e->code;
	if (limit == 0)
		return 0;
	return put(g, "memory", "memory.max", "memory.limit", limit < 0 ? "max" : r->memory.limit, e);
}

/* ---- cpu ---- */

static int apply_cpu(const struct oci_cgroup *g, const struct oci_resources *r, struct err *e)
{
	const char *quota = r->cpu.quota, *period = r->cpu.period;
	const long long shares = number(r->cpu.shares);
	char text[64];

	if (!g->v2) {
		if (period && number(period) != 0 && put(g, "cpu", "cpu.cfs_period_us", "cpu.period", period, e) < 0)
			return -e->code;
		return quota && number(quota) != 0 ? put(g, "cpu", "cpu.cfs_quota_us", "cpu.quota", quota, e) : 0;
	}
	if (shares >= 2) {
		snprintf(text, sizeof(text), "%lld", 1 + ((shares - 2) * 9999) / 262142);
		if (put(g, "cpu", "cpu.weight", "cpu.shares", text, e) < 0)
			return -e->code;
	}
	if (number(quota) == 0 && number(period) == 0)
		return 0;
	if (number(quota) > 0)
		snprintf(text, sizeof(text), "%lld %lld", number(quota), number(period) > 0 ? number(period) : 100000);
	else
		snprintf(text, sizeof(text), "max %lld", number(period) > 0 ? number(period) : 100000);
	return put(g, "cpu", "cpu.max", "cpu.quota", text, e);
}

static int apply_pids(const struct oci_cgroup *g, const struct oci_resources *r, struct err *e)
{
	const char *limit = r->pids.limit;

	return limit ? put(g, "pids", "pids.max", "pids.limit", number(limit) > 0 ? limit : "max", e) : 0;
}

/* ---- block devices ---- */

static const struct {
	const char *limit, *v1, *v2;
} throttles[OCI_THROTTLES] = {
	{ "blockIO.throttleReadBpsDevice", "blkio.throttle.read_bps_device", "rbps" },
	{ "blockIO.throttleWriteBpsDevice", "blkio.throttle.write_bps_device", "wbps" },
	{ "blockIO.throttleReadIOPSDevice", "blkio.throttle.read_iops_device", "riops" },
	{ "blockIO.throttleWriteIOPSDevice", "blkio.throttle.write_iops_device", "wiops" },
};

static int apply_throttles(const struct oci_cgroup *g, const struct oci_resources *r, struct err *e)
{
	for (int kind = 0; kind < OCI_THROTTLES; kind++)
		for (size_t i = 0; i < r->block_io.throttle[kind].n; i++) {
			const struct oci_throttle *t = &r->block_io.throttle[kind].v[i];
			char text[96];

			snprintf(text, sizeof(text), "%lld:%lld %s%s%s", number(t->major), number(t->minor),
				 g->v2 ? throttles[kind].v2 : "", g->v2 ? "=" : "", t->rate ?: "0");
			if (put(g, "blkio", g->v2 ? "io.max" : throttles[kind].v1, throttles[kind].limit, text, e) < 0)
				return -e->code;
		}
	return 0;
}

/* Which file a kernel has depends on its scheduler; v2's own weights go to 10000. */
static int apply_weight(const struct oci_cgroup *g, const char *weight, struct err *e)
{
	int fd = oci_cgroup_fd(g, "blkio");
	char text[32];

	if (g->v2) {
		if (fd >= 0 && io_write_knob(fd, "io.bfq.weight", weight) == 0)
			return 0;
		snprintf(text, sizeof(text), "%lld", 1 + (number(weight) - 10) * 9999 / 990);
		return put(g, "blkio", "io.weight", "blockIO.weight", text, e);
	}
	if (fd >= 0 && io_write_knob(fd, "blkio.weight", weight) == 0)
		return 0;
	return put(g, "blkio", "blkio.bfq.weight", "blockIO.weight", weight, e);
}

static int apply_device_weights(const struct oci_cgroup *g, const struct oci_resources *r, struct err *e)
{
	for (size_t i = 0; i < r->block_io.weight_device.n; i++) {
		const struct oci_weight_device *d = &r->block_io.weight_device.v[i];
		const char *file = g->v2 ? "io.bfq.weight" : "blkio.weight_device";
		int fd = oci_cgroup_fd(g, "blkio");
		char text[96];

		snprintf(text, sizeof(text), "%lld:%lld %s", number(d->major), number(d->minor), d->weight ?: "0");
		if (!g->v2 && fd >= 0 && faccessat(fd, file, F_OK, 0) < 0)
			file = "blkio.bfq.weight_device";
		if (d->weight && put(g, "blkio", file, "blockIO.weightDevice", text, e) < 0)
			return -e->code;
	}
	return 0;
}

static int apply_block_io(const struct oci_cgroup *g, const struct oci_resources *r, struct err *e)
{
	if (r->block_io.weight && number(r->block_io.weight) != 0 && apply_weight(g, r->block_io.weight, e) < 0)
		return -e->code;
	return apply_device_weights(g, r, e) < 0 ? -e->code : apply_throttles(g, r, e);
}

/* ---- the rest ---- */

static int apply_huge_pages(const struct oci_cgroup *g, const struct oci_resources *r, struct err *e)
{
	for (size_t i = 0; i < r->hugepage_limits.n; i++) {
		const struct oci_hugepage *h = &r->hugepage_limits.v[i];
		char file[64];

		if (!h->page_size || strchr(h->page_size, '/'))
			return err_new(e, ERR_USAGE, "config.json: linux.resources.hugepageLimits has no good pageSize");
		snprintf(file, sizeof(file), "hugetlb.%.24s.%s", h->page_size, g->v2 ? "max" : "limit_in_bytes");
		if (put(g, "hugetlb", file, "hugepageLimits", h->limit ?: "0", e) < 0)
			return -e->code;
	}
	return 0;
}

static int apply_network(const struct oci_cgroup *g, const struct oci_resources *r, struct err *e)
{
	for (size_t i = 0; i < r->network.priorities.n; i++) {
		char text[96];

		if (g->v2)
			return cannot(e, "network.priorities", "cgroup v2 has no network priorities");
		snprintf(text, sizeof(text), "%.32s %s", r->network.priorities.v[i].name ?: "",
			 r->network.priorities.v[i].priority ?: "0");
		if (put(g, "net_prio", "net_prio.ifpriomap", "network.priorities", text, e) < 0)
			return -e->code;
	}
	return 0;
}

static int apply_rdma(const struct oci_cgroup *g, const struct oci_resources *r, struct err *e)
{
	for (size_t i = 0; i < r->rdma.n; i++) {
		const struct oci_rdma *d = &r->rdma.v[i];
		char text[160];
		int n = snprintf(text, sizeof(text), "%.48s", d->name);

		if (d->hca_handles)
			n += snprintf(text + n, sizeof(text) - (size_t)n, " hca_handle=%.12s", d->hca_handles);
		if (d->hca_objects)
			snprintf(text + n, sizeof(text) - (size_t)n, " hca_object=%.12s", d->hca_objects);
		if (put(g, "rdma", "rdma.max", "rdma", text, e) < 0)
			return -e->code;
	}
	return 0;
}

static int apply_unified(const struct oci_cgroup *g, const struct oci_resources *r, struct err *e)
{
	for (char **entry = r->unified; entry && *entry; entry++) {
		char file[96];
		const char *equals = strchr(*entry, '=');

		if (!equals || equals - *entry >= (ptrdiff_t)sizeof(file) || memchr(*entry, '/', (size_t)(equals - *entry)))
			return err_new(e, ERR_USAGE, "config.json: linux.resources.unified has a key that is no file of a group");
		if (!g->v2)
			return cannot(e, "unified", "this host's control groups are of version 1");
		snprintf(file, sizeof(file), "%.*s", (int)(equals - *entry), *entry);
		if (put(g, "", file, "unified", equals + 1, e) < 0)
			return -e->code;
	}
	return 0;
}

int oci_cgroup_apply(const struct oci_cgroup *g, const struct oci_resources *r, struct err *e)
{
	static int (*const steps[])(const struct oci_cgroup *g, const struct oci_resources *r, struct err *e) = {
		apply_rows, apply_cpu, apply_pids, apply_block_io, apply_huge_pages, apply_network, apply_rdma, apply_unified,
	};

	if ((g->v2 ? apply_memory_v2 : apply_memory_v1)(g, r, e) < 0)
		return -e->code;
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		if (steps[i](g, r, e) < 0)
			return -e->code;
	return 0;
}

/* ---- devices ---- */

static char numbers[][4] = { "1", "3", "5", "7", "8", "9", "0", "2", "136" };
#define DEVICE(major_, minor_) { .allow = true, .type = (char *)"c", .major = major_, .minor = minor_, .access = (char *)"rwm" }

/* Any node may be made, those of the default list may be used (config-linux.md, "Default Devices"). */
static const struct oci_device_rule defaults[] = {
	{ .allow = true, .type = (char *)"c", .access = (char *)"m" },
	{ .allow = true, .type = (char *)"b", .access = (char *)"m" },
	DEVICE(numbers[0], numbers[1]), /* null */
	DEVICE(numbers[0], numbers[2]), /* zero */
	DEVICE(numbers[0], numbers[3]), /* full */
	DEVICE(numbers[0], numbers[4]), /* random */
	DEVICE(numbers[0], numbers[5]), /* urandom */
	DEVICE(numbers[2], numbers[6]), /* tty */
	DEVICE(numbers[2], numbers[7]), /* ptmx */
	DEVICE(numbers[8], NULL),	/* pts */
};

static void format_rule(const struct oci_device_rule *r, char text[64])
{
	const char type = r->type && *r->type ? *r->type : 'a';
	const char *major = r->major && *r->major != '-' ? r->major : "*", *minor = r->minor && *r->minor != '-' ? r->minor : "*";

	snprintf(text, 64, "%c %.12s:%.12s %.3s", type == 'u' ? 'c' : type, major, minor,
		 r->access && *r->access ? r->access : "rwm");
}

static int put_rules(int fd, const struct oci_device_rule *rules, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		const char *file = rules[i].allow ? "devices.allow" : "devices.deny";
		char text[64];

		format_rule(&rules[i], text);
		if (io_write_knob(fd, file, strcmp(text, "a *:* rwm") == 0 ? "a" : text) < 0)
			return err_errno(e, "can't set the device rule \"%s\"", text);
	}
	return 0;
}

int oci_cgroup_limit_devices(const struct oci_cgroup *g, const struct oci_resources *r, struct err *e)
{
	static const struct oci_device_rule closed = { .allow = false };
	int fd = oci_cgroup_fd(g, "devices");

	if (fd < 0)
		return r->devices.n ? cannot(e, "devices", "the devices controller is not mounted here") : 0;
	if (g->v2) {
		const size_t n = r->devices.n + ARRAY_SIZE(defaults) + 1;
		autofree struct oci_device_rule *all = calloc(n, sizeof(*all));

		if (!all)
			return err_errno(e, "can't limit devices");
		all[0] = closed;
		memcpy(all + 1, r->devices.v, r->devices.n * sizeof(*all));
		memcpy(all + 1 + r->devices.n, defaults, sizeof(defaults));
		return oci_cgroup_load_devices(fd, all, n, e);
	}
	/* Closed to begin with, whether or not the config says so. */
	if (put_rules(fd, &closed, 1, e) < 0 || put_rules(fd, r->devices.v, r->devices.n, e) < 0)
		return -e->code;
	/* Allowed all: there is nothing left to allow. */
	return put_rules(fd, defaults, ARRAY_SIZE(defaults), e);
}
