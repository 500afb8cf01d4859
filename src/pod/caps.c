/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of capabilities: name, whether an app has it by default, and whether it means anything
 * inside a user namespace. "Host only" are those that the kernel checks with capable(), against the
 * first user namespace, in everything that people ask them for; giving one of them in a pod would
 * be a promise that the kernel does not keep. Pure.
 */
#include "pod/caps.h"

#include <assert.h>
#include <linux/capability.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/str.h"

struct cap {
	const char *name;
	bool standard; /* one of the 14 */
	bool host_only;
	const char *instead; /* host only: what gives the wanted thing in a pod */
};

#define INSTEAD_RLIMIT(name) "rlimits: {" name ": …} of the app"

static const struct cap caps[] = {
	[CAP_CHOWN] = {"CHOWN", .standard = true},
	[CAP_DAC_OVERRIDE] = {"DAC_OVERRIDE", .standard = true},
	[CAP_DAC_READ_SEARCH] = {"DAC_READ_SEARCH"},
	[CAP_FOWNER] = {"FOWNER", .standard = true},
	[CAP_FSETID] = {"FSETID", .standard = true},
	[CAP_KILL] = {"KILL", .standard = true},
	[CAP_SETGID] = {"SETGID", .standard = true},
	[CAP_SETUID] = {"SETUID", .standard = true},
	[CAP_SETPCAP] = {"SETPCAP", .standard = true},
	[CAP_LINUX_IMMUTABLE] = {"LINUX_IMMUTABLE", .host_only = true},
	[CAP_NET_BIND_SERVICE] = {"NET_BIND_SERVICE", .standard = true},
	[CAP_NET_BROADCAST] = {"NET_BROADCAST"},
	[CAP_NET_ADMIN] = {"NET_ADMIN"},
	[CAP_NET_RAW] = {"NET_RAW", .standard = true},
	[CAP_IPC_LOCK] = {"IPC_LOCK", .host_only = true, .instead = INSTEAD_RLIMIT("memlock")},
	[CAP_IPC_OWNER] = {"IPC_OWNER"},
	[CAP_SYS_MODULE] = {"SYS_MODULE", .host_only = true},
	[CAP_SYS_RAWIO] = {"SYS_RAWIO", .host_only = true},
	[CAP_SYS_CHROOT] = {"SYS_CHROOT", .standard = true},
	[CAP_SYS_PTRACE] = {"SYS_PTRACE"},
	[CAP_SYS_PACCT] = {"SYS_PACCT", .host_only = true},
	[CAP_SYS_ADMIN] = {"SYS_ADMIN"},
	[CAP_SYS_BOOT] = {"SYS_BOOT", .host_only = true},
	[CAP_SYS_NICE] = {"SYS_NICE", .host_only = true, .instead = INSTEAD_RLIMIT("nice")},
	[CAP_SYS_RESOURCE] = {"SYS_RESOURCE", .host_only = true, .instead = INSTEAD_RLIMIT("NAME")},
	[CAP_SYS_TIME] = {"SYS_TIME", .host_only = true},
	[CAP_SYS_TTY_CONFIG] = {"SYS_TTY_CONFIG", .host_only = true},
	[CAP_MKNOD] = {"MKNOD", .standard = true, .host_only = true,
		       .instead = "a hole: dev:/dev/NAME"},
	[CAP_LEASE] = {"LEASE", .host_only = true},
	[CAP_AUDIT_WRITE] = {"AUDIT_WRITE", .standard = true},
	[CAP_AUDIT_CONTROL] = {"AUDIT_CONTROL", .host_only = true},
	[CAP_SETFCAP] = {"SETFCAP", .standard = true},
	[CAP_MAC_OVERRIDE] = {"MAC_OVERRIDE", .host_only = true},
	[CAP_MAC_ADMIN] = {"MAC_ADMIN", .host_only = true},
	[CAP_SYSLOG] = {"SYSLOG", .host_only = true},
	[CAP_WAKE_ALARM] = {"WAKE_ALARM", .host_only = true},
	[CAP_BLOCK_SUSPEND] = {"BLOCK_SUSPEND", .host_only = true},
	[CAP_AUDIT_READ] = {"AUDIT_READ", .host_only = true},
	[CAP_PERFMON] = {"PERFMON", .host_only = true},
	[CAP_BPF] = {"BPF", .host_only = true},
	[CAP_CHECKPOINT_RESTORE] = {"CHECKPOINT_RESTORE"},
};
static_assert(ARRAY_SIZE(caps) == CAP_LAST_CAP + 1, "one row a capability");

#define BIT(n) (UINT64_C(1) << (n))
const uint64_t caps_default = BIT(CAP_AUDIT_WRITE) | BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) |
			      BIT(CAP_FSETID) | BIT(CAP_FOWNER) | BIT(CAP_KILL) | BIT(CAP_MKNOD) |
			      BIT(CAP_NET_RAW) | BIT(CAP_NET_BIND_SERVICE) | BIT(CAP_SETUID) |
			      BIT(CAP_SETGID) | BIT(CAP_SETPCAP) | BIT(CAP_SETFCAP) |
			      BIT(CAP_SYS_CHROOT);
const uint64_t caps_all = BIT(CAP_LAST_CAP + 1) - 1;

const char *caps_name(unsigned n)
{
	return n < ARRAY_SIZE(caps) ? caps[n].name : NULL;
}

static int caps_unknown(const char *name, const char *word, struct err *e)
{
	const char *names[ARRAY_SIZE(caps) + 2] = {};
	const char *near;

	for (size_t i = 0; i < ARRAY_SIZE(caps); i++)
		names[i] = caps[i].name;
	names[ARRAY_SIZE(caps)] = "ALL";
	near = str_nearest(word, names);
	err_new(e, ERR_USAGE, "there is no capability '%.64s'", name);
	err_because(e, "the names are those of capabilities(7), with or without CAP_");
	return err_try(e, "%s", near ? near : "man 7 capabilities");
}

int caps_parse(const char *name, uint64_t *ret_set, struct err *e)
{
	const char *word = strncasecmp(name, "CAP_", 4) ? name : name + 4;
	char upper[32] = {};

	for (size_t i = 0; word[i] && i < sizeof(upper) - 1; i++)
		upper[i] = word[i] >= 'a' && word[i] <= 'z' ? (char)(word[i] - 'a' + 'A') : word[i];
	if (!strcasecmp(word, "ALL")) {
		*ret_set = caps_all;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		if (strcasecmp(caps[i].name, word))
			continue;
		*ret_set = BIT(i);
		return 0;
	}
	return caps_unknown(name, upper, e);
}

uint64_t caps_host_only(uint64_t set, const char **ret_instead)
{
	uint64_t found = 0;

	if (ret_instead)
		*ret_instead = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		if (!(set & BIT(i)) || !caps[i].host_only)
			continue;
		if (!found && ret_instead)
			*ret_instead = caps[i].instead;
		found |= BIT(i);
	}
	return found;
}
