/* SPDX-License-Identifier: Apache-2.0 */
/* Limits as values of control files. Sources: cgroup-v2.rst, cgroup-v1/{memory,pids,devices}.rst, sched-bwc.rst. */
#include "boundary/cgroup_limits.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "base/cleanup.h"

enum { CPU_PERIOD_US = 100000 };

[[gnu::format(printf, 6, 7)]] static struct cgroup_setting *add(struct cgroup_settings *s, enum cgroup_controller c,
								 const char *limit, const char *v1, const char *v2,
								 const char *fmt, ...)
{
	struct cgroup_setting *x = &s->v[s->n];
	va_list ap;

	/* The front ends' bounds are below this one; a plan that was tampered with must not go further. */
	s->n += s->n + 1 < CGROUP_SETTINGS_MAX;
	*x = (struct cgroup_setting){ .controller = c, .limit = limit, .v1_file = v1, .v2_file = v2 };
	va_start(ap, fmt);
	vsnprintf(x->value, sizeof(x->value), fmt, ap);
	va_end(ap);
	return x;
}

static void add_memory(struct cgroup_settings *s, const struct plan_limits *l)
{
	if (l->memory_request_bytes)
		add(s, CGROUP_MEMORY, "memory request", "memory.soft_limit_in_bytes", "memory.low", "%" PRIu64,
		    l->memory_request_bytes);
	if (!l->memory_bytes)
		return;
	add(s, CGROUP_MEMORY, "memory", "memory.limit_in_bytes", "memory.max", "%" PRIu64, l->memory_bytes);
	if (l->swap_unlimited)
		return;
	/* Swap is limited with memory. Kernels without swap accounting lack the file; then there is nothing to limit. */
	add(s, CGROUP_MEMORY, "swap", "memory.memsw.limit_in_bytes", NULL, "%" PRIu64, l->memory_bytes + l->swap_bytes)
		->optional = !l->swap_bytes;
	add(s, CGROUP_MEMORY, "swap", NULL, "memory.swap.max", "%" PRIu64, l->swap_bytes)->optional = !l->swap_bytes;
}

/* Kubernetes' and crun's mapping of shares (2..262144) to weights (1..10000). */
static uint64_t weight_of_shares(uint64_t shares)
{
	return 1 + ((shares - 2) * 9999) / 262142;
}

static void add_cpu(struct cgroup_settings *s, const struct plan_limits *l)
{
	if (l->cpus_milli) {
		uint64_t quota = (uint64_t)l->cpus_milli * CPU_PERIOD_US / 1000;

		if (quota < 1000)
			quota = 1000;
		add(s, CGROUP_CPU, "cpus", "cpu.cfs_period_us", NULL, "%d", CPU_PERIOD_US);
		add(s, CGROUP_CPU, "cpus", "cpu.cfs_quota_us", NULL, "%" PRIu64, quota);
		add(s, CGROUP_CPU, "cpus", NULL, "cpu.max", "%" PRIu64 " %d", quota, CPU_PERIOD_US);
	}
	if (l->cpu_shares) {
		add(s, CGROUP_CPU, "cpu shares", "cpu.shares", NULL, "%u", l->cpu_shares);
		add(s, CGROUP_CPU, "cpu shares", NULL, "cpu.weight", "%" PRIu64, weight_of_shares(l->cpu_shares));
	}
}

static void add_io_device(struct cgroup_settings *s, const struct plan_io *io)
{
	const struct {
		const char *v1, *v2;
		uint64_t value;
	} rates[] = {
		{ "blkio.throttle.read_bps_device", "rbps", io->read_bps },
		{ "blkio.throttle.write_bps_device", "wbps", io->write_bps },
		{ "blkio.throttle.read_iops_device", "riops", io->read_iops },
		{ "blkio.throttle.write_iops_device", "wiops", io->write_iops },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		if (!rates[i].value)
			continue;
		add(s, CGROUP_IO, "io", rates[i].v1, NULL, "%u:%u %" PRIu64, io->major, io->minor, rates[i].value);
		add(s, CGROUP_IO, "io", NULL, "io.max", "%u:%u %s=%" PRIu64, io->major, io->minor, rates[i].v2, rates[i].value);
	}
}

static void add_hugepages(struct cgroup_settings *s, const struct plan_hugepages *h)
{
	struct cgroup_setting *v1 = add(s, CGROUP_HUGETLB, "hugepages", NULL, NULL, "%" PRIu64, h->bytes);
	struct cgroup_setting *v2 = add(s, CGROUP_HUGETLB, "hugepages", NULL, NULL, "%" PRIu64, h->bytes);

	snprintf(v1->file, sizeof(v1->file), "hugetlb.%.20s.limit_in_bytes", h->size);
	snprintf(v2->file, sizeof(v2->file), "hugetlb.%.20s.max", h->size);
	v1->v1_file = v1->file;
	v2->v2_file = v2->file;
	v1->either = v2->either = true;
}

