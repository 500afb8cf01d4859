/* SPDX-License-Identifier: Apache-2.0 */
/* See limits_more.h. Sources: cgroup-v2.rst (io.max, hugetlb), hugetlb.rst, cgroup-v1/blkio-controller.rst. */
#include "pod/limits_more.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "base/unit.h"

enum { MAX_DEVICES = 8, MAX_PAGE_SIZES = 8, MAX_FILES = 24, VALUE_MAX = 60 };

static int too_many(struct err *e, const char *what, int most)
{
	err_new(e, ERR_USAGE, "too many limits of %s", what);
	return err_because(e, "at most %d can be given", most);
}

/* ---- devices ---- */

static bool is_device(const char *device)
{
	size_t major = strspn(device, "0123456789");
	size_t minor = device[major] == ':' ? strspn(device + major + 1, "0123456789") : 0;

	if (major && minor && major < 8 && minor < 8)
		return device[major + 1 + minor] == 0;
	return str_has_prefix(device, "/dev/") && device[5] && !strstr(device, "..") && strlen(device) < 200;
}

int limits_set_io(struct arena *a, struct plan_limits *l, const char *device, enum limits_io what, uint64_t value,
		  struct err *e)
{
	struct plan_io *io = NULL;

	if (!is_device(device)) {
		err_new(e, ERR_USAGE, "'%.80s' is no device that can be limited", device);
		return err_because(e, "a device is written /dev/NAME, or MAJOR:MINOR");
	}
	if (value == 0) {
		err_new(e, ERR_USAGE, "the device %s can't be limited to nothing", device);
		return err_because(e, "no limit is written by leaving it out");
	}
	for (size_t i = 0; i < l->io.n && !io; i++)
		io = strcmp(l->io.v[i].device, device) == 0 ? &l->io.v[i] : NULL;
	if (!io && l->io.n == MAX_DEVICES)
		return too_many(e, "devices", MAX_DEVICES);
	if (!io) {
		io = list_add(a, &l->io);
		io->device = arena_strdup(a, device);
	}
	uint64_t *const places[] = {
		[LIMITS_READ_BPS] = &io->read_bps, [LIMITS_WRITE_BPS] = &io->write_bps,
		[LIMITS_READ_IOPS] = &io->read_iops, [LIMITS_WRITE_IOPS] = &io->write_iops,
	};

	*places[what] = value;
	return 0;
}

/* ---- huge pages ---- */

/* The kernel's name of the size: "2MB", "1GB", "64KB". NULL: no power of two from 4 KiB to 16 GiB. */
static char *page_name(struct arena *a, const char *text, uint64_t *ret_bytes)
{
	static const char *const units[] = { "KB", "MB", "GB" };
	size_t n = strcspn(text, "KMG");
	char *size = text[n] && text[n + 1] == 'B' && !text[n + 2] ? arena_printf(a, "%.*si", (int)n + 1, text)
								     : arena_strdup(a, text);
	unsigned unit = 0;
	uint64_t bytes, shown;

	if (unit_parse_size(size, &bytes) || bytes < 4096 || bytes > UINT64_C(16) << 30 || bytes & (bytes - 1))
		return NULL;
	for (shown = bytes >> 10; shown >= 1024 && unit < 2; unit++)
		shown >>= 10;
	*ret_bytes = bytes;
	return arena_printf(a, "%llu%s", (unsigned long long)shown, units[unit]);
}

int limits_set_hugepages(struct arena *a, struct plan_limits *l, const char *size, uint64_t bytes, struct err *e)
{
	uint64_t page = 0;
	char *name = page_name(a, size, &page);

	if (!name) {
		err_new(e, ERR_USAGE, "'%.40s' is no size of huge pages", size);
		err_because(e, "it is a power of two, such as 2Mi or 1Gi");
		return err_try(e, "ls /sys/kernel/mm/hugepages");
	}
	if (bytes % page) {
		err_new(e, ERR_USAGE, "the limit of huge pages of %s is no multiple of that size", name);
		return err_because(e, "it is %llu bytes", (unsigned long long)bytes);
	}
	for (size_t i = 0; i < l->hugepages.n; i++) {
		if (strcmp(l->hugepages.v[i].size, name) != 0)
			continue;
		l->hugepages.v[i].bytes = bytes;
		return 0;
	}
	if (l->hugepages.n == MAX_PAGE_SIZES)
		return too_many(e, "huge pages", MAX_PAGE_SIZES);
	*list_add(a, &l->hugepages) = (struct plan_hugepages){ .size = name, .bytes = bytes };
	return 0;
}

/* ---- control files ---- */

/* What Rocket has a word for, and sets itself. */
static const char *const own_words[][2] = {
	{ "memory.max", "memory" }, { "memory.low", "memory_request" }, { "memory.swap.max", "swap" },
	{ "cpu.max", "cpus" }, { "cpu.weight", "cpu_shares" }, { "cpuset.cpus", "cpuset" },
	{ "cpuset.mems", "cpuset_mems" }, { "pids.max", "pids" }, { "io.weight", "io_weight" }, { "io.max", "io" },
	{ "memory.limit_in_bytes", "memory" }, { "memory.soft_limit_in_bytes", "memory_request" },
	{ "memory.memsw.limit_in_bytes", "swap" }, { "cpu.shares", "cpu_shares" }, { "cpu.cfs_quota_us", "cpus" },
	{ "cpu.cfs_period_us", "cpus" },
};

static const char *const file_controllers[] = { "cpu.", "cpuset.", "memory.", "io.", "blkio.", "pids.", "hugetlb.",
						 "rdma.", "misc.", NULL };

static bool is_control_file(const char *file)
{
	size_t n = strlen(file);

	if (n < 4 || n > 60 || strspn(file, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._") != n ||
	    strstr(file, ".."))
		return false;
	for (const char *const *c = file_controllers; *c; c++)
		if (str_has_prefix(file, *c) && file[strlen(*c)])
			return true;
	return false;
}

static bool is_control_value(const char *value)
{
	size_t n = strlen(value);

	if (n == 0 || n > VALUE_MAX)
		return false;
	for (; *value; value++)
		if (*value < ' ' || *value > '~')
			return false;
	return true;
}

int limits_set_file(struct arena *a, struct plan_limits *l, const char *file, const char *value, struct err *e)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(own_words); i++) {
		if (strcmp(own_words[i][0], file) != 0)
			continue;
		err_new(e, ERR_USAGE, "the control file %s is written by Rocket itself", file);
		err_because(e, "the limit '%s' says what it holds", own_words[i][1]);
		return err_try(e, "limits: {%s: …}", own_words[i][1]);
	}
	if (!is_control_file(file)) {
		err_new(e, ERR_USAGE, "'%.60s' is no control file that a pod may set", file);
		return err_because(e, "it begins with cpu. cpuset. memory. io. blkio. pids. hugetlb. rdma. or misc.; what it does "
				      "is in the kernel's cgroup-v2.rst");
	}
	if (!is_control_value(value)) {
		err_new(e, ERR_USAGE, "the value of the control file %s can't be written", file);
		return err_because(e, "it is one line of at most %d printable characters", VALUE_MAX);
	}
	for (char **p = l->files; p && *p; p++, n++) {
		if (strncmp(*p, file, strlen(file)) != 0 || (*p)[strlen(file)] != '=')
			continue;
		*p = arena_printf(a, "%s=%s", file, value);
		return 0;
	}
	if (n == MAX_FILES)
		return too_many(e, "control files", MAX_FILES);
	arena_strv_add(a, &l->files, arena_printf(a, "%s=%s", file, value));
	return 0;
}
