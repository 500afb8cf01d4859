/* SPDX-License-Identifier: Apache-2.0 */
/* Making a pod. See pod_make.h. */
#include "cli/pod_make.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"
#include "base/rootless.h"
#include "boundary/cgroup.h"
#include "boundary/cgroup_delegated.h"
#include "boundary/rootless_enter.h"
#include "boundary/seccomp.h"
#include "cli/image_folder.h"
#include "cli/libexec.h"
#include "cli/pull.h"
#include "cli/trust_gate.h"
#include "cli/user_half.h"
#include "cli/verbs.h"
#include "pod/resolve.h"
#include "supervise/ids.h"
#include "supervise/launch.h"
#include "supervise/ledger.h"
#include "supervise/notify.h"

enum { INPUT_FILE_MAX = 4 << 20, ZONE_MAX = 64 << 10 };

/* ---- the command line ---- */

static int take_global(void *context, const struct opt *o, const char *value, struct err *e)
{
	struct pod_making *m = context;

	return cli_take_global(m->cli, o, value, e);
}

static int read_input(void *context, const char *path, const char **ret_text, size_t *ret_len, struct err *e)
{
	struct pod_making *m = context;
	bool is_stdin = strcmp(path, "-") == 0;
	autofree char *text = NULL;
	int r = is_stdin ? io_read_fd(STDIN_FILENO, INPUT_FILE_MAX, &text, ret_len, e)
			 : io_read_file(AT_FDCWD, path, INPUT_FILE_MAX, &text, ret_len, e);

	if (r == 0)
		*ret_text = memcpy(arena_alloc(m->cli->arena, *ret_len + 1), text, *ret_len); /* zero bytes too */
	return r;
}

static void warn(const struct err *warning)
{
	err_print(stderr, warning);
}

static int refuse_timing(struct err *e)
{
	err_new(e, ERR_USAGE, "--timing goes with rocket run alone");
	err_because(e, "it says what the steps of a start took, and nothing is started here");
	return err_try(e, "rocket run --timing …");
}

int pod_make_parse(struct pod_making *m, struct cli *cli, int argc, char **argv, struct err *e)
{
	autofree char *cwd = getcwd(NULL, 0);

	m->cli = cli;
	if (!cwd)
		return err_errno(e, "can't find out the current directory");
	const struct flags_input in = {
		.arena = cli->arena,
		.argc = argc,
		.argv = argv,
		.environ = environ,
		.base_dir = arena_strdup(cli->arena, cwd),
		.globals = cli_global_options,
		.take_global = take_global,
		.read_file = read_input,
		.warn = warn,
		.context = m,
	};
	m->timing.on = true;
	timing_mark(&m->timing, "begin", NULL);
	int r = flags_parse(&in, &m->pod, &m->flags, e);
	if (r == 0 && m->flags.timing && cli->verb != &cli_verb_run)
		r = refuse_timing(e);
	m->timing.on = m->flags.timing;
	timing_mark(&m->timing, "command line read", NULL);
	return r;
}

/* ---- what the plan asks about the world ---- */

static bool is_file_name(const char *name)
{
	return *name == '/' || str_has_prefix(name, "./") || str_has_prefix(name, "../");
}

/* An image that is a file is imported under its own path's name, which the next start finds again by content. */
static int import_file(struct pod_making *m, const char *path, const char *name, struct err *e)
{
	char *program = NULL;
	int r = libexec_find(m->cli->arena, "rocket-import", &program, e);
	char *argv[] = { program,	 (char *)"--dir",  (char *)m->cli->dir, (char *)"--run", (char *)m->cli->run_dir,
			 (char *)"--quiet", (char *)"--name", (char *)name,	(char *)path,	 NULL };

	/* The name that it prints is none of the run's output. */
	autoclose int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (r == 0)
		r = libexec_run(program, argv, nowhere, e);
	if (r <= 0)
		return r;
	err_new(e, ERR_ROCKET, "the image %s can't be imported", path);
	return err_because(e, "the lines above say why");
}

