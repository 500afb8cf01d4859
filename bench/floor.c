/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor: the least kernel work that a container needs, and nothing else, as one static program. It is
 * what Rocket's times are held against (bench/run.py), so it does the same things as the row it stands
 * beside: the same kinds of namespace, cgroup, root and mounts. It prints its flags with `floor flags`.
 *
 *   floor run    [opts] -- PROG ARG…     one container, timed from outside
 *   floor hold   [opts] -- PROG ARG…     starts, prints the pid, stays until stdin closes
 *   floor pod    [opts] -- PROG ARG…     a pod of apps, one network: up, then killed and removed; prints both in µs
 *   floor life   [opts] -- PROG ARG…     a pod of apps, one network: from start until all have ended
 *   floor enter  PID [opts] -- PROG ARG… one process more in a running one
 *   floor stages [opts] -n N -- PROG     N containers in a loop: the median µs of each stage
 *   floor ns -n N, floor kmem -n N       what each namespace costs: time; kernel memory
 *   floor filter                         writes a seccomp filter (ranges of call numbers) to stdout
 *
 * Options:
 *   --ns LETTERS   m mount, p pid, n net, i ipc, u uts, c cgroup, U user (default mpniuc)
 *   --root DIR     the lower directory; --up DIR makes an overlay with its upper below DIR, else a bind
 *   --volatile     overlay without sync of the upper file system at unmount
 *   --idmap        the lower mount id-mapped to host ids from 100000 (needs U)
 *   --oci          what podman and crun mount: device nodes, pts, shm, mqueue, sysfs, cgroup, masks
 *   --lean         proc, one bind of a prepared --dev DIR, masks for what exists   (default: proc only)
 *   --cg DIR       a cgroup2 group below DIR, entered at clone
 *   --cg1          a group in every v1 hierarchy below /sys/fs/cgroup
 *   --apps N       a pod of N apps (default 3)
 *   --caps         drop to podman's 11 capabilities; --seccomp FILE load that filter; --lo bring lo up
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/if.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* linux/mount.h and sys/mount.h can't be included together everywhere: the two calls that we need. */
int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data);
int umount2(const char *target, int flags);
#ifndef MNT_DETACH
#define MNT_DETACH 2
#endif

#define N_APPS_MAX 8
#define HOST_ID_BASE 100000

enum stage {
	P_START, P_DIRS, P_CGROUP, P_OVERLAY, P_CLONED,
	C_ENTER, C_MAP, C_PRIVATE, C_ROOT, C_MOUNTS, C_PIVOT, C_LO, C_CAPS, C_SECCOMP, C_EXEC,
	P_WAIT, P_END, N_STAGES
};

/* Each stage with the one that it is timed from. */
static const struct {
	const char *name;
	enum stage since;
} stages[N_STAGES] = {
	[P_DIRS] = {"upper and work directories", P_START},
	[P_CGROUP] = {"cgroup made", P_DIRS},
	[P_OVERLAY] = {"id-mapped overlay made (parent)", P_CGROUP},
	[P_CLONED] = {"clone3 (parent's view)", P_OVERLAY},
	[C_ENTER] = {"clone3 until the child runs", P_OVERLAY},
	[C_MAP] = {"user namespace mapped", C_ENTER},
	[C_PRIVATE] = {"/ made private", C_MAP},
	[C_ROOT] = {"root made and attached", C_PRIVATE},
	[C_MOUNTS] = {"proc and the other mounts", C_ROOT},
	[C_PIVOT] = {"pivot_root, old root detached", C_MOUNTS},
	[C_LO] = {"lo up", C_PIVOT},
	[C_CAPS] = {"capabilities", C_LO},
	[C_SECCOMP] = {"seccomp filter", C_CAPS},
	[C_EXEC] = {"until exec", C_SECCOMP},
	[P_WAIT] = {"exec, run, exit, wait", C_EXEC},
	[P_END] = {"cgroup and directories removed", P_WAIT},
};

struct shared {
	double at_us[N_STAGES];
	char err[256];
};

struct options {
	unsigned long ns;
	const char *root, *up, *dev, *cgroup2;
	bool is_volatile, idmap, oci, lean, cgroup1, caps, lo;
	int n, n_apps;
	struct sock_fprog filter;
	char **argv;
};

struct app {
	pid_t pid;
	int tree;         /* the root where the parent made it, else -1 */
	int cgroup_fd;    /* of the cgroup2 group, else -1 */
	char id[32];
	char upper[500], work[500];
};

struct floor {
	struct options opt;
	struct shared *shared;
	int sync[2];      /* parent to child, a byte each: your id map is written, your cgroup entered */
	int pids[2];      /* a pod's user namespace to the parent: the apps' pids */
	int exec_done[2]; /* close-on-exec in the child: end of file says that exec happened */
	int idmap_userns; /* kept open between containers */
	int seq;
};

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void mark(struct floor *f, enum stage s)
{
	f->shared->at_us[s] = now_us();
}

