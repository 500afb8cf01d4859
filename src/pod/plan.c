/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan as field tables: what `rocket plan` prints and what lies in a pod's directory. Keys are
 * stable; new ones may come, none changes its meaning. Pure, and free of the document libraries,
 * since the supervisor links it.
 */
#include "pod/plan.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/str.h"

const char *const distance_names[] = {"joined", "close", "apart", NULL};
const char *const restart_names[] = {"never", "on-failure", "always", NULL};
const char *const app_kind_names[] = {"app", "init", "sidecar", NULL};
const char *const ids_kind_names[] = {"range", "subids", "single", NULL};
const char *const mount_kind_names[] = {"bind", "volume", "tmpfs", "file", "link", NULL};
const char *const probe_kind_names[] = {"none", "exec", "http", "tcp", "grpc", "sleep", NULL};
const char *const file_from_names[] = {"text", "file", "env", "stdin", "credential", NULL};
const char *const hole_kind_names[] = {"in",  "in-fd", "in-pod",   "out", "path", "socket",
				       "dev", "cap",   "newprivs", "ns",  NULL};
const char *const hole_proto_names[] = {"tcp", "udp", "icmp", NULL};

static const struct field hole_fields[] = {
	FIELD(struct hole, kind, "kind", FIELD_ENUM, .names = hole_kind_names),
	FIELD(struct hole, text, "text", FIELD_STR),
	FIELD(struct hole, app, "app", FIELD_STR),
	FIELD(struct hole, why, "why", FIELD_STR),
	FIELD(struct hole, origin, "origin", FIELD_STR),
	FIELD(struct hole, addr, "addr", FIELD_STR),
	FIELD(struct hole, port, "port", FIELD_U32),
	FIELD(struct hole, port_end, "port_end", FIELD_U32),
	FIELD(struct hole, app_port, "app_port", FIELD_U32),
	FIELD(struct hole, proto, "proto", FIELD_ENUM, .names = hole_proto_names),
	FIELD(struct hole, name, "name", FIELD_STR),
	FIELD(struct hole, any_port, "any_port", FIELD_BOOL),
	FIELD(struct hole, source, "source", FIELD_STR),
	FIELD(struct hole, target, "target", FIELD_STR),
	FIELD(struct hole, writable, "writable", FIELD_BOOL),
	FIELD(struct hole, writable_is_docker, "writable_is_docker", FIELD_BOOL),
	FIELD(struct hole, access, "access", FIELD_STR),
};
const struct field_set hole_set = FIELD_SET("hole", struct hole, hole_fields);

static const struct field mount_fields[] = {
	FIELD(struct plan_mount, kind, "kind", FIELD_ENUM, .names = mount_kind_names),
	FIELD(struct plan_mount, source, "source", FIELD_STR),
	FIELD(struct plan_mount, target, "target", FIELD_STR, .required = true),
	FIELD(struct plan_mount, sub_path, "sub_path", FIELD_STR),
	FIELD(struct plan_mount, read_only, "read_only", FIELD_BOOL),
	FIELD(struct plan_mount, noexec, "noexec", FIELD_BOOL),
	FIELD(struct plan_mount, create_dir, "create_dir", FIELD_BOOL),
	FIELD(struct plan_mount, size_bytes, "size_bytes", FIELD_SIZE),
	FIELD(struct plan_mount, mode, "mode", FIELD_U32),
	FIELD(struct plan_mount, socket, "socket", FIELD_BOOL),
};
static const struct field_set mount_set = FIELD_SET("mount", struct plan_mount, mount_fields);

static const struct field device_fields[] = {
	FIELD(struct plan_device, path, "path", FIELD_STR, .required = true),
	FIELD(struct plan_device, target, "target", FIELD_STR, .required = true),
	FIELD(struct plan_device, major, "major", FIELD_U32),
	FIELD(struct plan_device, minor, "minor", FIELD_U32),
	FIELD(struct plan_device, block, "block", FIELD_BOOL),
	FIELD(struct plan_device, access, "access", FIELD_STR),
};
static const struct field_set device_set = FIELD_SET("device", struct plan_device, device_fields);

static const struct field io_fields[] = {
	FIELD(struct plan_io, device, "device", FIELD_STR, .required = true),
	FIELD(struct plan_io, major, "major", FIELD_U32),
	FIELD(struct plan_io, minor, "minor", FIELD_U32),
	FIELD(struct plan_io, read_bps, "read_bps", FIELD_U64),
	FIELD(struct plan_io, write_bps, "write_bps", FIELD_U64),
	FIELD(struct plan_io, read_iops, "read_iops", FIELD_U64),
	FIELD(struct plan_io, write_iops, "write_iops", FIELD_U64),
};
static const struct field_set io_set = FIELD_SET("io", struct plan_io, io_fields);

