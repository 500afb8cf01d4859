/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rocket convert: a pod in the words of another system. To systemd it becomes a unit that runs the pod's
 * manifest in the foreground: the supervisor is the unit's main process, tells systemd when the pod is
 * ready, and stops it in order; a crash and a reboot are then systemd's business.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/path.h"
#include "base/str.h"
#include "cli/convert.h"
#include "cli/convert_lxc.h"
#include "cli/pod_look.h"
#include "cli/verbs.h"
#include "pod/manifest_write.h"

enum { OPT_TO = 1, OPT_INSTALL, OPT_MANIFEST, OPT_FROM, OPT_LOSSY };

#define GRACE_EXTRA_S 5 /* for what the supervisor does when the apps are down */
#define NS_PER_S 1000000000

static const struct opt options[] = {
	{"to", 0, "SYSTEM", "systemd or kubernetes", OPT_TO, "systemd|kubernetes"},
	{"from", 0, "SYSTEM", "docker-run (the words behind -- are a docker command line) or lxc (a container's config): a manifest is printed", OPT_FROM, "docker-run|lxc"},
	{"lossy", 0, NULL, "take it though something can't be carried over; what, is said in any case", OPT_LOSSY, NULL},
	{"install", 0, NULL, "write the unit and the pod's manifest where systemd and Rocket keep them", OPT_INSTALL, NULL},
	{"manifest", 0, "FILE", "run this manifest instead of one that --install writes", OPT_MANIFEST, "file"},
	{},
};

struct conversion {
	bool to_systemd, to_kubernetes, from_docker, from_lxc, install, lossy;
	const char *manifest;
};

static int take_system(struct conversion *c, const char *value, struct err *e)
{
	c->to_systemd = strcmp(value, "systemd") == 0;
	c->to_kubernetes = strcmp(value, "kubernetes") == 0;
	if (c->to_systemd || c->to_kubernetes)
		return 0;
	err_new(e, ERR_USAGE, "this version does not convert to %.60s", value);
	err_because(e, "it converts to systemd and to kubernetes");
	return err_try(e, "rocket convert --to systemd POD");
}

static int take_origin(struct conversion *c, const char *value, struct err *e)
{
	c->from_docker = strcmp(value, "docker-run") == 0;
	c->from_lxc = strcmp(value, "lxc") == 0;
	if (c->from_docker || c->from_lxc)
		return 0;
	err_new(e, ERR_USAGE, "this version does not convert from %.60s", value);
	err_because(e, "it converts from docker-run and lxc; Kubernetes' and appc's manifests are read as they are (-f)");
	return err_try(e, "rocket convert --from docker-run -- -p 8080:80 nginx, or --from lxc /var/lib/lxc/NAME/config");
}

static int take(void *context, const struct opt *o, const char *value, struct err *e)
{
	struct conversion *c = context;

	switch (o->id) {
	case OPT_TO:
		return take_system(c, value, e);
	case OPT_FROM:
		return take_origin(c, value, e);
	case OPT_LOSSY:
		c->lossy = true;
		return 0;
	case OPT_INSTALL:
		c->install = true;
		return 0;
	default:
		c->manifest = value;
		return 0;
	}
}

/* systemd expands %, $ and its quoting (systemd.service(5)); a word with any of it stands in quotes. */
static void add_word(struct str *out, const char *word)
{
	str_add(out, " \"");
	for (; *word; word++) {
		if (*word == '%' || *word == '$')
			str_add_char(out, *word);
		if (*word == '"' || *word == '\\')
			str_add_char(out, '\\');
		str_add_char(out, *word);
	}
	str_add_char(out, '"');
}

/* The apps stop one after the other; each may take its grace. */
static long long stop_seconds(const struct plan *p)
{
	int64_t sum = 0;

	for (size_t i = 0; i < p->apps.n; i++)
		sum += p->apps.v[i].stop_grace_ns / NS_PER_S + 1;
	return (long long)sum + GRACE_EXTRA_S;
}

/* Secrets that are systemd's credentials: found by their names in its own folders (systemd.exec(5), LoadCredential=). */
static void add_credentials(struct str *out, const struct plan *p)
{
	for (size_t i = 0; i < p->files.n; i++) {
		autostr line = {};

		if (p->files.v[i].from != FILE_CREDENTIAL)
			continue;
		str_addf(&line, "LoadCredential=%s\n", p->files.v[i].source);
		if (!strstr(str_text(out), str_text(&line)))
			str_add(out, str_text(&line));
	}
}