[[gnu::noreturn]] static void child_die(struct floor *f, const char *what)
{
	snprintf(f->shared->err, sizeof f->shared->err, "%s: %s", what, strerror(errno));
	_exit(99);
}

[[gnu::noreturn]] static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0)
		perror(path);
	close(fd);
}

/* Mounts */

static int attach(int tree, const char *to)
{
	long r = syscall(SYS_move_mount, tree, "", AT_FDCWD, to, MOVE_MOUNT_F_EMPTY_PATH);

	close(tree);
	return (int)r;
}

static int clone_tree(const char *path)
{
	return (int)syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
}

static int set_string(int fs, const char *key, const char *value)
{
	return (int)syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, key, value, 0);
}

/* The overlay as a detached mount, or a bind of the root where no upper was asked for. */
static int open_root(const struct options *o, const struct app *a, int lower)
{
	if (!o->up)
		return clone_tree(o->root);

	int fs = (int)syscall(SYS_fsopen, "overlay", FSOPEN_CLOEXEC);
	long r = lower >= 0 ? syscall(SYS_fsconfig, fs, FSCONFIG_SET_FD, "lowerdir+", NULL, lower)
			    : set_string(fs, "lowerdir", o->root);

	r = r ?: set_string(fs, "upperdir", a->upper);
	r = r ?: set_string(fs, "workdir", a->work);
	if (!r && o->is_volatile)
		r = syscall(SYS_fsconfig, fs, FSCONFIG_SET_FLAG, "volatile", NULL, 0);
	r = r ?: syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);

	int tree = r ? -1 : (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);

	close(fs);
	return tree;
}

static void mask(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return;
	if (S_ISDIR(st.st_mode))
		mount("tmpfs", path, "tmpfs", MOUNT_ATTR_RDONLY, "size=0k");
	else
		mount("/dev/null", path, NULL, 4096 /* MS_BIND */, NULL);
}

enum { RDONLY = 1, NOSUID = 2, NODEV = 4, NOEXEC = 8, REMOUNT = 32, BIND = 4096, REC = 16384,
       PRIVATE = 1 << 18, STRICTATIME = 1 << 24 };

static void mount_or_die(struct floor *f, const char *type, const char *to, unsigned long flags,
			 const char *data)
{
	if (mount(type, to, type, flags, data))
		child_die(f, to);
}

static void make_device_nodes(const struct options *o)
{
	static const struct {
		const char *path;
		unsigned major, minor;
	} nodes[] = {{"dev/null", 1, 3}, {"dev/zero", 1, 5}, {"dev/full", 1, 7},
		     {"dev/tty", 5, 0}, {"dev/random", 1, 8}, {"dev/urandom", 1, 9}};

	for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++) {
		if (o->ns & CLONE_NEWUSER) {
			char host[32];

			snprintf(host, sizeof host, "/%s", nodes[i].path);
			close(open(nodes[i].path, O_CREAT | O_WRONLY | O_CLOEXEC, 0666));
			mount(host, nodes[i].path, NULL, BIND, NULL);
			continue;
		}
		mknod(nodes[i].path, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor));
		chmod(nodes[i].path, 0666);
	}
}

static void make_device_links(struct floor *f)
{
	static const char *const links[][2] = {{"/proc/self/fd", "dev/fd"}, {"/proc/self/fd/0", "dev/stdin"},
		{"/proc/self/fd/1", "dev/stdout"}, {"/proc/self/fd/2", "dev/stderr"}, {"pts/ptmx", "dev/ptmx"}};
	static const char *const dirs[] = {"dev/pts", "dev/shm", "dev/mqueue"};

	for (size_t i = 0; i < sizeof links / sizeof *links; i++)
		if (symlink(links[i][0], links[i][1]))
			child_die(f, links[i][1]);
	for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++)
		if (mkdir(dirs[i], 0755))
			child_die(f, dirs[i]);
}

