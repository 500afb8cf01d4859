/* SPDX-License-Identifier: Apache-2.0 */
/* The field tables of config.json. See oci_config.h; the reader is base/record.c's, one pass without a library. */
#include "pod/oci_config.h"

#include <errno.h>
#include <stdlib.h>

#include "base/record.h"

static const struct field id_map_fields[] = {
	FIELD(struct oci_id_map, container_id, "containerID", FIELD_U32),
	FIELD(struct oci_id_map, host_id, "hostID", FIELD_U32),
	FIELD(struct oci_id_map, size, "size", FIELD_U32),
};
static const struct field_set id_map_set = FIELD_SET("mapping", struct oci_id_map, id_map_fields);

static const struct field mount_fields[] = {
	FIELD(struct oci_mount, destination, "destination", FIELD_STR),
	FIELD(struct oci_mount, type, "type", FIELD_STR),
	FIELD(struct oci_mount, source, "source", FIELD_STR),
	FIELD(struct oci_mount, options, "options", FIELD_STRV),
	FIELD(struct oci_mount, uid_mappings, "uidMappings", FIELD_LIST, .sub = &id_map_set),
	FIELD(struct oci_mount, gid_mappings, "gidMappings", FIELD_LIST, .sub = &id_map_set),
};
static const struct field_set mount_set = FIELD_SET("mount", struct oci_mount, mount_fields);

/* ---- process ---- */

static const struct field console_fields[] = {
	FIELD(struct oci_console, height, "height", FIELD_U32),
	FIELD(struct oci_console, width, "width", FIELD_U32),
};
static const struct field_set console_set = FIELD_SET("consoleSize", struct oci_console, console_fields);

static const struct field caps_fields[] = {
	FIELD(struct oci_caps, bounding, "bounding", FIELD_STRV),
	FIELD(struct oci_caps, effective, "effective", FIELD_STRV),
	FIELD(struct oci_caps, inheritable, "inheritable", FIELD_STRV),
	FIELD(struct oci_caps, permitted, "permitted", FIELD_STRV),
	FIELD(struct oci_caps, ambient, "ambient", FIELD_STRV),
};
static const struct field_set caps_set = FIELD_SET("capabilities", struct oci_caps, caps_fields);

static const struct field rlimit_fields[] = {
	FIELD(struct oci_rlimit, type, "type", FIELD_STR),
	FIELD(struct oci_rlimit, hard, "hard", FIELD_U64),
	FIELD(struct oci_rlimit, soft, "soft", FIELD_U64),
};
static const struct field_set rlimit_set = FIELD_SET("rlimit", struct oci_rlimit, rlimit_fields);

static const struct field scheduler_fields[] = {
	FIELD(struct oci_scheduler, policy, "policy", FIELD_STR),
	FIELD(struct oci_scheduler, nice, "nice", FIELD_NUMBER),
	FIELD(struct oci_scheduler, priority, "priority", FIELD_NUMBER),
	FIELD(struct oci_scheduler, flags, "flags", FIELD_STRV),
	FIELD(struct oci_scheduler, runtime, "runtime", FIELD_U64),
	FIELD(struct oci_scheduler, deadline, "deadline", FIELD_U64),
	FIELD(struct oci_scheduler, period, "period", FIELD_U64),
};
static const struct field_set scheduler_set = FIELD_SET("scheduler", struct oci_scheduler, scheduler_fields);

#define PROCESS(member, key, kind, ...) FIELD(struct oci_process, member, key, kind, ##__VA_ARGS__)
#define PART(type, prefix, what)                                                                      \
	static const struct field_set prefix##_set = {                                               \
		.name = what, .size = sizeof(type), .fields = prefix##_fields,                        \
		.n = sizeof(prefix##_fields) / sizeof((prefix##_fields)[0])                             \
	}

/* A struct without a type of its own is read at offset 0 of the whole, with the offsets of its members there. */
#define WHOLE(key_, set) { .key = (key_), .kind = FIELD_STRUCT, .offset = 0, .sub = (set) }