static char *name_of_file(struct arena *a, const char *path)
{
	char *base = arena_strdup(a, strrchr(path, '/') ? strrchr(path, '/') + 1 : path);

	for (char *c = base; *c; c++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789._-", *c))
			*c = '-';
	return arena_printf(a, "local/%s", base + strspn(base, "._-"));
}

/* Looked up by its name; docker:// says no more than that it is one of a registry. */
static int find_named(struct pod_making *m, const char *name, struct store_image *found, struct err *e)
{
	if (str_has_prefix(name, "docker://"))
		name += strlen("docker://");
	return store_find_image(&m->store, m->cli->arena, name, found, e);
}

/* What a Kubernetes container says of its own image holds where the command line said nothing. */
static enum flags_pull pull_of(const struct pod_making *m, const char *name)
{
	for (size_t i = 0; i < m->pod.apps.n && m->flags.pull == PULL_MISSING; i++) {
		const struct pod_app *app = &m->pod.apps.v[i];

		if (str_equal(app->image, name) && app->pull >= POD_PULL_ALWAYS)
			return app->pull == POD_PULL_ALWAYS ? PULL_ALWAYS : PULL_NEVER;
	}
	return m->flags.pull;
}

/* By --pull: missing fetches what is not there, always asks the registry in any case, never neither. */
static int find_or_pull(struct pod_making *m, const char *name, struct store_image *found, struct err *e)
{
	const char *pulled = name;
	bool elsewhere = str_has_prefix(name, "oci:") || str_has_prefix(name, "oci-archive:") ||
			 str_has_prefix(name, "docker-archive:") || str_has_prefix(name, "dir:") || str_has_prefix(name, "aci:");
	enum flags_pull pull = pull_of(m, name);
	int r = elsewhere || pull == PULL_ALWAYS ? -ERR_NOT_FOUND : find_named(m, name, found, e);

	if (r == -ERR_NOT_FOUND && pull == PULL_NEVER)
		return elsewhere ? err_new(e, ERR_NOT_FOUND, "%s is not fetched with --pull never", name) : r;
	if (r != -ERR_NOT_FOUND)
		return r;
	*e = (struct err){};
	/* A unit's start may take as long as the image does (sd_notify(3)); half an hour from here on. */
	notify_systemd("EXTEND_TIMEOUT_USEC=1800000000");
	r = pull_image(m->cli, name, &pulled, e);
	return r ? r : find_named(m, pulled, found, e);
}

static int find_image(void *context, const char *name, const struct image **ret, struct err *e)
{
	struct pod_making *m = context;
	struct store_image *found = arena_new(m->cli->arena, struct store_image);
	const char *lookup = is_file_name(name) ? name_of_file(m->cli->arena, name) : name;
	int r = is_file_name(name) ? import_file(m, name, lookup, e) : 0;

	if (r == 0)
		r = is_file_name(name) ? find_named(m, lookup, found, e) : find_or_pull(m, lookup, found, e);
	if (r == 0 && !(m->cli->insecure & CLI_INSECURE_IMAGE))
		r = trust_gate(m->cli, &m->store, found, name, e);
	if (r == 0)
		*ret = &found->image;
	return r;
}

static int read_accounts(void *context, const struct image *img, const char *which, const char **ret_text,
			 struct err *e)
{
	struct pod_making *m = context;
	autofree char *text = NULL;
	int r = store_read_accounts(&m->store, img, which, &text, e);

	if (r == 0)
		*ret_text = arena_strdup(m->cli->arena, text);
	return r;
}

static enum host_file_kind kind_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return HOST_FILE_DIR;
	case S_IFREG:
		return HOST_FILE_REGULAR;
	case S_IFSOCK:
		return HOST_FILE_SOCKET;
	case S_IFCHR:
		return HOST_FILE_CHAR;
	case S_IFBLK:
		return HOST_FILE_BLOCK;
	default:
		return HOST_FILE_OTHER;
	}
}

