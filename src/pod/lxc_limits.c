/* SPDX-License-Identifier: Apache-2.0 */
/* What bounds an LXC container: control files of either version, resource limits, sysctls, capabilities, ids. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/unit.h"
#include "pod/caps.h"
#include "pod/limits.h"
#include "pod/limits_more.h"
#include "pod/lxc_parts.h"

/* ---- control files ---- */

/* LXC's own sizes: "512M" means 1024s; the kernel's files take bytes. */
static bool read_bytes(const char *text, uint64_t *ret)
{
	return unit_parse_docker_size(text, ret) == 0 && *ret > 0;
}

static bool is_no_limit(const char *value)
{
	return !strcmp(value, "max") || !strcmp(value, "-1");
}

static void take_size(struct lxc *x, const struct lxc_line *l, uint64_t *ret)
{
	*ret = 0;
	if (!is_no_limit(l->value) && !read_bytes(l->value, ret))
		lxc_lose(x, l, "it is no size");
}

static void take_number(struct lxc *x, const struct lxc_line *l, uint64_t least, uint64_t most, uint32_t *ret)
{
	uint64_t value;

	*ret = 0;
	if (is_no_limit(l->value))
		return;
	if (unit_parse_u64(l->value, least, most, &value))
		lxc_lose(x, l, "it is out of range");
	else
		*ret = (uint32_t)value;
}

static void take_memory(struct lxc *x, const struct lxc_line *l)
{
	take_size(x, l, &x->limits.memory_bytes);
}

static void take_memory_request(struct lxc *x, const struct lxc_line *l)
{
	take_size(x, l, &x->limits.memory_request_bytes);
}

static void take_swap(struct lxc *x, const struct lxc_line *l)
{
	x->limits.swap_unlimited = is_no_limit(l->value);
	x->limits.swap_bytes = 0;
	if (!x->limits.swap_unlimited && strcmp(l->value, "0") != 0)
		take_size(x, l, &x->limits.swap_bytes);
}

static void take_memory_and_swap(struct lxc *x, const struct lxc_line *l)
{
	x->limits.swap_unlimited = is_no_limit(l->value);
	take_size(x, l, &x->memory_and_swap);
}

static void take_cpu_max(struct lxc *x, const struct lxc_line *l)
{
	char *copy = arena_strdup(x->arena, l->value), *save = NULL;

	x->cpu_quota = strtok_r(copy, " \t", &save);
	x->cpu_period = strtok_r(NULL, " \t", &save);
}

static void take_cpu_quota(struct lxc *x, const struct lxc_line *l)
{
	x->cpu_quota = arena_strdup(x->arena, l->value);
}

static void take_cpu_period(struct lxc *x, const struct lxc_line *l)
{
	x->cpu_period = arena_strdup(x->arena, l->value);
}

static void take_shares(struct lxc *x, const struct lxc_line *l)
{
	take_number(x, l, 2, 262144, &x->limits.cpu_shares);
}

/* The other way of what a start does with shares (cgroup_limits.c). */
static void take_weight(struct lxc *x, const struct lxc_line *l)
{
	uint32_t weight;

	take_number(x, l, 1, 10000, &weight);
	x->limits.cpu_shares = weight ? 2 + (uint32_t)(((uint64_t)(weight - 1) * 262142 + 9998) / 9999) : 0;
}

static void take_set(struct lxc *x, const struct lxc_line *l, char **ret)
{
	struct err ignored = {};

	if (limits_check(&(struct plan_limits){.cpuset = (char *)(uintptr_t)l->value}, &ignored) < 0)
		lxc_lose(x, l, "it is no list such as 0-1,3");
	else
		*ret = arena_strdup(x->arena, l->value);
}

static void take_cpus(struct lxc *x, const struct lxc_line *l)
{
	take_set(x, l, &x->limits.cpuset);
}

static void take_mems(struct lxc *x, const struct lxc_line *l)
{
	take_set(x, l, &x->limits.cpuset_mems);
}

static void take_pids(struct lxc *x, const struct lxc_line *l)
{
	take_number(x, l, 1, 4194304, &x->limits.pids);
}

static void take_io_weight(struct lxc *x, const struct lxc_line *l)
{
	take_number(x, l, 1, 10000, &x->limits.io_weight);
}

/* "8:0 rbps=1 wbps=max" */
static void take_io_max(struct lxc *x, const struct lxc_line *l)
{
	static const char *const names[] = {"rbps=", "wbps=", "riops=", "wiops="};
	char *copy = arena_strdup(x->arena, l->value), *save = NULL, *device = strtok_r(copy, " \t", &save);
	struct err ignored = {};
	uint64_t value;

	for (char *word = strtok_r(NULL, " \t", &save); device && word; word = strtok_r(NULL, " \t", &save)) {
		size_t i = 0;

		while (i < ARRAY_SIZE(names) && strncmp(word, names[i], strlen(names[i])) != 0)
			i++;
		if (i < ARRAY_SIZE(names) && !strcmp(word + strlen(names[i]), "max"))
			continue;
		if (i == ARRAY_SIZE(names) || unit_parse_u64(word + strlen(names[i]), 1, INT64_MAX, &value) ||
		    limits_set_io(x->arena, &x->limits, device, (enum limits_io)i, value, &ignored) < 0)
			lxc_lose(x, l, "it is not written MAJOR:MINOR rbps=N wbps=N riops=N wiops=N");
	}
}