static const struct field user_fields[] = {
	PROCESS(user.uid, "uid", FIELD_NUMBER),
	PROCESS(user.gid, "gid", FIELD_NUMBER),
	PROCESS(user.umask, "umask", FIELD_NUMBER),
	PROCESS(user.additional_gids, "additionalGids", FIELD_NUMV),
};
PART(struct oci_process, user, "user");
static const struct field io_priority_fields[] = {
	PROCESS(io_priority.class_name, "class", FIELD_STR),
	PROCESS(io_priority.priority, "priority", FIELD_NUMBER),
};
PART(struct oci_process, io_priority, "ioPriority");
static const struct field affinity_fields[] = {
	PROCESS(exec_cpu_affinity.initial, "initial", FIELD_STR),
	PROCESS(exec_cpu_affinity.final, "final", FIELD_STR),
};
PART(struct oci_process, affinity, "execCPUAffinity");

static const struct field process_fields[] = {
	PROCESS(terminal, "terminal", FIELD_BOOL),
	PROCESS(console_size, "consoleSize", FIELD_STRUCT, .sub = &console_set),
	WHOLE("user", &user_set),
	PROCESS(args, "args", FIELD_STRV),
	PROCESS(env, "env", FIELD_STRV),
	PROCESS(cwd, "cwd", FIELD_STR),
	PROCESS(capabilities, "capabilities", FIELD_STRUCT, .sub = &caps_set),
	PROCESS(rlimits, "rlimits", FIELD_LIST, .sub = &rlimit_set),
	PROCESS(no_new_privileges, "noNewPrivileges", FIELD_BOOL),
	PROCESS(apparmor_profile, "apparmorProfile", FIELD_STR),
	PROCESS(oom_score_adj, "oomScoreAdj", FIELD_NUMBER),
	PROCESS(selinux_label, "selinuxLabel", FIELD_STR),
	PROCESS(scheduler, "scheduler", FIELD_STRUCT, .sub = &scheduler_set),
	WHOLE("ioPriority", &io_priority_set),
	WHOLE("execCPUAffinity", &affinity_set),
};
static const struct field_set process_set = FIELD_SET("process", struct oci_process, process_fields);

static const struct field hook_fields[] = {
	FIELD(struct oci_hook, path, "path", FIELD_STR),
	FIELD(struct oci_hook, args, "args", FIELD_STRV),
	FIELD(struct oci_hook, env, "env", FIELD_STRV),
	FIELD(struct oci_hook, timeout, "timeout", FIELD_NUMBER),
};
static const struct field_set hook_set = FIELD_SET("hook", struct oci_hook, hook_fields);

/* ---- resources ---- */

static const struct field rule_fields[] = {
	FIELD(struct oci_device_rule, allow, "allow", FIELD_BOOL),
	FIELD(struct oci_device_rule, type, "type", FIELD_STR),
	FIELD(struct oci_device_rule, major, "major", FIELD_NUMBER),
	FIELD(struct oci_device_rule, minor, "minor", FIELD_NUMBER),
	FIELD(struct oci_device_rule, access, "access", FIELD_STR),
};
static const struct field_set rule_set = FIELD_SET("device rule", struct oci_device_rule, rule_fields);

#define RESOURCE(member, key, kind, ...) FIELD(struct oci_resources, member, key, kind, ##__VA_ARGS__)

static const struct field memory_fields[] = {
	RESOURCE(memory.limit, "limit", FIELD_NUMBER),
	RESOURCE(memory.reservation, "reservation", FIELD_NUMBER),
	RESOURCE(memory.swap, "swap", FIELD_NUMBER),
	RESOURCE(memory.kernel, "kernel", FIELD_NUMBER),
	RESOURCE(memory.kernel_tcp, "kernelTCP", FIELD_NUMBER),
	RESOURCE(memory.swappiness, "swappiness", FIELD_NUMBER),
	RESOURCE(memory.disable_oom_killer, "disableOOMKiller", FIELD_BOOL),
	RESOURCE(memory.check_before_update, "checkBeforeUpdate", FIELD_BOOL),
};
PART(struct oci_resources, memory, "memory");