static int stat_host(void *context, const char *path, struct host_file *ret, struct err *e)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		bool missing = errno == ENOENT || errno == ENOTDIR;

		err_errno(e, "can't look at the host's %s", path);
		return missing ? err_recode(e, ERR_NOT_FOUND) : -e->code;
	}
	*ret = (struct host_file){ kind_of(st.st_mode), major(st.st_rdev), minor(st.st_rdev) };
	return 0;
}

static int read_zone(void *context, const char *zone, const void **ret_bytes, size_t *ret_n, struct err *e)
{
	struct pod_making *m = context;
	const char *path = strcmp(zone, "local") == 0 ? "/etc/localtime"
						      : arena_printf(m->cli->arena, "/usr/share/zoneinfo/%s", zone);
	autofree char *text = NULL;
	char *copy;

	if (io_read_file(AT_FDCWD, path, ZONE_MAX, &text, ret_n, e) < 0) {
		err_new(e, ERR_NOT_FOUND, "this host does not know the time zone %s", zone);
		return err_try(e, "apt-get install tzdata");
	}
	copy = arena_alloc(m->cli->arena, *ret_n + 1);
	memcpy(copy, text, *ret_n);
	*ret_bytes = copy;
	return 0;
}

static bool name_is_free(void *context, const char *name)
{
	struct pod_making *m = context;

	return state_name_is_free(&m->state, name);
}

/* ---- making ---- */

static char *read_boot_id(struct arena *a)
{
	char id[64] = "";
	autoclose int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, id, sizeof(id) - 1);

	return arena_strndup(a, id, n > 0 ? (size_t)n - 1 : 0);
}

/* An ordinary user's pods all have his ids: nothing is taken, and nothing given back. */
static void use_own_ids(const struct pod_making *m, struct pod_host *host)
{
	struct cgroup_delegation d;
	struct rootless r;
	uint32_t wanted = m->pod.ids ?: 65536;

	if (!rootless_here(&r))
		rootless_ids(&r);
	host->ids = (struct plan_ids){
		.count = r.sub_count && r.sub_count < wanted - 1 ? r.sub_count + 1 : wanted,
		.kind = r.sub_count ? IDS_SUBIDS : IDS_SINGLE,
		.user = r.uid,
		.group = r.gid,
		.sub_uid = r.sub_uid,
		.sub_gid = r.sub_gid,
	};
	if (!r.sub_count)
		host->ids.count = 1;
	host->cgroup = NULL;
	host->rootless = true;
	host->ids_most = r.sub_count + 1;
	host->limits_try = cgroup_delegation_remedy();
	cgroup_delegation_find(&d);
	/* A group that can't be used after all is none. */
	if (!m->dry && cgroup_delegation_make_room(&d) < 0)
		d = (struct cgroup_delegation){};
	host->no_limits = cgroup_delegation_lack(&d);
	host->no_pids_limit = !cgroup_delegation_has(&d, "pids");
	if (d.found)
		host->cgroup = arena_printf(m->cli->arena, "%s%srocket-%s", d.base, *d.base ? "/" : "", m->dir.id);
}

static void join_running(const struct pod_making *m, struct pod_inputs *in)
{
	in->id = m->running->id;
	in->created_ns = m->running->created_ns;
	in->host.ids = m->running->ids;
	in->host.cgroup = m->running->cgroup;
	in->host.rootless = plan_is_rootless(m->running);
	in->host.ids_most = m->running->ids.count;
}