/* The devices that every app has, and the rule that closes all others. */
static bool is_usual_device(const char *key, const char *value)
{
	static const char *const usual[] = {
		"c 1:3 ", "c 1:5 ", "c 1:7 ", "c 1:8 ", "c 1:9 ", "c 5:0 ", "c 5:1 ", "c 5:2 ", "c 136:* ",
	};

	if (!strcmp(key, "devices.deny"))
		return !strcmp(value, "a");
	for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
		if (strncmp(value, usual[i], strlen(usual[i])) == 0)
			return true;
	return false;
}

static void take_device(struct lxc *x, const struct lxc_line *l)
{
	if (!is_usual_device(strstr(l->key, "devices."), l->value))
		lxc_lose(x, l, "a device is given by its path: the hole dev:/dev/NAME; nobody in a pod makes device nodes");
}

static const struct {
	const char *file;
	lxc_take_fn *take;
} control_files[] = {
	{"memory.max", take_memory},
	{"memory.limit_in_bytes", take_memory},
	{"memory.low", take_memory_request},
	{"memory.soft_limit_in_bytes", take_memory_request},
	{"memory.swap.max", take_swap},
	{"memory.memsw.limit_in_bytes", take_memory_and_swap},
	{"cpu.max", take_cpu_max},
	{"cpu.cfs_quota_us", take_cpu_quota},
	{"cpu.cfs_period_us", take_cpu_period},
	{"cpu.shares", take_shares},
	{"cpu.weight", take_weight},
	{"cpuset.cpus", take_cpus},
	{"cpuset.mems", take_mems},
	{"pids.max", take_pids},
	{"io.weight", take_io_weight},
	{"io.max", take_io_max},
	{"devices.allow", take_device},
	{"devices.deny", take_device},
};

void lxc_take_cgroup(struct lxc *x, const struct lxc_line *l)
{
	const char *file = strchr(strchr(l->key, '.') + 1, '.') + 1;
	struct err e = {};

	for (size_t i = 0; i < ARRAY_SIZE(control_files); i++) {
		if (strcmp(control_files[i].file, file) != 0)
			continue;
		control_files[i].take(x, l);
		return;
	}
	if (limits_set_file(x->arena, &x->limits, file, l->value, &e) < 0)
		lxc_lose(x, l, e.because);
}

static void settle_cpus(struct lxc *x)
{
	uint64_t quota, period = 100000;

	if (!x->cpu_quota || is_no_limit(x->cpu_quota))
		return;
	if (unit_parse_u64(x->cpu_quota, 1000, INT32_MAX, &quota) ||
	    (x->cpu_period && unit_parse_u64(x->cpu_period, 1000, 1000000, &period)))
		quota = 0;
	uint64_t milli = quota * 1000 / period;

	if (milli >= 10 && milli <= 1000000) {
		x->limits.cpus_milli = (uint32_t)milli;
		return;
	}
	const struct lxc_line l = {.file = x->in->file, .key = "cpu.max", .value = x->cpu_quota};

	lxc_lose(x, &l, "the CPU time is out of range");
}

void lxc_settle_limits(struct lxc *x)
{
	struct plan_limits *m = &x->limits;
	const struct lxc_line swap = {.file = x->in->file, .key = "swap", .value = "(control files of memory)"};
	const struct lxc_line low = {.file = x->in->file, .key = "memory.low", .value = "(control files of memory)"};
	struct err e = {};

	settle_cpus(x);
	if (x->memory_and_swap > m->memory_bytes && m->memory_bytes)
		m->swap_bytes = x->memory_and_swap - m->memory_bytes;
	if ((m->swap_bytes || m->swap_unlimited || x->memory_and_swap) && !m->memory_bytes) {
		if (m->swap_bytes || x->memory_and_swap)
			lxc_lose(x, &swap, "swap is limited only together with memory");
		m->swap_bytes = 0;
		m->swap_unlimited = false;
	}
	if (m->memory_bytes && m->memory_request_bytes > m->memory_bytes) {
		lxc_lose(x, &low, "the memory request is larger than the limit on memory");
		m->memory_request_bytes = 0;
	}
	if (limits_check(m, &e) == 0)
		return;
	const struct lxc_line all = {.file = x->in->file, .key = "lxc.cgroup", .value = e.what};

	lxc_lose(x, &all, e.because);
	*m = (struct plan_limits){};
}

/* ---- resource limits, sysctls ---- */