/* The working directory is the new root, here and in mount_lean(). */
static void mount_oci(struct floor *f)
{
	static const char *const masked[] = {"proc/acpi", "proc/kcore", "proc/keys", "proc/latency_stats",
		"proc/timer_list", "proc/scsi", "sys/firmware", "sys/fs/selinux", "sys/dev/block",
		"proc/sched_debug", "proc/timer_stats"};
	static const char *const fixed[] = {"proc/asound", "proc/bus", "proc/fs", "proc/irq", "proc/sys",
		"proc/sysrq-trigger"};

	mount_or_die(f, "tmpfs", "dev", NOSUID | STRICTATIME | NOEXEC, "mode=755,size=65536k");
	make_device_nodes(&f->opt);
	make_device_links(f);
	mount_or_die(f, "devpts", "dev/pts", NOSUID | NOEXEC, "newinstance,ptmxmode=0666,mode=0620");
	mount_or_die(f, "tmpfs", "dev/shm", NOSUID | NODEV | NOEXEC, "mode=1777,size=65536k");
	if (f->opt.ns & CLONE_NEWIPC)
		mount_or_die(f, "mqueue", "dev/mqueue", NOSUID | NODEV | NOEXEC, NULL);
	mount_or_die(f, "sysfs", "sys", RDONLY | NOSUID | NODEV | NOEXEC, NULL);
	mount("cgroup", "sys/fs/cgroup", "cgroup2", RDONLY | NOSUID | NODEV | NOEXEC, NULL);
	for (size_t i = 0; i < sizeof masked / sizeof *masked; i++)
		mask(masked[i]);
	for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
		if (!mount(fixed[i], fixed[i], NULL, BIND | REC, NULL))
			mount(NULL, fixed[i], NULL, BIND | REMOUNT | RDONLY | NOSUID | NODEV | NOEXEC, NULL);
}

static void mount_lean(struct floor *f)
{
	if (f->opt.dev) {
		int tree = clone_tree(f->opt.dev);

		if (tree < 0 || attach(tree, "dev"))
			child_die(f, "dev");
	}
	mask("proc/kcore");
	mask("proc/keys");
	if (!mount("proc/sys", "proc/sys", NULL, BIND | REC, NULL))
		mount(NULL, "proc/sys", NULL, BIND | REMOUNT | RDONLY, NULL);
}

/* The child, between clone3 and exec */

static void child_enter_root(struct floor *f, struct app *a)
{
	int tree = a->tree;
	const struct options *o = &f->opt;

	if (mount(NULL, "/", NULL, REC | PRIVATE, NULL))
		child_die(f, "make / private");
	mark(f, C_PRIVATE);
	if (tree < 0)
		tree = open_root(o, a, -1);
	if (tree < 0)
		child_die(f, "overlay");
	if (attach(tree, o->root))
		child_die(f, "move_mount");
	mark(f, C_ROOT);
	if (chdir(o->root))
		child_die(f, "chdir");
	mount_or_die(f, "proc", "proc", NOSUID | NODEV | NOEXEC, NULL);
	if (o->oci)
		mount_oci(f);
	else if (o->lean)
		mount_lean(f);
	mark(f, C_MOUNTS);
	if (syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) || chdir("/"))
		child_die(f, "pivot_root");
	mark(f, C_PIVOT);
}

static int bring_lo_up(void)
{
	struct ifreq r = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int result = ioctl(s, 0x8914 /* SIOCSIFFLAGS */, &r);

	close(s);
	return result;
}

static void child_drop_caps(struct floor *f)
{
	const uint64_t keep = 0x804425fbULL & ~(1ULL << 13) & ~(1ULL << 27) & ~(1ULL << 29);
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {{(uint32_t)keep, (uint32_t)keep, 0},
						 {(uint32_t)(keep >> 32), (uint32_t)(keep >> 32), 0}};

	for (unsigned long i = 0; i <= 40; i++)
		if (!(keep >> i & 1))
			prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
	if (syscall(SYS_capset, &head, data))
		child_die(f, "capset");
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

/* Waits for the parent's word, then becomes the user namespace's root. */
static void child_become_root(struct floor *f)
{
	char byte;

	if (read(f->sync[0], &byte, 1) != 1 || setresgid(0, 0, 0) || setresuid(0, 0, 0))
		child_die(f, "user namespace");
}

[[gnu::noreturn]] static void child_run(struct floor *f, struct app *a)
{
	const struct options *o = &f->opt;
	char *env[] = {(char *)"PATH=/bin:/usr/bin", NULL};

	mark(f, C_ENTER);
	if (o->ns & CLONE_NEWUSER)
		child_become_root(f);
	mark(f, C_MAP);
	if (o->ns & CLONE_NEWNS && o->root)
		child_enter_root(f, a);
	if (o->lo && o->ns & CLONE_NEWNET && bring_lo_up())
		child_die(f, "lo");
	mark(f, C_LO);
	if (o->ns & CLONE_NEWUTS && o->caps && sethostname("bench", 5))
		child_die(f, "sethostname");
	if (o->caps)
		child_drop_caps(f);
	mark(f, C_CAPS);
	if (o->filter.len) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &o->filter))
			child_die(f, "seccomp");
	}
	mark(f, C_SECCOMP);
	mark(f, C_EXEC);
	execve(o->argv[0], o->argv, env);
	child_die(f, o->argv[0]);
}

/* The parent: directories, cgroups, id maps */

static const char *const v1_hierarchies[] = {"cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio",
					     "pids", "systemd"};
#define N_V1 (sizeof v1_hierarchies / sizeof *v1_hierarchies)