static int resolve(struct pod_making *m, struct err *e)
{
	struct rlimit nofile = {};
	struct cgroup_host unused = {};
	char cgroup[256];
	struct pod_inputs in = {
		.arena = m->cli->arena,
		.pod = &m->pod,
		.id = m->dir.id,
		.created_ns = io_now_ns(),
		.sources = { m, find_image, read_accounts, stat_host, read_zone, name_is_free, image_folder_stat },
	};

	getrlimit(RLIMIT_NOFILE, &nofile);
	cgroup_pod_path(&unused, m->dir.id, cgroup, sizeof(cgroup));
	in.host.boot_id = read_boot_id(m->cli->arena);
	in.host.cgroup = arena_strdup(m->cli->arena, cgroup);
	in.host.nofile_hard = nofile.rlim_max == RLIM_INFINITY ? 0 : nofile.rlim_max;
	in.host.term = getenv("TERM");
	if (getrandom(&in.random, sizeof(in.random), 0) < 0)
		return err_errno(e, "no random numbers");
	if (m->running)
		join_running(m, &in);
	else if (geteuid() != 0 || rootless_here(NULL))
		use_own_ids(m, &in.host);
	else if (m->dry)
		in.host.ids = (struct plan_ids){ .base = 0x10000000, .count = m->pod.ids ?: 65536 };
	else if (ids_take(&m->state, m->dir.id, m->pod.ids ?: 65536, &in.host.ids, e) < 0)
		return -e->code;
	return plan_resolve(&in, &m->plan, e);
}