static const struct field hugepages_fields[] = {
	FIELD(struct plan_hugepages, size, "size", FIELD_STR, .required = true),
	FIELD(struct plan_hugepages, bytes, "bytes", FIELD_SIZE),
};
static const struct field_set hugepages_set =
	FIELD_SET("hugepages", struct plan_hugepages, hugepages_fields);

static const struct field limits_fields[] = {
	FIELD(struct plan_limits, memory_bytes, "memory_bytes", FIELD_SIZE),
	FIELD(struct plan_limits, memory_request_bytes, "memory_request_bytes", FIELD_SIZE),
	FIELD(struct plan_limits, swap_bytes, "swap_bytes", FIELD_SIZE),
	FIELD(struct plan_limits, swap_unlimited, "swap_unlimited", FIELD_BOOL),
	FIELD(struct plan_limits, cpus_milli, "cpus_milli", FIELD_CPUS),
	FIELD(struct plan_limits, cpu_shares, "cpu_shares", FIELD_U32),
	FIELD(struct plan_limits, cpuset, "cpuset", FIELD_STR),
	FIELD(struct plan_limits, pids, "pids", FIELD_U32),
	FIELD(struct plan_limits, io_weight, "io_weight", FIELD_U32),
	FIELD(struct plan_limits, cpuset_mems, "cpuset_mems", FIELD_STR),
	FIELD(struct plan_limits, io, "io", FIELD_LIST, .sub = &io_set),
	FIELD(struct plan_limits, hugepages, "hugepages", FIELD_LIST, .sub = &hugepages_set),
	FIELD(struct plan_limits, files, "files", FIELD_MAP),
};
static const struct field_set limits_set = FIELD_SET("limits", struct plan_limits, limits_fields);

static const struct field rlimit_fields[] = {
	FIELD(struct plan_rlimit, name, "name", FIELD_STR, .required = true),
	FIELD(struct plan_rlimit, soft, "soft", FIELD_U64),
	FIELD(struct plan_rlimit, hard, "hard", FIELD_U64),
};
static const struct field_set rlimit_set = FIELD_SET("rlimit", struct plan_rlimit, rlimit_fields);

static const struct field probe_fields[] = {
	FIELD(struct plan_probe, kind, "kind", FIELD_ENUM, .names = probe_kind_names),
	FIELD(struct plan_probe, exec, "exec", FIELD_STRV),
	FIELD(struct plan_probe, port, "port", FIELD_U32),
	FIELD(struct plan_probe, path, "path", FIELD_STR),
	FIELD(struct plan_probe, headers, "headers", FIELD_STRV),
	FIELD(struct plan_probe, every_ns, "every_ns", FIELD_TIME),
	FIELD(struct plan_probe, timeout_ns, "timeout_ns", FIELD_TIME),
	FIELD(struct plan_probe, delay_ns, "delay_ns", FIELD_TIME),
	FIELD(struct plan_probe, successes, "successes", FIELD_U32),
	FIELD(struct plan_probe, failures, "failures", FIELD_U32),
};
static const struct field_set probe_set = FIELD_SET("probe", struct plan_probe, probe_fields);