static void add_unit(struct str *out, const struct cli *cli, const struct pod_look *p, const char *program,
		     const char *manifest)
{
	bool usual = geteuid() == 0 && strcmp(cli->dir, "/var/lib/rocket") == 0;
	autostr credentials = {};

	add_credentials(&credentials, &p->plan);

	str_addf(out,
		 "# Runs the pod %s; its manifest: rocket manifest %s > %s\n"
		 "[Unit]\n"
		 "Description=Rocket pod %s\n"
		 "Documentation=man:rocket-run(1)\n"
		 "Wants=network-online.target\n"
		 "After=network-online.target\n"
		 "\n"
		 "[Service]\n"
		 "Type=notify\n"
		 "NotifyAccess=main\n"
		 "ExecStart=%s",
		 p->plan.name, p->plan.name, manifest, p->plan.name, program);
	if (!usual) {
		add_word(out, "--dir");
		add_word(out, cli->dir);
	}
	str_add(out, " run --quiet -f");
	add_word(out, manifest);
	str_addf(out,
		 "\n"
		 "Delegate=yes\n"
		 "KillMode=mixed\n"
		 "%s"
		 "TimeoutStopSec=%lld\n"
		 "Restart=on-failure\n"
		 "RestartSec=1\n"
		 "\n"
		 "[Install]\n"
		 "WantedBy=%s\n",
		 str_text(&credentials), stop_seconds(&p->plan), geteuid() == 0 ? "multi-user.target" : "default.target");
}

static int own_path(struct arena *a, const char **ret, struct err *e)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n < 0)
		return err_errno(e, "cannot tell where rocket lies");
	path[n] = 0;
	*ret = arena_strdup(a, path);
	return 0;
}

/* Where root's units and manifests lie, or this user's. */
static int config_dir(struct arena *a, const char *root_dir, const char *below, const char **ret, struct err *e)
{
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (geteuid() == 0)
		*ret = root_dir;
	else if (xdg && xdg[0] == '/')
		*ret = arena_printf(a, "%s/%s", xdg, below);
	else if (home && home[0] == '/')
		*ret = arena_printf(a, "%s/.config/%s", home, below);
	else
		return err_new(e, ERR_USAGE, "neither XDG_CONFIG_HOME nor HOME is an absolute path");
	return 0;
}

static int write_file(const char *dir, const char *name, const struct str *text, struct err *e)
{
	if (io_mkdir_p(AT_FDCWD, dir, 0755, e) < 0)
		return -e->code;
	autoclose int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(e, "cannot open %s", dir);
	return io_write_file_atomic(fd, name, text->text, text->len, 0644, IO_SYNC, e);
}

/* Lets a systemd that runs see the new unit; on a host without one the file alone is the result. */
static void reload_systemd(const struct cli *cli)
{
	char systemctl[] = "systemctl", user[] = "--user", reload[] = "daemon-reload";
	char *as_root[] = {systemctl, reload, NULL}, *as_user[] = {systemctl, user, reload, NULL};
	pid_t pid;

	if (access("/run/systemd/system", F_OK) < 0 ||
	    posix_spawnp(&pid, systemctl, NULL, NULL, geteuid() == 0 ? as_root : as_user, environ) != 0)
		return;
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (status)
		cli_say(cli, "systemctl daemon-reload did not work; run it before you start the unit");
}

static int install(const struct cli *cli, const struct pod_look *p, const struct conversion *c, const struct str *unit,
		   const char *manifest_dir, struct err *e)
{
	autostr manifest = {};
	const char *units = NULL;
	const char *name = arena_printf(cli->arena, "rocket-%s.service", p->plan.name);

	if (config_dir(cli->arena, "/etc/systemd/system", "systemd/user", &units, e) < 0)
		return -e->code;
	manifest_write(&manifest, &p->plan);
	if (!c->manifest &&
	    write_file(manifest_dir, arena_printf(cli->arena, "%s.yaml", p->plan.name), &manifest, e) < 0)
		return -e->code;
	if (write_file(units, name, unit, e) < 0)
		return -e->code;
	reload_systemd(cli);
	cli_say(cli, "written: %s/%s", units, name);
	cli_say(cli, "now: rocket rm -f %s && systemctl %senable --now rocket-%s", p->plan.name,
		geteuid() == 0 ? "" : "--user ", p->plan.name);
	return 0;
}

static int convert(struct cli *cli, const struct conversion *c, const char *word, struct err *e)
{
	autostate s = {-1, -1};
	autolook p = POD_LOOK_NONE;
	autostr unit = {};
	const char *program = NULL, *dir = NULL, *manifest = c->manifest;

	if (pod_look_state(cli, &s, e) < 0 || pod_look_open_pod(cli, &s, word, &p, e) < 0 ||
	    own_path(cli->arena, &program, e) < 0 || config_dir(cli->arena, "/etc/rocket/pods", "rocket/pods", &dir, e) < 0)
		return -e->code;
	/* The unit runs in another directory. */
	autofree char *absolute = manifest ? realpath(manifest, NULL) : NULL;

	if (manifest && !absolute)
		return err_errno(e, "cannot find the manifest %s", manifest);
	manifest = absolute;
	if (!manifest)
		manifest = arena_printf(cli->arena, "%s/%s.yaml", dir, p.plan.name);
	add_unit(&unit, cli, &p, program, manifest);
	if (c->install)
		return install(cli, &p, c, &unit, dir, e);
	return cli_print(cli, unit.text, unit.len);
}

