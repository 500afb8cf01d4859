/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ranges as tables: control group limits (cgroups(7)), resource limits (getrlimit(2)), and the
 * sysctls that belong to a namespace and not to the host. Pure.
 */
#include "pod/limits.h"

#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "base/unit.h"

enum { CPU_MAX = 8191 };

struct range {
	const char *key;
	size_t offset;
	bool wide; /* uint64_t, else uint32_t */
	uint64_t least, most;
};

#define RANGE(member, key_, wide_, least_, most_)                                                  \
	{                                                                                          \
		.key = (key_), .offset = offsetof(struct plan_limits, member), .wide = (wide_),    \
		.least = (least_), .most = (most_)                                                 \
	}

static const struct range ranges[] = {
	RANGE(memory_bytes, "memory", true, 1 << 20, UINT64_C(1) << 60),
	RANGE(memory_request_bytes, "memory_request", true, 1 << 12, UINT64_C(1) << 60),
	RANGE(swap_bytes, "swap", true, 0, UINT64_C(1) << 60),
	RANGE(cpus_milli, "cpus", false, 10, 1000 * (CPU_MAX + 1)),
	RANGE(cpu_shares, "cpu_shares", false, 2, 262144),
	RANGE(pids, "pids", false, 1, 4194304),
	RANGE(io_weight, "io_weight", false, 1, 10000),
};

static uint64_t range_value(const struct range *r, const struct plan_limits *l)
{
	const char *p = (const char *)l + r->offset;
	uint64_t wide;
	uint32_t narrow;

	if (r->wide) {
		memcpy(&wide, p, sizeof(wide));
		return wide;
	}
	memcpy(&narrow, p, sizeof(narrow));
	return narrow;
}

const char *limits_first(const struct plan_limits *l)
{
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		if (range_value(&ranges[i], l))
			return ranges[i].key;
	if (l->cpuset || l->cpuset_mems)
		return l->cpuset ? "cpuset" : "cpuset_mems";
	if (l->io.n || l->hugepages.n)
		return l->io.n ? "io" : "hugepages";
	return l->files && *l->files ? "files" : NULL;
}

static int check_range(const struct range *r, const struct plan_limits *l, struct err *e)
{
	uint64_t value = range_value(r, l);

	if (value == 0 || (value >= r->least && value <= r->most))
		return 0;
	err_new(e, ERR_USAGE, "the limit '%s' is out of range", r->key);
	if (r->offset == offsetof(struct plan_limits, cpus_milli))
		return err_because(e, "cpus is at least 0.01 and at most %d", CPU_MAX + 1);
	return err_because(e, "it is %llu; the kernel takes %llu to %llu",
			   (unsigned long long)value, (unsigned long long)r->least,
			   (unsigned long long)r->most);
}

/* One "N" or "N-M" of a cpuset; *inout moves behind it. */
static int cpuset_part(const char **inout)
{
	uint64_t number[2];
	const char *p = *inout;

	for (int i = 0; i < 2; i++) {
		size_t n = strspn(p, "0123456789");
		char digits[8] = {};

		if (n == 0 || n >= sizeof(digits))
			return -1;
		memcpy(digits, p, n);
		if (unit_parse_u64(digits, 0, CPU_MAX, &number[i]))
			return -1;
		p += n;
		if (i == 0 && *p != '-')
			break;
		p += i == 0;
		if (i == 1 && number[1] < number[0])
			return -1;
	}
	*inout = p;
	return 0;
}

static int check_cpuset(const char *set, struct err *e)
{
	const char *p = set;

	for (;;) {
		if (cpuset_part(&p))
			break;
		if (!*p)
			return 0;
		if (*p++ != ',')
			break;
	}
	err_new(e, ERR_USAGE, "'%.60s' is no list of CPUs or memory nodes", set);
	return err_because(e, "it is written 0-1 or 0,2, with numbers up to %d", CPU_MAX);
}

int limits_check(const struct plan_limits *l, struct err *e)
{
	int rc;

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		if ((rc = check_range(&ranges[i], l, e)))
			return rc;
	if (l->memory_bytes && l->memory_request_bytes > l->memory_bytes) {
		err_new(e, ERR_USAGE, "the memory request is larger than the limit on memory");
		return err_because(e, "%llu bytes are asked for, and %llu are the limit",
				   (unsigned long long)l->memory_request_bytes,
				   (unsigned long long)l->memory_bytes);
	}
	if ((l->swap_bytes || l->swap_unlimited) && !l->memory_bytes) {
		err_new(e, ERR_USAGE, "swap is limited only together with memory");
		err_because(e, "no limit on memory is given");
		return err_try(e, "limits: {memory: 256Mi, swap: 64Mi}");
	}
	if (l->cpuset && (rc = check_cpuset(l->cpuset, e)))
		return rc;
	return l->cpuset_mems ? check_cpuset(l->cpuset_mems, e) : 0;
}

