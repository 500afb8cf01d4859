/* SPDX-License-Identifier: Apache-2.0 */
/* docker's and podman's flags for limits, in their units and meanings. Pure. */
#include <string.h>

#include "base/str.h"
#include "base/unit.h"
#include "pod/flags_parts.h"
#include "pod/limits.h"
#include "pod/limits_more.h"

static int set_size(const struct flags *f, const struct flag *flag, uint64_t *ret, struct err *e)
{
	if (unit_parse_docker_size(flag->value, ret) || !*ret)
		return flag_bad(f, flag, e, "a size is written 256m or 1g");
	return 0;
}

int flags_memory_reservation(struct flags *f, const struct flag *flag, struct pod_app *app, struct err *e)
{
	return set_size(f, flag, &app->limits.memory_request_bytes, e);
}

/* docker's number is memory and swap together; the memory may come in a later flag, so it is settled at the end. */
int flags_memory_swap(struct flags *f, const struct flag *flag, struct pod_app *app, struct err *e)
{
	app->limits.swap_unlimited = str_equal(flag->value, "-1");
	app->memory_and_swap_bytes = 0;
	return app->limits.swap_unlimited ? 0 : set_size(f, flag, &app->memory_and_swap_bytes, e);
}

int flags_settle_swap(struct pod_app *app, struct err *e)
{
	uint64_t both = app->memory_and_swap_bytes, memory = app->limits.memory_bytes;

	if (both && (!memory || both < memory)) {
		err_new(e, ERR_USAGE, "--memory-swap is too small, or --memory is missing");
		err_because(e, "it is memory and swap together, as docker's is");
		return err_try(e, "-m 256m --memory-swap 512m");
	}
	if (both)
		app->limits.swap_bytes = both - memory;
	return 0;
}

static int set_number(const struct flags *f, const struct flag *flag, uint64_t least, uint64_t most, uint32_t *ret,
		      struct err *e)
{
	uint64_t value;

	if (unit_parse_u64(flag->value, least, most, &value))
		return flag_bad(f, flag, e, arena_printf(f->arena, "it is a number from %llu to %llu",
							 (unsigned long long)least, (unsigned long long)most));
	*ret = (uint32_t)value;
	return 0;
}

int flags_cpu_shares(struct flags *f, const struct flag *flag, struct pod_app *app, struct err *e)
{
	return set_number(f, flag, 2, 262144, &app->limits.cpu_shares, e);
}

int flags_blkio_weight(struct flags *f, const struct flag *flag, struct pod_app *app, struct err *e)
{
	return set_number(f, flag, 1, 10000, &app->limits.io_weight, e);
}

int flags_cpuset_cpus(struct flags *f, const struct flag *flag, struct pod_app *app, struct err *e)
{
	app->limits.cpuset = arena_strdup(f->arena, flag->value);
	return limits_check(&(struct plan_limits){.cpuset = app->limits.cpuset}, e);
}

int flags_cpuset_mems(struct flags *f, const struct flag *flag, struct pod_app *app, struct err *e)
{
	app->limits.cpuset_mems = arena_strdup(f->arena, flag->value);
	return limits_check(&(struct plan_limits){.cpuset_mems = app->limits.cpuset_mems}, e);
}

/* "PATH:RATE" */
int flags_device_rate(struct flags *f, const struct flag *flag, struct pod_app *app, struct err *e)
{
	static const struct {
		const char *flag;
		enum limits_io what;
	} kinds[] = {
		{"device-read-bps", LIMITS_READ_BPS},
		{"device-write-bps", LIMITS_WRITE_BPS},
		{"device-read-iops", LIMITS_READ_IOPS},
		{"device-write-iops", LIMITS_WRITE_IOPS},
	};
	const char *colon = strrchr(flag->value, ':');
	size_t i = 0;
	uint64_t rate;

	while (strcmp(kinds[i].flag, flag->opt->name) != 0)
		i++;
	bool bytes = kinds[i].what == LIMITS_READ_BPS || kinds[i].what == LIMITS_WRITE_BPS;
	if (!colon || (bytes ? unit_parse_docker_size(colon + 1, &rate) : unit_parse_u64(colon + 1, 1, INT64_MAX, &rate)))
		return flag_bad(f, flag, e, bytes ? "it is written /dev/NAME:10m" : "it is written /dev/NAME:1000");
	return limits_set_io(f->arena, &app->limits, arena_strndup(f->arena, flag->value, (size_t)(colon - flag->value)),
			     kinds[i].what, rate, e);
}

