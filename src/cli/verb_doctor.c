/* SPDX-License-Identifier: Apache-2.0 */
/* rocket doctor: what this host can, what Rocket does where it can't, and the one step that changes it. */
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/doctor.h"
#include "cli/emit.h"
#include "cli/verbs.h"

static const char *const state_names[] = {
	[DOCTOR_OK] = "ok", [DOCTOR_LIMITED] = "limited", [DOCTOR_MISSING] = "missing",
};

static const struct doctor_check checks[] = {
	{.name = "kernel", .required = true, .probe = doctor_kernel,
	 .without = "older than 6.1 nothing is promised; older than 6.12 images are unpacked into directories",
	 .remedy = "apt install linux-image-amd64   (and reboot)"},
	{.name = "user namespaces", .required = true, .probe = doctor_userns,
	 .without = "no pod starts: every pod has ids of its own",
	 .remedy = "sysctl -w kernel.unprivileged_userns_clone=1 user.max_user_namespaces=65536"},
	{.name = "overlay", .required = true, .probe = doctor_overlay,
	 .without = "no app can write to its root; before 6.5 layers are named by path",
	 .remedy = "modprobe overlay"},
	{.name = "EROFS from files", .root_only = true, .probe = doctor_erofs,
	 .without = "an image is unpacked into a directory at its first start",
	 .remedy = "apt install -t bookworm-backports linux-image-amd64   (6.12 or newer, as root)"},
	{.name = "control groups", .required = true, .probe = doctor_cgroup,
	 .without = "version 1 costs a start some 0.5 ms, and a user's pods have no limits there",
	 .remedy = "add systemd.unified_cgroup_hierarchy=1 to the kernel's command line"},
	{.name = "controllers", .probe = doctor_controllers,
	 .without = "a limit that nothing can enforce is refused by name",
	 .remedy = "systemctl set-property user-.slice Delegate=yes   (users), or mount the hierarchy (version 1)"},
	{.name = "CLONE_INTO_CGROUP", .root_only = true, .probe = doctor_clone_into,
	 .without = "a process enters its group by itself, before it runs anything of the app",
	 .remedy = "mount -t cgroup2 none /sys/fs/cgroup/unified"},
	{.name = "seccomp", .required = true, .probe = doctor_seccomp,
	 .without = "no pod starts unless it asks for seccomp: none",
	 .remedy = "use a kernel with CONFIG_SECCOMP_FILTER"},
	{.name = "pidfd", .required = true, .probe = doctor_pidfd,
	 .without = "no pod starts: processes are waited for and signalled by pidfd",
	 .remedy = "use Linux 6.1 or newer"},
	{.name = "Landlock", .probe = doctor_landlock,
	 .without = "helpers that read hostile bytes give up their privileges by seccomp and ids alone",
	 .remedy = "add lsm=landlock,… to the kernel's command line"},
	{.name = "BPF", .root_only = true, .probe = doctor_bpf,
	 .without = "the wall stands, but refused connections are not recorded",
	 .remedy = "run as root with CAP_BPF on a kernel with CONFIG_CGROUP_BPF and CONFIG_DEBUG_INFO_BTF"},
	{.name = "store", .required = true, .probe = doctor_store,
	 .without = "on overlay and tmpfs an image is unpacked into a directory at its first start",
	 .remedy = "rocket --dir DIR …   (a directory on a disk)"},
	{.name = "id-mapped mounts", .root_only = true, .probe = doctor_idmap,
	 .without = "images, volumes and host paths of that file system can't be given to a pod",
	 .remedy = "rocket --dir DIR …   (ext4, xfs, btrfs; tmpfs since Linux 6.3)"},
	{.name = "newuidmap", .users_only = true, .probe = doctor_newuidmap,
	 .without = "an ordinary user's pod has one id",
	 .remedy = "apt install uidmap"},
	{.name = "id ranges", .users_only = true, .probe = doctor_subids,
	 .without = "an ordinary user's pod has one id: what an image gives to others is root's there, and apps run as root",
	 .remedy = "usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER"},
	{.name = "your own half", .required = true, .users_only = true, .probe = doctor_half,
	 .without = "an ordinary user's pods do not start",
	 .remedy = "sysctl -w kernel.unprivileged_userns_clone=1   (as root)"},
	{.name = "your control groups", .users_only = true, .probe = doctor_delegation,
	 .without = "an ordinary user's pods run without limits, can't be paused, and a limit that is asked for is refused",
	 .remedy = "add systemd.unified_cgroup_hierarchy=1 to the kernel's command line"},
	{.name = "pasta", .users_only = true, .probe = doctor_pasta,
	 .without = "an ordinary user's pods open no holes to the network",
	 .remedy = "apt install passt"},
};

static int take_none(void *context, const struct opt *o, const char *value, struct err *e)
{
	return 0; /* the verb has no options of its own */
}

static bool concerns_us(const struct doctor_check *c)
{
	return geteuid() == 0 ? !c->users_only : !c->root_only;
}

static void print_check(struct str *out, const struct doctor_check *c, const struct doctor_finding *f)
{
	str_addf(out, "%-19s %-8s %s\n", c->name, state_names[f->state], f->found);
	if (f->state == DOCTOR_OK)
		return;
	str_addf(out, "%28s without: %s\n%28s try: %s\n", "", c->without, "", *f->remedy ? f->remedy : c->remedy);
}

static void emit_check(struct emit *m, const struct doctor_check *c, const struct doctor_finding *f)
{
	bool ok = f->state == DOCTOR_OK;

	emit_open_map(m, NULL);
	emit_str(m, "check", c->name);
	emit_str(m, "state", state_names[f->state]);
	emit_bool(m, "required", c->required);
	emit_str(m, "found", f->found);
	emit_str(m, "without", ok ? NULL : c->without);
	emit_str(m, "try", ok ? NULL : *f->remedy ? f->remedy : c->remedy);
	emit_close(m);
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct doctor_finding found[ARRAY_SIZE(checks)] = {};
	autoemit m = emit_new(cli);
	bool document, wanting = false;
	struct err e = {};
	char **words;
	int n;

	if (cli_parse(cli, argc, argv, take_none, NULL, &words, &n, &e) < 0 || cli_check_words(cli, n, 0, 0, &e) < 0)
		return cli_fail(cli, &e);
	document = cli->output == CLI_JSON || cli->output == CLI_YAML;
	if (document)
		emit_open_list(&m, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		if (!concerns_us(&checks[i]))
			continue;
		checks[i].probe(cli, &found[i]);
		wanting |= checks[i].required && found[i].state == DOCTOR_MISSING;
		if (document)
			emit_check(&m, &checks[i], &found[i]);
		else
			print_check(&m.out, &checks[i], &found[i]);
	}
	if (document)
		emit_close(&m);
	int code = document ? emit_print(&m, cli) : cli_print(cli, m.out.text, m.out.len);

	return code ? code : wanting ? ERR_WANTING : 0;
}

const struct verb cli_verb_doctor = {
	.name = "doctor",
	.summary = "say what this host can and can't do for pods, and what to do about it",
	.usage = "[-o json]",
	.example = "rocket doctor\nrocket doctor -o json",
	.json = "check: what was looked at\nstate: ok, limited or missing\nrequired: no pod runs without it\n"
		"found: what is there\nwithout: what Rocket does then, null when ok\ntry: the step that brings it, null when ok",
	.exits = "8: something required is missing",
	.documents = true,
	.run = run,
};