static void v1_make(const struct app *a)
{
	char path[400];

	for (size_t i = 0; i < N_V1; i++) {
		snprintf(path, sizeof path, "/sys/fs/cgroup/%s/%s", v1_hierarchies[i], a->id);
		if (mkdir(path, 0755))
			die(path);
	}
	snprintf(path, sizeof path, "/sys/fs/cgroup/cpuset/%s/cpuset.cpus", a->id);
	write_file(path, "0");
	snprintf(path, sizeof path, "/sys/fs/cgroup/cpuset/%s/cpuset.mems", a->id);
	write_file(path, "0");
}

static void v1_enter(const struct app *a)
{
	char path[400], pid[16];

	snprintf(pid, sizeof pid, "%d", a->pid);
	for (size_t i = 0; i < N_V1; i++) {
		snprintf(path, sizeof path, "/sys/fs/cgroup/%s/%s/cgroup.procs", v1_hierarchies[i], a->id);
		write_file(path, pid);
	}
}

static void v1_remove(const struct app *a)
{
	char path[400];

	for (size_t i = 0; i < N_V1; i++) {
		snprintf(path, sizeof path, "/sys/fs/cgroup/%s/%s", v1_hierarchies[i], a->id);
		if (rmdir(path))
			perror(path);
	}
}

static void write_id_maps(pid_t pid, unsigned base)
{
	char path[64], map[64];

	snprintf(map, sizeof map, "0 %u 65536", base);
	snprintf(path, sizeof path, "/proc/%d/uid_map", pid);
	write_file(path, map);
	snprintf(path, sizeof path, "/proc/%d/gid_map", pid);
	write_file(path, map);
}

/* A user namespace that only carries the id map of the lower mount. */
static int open_idmap_userns(struct floor *f)
{
	char path[64], byte;
	int hold[2];

	if (f->idmap_userns >= 0)
		return f->idmap_userns;
	if (pipe2(hold, O_CLOEXEC))
		die("pipe");

	pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);

	if (!pid) {
		close(hold[1]);
		_exit(read(hold[0], &byte, 1) < 0);
	}
	write_id_maps(pid, HOST_ID_BASE);
	snprintf(path, sizeof path, "/proc/%d/ns/user", pid);
	f->idmap_userns = open(path, O_RDONLY | O_CLOEXEC);
	close(hold[0]);
	close(hold[1]);
	waitpid(pid, NULL, 0);
	return f->idmap_userns;
}

static int open_idmapped_overlay(struct floor *f, const struct app *a)
{
	int lower = clone_tree(f->opt.root);
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)open_idmap_userns(f)};

	if (lower < 0 || syscall(SYS_mount_setattr, lower, "", AT_EMPTY_PATH, &attr, sizeof attr))
		die("idmapped lower");

	/* The upper stays as it is: its files carry the mapped ids on disk. */
	int tree = open_root(&f->opt, a, lower);

	if (tree < 0)
		die("overlay over an idmapped lower");
	close(lower);
	return tree;
}

static void make_dirs(struct floor *f, struct app *a)
{
	char path[400];

	snprintf(path, sizeof path, "%s/%s", f->opt.up, a->id);
	snprintf(a->upper, sizeof a->upper, "%s/u", path);
	snprintf(a->work, sizeof a->work, "%s/w", path);
	if (mkdir(path, 0755) || mkdir(a->upper, 0755) || mkdir(a->work, 0755))
		die(path);
	if (f->opt.idmap && (chown(a->upper, HOST_ID_BASE, HOST_ID_BASE) ||
			     chown(a->work, HOST_ID_BASE, HOST_ID_BASE)))
		die(path);
}

static int make_cgroup2(struct floor *f, const struct app *a)
{
	char path[400];

	snprintf(path, sizeof path, "%s/%s", f->opt.cgroup2, a->id);
	if (mkdir(path, 0755) && errno != EEXIST)
		die(path);
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* What the parent makes before the clone: directories, cgroups, the id-mapped root. */
static void app_prepare(struct floor *f, struct app *a)
{
	const struct options *o = &f->opt;

	mark(f, P_START);
	*a = (struct app){.tree = -1, .cgroup_fd = -1};
	snprintf(a->id, sizeof a->id, "rocket-floor%d-%d", getpid(), f->seq++);
	if (o->up)
		make_dirs(f, a);
	mark(f, P_DIRS);
	if (o->cgroup2)
		a->cgroup_fd = make_cgroup2(f, a);
	if (o->cgroup1)
		v1_make(a);
	mark(f, P_CGROUP);
	if (o->idmap)
		a->tree = open_idmapped_overlay(f, a);
	mark(f, P_OVERLAY);
}

static void app_close(struct app *a)
{
	if (a->tree >= 0)
		close(a->tree);
	if (a->cgroup_fd >= 0)
		close(a->cgroup_fd);
}

static void tell_child(struct floor *f)
{
	if (write(f->sync[1], "x", 1) != 1)
		die("sync");
}

static void app_start(struct floor *f, struct app *a)
{
	const struct options *o = &f->opt;
	struct clone_args args = {.flags = o->ns, .exit_signal = SIGCHLD};

	app_prepare(f, a);
	if (a->cgroup_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)a->cgroup_fd;
	}
	a->pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
	if (!a->pid)
		child_run(f, a);
	if (a->pid < 0)
		die("clone3");
	mark(f, P_CLONED);
	app_close(a);
	if (o->cgroup1)
		v1_enter(a);
	if (o->ns & CLONE_NEWUSER) {
		write_id_maps(a->pid, o->idmap ? HOST_ID_BASE : 0);
		tell_child(f);
	}
}