static const struct field cpu_fields[] = {
	RESOURCE(cpu.shares, "shares", FIELD_NUMBER),
	RESOURCE(cpu.quota, "quota", FIELD_NUMBER),
	RESOURCE(cpu.burst, "burst", FIELD_NUMBER),
	RESOURCE(cpu.period, "period", FIELD_NUMBER),
	RESOURCE(cpu.realtime_runtime, "realtimeRuntime", FIELD_NUMBER),
	RESOURCE(cpu.realtime_period, "realtimePeriod", FIELD_NUMBER),
	RESOURCE(cpu.cpus, "cpus", FIELD_STR),
	RESOURCE(cpu.mems, "mems", FIELD_STR),
	RESOURCE(cpu.idle, "idle", FIELD_NUMBER),
};
PART(struct oci_resources, cpu, "cpu");

static const struct field pids_fields[] = { RESOURCE(pids.limit, "limit", FIELD_NUMBER) };
PART(struct oci_resources, pids, "pids");

static const struct field weight_fields[] = {
	FIELD(struct oci_weight_device, major, "major", FIELD_NUMBER),
	FIELD(struct oci_weight_device, minor, "minor", FIELD_NUMBER),
	FIELD(struct oci_weight_device, weight, "weight", FIELD_NUMBER),
	FIELD(struct oci_weight_device, leaf_weight, "leafWeight", FIELD_NUMBER),
};
static const struct field_set weight_set = FIELD_SET("weightDevice", struct oci_weight_device, weight_fields);

static const struct field throttle_fields[] = {
	FIELD(struct oci_throttle, major, "major", FIELD_NUMBER),
	FIELD(struct oci_throttle, minor, "minor", FIELD_NUMBER),
	FIELD(struct oci_throttle, rate, "rate", FIELD_NUMBER),
};
static const struct field_set throttle_set = FIELD_SET("throttle", struct oci_throttle, throttle_fields);

static const struct field block_io_fields[] = {
	RESOURCE(block_io.weight, "weight", FIELD_NUMBER),
	RESOURCE(block_io.leaf_weight, "leafWeight", FIELD_NUMBER),
	RESOURCE(block_io.weight_device, "weightDevice", FIELD_LIST, .sub = &weight_set),
	RESOURCE(block_io.throttle[0], "throttleReadBpsDevice", FIELD_LIST, .sub = &throttle_set),
	RESOURCE(block_io.throttle[1], "throttleWriteBpsDevice", FIELD_LIST, .sub = &throttle_set),
	RESOURCE(block_io.throttle[2], "throttleReadIOPSDevice", FIELD_LIST, .sub = &throttle_set),
	RESOURCE(block_io.throttle[3], "throttleWriteIOPSDevice", FIELD_LIST, .sub = &throttle_set),
};
PART(struct oci_resources, block_io, "blockIO");

static const struct field hugepage_fields[] = {
	FIELD(struct oci_hugepage, page_size, "pageSize", FIELD_STR),
	FIELD(struct oci_hugepage, limit, "limit", FIELD_NUMBER),
};
static const struct field_set hugepage_set = FIELD_SET("hugepageLimit", struct oci_hugepage, hugepage_fields);

static const struct field net_priority_fields[] = {
	FIELD(struct oci_net_priority, name, "name", FIELD_STR),
	FIELD(struct oci_net_priority, priority, "priority", FIELD_NUMBER),
};
static const struct field_set net_priority_set = FIELD_SET("priority", struct oci_net_priority, net_priority_fields);

static const struct field network_fields[] = {
	RESOURCE(network.class_id, "classID", FIELD_NUMBER),
	RESOURCE(network.priorities, "priorities", FIELD_LIST, .sub = &net_priority_set),
};
PART(struct oci_resources, network, "network");