/* What has no place in the other system's words, one line each; 1 when that matters. */
static int tell_lost(const struct cli *cli, const struct conversion *c, const struct str *lost)
{
	if (!lost->len)
		return 0;
	cli_say(cli, "lost:");
	(void)!io_write_all(STDERR_FILENO, lost->text, lost->len);
	if (c->lossy)
		return 0;
	cli_say(cli, "--lossy takes it as it is");
	return ERR_FAILED;
}

static int to_kubernetes(struct cli *cli, const struct conversion *c, const char *word, struct err *e)
{
	autostate s = {-1, -1};
	autolook p = POD_LOOK_NONE;
	autostr out = {}, lost = {};

	if (pod_look_state(cli, &s, e) < 0 || pod_look_open_pod(cli, &s, word, &p, e) < 0)
		return -e->code;
	convert_to_kubernetes(&out, &lost, &p.plan);
	int r = cli_print(cli, str_text(&out), out.len);

	return r ? r : tell_lost(cli, c, &lost);
}

static int from_docker(struct cli *cli, const struct conversion *c, char **words, struct err *e)
{
	autostr out = {}, lost = {};
	int r = convert_from_docker(cli, words, &out, &lost, e);

	if (r == 0)
		r = cli_print(cli, str_text(&out), out.len);
	return r ? r : tell_lost(cli, c, &lost);
}

/* Which options go together. */
static int check_words(const struct conversion *c, const char *word, struct err *e)
{
	bool from = c->from_lxc || c->from_docker, to = c->to_systemd || c->to_kubernetes;

	if (from && to) {
		err_new(e, ERR_USAGE, "rocket convert can't do that at once");
		err_because(e, "--from gives a manifest, --to takes a pod");
		return err_try(e, "rocket convert --from lxc %s > pod.yaml", word);
	}
	if (!from && !to) {
		err_new(e, ERR_USAGE, "rocket convert needs to know to what");
		err_because(e, "there is neither --to nor --from");
		return err_try(e, "rocket convert --to systemd %s", word);
	}
	if (c->lossy && c->to_systemd) {
		err_new(e, ERR_USAGE, "--lossy has no meaning with --to systemd");
		err_because(e, "a unit runs the pod as it is, and nothing is lost");
		return err_try(e, "rocket convert --to systemd %s", word);
	}
	return 0;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct conversion c = {};
	struct err e = {};
	char **words;
	int n;

	if (cli_parse(cli, argc, argv, take, &c, &words, &n, &e) < 0 || cli_check_words(cli, n, 1, c.from_docker ? -1 : 1, &e) < 0)
		return cli_fail(cli, &e);
	if (check_words(&c, words[0], &e) < 0)
		return cli_fail(cli, &e);
	if (c.from_lxc) {
		int code = convert_from_lxc(cli, words[0], c.lossy, &e);

		return code < 0 ? cli_fail(cli, &e) : code;
	}
	if (c.from_docker || c.to_kubernetes) {
		int r = c.from_docker ? from_docker(cli, &c, words, &e) : to_kubernetes(cli, &c, words[0], &e);

		return r < 0 ? cli_fail(cli, &e) : r;
	}
	int r = convert(cli, &c, words[0], &e);

	return r < 0 ? cli_fail(cli, &e) : r;
}

const struct verb cli_verb_convert = {
	.name = "convert",
	.summary = "a pod in the words of another system, and back: systemd, Kubernetes; docker run, LXC's config",
	.usage = "--to systemd [--install] [--manifest FILE] POD | --to kubernetes [--lossy] POD | --from docker-run [--lossy] -- ARG… | --from lxc [--lossy] CONFIG",
	.words = (const char *const[]){"pod", NULL},
	.options = (const struct opt *const[]){options, NULL},
	.example = "rocket convert --to systemd shop\nrocket convert --to systemd --install shop\n"
		   "rocket convert --to kubernetes shop > shop.yaml\n"
		   "rocket convert --from docker-run -- -d -p 8080:80 -v data:/data nginx > pod.yaml\n"
		   "rocket convert --from lxc /var/lib/lxc/web/config > web.yaml",
	.exits = "1: something can't be carried over, and --lossy was not said\n4: no such pod",
	.run = run,
};