static void remove_dirs(const struct floor *f, const struct app *a)
{
	static const char *const dirs[] = {"w/work/incompat/volatile", "w/work/incompat", "w/work", "w", "u", ""};
	char path[600];

	if (f->opt.is_volatile) {
		snprintf(path, sizeof path, "%s/%s/w/work/incompat/volatile/dirty", f->opt.up, a->id);
		unlink(path);
	}
	for (size_t i = f->opt.is_volatile ? 0 : 2; i < sizeof dirs / sizeof *dirs; i++) {
		snprintf(path, sizeof path, "%s/%s/%s", f->opt.up, a->id, dirs[i]);
		if (rmdir(path))
			perror(path);
	}
}

static void app_remove(const struct floor *f, const struct app *a)
{
	char path[400];

	if (f->opt.cgroup2) {
		snprintf(path, sizeof path, "%s/%s", f->opt.cgroup2, a->id);
		if (rmdir(path))
			perror(path);
	}
	if (f->opt.cgroup1)
		v1_remove(a);
	if (f->opt.up)
		remove_dirs(f, a);
}

static int run_once(struct floor *f)
{
	struct app a;
	int status;

	app_start(f, &a);
	waitpid(a.pid, &status, 0);
	mark(f, P_WAIT);
	app_remove(f, &a);
	mark(f, P_END);
	if (status)
		fprintf(stderr, "floor: status %x %s\n", (unsigned)status, f->shared->err);
	return status != 0;
}

/* Commands */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print_row(const char *name, double *v, int n)
{
	qsort(v, (size_t)n, sizeof *v, by_value);
	printf("%-40s %9.1f %9.1f %9.1f\n", name, v[n / 2], v[0], v[n * 9 / 10]);
}

static int cmd_stages(struct floor *f)
{
	int n = f->opt.n;
	double *v = calloc((size_t)(N_STAGES * n), sizeof *v);

	for (int i = -3; i < n; i++) {
		memset(f->shared, 0, sizeof *f->shared);
		if (run_once(f))
			return 1;
		if (i < 0)
			continue;
		const double *t = f->shared->at_us;

		v[i] = t[P_END] - t[P_START];
		for (int s = 1; s < N_STAGES; s++)
			v[s * n + i] = t[s] > 0 ? t[s] - t[stages[s].since] : 0;
	}
	printf("%-40s %9s %9s %9s\n", "# stage, us", "median", "min", "p90");
	print_row("all", v, n);
	for (int s = 1; s < N_STAGES; s++)
		print_row(stages[s].name, v + s * n, n);
	free(v);
	return 0;
}

/* Gives how many of the apps didn't end as they should: with 0, or killed by us. */
static int wait_apps(const struct floor *f, const struct app *apps)
{
	int failed = 0, status;

	for (int i = 0; i < f->opt.n_apps; i++) {
		waitpid(apps[i].pid, &status, 0);
		failed += WIFEXITED(status) && WEXITSTATUS(status);
	}
	return failed;
}

/* The pod's user namespace: makes the apps inside it, tells their pids, waits for them. */
[[gnu::noreturn]] static void pod_run(struct floor *f, struct app *apps)
{
	struct clone_args args = {.flags = f->opt.ns & (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWCGROUP),
				  .exit_signal = SIGCHLD};

	child_become_root(f);
	if (f->opt.lo && bring_lo_up())
		child_die(f, "lo");
	f->opt.lo = false;
	for (int i = 0; i < f->opt.n_apps; i++) {
		apps[i].pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
		if (!apps[i].pid)
			child_run(f, &apps[i]);
		if (write(f->pids[1], &apps[i].pid, sizeof apps[i].pid) < 0)
			child_die(f, "pid");
	}
	close(f->exec_done[1]);
	_exit(wait_apps(f, apps));
}

static void app_enter_cgroups(const struct floor *f, const struct app *a)
{
	char path[500], pid[16];

	if (f->opt.cgroup1)
		v1_enter(a);
	if (!f->opt.cgroup2)
		return;
	snprintf(pid, sizeof pid, "%d", a->pid);
	snprintf(path, sizeof path, "%s/%s/cgroup.procs", f->opt.cgroup2, a->id);
	write_file(path, pid);
}