static const struct field rdma_fields[] = {
	FIELD(struct oci_rdma, name, "", FIELD_STR),
	FIELD(struct oci_rdma, hca_handles, "hcaHandles", FIELD_NUMBER),
	FIELD(struct oci_rdma, hca_objects, "hcaObjects", FIELD_NUMBER),
};
static const struct field_set rdma_set = FIELD_SET("rdma", struct oci_rdma, rdma_fields);

static const struct field resources_fields[] = {
	RESOURCE(devices, "devices", FIELD_LIST, .sub = &rule_set),
	WHOLE("memory", &memory_set),
	WHOLE("cpu", &cpu_set),
	WHOLE("pids", &pids_set),
	WHOLE("blockIO", &block_io_set),
	RESOURCE(hugepage_limits, "hugepageLimits", FIELD_LIST, .sub = &hugepage_set),
	WHOLE("network", &network_set),
	RESOURCE(rdma, "rdma", FIELD_NAMED, .sub = &rdma_set),
	RESOURCE(unified, "unified", FIELD_MAP),
};
static const struct field_set resources_set = FIELD_SET("resources", struct oci_resources, resources_fields);

/* ---- linux ---- */

static const struct field namespace_fields[] = {
	FIELD(struct oci_namespace, type, "type", FIELD_STR),
	FIELD(struct oci_namespace, path, "path", FIELD_STR),
};
static const struct field_set namespace_set = FIELD_SET("namespace", struct oci_namespace, namespace_fields);

static const struct field device_fields[] = {
	FIELD(struct oci_device, type, "type", FIELD_STR),
	FIELD(struct oci_device, path, "path", FIELD_STR),
	FIELD(struct oci_device, major, "major", FIELD_NUMBER),
	FIELD(struct oci_device, minor, "minor", FIELD_NUMBER),
	FIELD(struct oci_device, file_mode, "fileMode", FIELD_NUMBER),
	FIELD(struct oci_device, uid, "uid", FIELD_NUMBER),
	FIELD(struct oci_device, gid, "gid", FIELD_NUMBER),
};
static const struct field_set device_set = FIELD_SET("device", struct oci_device, device_fields);

static const struct field net_device_fields[] = {
	FIELD(struct oci_net_device, host_name, "", FIELD_STR),
	FIELD(struct oci_net_device, name, "name", FIELD_STR),
};
static const struct field_set net_device_set = FIELD_SET("netDevice", struct oci_net_device, net_device_fields);

#define LINUX(member, key, kind, ...) FIELD(struct oci_linux, member, key, kind, ##__VA_ARGS__)

static const struct field personality_fields[] = {
	LINUX(personality.domain, "domain", FIELD_STR),
	LINUX(personality.flags, "flags", FIELD_STRV),
};
PART(struct oci_linux, personality, "personality");

static const struct field offset_fields[] = {
	FIELD(struct oci_time_offset, secs, "secs", FIELD_INT),
	FIELD(struct oci_time_offset, nanosecs, "nanosecs", FIELD_U32),
};
static const struct field_set offset_set = FIELD_SET("timeOffset", struct oci_time_offset, offset_fields);

static const struct field time_fields[] = {
	LINUX(time_offsets.monotonic, "monotonic", FIELD_STRUCT, .sub = &offset_set),
	LINUX(time_offsets.boottime, "boottime", FIELD_STRUCT, .sub = &offset_set),
};
PART(struct oci_linux, time, "timeOffsets");