static enum cgroup_controller controller_of(const char *file)
{
	static const struct {
		const char *prefix;
		enum cgroup_controller controller;
	} prefixes[] = {
		{ "cpuset.", CGROUP_CPUSET }, { "cpu.", CGROUP_CPU }, { "memory.", CGROUP_MEMORY }, { "pids.", CGROUP_PIDS },
		{ "blkio.", CGROUP_IO }, { "io.", CGROUP_IO }, { "hugetlb.", CGROUP_HUGETLB },
	};

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (strncmp(file, prefixes[i].prefix, strlen(prefixes[i].prefix)) == 0)
			return prefixes[i].controller;
	return CGROUP_UNIFIED;
}

/* "memory.high=N": by the kernel's own name, which is one of either version. */
static void add_file(struct cgroup_settings *s, const char *pair)
{
	const char *value = strchr(pair, '=') ?: "";
	struct cgroup_setting *x = add(s, controller_of(pair), "files", NULL, NULL, "%.70s", *value ? value + 1 : value);

	snprintf(x->file, sizeof(x->file), "%.*s", (int)strcspn(pair, "="), pair);
	x->limit = x->v1_file = x->v2_file = x->file;
}

void cgroup_settings_add(struct cgroup_settings *s, const struct plan_limits *l)
{
	add_memory(s, l);
	add_cpu(s, l);
	if (l->cpuset)
		add(s, CGROUP_CPUSET, "cpuset", "cpuset.cpus", "cpuset.cpus", "%s", l->cpuset);
	if (l->pids)
		add(s, CGROUP_PIDS, "pids", "pids.max", "pids.max", "%u", l->pids);
	if (l->io_weight)
		add(s, CGROUP_IO, "io weight", "blkio.bfq.weight", "io.weight", "%u", l->io_weight);
	if (l->cpuset_mems)
		add(s, CGROUP_CPUSET, "cpuset_mems", "cpuset.mems", "cpuset.mems", "%s", l->cpuset_mems);
	for (size_t i = 0; i < l->io.n; i++)
		add_io_device(s, &l->io.v[i]);
	for (size_t i = 0; i < l->hugepages.n; i++)
		add_hugepages(s, &l->hugepages.v[i]);
	for (char **p = l->files; p && *p; p++)
		add_file(s, *p);
}

bool cgroup_settings_need(const struct cgroup_settings *s, enum cgroup_controller c)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].controller == c)
			return true;
	return false;
}

const char *cgroup_v2_controller(enum cgroup_controller c)
{
	static const char *const names[CGROUP_N] = {
		[CGROUP_PIDS] = "pids", [CGROUP_MEMORY] = "memory", [CGROUP_CPU] = "cpu",
		[CGROUP_CPUSET] = "cpuset", [CGROUP_IO] = "io", [CGROUP_HUGETLB] = "hugetlb", [CGROUP_DEVICES] = "devices",
		[CGROUP_FREEZER] = "freezer", [CGROUP_UNIFIED] = "cgroup",
	};

	return names[c];
}

/* null zero full random urandom tty console ptmx pts; and mknod of anything, which the user namespace refuses. */
static const char *const standard_devices[] = {
	"c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm", "c 1:8 rwm", "c 1:9 rwm", "c 5:0 rwm", "c 5:1 rwm", "c 5:2 rwm", "c 136:* rwm",
};

bool cgroup_must_limit_devices(const struct plan *p)
{
	if (p->ids.count == 0)
		return true;
	for (size_t i = 0; i < p->apps.n; i++)
		for (size_t j = 0; j < p->apps.v[i].devices.n; j++)
			if (!strchr(p->apps.v[i].devices.v[j].access, 'r') || !strchr(p->apps.v[i].devices.v[j].access, 'w'))
				return true;
	return false;
}

int cgroup_allow_devices(int devices_fd, const struct plan *p, struct err *e)
{
	if (devices_fd < 0)
		return 0;
	if (io_write_knob(devices_fd, "devices.deny", "a") < 0)
		return err_errno(e, "can't close the pod's devices");
	for (size_t i = 0; i < ARRAY_SIZE(standard_devices); i++)
		if (io_write_knob(devices_fd, "devices.allow", standard_devices[i]) < 0)
			return err_errno(e, "can't allow the device %s", standard_devices[i]);
	for (size_t i = 0; i < p->apps.n; i++)
		for (size_t j = 0; j < p->apps.v[i].devices.n; j++) {
			const struct plan_device *d = &p->apps.v[i].devices.v[j];
			char rule[64];

			snprintf(rule, sizeof(rule), "%c %u:%u %s", d->block ? 'b' : 'c', d->major, d->minor, d->access);
			if (io_write_knob(devices_fd, "devices.allow", rule) < 0)
				return err_errno(e, "can't allow the device %s", d->path);
		}
	return 0;
}