static const struct field app_fields[] = {
	FIELD(struct plan_app, name, "name", FIELD_STR, .required = true),
	FIELD(struct plan_app, image, "image", FIELD_STR),
	FIELD(struct plan_app, image_digest, "image_digest", FIELD_STR),
	FIELD(struct plan_app, view, "view", FIELD_STR),
	FIELD(struct plan_app, distance, "distance", FIELD_ENUM, .names = distance_names),
	FIELD(struct plan_app, hostname, "hostname", FIELD_STR),
	FIELD(struct plan_app, kind, "kind", FIELD_ENUM, .names = app_kind_names),
	FIELD(struct plan_app, argv, "argv", FIELD_STRV),
	FIELD(struct plan_app, env, "env", FIELD_STRV),
	FIELD(struct plan_app, workdir, "workdir", FIELD_STR),
	FIELD(struct plan_app, uid, "uid", FIELD_U32),
	FIELD(struct plan_app, gid, "gid", FIELD_U32),
	FIELD(struct plan_app, groups, "groups", FIELD_STRV),
	FIELD(struct plan_app, caps, "caps", FIELD_U64),
	FIELD(struct plan_app, new_privs, "new_privs", FIELD_BOOL),
	FIELD(struct plan_app, seccomp, "seccomp", FIELD_STR),
	FIELD(struct plan_app, read_only, "read_only", FIELD_BOOL),
	FIELD(struct plan_app, tty, "tty", FIELD_BOOL),
	FIELD(struct plan_app, stdin_open, "stdin", FIELD_BOOL),
	FIELD(struct plan_app, init, "init", FIELD_BOOL),
	FIELD(struct plan_app, tz, "tz", FIELD_STR),
	FIELD(struct plan_app, oom_score, "oom_score", FIELD_INT),
	FIELD(struct plan_app, restart, "restart", FIELD_ENUM, .names = restart_names),
	FIELD(struct plan_app, stop_signal, "stop_signal", FIELD_U32),
	FIELD(struct plan_app, stop_grace_ns, "stop_grace_ns", FIELD_TIME),
	FIELD(struct plan_app, limits, "limits", FIELD_STRUCT, .sub = &limits_set),
	FIELD(struct plan_app, mounts, "mounts", FIELD_LIST, .sub = &mount_set),
	FIELD(struct plan_app, devices, "devices", FIELD_LIST, .sub = &device_set),
	FIELD(struct plan_app, rlimits, "rlimits", FIELD_LIST, .sub = &rlimit_set),
	FIELD(struct plan_app, labels, "labels", FIELD_MAP),
	FIELD(struct plan_app, log_bytes, "log_bytes", FIELD_SIZE),
	FIELD(struct plan_app, log_files, "log_files", FIELD_U32),
	FIELD(struct plan_app, pre_start, "pre_start", FIELD_STRV),
	FIELD(struct plan_app, post_stop, "post_stop", FIELD_STRV),
	FIELD(struct plan_app, ready, "ready", FIELD_STRUCT, .sub = &probe_set),
	FIELD(struct plan_app, alive, "alive", FIELD_STRUCT, .sub = &probe_set),
	FIELD(struct plan_app, started, "started", FIELD_STRUCT, .sub = &probe_set),
	FIELD(struct plan_app, post_start, "post_start", FIELD_STRUCT, .sub = &probe_set),
	FIELD(struct plan_app, pre_stop, "pre_stop", FIELD_STRUCT, .sub = &probe_set),
	FIELD(struct plan_app, beside, "beside", FIELD_STR),
	FIELD(struct plan_app, after, "after", FIELD_STRV),
};
const struct field_set plan_app_set = FIELD_SET("app", struct plan_app, app_fields);

static const struct field volume_fields[] = {
	FIELD(struct plan_volume, name, "name", FIELD_STR, .required = true),
	FIELD(struct plan_volume, keep, "keep", FIELD_BOOL),
	FIELD(struct plan_volume, tmpfs, "tmpfs", FIELD_BOOL),
	FIELD(struct plan_volume, size_bytes, "size_bytes", FIELD_SIZE),
	FIELD(struct plan_volume, image, "image", FIELD_STR),
	FIELD(struct plan_volume, image_digest, "image_digest", FIELD_STR),
	FIELD(struct plan_volume, view, "view", FIELD_STR),
	FIELD(struct plan_volume, fill_view, "fill_view", FIELD_STR),
	FIELD(struct plan_volume, fill_path, "fill_path", FIELD_STR),
	FIELD(struct plan_volume, from_image, "from_image", FIELD_BOOL),
	FIELD(struct plan_volume, from_link, "from_link", FIELD_BOOL),
	FIELD(struct plan_volume, uid, "uid", FIELD_U32),
	FIELD(struct plan_volume, gid, "gid", FIELD_U32),
	FIELD(struct plan_volume, mode, "mode", FIELD_U32),
};
const struct field_set plan_volume_set = FIELD_SET("volume", struct plan_volume, volume_fields);

static const struct field file_fields[] = {
	FIELD(struct plan_file, name, "name", FIELD_STR, .required = true),
	FIELD(struct plan_file, from, "from", FIELD_ENUM, .names = file_from_names),
	FIELD(struct plan_file, source, "source", FIELD_STR),
	FIELD(struct plan_file, base64, "base64", FIELD_BOOL),
	FIELD(struct plan_file, secret, "secret", FIELD_BOOL),
	FIELD(struct plan_file, mode, "mode", FIELD_U32),
	FIELD(struct plan_file, uid, "uid", FIELD_U32),
	FIELD(struct plan_file, gid, "gid", FIELD_U32),
};
const struct field_set plan_file_set = FIELD_SET("file", struct plan_file, file_fields);

static const struct field ids_fields[] = {
	FIELD(struct plan_ids, base, "base", FIELD_U32),
	FIELD(struct plan_ids, count, "count", FIELD_U32),
	FIELD(struct plan_ids, kind, "kind", FIELD_ENUM, .names = ids_kind_names),
	FIELD(struct plan_ids, user, "user", FIELD_U32),
	FIELD(struct plan_ids, group, "group", FIELD_U32),
	FIELD(struct plan_ids, sub_uid, "sub_uid", FIELD_U32),
	FIELD(struct plan_ids, sub_gid, "sub_gid", FIELD_U32),
};
static const struct field_set ids_set = FIELD_SET("ids", struct plan_ids, ids_fields);