static const struct field linux_fields[] = {
	LINUX(uid_mappings, "uidMappings", FIELD_LIST, .sub = &id_map_set),
	LINUX(gid_mappings, "gidMappings", FIELD_LIST, .sub = &id_map_set),
	LINUX(sysctl, "sysctl", FIELD_MAP),
	LINUX(resources, "resources", FIELD_STRUCT, .sub = &resources_set),
	LINUX(cgroups_path, "cgroupsPath", FIELD_STR),
	LINUX(namespaces, "namespaces", FIELD_LIST, .sub = &namespace_set),
	LINUX(devices, "devices", FIELD_LIST, .sub = &device_set),
	LINUX(net_devices, "netDevices", FIELD_NAMED, .sub = &net_device_set),
	LINUX(seccomp, "seccomp", FIELD_RAW),
	LINUX(rootfs_propagation, "rootfsPropagation", FIELD_STR),
	LINUX(masked_paths, "maskedPaths", FIELD_STRV),
	LINUX(readonly_paths, "readonlyPaths", FIELD_STRV),
	LINUX(mount_label, "mountLabel", FIELD_STR),
	LINUX(intel_rdt, "intelRdt", FIELD_RAW),
	LINUX(memory_policy, "memoryPolicy", FIELD_RAW),
	WHOLE("personality", &personality_set),
	WHOLE("timeOffsets", &time_set),
};
static const struct field_set linux_set = FIELD_SET("linux", struct oci_linux, linux_fields);

/* ---- the whole ---- */

#define CONFIG(member, key, kind, ...) FIELD(struct oci_config, member, key, kind, ##__VA_ARGS__)

static const struct field root_fields[] = {
	CONFIG(root.path, "path", FIELD_STR),
	CONFIG(root.readonly, "readonly", FIELD_BOOL),
};
PART(struct oci_config, root, "root");

static const struct field hooks_fields[] = {
	CONFIG(hooks[OCI_PRESTART], "prestart", FIELD_LIST, .sub = &hook_set),
	CONFIG(hooks[OCI_CREATE_RUNTIME], "createRuntime", FIELD_LIST, .sub = &hook_set),
	CONFIG(hooks[OCI_CREATE_CONTAINER], "createContainer", FIELD_LIST, .sub = &hook_set),
	CONFIG(hooks[OCI_START_CONTAINER], "startContainer", FIELD_LIST, .sub = &hook_set),
	CONFIG(hooks[OCI_POSTSTART], "poststart", FIELD_LIST, .sub = &hook_set),
	CONFIG(hooks[OCI_POSTSTOP], "poststop", FIELD_LIST, .sub = &hook_set),
};
PART(struct oci_config, hooks, "hooks");

static const struct field config_fields[] = {
	CONFIG(oci_version, "ociVersion", FIELD_STR),
	CONFIG(process, "process", FIELD_STRUCT, .sub = &process_set),
	WHOLE("root", &root_set),
	CONFIG(hostname, "hostname", FIELD_STR),
	CONFIG(domainname, "domainname", FIELD_STR),
	CONFIG(mounts, "mounts", FIELD_LIST, .sub = &mount_set),
	WHOLE("hooks", &hooks_set),
	CONFIG(annotations, "annotations", FIELD_RAW),
	CONFIG(linux_, "linux", FIELD_STRUCT, .sub = &linux_set),
	CONFIG(vm, "vm", FIELD_RAW),
};
static const struct field_set config_set = FIELD_SET("config", struct oci_config, config_fields);

int oci_config_read(struct arena *a, const char *text, size_t len, struct oci_config *ret, struct err *e)
{
	return record_read_foreign(a, &config_set, "config.json", text, len, ret, e);
}

int oci_process_read(struct arena *a, const char *text, size_t len, struct oci_process *ret, struct err *e)
{
	return record_read_foreign(a, &process_set, "the process document", text, len, ret, e);
}

int oci_resources_read(struct arena *a, const char *text, size_t len, struct oci_resources *ret, struct err *e)
{
	return record_read_foreign(a, &resources_set, "the resources document", text, len, ret, e);
}

int oci_number(const char *text, const char *field, int64_t min, int64_t max, int64_t otherwise, int64_t *ret,
	       struct err *e)
{
	char *end = NULL;

	if (!text) {
		*ret = otherwise;
		return 0;
	}
	errno = 0;
	long long value = strtoll(text, &end, 10);

	if (errno || *end || value < min || value > max) {
		err_new(e, ERR_USAGE, "%s: %.40s is out of range", field, text);
		return err_because(e, "it must be between %lld and %lld", (long long)min, (long long)max);
	}
	*ret = value;
	return 0;
}
