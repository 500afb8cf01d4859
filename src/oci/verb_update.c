/* SPDX-License-Identifier: Apache-2.0 */
/* update: other limits for a container that runs. */
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/unit.h"
#include "oci/container.h"

#define PLACE(member) ((int)offsetof(struct oci_resources, member))
enum { OPT_RESOURCES = 1 << 20, OPT_SIZE = 1 << 16, OPT_NONE = 1 << 21 };

/* An option's id is the place of its number; OPT_SIZE: it takes a unit. */
static const struct opt opts[] = {
	{ "resources", 'r', "FILE", "the limits as JSON, - for stdin", OPT_RESOURCES, "file" },
	{ "blkio-weight", 0, "N", "weight of block I/O", PLACE(block_io.weight), NULL },
	{ "cpu-period", 0, "US", "period of the CPU quota", PLACE(cpu.period), NULL },
	{ "cpu-quota", 0, "US", "CPU time in a period", PLACE(cpu.quota), NULL },
	{ "cpu-burst", 0, "US", "CPU time that may be saved up", PLACE(cpu.burst), NULL },
	{ "cpu-rt-period", 0, "US", "period of the real-time share", PLACE(cpu.realtime_period), NULL },
	{ "cpu-rt-runtime", 0, "US", "real-time share of a period", PLACE(cpu.realtime_runtime), NULL },
	{ "cpu-share", 0, "N", "weight of CPU time", PLACE(cpu.shares), NULL },
	{ "cpu-idle", 0, "0|1", "runs only when nobody else does", PLACE(cpu.idle), NULL },
	{ "cpuset-cpus", 0, "LIST", "CPUs to run on", PLACE(cpu.cpus), NULL },
	{ "cpuset-mems", 0, "LIST", "memory nodes", PLACE(cpu.mems), NULL },
	{ "memory", 0, "SIZE", "memory limit", PLACE(memory.limit) | OPT_SIZE, NULL },
	{ "memory-reservation", 0, "SIZE", "memory that is kept for it", PLACE(memory.reservation) | OPT_SIZE, NULL },
	{ "memory-swap", 0, "SIZE", "memory and swap together", PLACE(memory.swap) | OPT_SIZE, NULL },
	{ "kernel-memory", 0, "SIZE", "refused: kernels have no such limit any more", OPT_NONE, NULL },
	{ "kernel-memory-tcp", 0, "SIZE", "memory of TCP buffers (cgroup v1)", PLACE(memory.kernel_tcp) | OPT_SIZE, NULL },
	{ "pids-limit", 0, "N", "how many processes", PLACE(pids.limit), NULL },
	{},
};

struct asked {
	struct arena *arena;
	const char *file;
	struct oci_resources r;
};

static int take_number(struct asked *x, const struct opt *opt, const char *value, struct err *e)
{
	char **place = (char **)(void *)((char *)&x->r + (opt->id & (OPT_SIZE - 1)));
	const char *digits = value + (*value == '-');
	uint64_t number;

	if (opt->id & OPT_SIZE && *value != '-') {
		if (unit_parse_docker_size(value, &number) < 0)
			return err_new(e, ERR_USAGE, "--%s takes a size like 64m, not %.40s", opt->name, value);
		*place = arena_printf(x->arena, "%" PRIu64, number);
		return 0;
	}
	if (!str_has_prefix(opt->name, "cpuset") && unit_parse_u64(digits, 0, UINT64_MAX, &number) < 0)
		return err_new(e, ERR_USAGE, "--%s takes a number, not %.40s", opt->name, value);
	*place = arena_strdup(x->arena, value);
	return 0;
}

static int take(void *to, const struct opt *opt, const char *value, struct err *e)
{
	struct asked *x = to;

	if (opt->id == OPT_RESOURCES) {
		x->file = value;
		return 0;
	}
	if (opt->id == OPT_NONE) {
		err_new(e, ERR_USAGE, "--%s can't be set", opt->name);
		return err_because(e, "Linux has had no separate limit of kernel memory since 5.16");
	}
	return take_number(x, opt, value, e);
}

static int read_resources(struct asked *x, struct err *e)
{
	autofree char *text = NULL;
	size_t n;
	int r = strcmp(x->file, "-") == 0 ? io_read_fd(0, OCI_CONFIG_MAX_BYTES, &text, &n, e) :
					    io_read_file(AT_FDCWD, x->file, OCI_CONFIG_MAX_BYTES, &text, &n, e);

	return r < 0 ? r : oci_resources_read(x->arena, text, n, &x->r, e);
}

static int run(struct oci *o, int argc, char **argv, int *ret_code, struct err *e)
{
	struct asked x = { .arena = o->arena };
	autocontainer c = CONTAINER_NONE;
	char **words = NULL;
	int r = oci_parse(o, argc, argv, 1, 1, take, &x, &words, e);

	if (r != 0)
		return r < 0 ? r : 0;
	if ((x.file && read_resources(&x, e) < 0) || container_open(o, words[0], CONTAINER_LOCK, &c, e) < 0)
		return -e->code;
	if (c.status == OCI_STOPPED || c.status == OCI_CREATING) {
		err_new(e, ERR_STATE, "can't update %.120s", c.state.id);
		return err_because(e, "it is %s", oci_status_names[c.status]);
	}
	if (oci_cgroup_apply(&c.cgroup, &x.r, e) < 0)
		return -e->code;
	return x.r.devices.n ? oci_cgroup_limit_devices(&c.cgroup, &x.r, e) : 0;
}

const struct oci_verb oci_verb_update = {
	.name = "update", .words = "CONTAINER", .what = "Change the limits of a container", .opts = opts,
	.example = "update --memory 64m --pids-limit 100 web", .run = run,
};