/* "KEY=VALUE"; *ret_value is NULL without an equals sign. */
static char *split_pair(struct flags *f, const struct flag *flag, const char **ret_value)
{
	const char *equals = strchr(flag->value, '=');

	*ret_value = equals ? equals + 1 : NULL;
	return arena_strndup(f->arena, flag->value, strcspn(flag->value, "="));
}

int flags_cgroup_conf(struct flags *f, const struct flag *flag, struct pod_app *app, struct err *e)
{
	const char *value;
	char *file = split_pair(f, flag, &value);

	return value ? limits_set_file(f->arena, &app->limits, file, value, e)
		     : flag_bad(f, flag, e, "it is written memory.high=100000000");
}

int flags_ulimit(struct flags *f, const struct flag *flag, struct pod_app *app, struct err *e)
{
	struct plan_rlimit limit;
	const char *value;
	char *name = split_pair(f, flag, &value);
	int rc;

	if (!value)
		return flag_bad(f, flag, e, "it is written nofile=1024:4096");
	if ((rc = limits_parse_rlimit(f->arena, name, value, &limit, e)))
		return rc;
	for (size_t i = 0; i < app->rlimits.n; i++) {
		if (strcmp(app->rlimits.v[i].name, limit.name) != 0)
			continue;
		app->rlimits.v[i] = limit;
		return 0;
	}
	*list_add(f->arena, &app->rlimits) = limit;
	return 0;
}

int flags_sysctl(struct flags *f, const struct flag *flag, struct pod_app *app, struct err *e)
{
	const char *value;
	char *key = split_pair(f, flag, &value);
	int rc;

	if (!value)
		return flag_bad(f, flag, e, "it is written net.core.somaxconn=1024");
	if ((rc = limits_check_sysctl(key, value, e)))
		return rc;
	flag_set_pair(f->arena, &app->sysctls, flag->value);
	return 0;
}

int flags_oom_score(struct flags *f, const struct flag *flag, struct pod_app *app, struct err *e)
{
	bool minus = *flag->value == '-';
	uint64_t score;

	if (unit_parse_u64(flag->value + minus, 0, 1000, &score))
		return flag_bad(f, flag, e, "it is a number from -1000 to 1000");
	app->oom_score = minus ? -(int64_t)score : (int64_t)score;
	return 0;
}

int flags_group_add(struct flags *f, const struct flag *flag, struct pod_app *app, struct err *e)
{
	if (!*flag->value)
		return flag_bad(f, flag, e, "it is a group of the image, by name or number");
	arena_strv_add(f->arena, &app->groups, flag->value);
	return 0;
}

/* docker's seccomp=FILE|unconfined and no-new-privileges; what else it knows is refused. */
int flags_security_opt(struct flags *f, const struct flag *flag, struct pod_app *app, struct err *e)
{
	const char *value = flag->value;

	if (str_has_prefix(value, "seccomp=") && value[8]) {
		value += 8;
		if (str_equal(value, "unconfined"))
			app->seccomp = arena_strdup(f->arena, "none");
		else
			app->seccomp = *value == '/' ? arena_strdup(f->arena, value)
						     : arena_printf(f->arena, "%s/%s", f->in->base_dir, value);
		return 0;
	}
	if (str_equal(value, "no-new-privileges") || str_equal(value, "no-new-privileges=true") ||
	    str_equal(value, "no-new-privileges:true"))
		return 0; /* it is so unless the hole newprivs is opened */
	flag_bad(f, flag, e, "only seccomp=FILE, seccomp=unconfined and no-new-privileges are understood");
	return err_try(e, "--security-opt seccomp=FILE");
}