/* ---- rlimits ---- */

static const char *const rlimit_names[] = {
	"as",     "core",  "cpu", "data",   "fsize",  "locks",      "memlock", "msgqueue", "nice",
	"nofile", "nproc", "rss", "rtprio", "rttime", "sigpending", "stack",   NULL};

static int rlimit_value(const char *text, uint64_t *ret)
{
	if (!strcmp(text, "unlimited") || !strcmp(text, "-1")) {
		*ret = UINT64_MAX;
		return 0;
	}
	return unit_parse_u64(text, 0, INT64_MAX, ret) ? unit_parse_size(text, ret) : 0;
}

static int rlimit_name(struct arena *a, const char *name, char **ret, struct err *e)
{
	const char *word = strncasecmp(name, "RLIMIT_", 7) ? name : name + 7;
	const char *near;

	for (const char *const *p = rlimit_names; *p; p++) {
		if (strcasecmp(*p, word))
			continue;
		*ret = arena_strdup(a, *p);
		return 0;
	}
	near = str_nearest(word, rlimit_names);
	err_new(e, ERR_USAGE, "there is no resource limit '%.60s'", name);
	err_because(e, "the names are those of getrlimit(2), such as nofile");
	return near ? err_try(e, "%s", near) : err_try(e, "man 2 getrlimit");
}

static int limit_is_above(const char *name, const char *text, struct err *e)
{
	err_new(e, ERR_USAGE, "the soft resource limit %s is above the hard one", name);
	return err_because(e, "it is %.60s, and is written SOFT:HARD", text);
}

int limits_parse_rlimit(struct arena *a, const char *name, const char *text,
			struct plan_rlimit *ret, struct err *e)
{
	const char *colon = strchr(text, ':');
	char *soft = colon ? arena_strndup(a, text, (size_t)(colon - text)) : arena_strdup(a, text);
	struct plan_rlimit r = {};
	int rc = rlimit_name(a, name, &r.name, e);

	if (rc)
		return rc;
	if (rlimit_value(soft, &r.soft) || rlimit_value(colon ? colon + 1 : text, &r.hard)) {
		err_new(e, ERR_USAGE, "'%.60s' is no value for the resource limit %s", text,
			r.name);
		return err_because(e, "it is written N, SOFT:HARD, or unlimited");
	}
	if (r.soft > r.hard)
		return limit_is_above(r.name, text, e);
	*ret = r;
	return 0;
}

/* ---- sysctls ---- */

/* Of the network and IPC namespaces; "net." is a prefix, the others are whole. */
static const char *const sysctl_names[] = {
	"kernel.msgmax",
	"kernel.msgmnb",
	"kernel.msgmni",
	"kernel.sem",
	"kernel.shmall",
	"kernel.shmmax",
	"kernel.shmmni",
	"kernel.shm_rmid_forced",
	"fs.mqueue.queues_max",
	"fs.mqueue.msg_max",
	"fs.mqueue.msgsize_max",
	"fs.mqueue.msg_default",
	"fs.mqueue.msgsize_default",
	NULL,
};

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static bool sysctl_is_ours(const char *key)
{
	if (str_has_prefix(key, "net."))
		return key[4] != 0;
	for (const char *const *p = sysctl_names; *p; p++)
		if (!strcmp(*p, key))
			return true;
	return false;
}

/* Dots part the key; what could walk out of /proc/sys is refused. */
static bool sysctl_key_is_clean(const char *key)
{
	size_t n = strlen(key);

	return n && n < 128 && strspn(key, LETTERS "._-") == n && !strstr(key, "..") &&
	       key[n - 1] != '.';
}

int limits_check_sysctl(const char *key, const char *value, struct err *e)
{
	size_t n = strlen(value);

	if (!sysctl_key_is_clean(key) || !sysctl_is_ours(key)) {
		err_new(e, ERR_USAGE, "the sysctl '%.80s' can't be set in a pod", key);
		return err_because(
			e, "only those of the pod's own network and IPC belong to it: net.…, "
			   "kernel.{sem,shm…,msg…}, fs.mqueue.…; the others are the whole host's");
	}
	if (n == 0 || n > 255 || strspn(value, LETTERS " \t.,_-") != n) {
		err_new(e, ERR_USAGE, "'%.80s' can't be the value of the sysctl %s", value, key);
		return err_because(e, "a value is made of letters, digits, spaces and . , _ -");
	}
	return 0;
}

int limits_parse_mode(const char *text, uint32_t *ret)
{
	uint32_t mode = 0;
	size_t n = strlen(text);

	if (n < 3 || n > 5 || strspn(text, "01234567") != n)
		return -1;
	for (; *text; text++)
		mode = mode * 8 + (uint32_t)(*text - '0');
	if (mode > 07777)
		return -1;
	*ret = mode;
	return 0;
}