/* A profile is compiled once, when the pod is made, by a program that has the library for it. */
int pod_make_profile(struct pod_making *m, const struct pod_dir *dir, const struct plan_app *app, struct err *e)
{
	struct arena *a = m->cli->arena;
	char *out = arena_printf(a, "/proc/self/fd/%d/%s.seccomp", dir->fd, app->name);
	char *caps = arena_printf(a, "%llx", (unsigned long long)app->caps);
	char *program = NULL;
	int r = libexec_find(a, "rocket-seccomp", &program, e);
	char *argv[] = {program, app->seccomp, caps, NULL};

	if (r < 0)
		return r;
	autoclose int fd = open(out, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(e, "can't write the filter of %s", app->name);
	r = libexec_run(program, argv, fd, e);
	if (r == 0)
		return 0;
	err_new(e, ERR_ROCKET, "the seccomp profile of %s can't be used", app->name);
	return err_because(e, "the lines above say why");
}

static int write_pod(struct pod_making *m, struct err *e)
{
	int r = state_claim_name(&m->state, m->plan.name, m->dir.id, e);

	for (size_t i = 0; r == 0 && i < m->plan.apps.n; i++)
		if (seccomp_has_profile(&m->plan.apps.v[i]))
			r = pod_make_profile(m, &m->dir, &m->plan.apps.v[i], e);
	return r < 0 ? r : state_write_plan(&m->dir, &m->plan, e);
}

int pod_make(struct pod_making *m, struct err *e)
{
	/* A plan alone touches nothing of the pod's. */
	int r = m->dry ? 0 : user_half_enter(m->cli, e);

	if (r == 0)
		r = state_open(m->cli->dir, m->cli->run_dir, &m->state, e);
	if (r == 0)
		r = store_open(m->cli->dir, m->cli->run_dir, &m->store, e);
	if (r == 0)
		r = store_lock_shared(&m->store, &m->store_lock, e);
	if (r == 0 && m->dry)
		memset(m->dir.id, '0', POD_ID_LEN);
	else if (r == 0)
		r = state_create_pod(&m->state, NULL, &m->dir, e);
	timing_mark(&m->timing, "pod's folder made and locked", NULL);
	if (r == 0)
		r = resolve(m, e);
	timing_mark(&m->timing, "images found, plan resolved", NULL);
	r = r < 0 || m->dry ? r : write_pod(m, e);
	timing_mark(&m->timing, "plan written", NULL);
	return r;
}

int pod_make_beside(struct pod_making *m, const struct pod_dir *dir, const struct plan *running, struct err *e)
{
	int r = state_open(m->cli->dir, m->cli->run_dir, &m->state, e);

	m->dry = true;
	m->running = running;
	if (r == 0)
		r = store_open(m->cli->dir, m->cli->run_dir, &m->store, e);
	if (r == 0)
		r = store_lock_shared(&m->store, &m->store_lock, e);
	return r < 0 ? r : resolve(m, e);
}

int pod_make_commit(struct pod_making *m, enum pod_phase phase, struct err *e)
{
	int r = state_move_pod(&m->state, &m->dir, phase, e);

	/* A prepared pod is a promise: it survives a power cut (design, section 3). */
	if (r == 0 && phase == POD_PREPARED && (fsync(m->dir.lock_fd) < 0 || fsync(m->dir.fd) < 0))
		r = err_errno(e, "can't write the prepared pod to disk");
	if (r == 0) {
		cleanup_close(&m->store_lock);
		m->store_lock = -1;
		(void)!state_sweep_dead(&m->state, 1, NULL, e);
	}
	return r;
}

void pod_make_close(struct pod_making *m)
{
	struct err ignored = {};

	if (m->dir.fd >= 0 && m->dir.phase == POD_EMBRYO)
		(void)!state_remove_pod(&m->state, &m->dir, &ignored);
	pod_dir_close(&m->dir);
	cleanup_close(&m->store_lock);
	store_close(&m->store);
	state_close(&m->state);
}

/* ---- launching ---- */

static void say_holes(const struct cli *cli, const struct state *s, const struct pod_dir *dir, const struct plan *plan)
{
	struct pod_status status = {};
	struct err ignored = {};
	autostr text = {};

	if (cli->quiet || plan->holes.n == 0)
		return;
	(void)!status_read(s, dir, cli->arena, &status, &ignored);
	for (size_t i = 0; i < plan->holes.n; i++)
		ledger_add_line(&text, plan, &plan->holes.v[i], &status);
	(void)!io_write_all(STDERR_FILENO, text.text, text.len);
}

static bool wants_stdin(const struct plan *plan)
{
	for (size_t i = 0; i < plan->apps.n; i++)
		if (plan->apps.v[i].stdin_open)
			return true;
	return false;
}

enum { SECRET_MAX = 1 << 20 };

/* A secret that comes by our standard input crosses to the supervisor in memory. */
static int take_stdin_secret(const struct plan *plan, int *ret_fd, struct err *e)
{
	autofree char *text = NULL;
	bool wanted = false;
	size_t n;

	for (size_t i = 0; i < plan->files.n; i++)
		wanted |= plan->files.v[i].from == FILE_STDIN;
	if (!wanted)
		return 0;
	if (isatty(STDIN_FILENO))
		(void)!io_write_all(STDERR_FILENO, "the secret, ended by Ctrl-D: ", 29);
	if (io_read_fd(STDIN_FILENO, SECRET_MAX, &text, &n, e) < 0)
		return -e->code;
	*ret_fd = io_memfd("secret", text, n);
	explicit_bzero(text, n);
	return *ret_fd < 0 ? err_errno(e, "can't keep the secret in memory") : 0;
}

int pod_make_launch(struct cli *cli, const struct state *s, struct pod_dir *dir, const struct plan *plan, bool detach,
		    bool wait_ready, struct timing *timing, struct err *e)
{
	char *program = NULL;
	autostr marks = {};
	struct supervisor_options options = {
		.dir = cli->dir,
		.run_dir = cli->run_dir,
		.pod = *dir,
		.foreground = !detach,
		.interactive = !detach && wants_stdin(plan),
		.quiet = cli->quiet,
		.wait_ready = wait_ready,
		.secret_fd = -1,
		.ready_fd = -1,
	};
	autoclose int secret_fd = -1;

	if (take_stdin_secret(plan, &secret_fd, e) < 0)
		return -e->code;
	options.secret_fd = secret_fd;
	options.interactive &= secret_fd < 0;

	if (libexec_find(cli->arena, "rocket-reaper", &program, e) < 0)
		return -e->code;
	options.programs = arena_strndup(cli->arena, program, (size_t)(strrchr(program, '/') - program));
	program = arena_printf(cli->arena, "%s/rocket-supervise", options.programs);
	timing_mark(timing, "committed, dead pods swept", NULL);
	timing_pack(timing, &marks);
	options.timing = timing->on ? str_text(&marks) : NULL;
	if (!detach)
		return launch_here(&options, program, e);
	if (launch_detached(&options, program, e) < 0)
		return -e->code;
	say_holes(cli, s, dir, plan);
	return cli_print(cli, arena_printf(cli->arena, "%s\n", plan->id), strlen(plan->id) + 1);
}