/*
 * The pod's user namespace is made first, its network, IPC and host name belong to it; each app adds its own
 * mounts, pids and cgroup. Gives the process that stands for the pod.
 */
static pid_t pod_start(struct floor *f, struct app *apps)
{
	struct clone_args args = {.flags = f->opt.ns & (CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS),
				  .exit_signal = SIGCHLD};

	for (int i = 0; i < f->opt.n_apps; i++)
		app_prepare(f, &apps[i]);

	pid_t pod = (pid_t)syscall(SYS_clone3, &args, sizeof args);

	if (!pod)
		pod_run(f, apps);
	if (pod < 0)
		die("clone3");
	if (f->opt.ns & CLONE_NEWUSER)
		write_id_maps(pod, f->opt.idmap ? HOST_ID_BASE : 0);
	tell_child(f);
	for (int i = 0; i < f->opt.n_apps; i++) {
		if (read(f->pids[0], &apps[i].pid, sizeof apps[i].pid) != sizeof apps[i].pid)
			die("pid");
		app_enter_cgroups(f, &apps[i]);
		tell_child(f);
		app_close(&apps[i]);
	}
	return pod;
}

static int pod_end(struct floor *f, pid_t pod, const struct app *apps)
{
	int status;

	waitpid(pod, &status, 0);
	for (int i = 0; i < f->opt.n_apps; i++)
		app_remove(f, &apps[i]);
	if (status)
		fprintf(stderr, "floor: pod: status %x: %s\n", (unsigned)status, f->shared->err);
	return status != 0;
}

static int cmd_pod(struct floor *f)
{
	struct app apps[N_APPS_MAX];
	char byte;
	double start = now_us();
	pid_t pod = pod_start(f, apps);

	/* Every child holds the write end until its exec closes it. */
	close(f->exec_done[1]);
	while (read(f->exec_done[0], &byte, 1) > 0)
		;
	double up = now_us();

	for (int i = 0; i < f->opt.n_apps; i++)
		kill(apps[i].pid, SIGKILL);
	int failed = pod_end(f, pod, apps);

	printf("%.0f %.0f\n", up - start, now_us() - up);
	return failed;
}

static int cmd_life(struct floor *f)
{
	struct app apps[N_APPS_MAX];

	return pod_end(f, pod_start(f, apps), apps);
}

static int cmd_hold(struct floor *f)
{
	struct app a;
	char byte;

	app_start(f, &a);
	close(f->exec_done[1]);
	while (read(f->exec_done[0], &byte, 1) > 0)
		;
	printf("%d\n", a.pid);
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	kill(a.pid, SIGKILL);
	waitpid(a.pid, NULL, 0);
	app_remove(f, &a);
	return 0;
}

static int cmd_enter(struct floor *f, pid_t target)
{
	int pidfd = (int)syscall(SYS_pidfd_open, target, 0);
	int status;

	if (pidfd < 0 || setns(pidfd, (int)f->opt.ns))
		die("setns");
	if (f->opt.ns & CLONE_NEWUSER && (setresgid(0, 0, 0) || setresuid(0, 0, 0)))
		die("setresuid");

	pid_t pid = fork();

	if (!pid) {
		char *env[] = {(char *)"PATH=/bin:/usr/bin", NULL};

		if (f->opt.caps)
			child_drop_caps(f);
		if (f->opt.filter.len) {
			prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
			if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &f->opt.filter))
				_exit(99);
		}
		execve(f->opt.argv[0], f->opt.argv, env);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

static unsigned long ns_parse(const char *letters)
{
	static const struct {
		char letter;
		unsigned long flag;
	} table[] = {{'m', CLONE_NEWNS}, {'p', CLONE_NEWPID}, {'n', CLONE_NEWNET}, {'i', CLONE_NEWIPC},
		     {'u', CLONE_NEWUTS}, {'c', CLONE_NEWCGROUP}, {'U', CLONE_NEWUSER}};
	unsigned long flags = 0;

	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (strchr(letters, table[i].letter))
			flags |= table[i].flag;
	return flags;
}

static const char *const ns_sets[] = {"", "m", "p", "n", "i", "u", "c", "U", "mpniuc", "mpiuc", "mpniucU"};
#define N_SETS (sizeof ns_sets / sizeof *ns_sets)

