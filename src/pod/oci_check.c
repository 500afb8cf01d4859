/* SPDX-License-Identifier: Apache-2.0 */
/* What an OCI config must not say, field by field, before anything of the host is touched. runtime-spec, config*.md. */
#include <linux/sched.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "pod/oci_plan.h"

static const struct {
	const char *type;
	uint64_t flag;
} namespaces[] = {
	{ "cgroup", CLONE_NEWCGROUP }, { "ipc", CLONE_NEWIPC },	    { "mount", CLONE_NEWNS }, { "network", CLONE_NEWNET },
	{ "pid", CLONE_NEWPID },       { "time", CLONE_NEWTIME }, { "user", CLONE_NEWUSER },  { "uts", CLONE_NEWUTS },
};

const char *const oci_namespace_types[] = { "cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts", NULL };

uint64_t oci_namespace_flag(const char *type)
{
	for (size_t i = 0; type && i < ARRAY_SIZE(namespaces); i++)
		if (strcmp(namespaces[i].type, type) == 0)
			return namespaces[i].flag;
	return 0;
}

static bool is_absolute(const char *path)
{
	return path && *path == '/';
}

static int bad(struct err *e, const char *field, const char *why)
{
	err_new(e, ERR_USAGE, "config.json: %s is no good", field);
	return err_because(e, "%s", why);
}

static int check_version(const struct oci_config *c, struct err *e)
{
	if (!c->oci_version)
		return bad(e, "ociVersion", "it is missing");
	if (str_has_prefix(c->oci_version, "1."))
		return 0;
	err_new(e, ERR_USAGE, "config.json: ociVersion %.40s is not supported", c->oci_version);
	return err_because(e, "this runtime knows 1.0 to 1.3");
}

static int check_process(const struct oci_config *c, struct err *e)
{
	const struct oci_process *p = &c->process;

	if (!p->args || !*p->args)
		return bad(e, "process.args", "it is missing or empty: there is nothing to run");
	if (p->cwd && *p->cwd && !is_absolute(p->cwd))
		return bad(e, "process.cwd", "it must be an absolute path");
	if (!p->cwd || !*p->cwd)
		return bad(e, "process.cwd", "it is missing");
	for (size_t i = 0; i < p->rlimits.n; i++)
		for (size_t k = 0; k < i; k++)
			if (str_equal(p->rlimits.v[i].type, p->rlimits.v[k].type))
				return bad(e, "process.rlimits", "one type is given twice");
	return 0;
}

static bool has_namespace(const struct oci_config *c, const char *type)
{
	for (size_t i = 0; i < c->linux_.namespaces.n; i++)
		if (str_equal(c->linux_.namespaces.v[i].type, type))
			return true;
	return false;
}

static int check_namespaces(const struct oci_config *c, struct err *e)
{
	uint64_t seen = 0;

	for (size_t i = 0; i < c->linux_.namespaces.n; i++) {
		const struct oci_namespace *n = &c->linux_.namespaces.v[i];
		uint64_t flag = oci_namespace_flag(n->type);

		if (!flag) {
			err_new(e, ERR_USAGE, "config.json: there is no namespace of type %.40s", n->type ?: "(none)");
			return err_because(e, "cgroup ipc mount network pid time user uts are the types");
		}
		if (seen & flag)
			return bad(e, "linux.namespaces", "one type is given twice");
		if (n->path && *n->path && !is_absolute(n->path))
			return bad(e, "linux.namespaces", "a path must be absolute");
		seen |= flag;
	}
	return 0;
}

static int check_maps(const struct oci_config *c, struct err *e)
{
	bool fresh = false, own = false;

	for (size_t i = 0; i < c->linux_.namespaces.n; i++) {
		const struct oci_namespace *n = &c->linux_.namespaces.v[i];

		if (oci_namespace_flag(n->type) != CLONE_NEWUSER)
			continue;
		own = true;
		fresh = !n->path || !*n->path;
	}
	if (fresh && (c->linux_.uid_mappings.n == 0 || c->linux_.gid_mappings.n == 0))
		return bad(e, "linux.uidMappings", "a user namespace of its own needs uidMappings and gidMappings");
	if (!own && (c->linux_.uid_mappings.n || c->linux_.gid_mappings.n))
		return bad(e, "linux.uidMappings", "there is no user namespace to map ids in");
	if (c->linux_.uid_mappings.n > 340 || c->linux_.gid_mappings.n > 340)
		return bad(e, "linux.uidMappings", "the kernel takes at most 340 ranges");
	return 0;
}

/* Which namespace keeps a sysctl from the host. */
static const char *sysctl_namespace(const char *key)
{
	static const char *const uts[] = { "kernel.domainname=", "kernel.hostname=" };
	static const char *const ipc[] = { "kernel.msgmax=", "kernel.msgmnb=", "kernel.msgmni=", "kernel.sem=",
					   "kernel.shmall=", "kernel.shmmax=", "kernel.shmmni=",
					   "kernel.shm_rmid_forced=", "fs.mqueue." };

	if (str_has_prefix(key, "net.") || str_has_prefix(key, "net/"))
		return "network";
	for (size_t i = 0; i < ARRAY_SIZE(uts); i++)
		if (str_has_prefix(key, uts[i]))
			return "uts";
	for (size_t i = 0; i < ARRAY_SIZE(ipc); i++)
		if (str_has_prefix(key, ipc[i]))
			return "ipc";
	return str_has_prefix(key, "user.") ? "user" : NULL;
}