static const struct field plan_fields[] = {
	FIELD(struct plan, id, "id", FIELD_STR, .required = true),
	FIELD(struct plan, name, "name", FIELD_STR, .required = true),
	FIELD(struct plan, hostname, "hostname", FIELD_STR),
	FIELD(struct plan, created_ns, "created_ns", FIELD_INT),
	FIELD(struct plan, boot_id, "boot_id", FIELD_STR),
	FIELD(struct plan, exit, "exit", FIELD_STR),
	FIELD(struct plan, distance, "distance", FIELD_ENUM, .names = distance_names),
	FIELD(struct plan, ids, "ids", FIELD_STRUCT, .sub = &ids_set),
	FIELD(struct plan, shm_bytes, "shm_bytes", FIELD_SIZE),
	FIELD(struct plan, limits, "limits", FIELD_STRUCT, .sub = &limits_set),
	FIELD(struct plan, sysctls, "sysctls", FIELD_MAP),
	FIELD(struct plan, dns, "dns", FIELD_STRV),
	FIELD(struct plan, dns_search, "dns_search", FIELD_STRV),
	FIELD(struct plan, dns_options, "dns_options", FIELD_STRV),
	FIELD(struct plan, hosts, "hosts", FIELD_STRV),
	FIELD(struct plan, host_net, "host_net", FIELD_BOOL),
	FIELD(struct plan, host_ipc, "host_ipc", FIELD_BOOL),
	FIELD(struct plan, host_pid, "host_pid", FIELD_BOOL),
	FIELD(struct plan, remove, "remove", FIELD_BOOL),
	FIELD(struct plan, learn, "learn", FIELD_BOOL),
	FIELD(struct plan, cgroup, "cgroup", FIELD_STR),
	FIELD(struct plan, apps, "apps", FIELD_LIST, .sub = &plan_app_set),
	FIELD(struct plan, volumes, "volumes", FIELD_LIST, .sub = &plan_volume_set),
	FIELD(struct plan, files, "files", FIELD_LIST, .sub = &plan_file_set),
	FIELD(struct plan, holes, "holes", FIELD_LIST, .sub = &hole_set),
	FIELD(struct plan, links, "links", FIELD_LIST, .sub = &link_set),
	FIELD(struct plan, labels, "labels", FIELD_MAP),
	FIELD(struct plan, deadline_ns, "deadline_ns", FIELD_TIME),
};
const struct field_set plan_set = FIELD_SET("plan", struct plan, plan_fields);

struct plan_app *plan_find_app(const struct plan *p, const char *name)
{
	for (size_t i = 0; i < p->apps.n; i++)
		if (!strcmp(p->apps.v[i].name, name))
			return &p->apps.v[i];
	return NULL;
}

static bool is_apart(const struct plan_app *app)
{
	return app->distance == DISTANCE_APART;
}

static bool has_near(const struct plan *p)
{
	for (size_t i = 0; i < p->apps.n; i++)
		if (!is_apart(&p->apps.v[i]))
			return true;
	return false;
}

size_t plan_circle(const struct plan *p, const struct plan_app *app)
{
	size_t n = has_near(p) ? 1 : 0;

	if (!is_apart(app))
		return 0;
	for (size_t i = 0; i < p->apps.n && &p->apps.v[i] != app; i++)
		n += is_apart(&p->apps.v[i]);
	return n;
}

size_t plan_circles(const struct plan *p)
{
	size_t n = has_near(p) ? 1 : 0;

	for (size_t i = 0; i < p->apps.n; i++)
		n += is_apart(&p->apps.v[i]);
	return n;
}

bool plan_reaches(const struct plan *p, size_t circle, const struct plan_app *to)
{
	for (size_t i = 0; i < p->links.n; i++) {
		const struct link *l = &p->links.v[i];
		const struct plan_app *from;

		if (!link_is_open(l) || (l->kind != LINK_TCP && l->kind != LINK_UDP) || !str_equal(l->to, to->name))
			continue;
		from = plan_find_app(p, l->from);
		if (from && plan_circle(p, from) == circle)
			return true;
	}
	return false;
}

uint32_t plan_address(const struct plan *p, const struct plan_app *app)
{
	enum { FIRST = 0x7f4d0000 }; /* 127.77.0.0 */

	return htonl(FIRST + (uint32_t)(app - p->apps.v) + 1);
}