static int cmd_ns(const struct floor *f)
{
	size_t n = (size_t)f->opt.n;
	double *v = calloc(N_SETS * n, sizeof *v);

	for (size_t i = 0; i < N_SETS * n; i++) {
		size_t set = i % N_SETS;
		struct clone_args args = {.flags = ns_parse(ns_sets[set]), .exit_signal = SIGCHLD};
		double start = now_us();
		pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);

		if (!pid)
			_exit(0);
		waitpid(pid, NULL, 0);
		v[set * n + i / N_SETS] = now_us() - start;
	}
	printf("%-40s %9s %9s %9s\n", "# clone3, exit, wait, us", "median", "min", "p90");
	for (size_t set = 0; set < N_SETS; set++) {
		char name[32];

		snprintf(name, sizeof name, "[%s]", ns_sets[set]);
		print_row(name, v + set * n, f->opt.n);
	}
	free(v);
	return 0;
}

/* What the kernel holds and can't reclaim, in kB. */
static long kernel_memory_kb(void)
{
	static const char *const keys[] = {"SUnreclaim:", "KernelStack:", "PageTables:", "Percpu:"};
	FILE *in = fopen("/proc/meminfo", "re");
	char line[200];
	long sum = 0, value;

	while (in && fgets(line, sizeof line, in))
		for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
			if (strncmp(line, keys[i], strlen(keys[i])) == 0 && sscanf(line + strlen(keys[i]), "%ld", &value) == 1)
				sum += value;
	if (in)
		fclose(in);
	return sum;
}

static double kmem_of_set(const struct floor *f, const char *set)
{
	int n = f->opt.n;
	pid_t *pids = calloc((size_t)n, sizeof *pids);
	long before = kernel_memory_kb();

	for (int i = 0; i < n; i++) {
		struct clone_args args = {.flags = ns_parse(set), .exit_signal = SIGCHLD};

		pids[i] = (pid_t)syscall(SYS_clone3, &args, sizeof args);
		if (!pids[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			pause();
		}
	}
	usleep(200000);

	double each = (double)(kernel_memory_kb() - before) / n;

	for (int i = 0; i < n; i++)
		kill(pids[i], SIGKILL);
	for (int i = 0; i < n; i++)
		waitpid(pids[i], NULL, 0);
	free(pids);
	return each;
}

static int cmd_kmem(const struct floor *f)
{
	printf("# kernel memory (unreclaimable slab, stacks, page tables, per-cpu), kB each: median, min\n");
	for (size_t s = 0; s < N_SETS; s++) {
		double v[5];

		for (int i = 0; i < 5; i++) {
			sleep(1);
			v[i] = kmem_of_set(f, ns_sets[s]);
		}
		qsort(v, 5, sizeof *v, by_value);
		printf("[%s] %.1f %.1f\n", ns_sets[s], v[2], v[0]);
	}
	return 0;
}

/*
 * A filter in the shape that loads fastest: the architecture, then ranges of call numbers with alternating
 * answers, walked as a binary tree. Refused: what a container has no business with. Only its size and
 * shape matter here.
 */
static const uint16_t refused_calls[] = {
	SYS_ptrace, SYS_syslog, SYS_uselib, SYS_swapon, SYS_swapoff, SYS_settimeofday, SYS_acct, SYS_reboot,
	SYS_init_module, SYS_delete_module, SYS_quotactl, SYS_nfsservctl, SYS_add_key, SYS_request_key, SYS_keyctl,
	SYS_perf_event_open, SYS_kexec_load, SYS_kexec_file_load, SYS_finit_module, SYS_bpf, SYS_userfaultfd,
	SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register, SYS_open_by_handle_at, SYS_vmsplice,
};
enum { CALLS_END = 463 };

struct range {
	uint32_t first;
	bool allowed;
};

static size_t make_ranges(struct range *r)
{
	size_t n = 0;
	bool refused[CALLS_END + 1] = {};

	for (size_t i = 0; i < sizeof refused_calls / sizeof *refused_calls; i++)
		refused[refused_calls[i]] = true;
	refused[CALLS_END] = true;
	for (uint32_t call = 0; call <= CALLS_END; call++)
		if (!n || r[n - 1].allowed == refused[call])
			r[n++] = (struct range){call, !refused[call]};
	return n;
}

/* Emits the decision for ranges [from, to): the lower half follows the jump, the upper half comes after it. */
static size_t emit_ranges(struct sock_filter *out, size_t at, const struct range *r, size_t from, size_t to)
{
	if (to - from == 1) {
		uint32_t answer = r[from].allowed ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | EPERM;

		out[at] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, answer);
		return at + 1;
	}
	size_t middle = from + (to - from) / 2;
	size_t end = emit_ranges(out, at + 1, r, from, middle);

	out[at] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, r[middle].first,
					       (uint8_t)(end - at - 1), 0);
	return emit_ranges(out, end, r, middle, to);
}

static int cmd_filter(void)
{
#ifdef __x86_64__
	const uint32_t arch = AUDIT_ARCH_X86_64;
#else
	const uint32_t arch = AUDIT_ARCH_AARCH64;
#endif
	struct range ranges[CALLS_END + 1];
	struct sock_filter out[4 + 2 * CALLS_END] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, arch, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	};
	size_t n = emit_ranges(out, 4, ranges, 0, make_ranges(ranges));

	return fwrite(out, sizeof *out, n, stdout) != n;
}