void lxc_take_prlimit(struct lxc *x, const struct lxc_line *l)
{
	struct plan_rlimit limit;
	struct err e = {};

	if (limits_parse_rlimit(x->arena, l->key + strlen("lxc.prlimit."), l->value, &limit, &e) < 0) {
		lxc_lose(x, l, e.because);
		return;
	}
	for (size_t i = 0; i < x->rlimits.n; i++) {
		if (strcmp(x->rlimits.v[i].name, limit.name) != 0)
			continue;
		x->rlimits.v[i] = limit;
		return;
	}
	*list_add(x->arena, &x->rlimits) = limit;
}

void lxc_take_sysctl(struct lxc *x, const struct lxc_line *l)
{
	const char *key = l->key + strlen("lxc.sysctl.");
	struct err e = {};
	size_t n = strlen(key);

	if (limits_check_sysctl(key, l->value, &e) < 0) {
		lxc_lose(x, l, e.because);
		return;
	}
	for (char **p = x->sysctls; p && *p; p++)
		if (strncmp(*p, key, n) == 0 && (*p)[n] == '=') {
			*p = arena_printf(x->arena, "%s=%s", key, l->value);
			return;
		}
	arena_strv_add(x->arena, &x->sysctls, arena_printf(x->arena, "%s=%s", key, l->value));
}

/* ---- capabilities ---- */

/* A list; an empty value begins it anew (lxc.container.conf(5)). */
static void take_caps(struct lxc *x, const struct lxc_line *l, uint64_t *set)
{
	char *copy = arena_strdup(x->arena, l->value), *save = NULL;
	uint64_t one;

	if (!*l->value)
		*set = 0;
	for (char *name = strtok_r(copy, " \t", &save); name; name = strtok_r(NULL, " \t", &save)) {
		struct err e = {};

		if (!strcmp(name, "none"))
			*set = 0;
		else if (caps_parse(name, &one, &e) < 0)
			lxc_lose(x, l, "it names a capability that Rocket does not know");
		else
			*set |= one;
	}
}

void lxc_take_cap_drop(struct lxc *x, const struct lxc_line *l)
{
	take_caps(x, l, &x->caps_dropped);
}

void lxc_take_cap_keep(struct lxc *x, const struct lxc_line *l)
{
	x->keeps_caps = true;
	take_caps(x, l, &x->caps_kept);
}

static char *cap_names(struct lxc *x, uint64_t set)
{
	char *names = arena_strdup(x->arena, "");

	for (unsigned n = 0; caps_name(n); n++)
		if (set >> n & 1)
			names = arena_printf(x->arena, "%s%s%s", names, *names ? " " : "", caps_name(n));
	return names;
}

void lxc_settle_caps(struct lxc *x)
{
	uint64_t kept = x->keeps_caps ? x->caps_kept : caps_all & ~x->caps_dropped;
	uint64_t host_only = caps_host_only(kept & ~caps_default, NULL), more = kept & ~caps_default & ~host_only;
	const struct lxc_line l = {.file = x->in->file, .key = x->keeps_caps ? "lxc.cap.keep" : "lxc.cap.drop",
				   .value = cap_names(x, host_only)};

	x->caps_dropped = caps_default & ~kept;
	for (unsigned n = 0; caps_name(n); n++)
		if (more >> n & 1)
			*list_add(x->arena, &x->holes) = (struct lxc_hole){
				.kind = "cap", .source = (char *)(uintptr_t)caps_name(n),
				.why = arena_strdup(x->arena, x->keeps_caps ? "lxc.cap.keep names it" : "lxc.cap.drop does not name it")};
	/* Where LXC maps ids they were worth nothing there, either. */
	if (host_only && !x->mapped)
		lxc_lose(x, &l, "these work only in the host's user namespace, and a pod has its own");
}

/* ---- ids ---- */

/* "u 0 100000 65536" */
void lxc_take_idmap(struct lxc *x, const struct lxc_line *l)
{
	char *copy = arena_strdup(x->arena, l->value), *save = NULL;
	const char *word[4] = {};
	uint64_t inside, outside, count;

	for (size_t i = 0; i < 4; i++)
		word[i] = strtok_r(i ? NULL : copy, " \t", &save);
	if (!word[3] || !strchr("ugb", *word[0]) || unit_parse_u64(word[1], 0, UINT32_MAX, &inside) ||
	    unit_parse_u64(word[2], 0, UINT32_MAX, &outside) || unit_parse_u64(word[3], 1, UINT32_MAX, &count)) {
		lxc_lose(x, l, "it is not written u|g|b INSIDE OUTSIDE COUNT");
		return;
	}
	if (inside) {
		lxc_lose(x, l, "a pod's ids are one range from 0 on");
		return;
	}
	/* The size of the range is the pod's; which one of the host's it is, is Rocket's choice. */
	if (!x->mapped && outside)
		lxc_lose(x, l, "a pod has ids of its own: give the root file system's files back to ids from 0 on before it is "
			       "imported (lxc-usernsexec tar)");
	x->mapped = true;
	x->ids = count > x->ids ? count : x->ids;
}