static int check_sysctls(const struct oci_config *c, struct err *e)
{
	for (char **s = c->linux_.sysctl; s && *s; s++) {
		const char *type = sysctl_namespace(*s);

		if (strstr(*s, "..") || **s == '/' || **s == '.')
			return bad(e, "linux.sysctl", "that is no name of a sysctl");
		if (type && has_namespace(c, type))
			continue;
		err_new(e, ERR_USAGE, "config.json: linux.sysctl %.120s would change the host", *s);
		if (type)
			return err_because(e, "it belongs to the %s namespace, which the container shares with the host", type);
		return err_because(e, "it belongs to no namespace");
	}
	return 0;
}

static int check_devices(const struct oci_config *c, struct err *e)
{
	for (size_t i = 0; i < c->linux_.devices.n; i++) {
		const struct oci_device *d = &c->linux_.devices.v[i];

		if (!is_absolute(d->path))
			return bad(e, "linux.devices", "a path is missing or not absolute");
		if (!d->type || strlen(d->type) != 1 || !strchr("cubp", *d->type))
			return bad(e, "linux.devices", "a type is none of c, u, b and p");
		if (*d->type != 'p' && (!d->major || !d->minor))
			return bad(e, "linux.devices", "major and minor are needed");
		for (size_t k = 0; k < i; k++)
			if (strcmp(d->path, c->linux_.devices.v[k].path) == 0 &&
			    (!str_equal(d->type, c->linux_.devices.v[k].type) ||
			     !str_equal(d->major, c->linux_.devices.v[k].major) ||
			     !str_equal(d->minor, c->linux_.devices.v[k].minor)))
				return bad(e, "linux.devices", "one path is given to two devices");
	}
	return 0;
}

static int check_hooks(const struct oci_config *c, struct err *e)
{
	for (int kind = 0; kind < OCI_HOOKS; kind++)
		for (size_t i = 0; i < c->hooks[kind].n; i++) {
			const struct oci_hook *h = &c->hooks[kind].v[i];
			int64_t seconds;

			if (!is_absolute(h->path))
				return bad(e, "hooks", "a hook's path is missing or not absolute");
			if (oci_number(h->timeout, "config.json: hooks: timeout", 1, 1 << 30, 1, &seconds, e) < 0)
				return -e->code;
		}
	return 0;
}

static int check_paths(const char *field, char *const *paths, struct err *e)
{
	for (; paths && *paths; paths++)
		if (!is_absolute(*paths))
			return bad(e, field, "a path is not absolute");
	return 0;
}

static int check_linux(const struct oci_config *c, struct err *e)
{
	const struct oci_linux *l = &c->linux_;
	bool recursive;

	if (check_paths("linux.maskedPaths", l->masked_paths, e) < 0 ||
	    check_paths("linux.readonlyPaths", l->readonly_paths, e) < 0)
		return -e->code;
	if (l->rootfs_propagation && *l->rootfs_propagation && !oci_propagation(l->rootfs_propagation, &recursive))
		return bad(e, "linux.rootfsPropagation", "it is none of private, shared, slave and unbindable");
	if (l->intel_rdt && strcmp(l->intel_rdt, "{}") != 0)
		return bad(e, "linux.intelRdt", "Rocket does not manage cache and memory bandwidth: leave it out");
	if (c->hostname && *c->hostname && !has_namespace(c, "uts"))
		return bad(e, "hostname", "without a uts namespace it would change the host's");
	if (c->domainname && *c->domainname && !has_namespace(c, "uts"))
		return bad(e, "domainname", "without a uts namespace it would change the host's");
	if (l->net_devices.n)
		return bad(e, "linux.netDevices", "this runtime moves no interfaces of the host: leave it out");
	if (l->memory_policy && strcmp(l->memory_policy, "{}") != 0)
		return bad(e, "linux.memoryPolicy", "this runtime sets no memory policy: leave it out");
	if (!has_namespace(c, "mount") && (c->mounts.n || l->masked_paths || l->readonly_paths || c->root.readonly))
		return bad(e, "mounts", "without a mount namespace they would change the host's");
	return 0;
}

int oci_check_config(const struct oci_config *c, struct err *e)
{
	static int (*const checks[])(const struct oci_config *c, struct err *e) = {
		check_version, check_process, check_namespaces, check_maps, check_sysctls, check_devices, check_hooks,
		check_linux,
	};

	if (!c->root.path || !*c->root.path)
		return bad(e, "root.path", "it is missing");
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
		if (checks[i](c, e) < 0)
			return -e->code;
	return 0;
}