static int load_filter(struct options *o, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return -1;
	o->filter.filter = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	o->filter.len = (unsigned short)((size_t)st.st_size / sizeof(struct sock_filter));
	close(fd);
	return o->filter.filter == MAP_FAILED ? -1 : 0;
}

/* Options: a flag sets a bool, a word sets a pointer; the rest has a line of its own. */
static int parse_options(struct options *o, int argc, char **argv)
{
	const struct {
		const char *name;
		bool *flag;
		const char **word;
	} table[] = {
		{"--root", NULL, &o->root}, {"--up", NULL, &o->up}, {"--dev", NULL, &o->dev},
		{"--cg", NULL, &o->cgroup2}, {"--volatile", &o->is_volatile, NULL}, {"--idmap", &o->idmap, NULL},
		{"--oci", &o->oci, NULL}, {"--lean", &o->lean, NULL}, {"--cg1", &o->cgroup1, NULL},
		{"--caps", &o->caps, NULL}, {"--lo", &o->lo, NULL},
	};
	int i = 0;

	for (; i < argc && strcmp(argv[i], "--"); i++) {
		size_t k = 0;

		while (k < sizeof table / sizeof *table && strcmp(argv[i], table[k].name))
			k++;
		if (k < sizeof table / sizeof *table && table[k].flag)
			*table[k].flag = true;
		else if (i + 1 == argc)
			return -1;
		else if (k < sizeof table / sizeof *table)
			*table[k].word = argv[++i];
		else if (!strcmp(argv[i], "--ns"))
			o->ns = ns_parse(argv[++i]);
		else if (!strcmp(argv[i], "-n"))
			o->n = atoi(argv[++i]);
		else if (!strcmp(argv[i], "--apps"))
			o->n_apps = atoi(argv[++i]);
		else if (!strcmp(argv[i], "--seccomp") && !load_filter(o, argv[i + 1]))
			i++;
		else
			return -1;
	}
	o->argv = argv + (i < argc ? i + 1 : argc);
	return 0;
}

static int cmd_flags(const struct floor *f, int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		printf("%s%s", argv[i], i + 1 < argc ? " " : "\n");
	printf("user namespace: %s; root: %s; mounts: %s; cgroup: %s; filter: %u instructions\n",
	       f->opt.ns & CLONE_NEWUSER ? (f->opt.idmap ? "yes, id-mapped lower" : "yes") : "no",
	       f->opt.up ? (f->opt.is_volatile ? "overlay, volatile" : "overlay") : "bind",
	       f->opt.oci ? "as podman and crun" : f->opt.lean ? "lean" : "proc",
	       f->opt.cgroup2 ? "v2" : f->opt.cgroup1 ? "v1, all hierarchies" : "none", f->opt.filter.len);
	return 0;
}

static int usage(void)
{
	fputs("usage: floor run|hold|pod|life|enter PID|stages|ns|kmem|filter|flags [OPTIONS] [-- PROG ARG...]\n",
	      stderr);
	return 2;
}

int main(int argc, char **argv)
{
	struct floor f = {.opt = {.ns = ns_parse("mpniuc"), .n = 100, .n_apps = 3}, .idmap_userns = -1};

	if (argc < 2)
		return usage();
	bool enter = !strcmp(argv[1], "enter") && argc > 2;

	if (parse_options(&f.opt, argc - 2 - enter, argv + 2 + enter) || f.opt.n_apps < 1 || f.opt.n_apps > N_APPS_MAX)
		return usage();
	f.shared = mmap(NULL, sizeof *f.shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (f.shared == MAP_FAILED || pipe2(f.sync, O_CLOEXEC) || pipe2(f.exec_done, O_CLOEXEC) ||
	    pipe2(f.pids, O_CLOEXEC))
		die("floor");
	if (enter)
		return cmd_enter(&f, atoi(argv[2]));
	if (!strcmp(argv[1], "ns"))
		return cmd_ns(&f);
	if (!strcmp(argv[1], "kmem"))
		return cmd_kmem(&f);
	if (!strcmp(argv[1], "filter"))
		return cmd_filter();
	if (!strcmp(argv[1], "flags"))
		return cmd_flags(&f, argc - 2, argv + 2);

	static const struct {
		const char *name;
		int (*run)(struct floor *f);
	} commands[] = {{"run", run_once}, {"hold", cmd_hold}, {"pod", cmd_pod}, {"life", cmd_life},
			{"stages", cmd_stages}};

	for (size_t i = 0; f.opt.argv[0] && i < sizeof commands / sizeof *commands; i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(&f);
	return usage();
}
