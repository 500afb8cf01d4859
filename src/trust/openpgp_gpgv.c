/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gpgv as a child (trust/openpgp.h; gpgv(1), gnupg's doc/DETAILS for its status lines). What it gets lies in
 * memory files, what it says comes back in others, so no path and no directory is shared with it.
 *
 *   fd 0 signed file, of a detached signature · 1 the signed message · 2 nothing · 3 status · 4 keyring · 5 signature
 */
#include "trust/openpgp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/rootless.h"
#include "base/str.h"

enum { FD_STATUS = 3, FD_KEYRING, FD_SIGNATURE, FD_END, NOBODY = 65534, SECONDS_MAX = 20, STATUS_MAX = 16 << 10 };

struct files {
	int message, status, keyring, signature;
};

static const char *find_gpgv(void)
{
	static const char *const places[] = {"/usr/bin/gpgv", "/usr/local/bin/gpgv", "/bin/gpgv"};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (access(places[i], X_OK) == 0)
			return places[i];
	return NULL;
}

/* ---- in the child, between fork and exec: no allocation ---- */

/* Reading and executing below the system's own folders, nothing else. Kernels without Landlock do without. */
static bool confine_files(void)
{
	static const char *const readable[] = {"/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/ld.so.conf",
					       "/etc/gcrypt", "/dev/null", "/dev/urandom", "/dev/random"};
	struct landlock_ruleset_attr attr = {.handled_access_fs = (1ULL << 13) - 1}; /* all of the first version */
	int rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);

	if (rules < 0)
		return errno == ENOSYS || errno == EOPNOTSUPP;
	for (size_t i = 0; i < ARRAY_SIZE(readable); i++) {
		int fd = open(readable[i], O_PATH | O_CLOEXEC);
		bool dir = i < 4;
		struct landlock_path_beneath_attr beneath = {
			.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_EXECUTE |
					  (dir ? LANDLOCK_ACCESS_FS_READ_DIR : 0),
			.parent_fd = fd,
		};

		if (fd < 0)
			continue;
		if (!dir)
			beneath.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE;
		(void)!syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
		close(fd);
	}
	return syscall(SYS_landlock_restrict_self, rules, 0) == 0;
}

/* What gpgv never does, answered with EPERM: sockets, other processes, namespaces, mounts, keys. */
static bool confine_calls(void)
{
#define DENY(name) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)
	static const struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		DENY(socket), DENY(socketpair), DENY(connect), DENY(bind), DENY(ptrace), DENY(process_vm_readv),
		DENY(process_vm_writev), DENY(unshare), DENY(setns), DENY(mount), DENY(umount2), DENY(pivot_root),
		DENY(chroot), DENY(keyctl), DENY(add_key), DENY(request_key), DENY(bpf), DENY(perf_event_open),
		DENY(io_uring_setup), DENY(userfaultfd), DENY(kill), DENY(tkill), DENY(pidfd_open), DENY(memfd_create),
		DENY(clone3), DENY(clone),
#ifdef SYS_fork
		DENY(fork), DENY(vfork),
#endif
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
#undef DENY
	struct sock_fprog fprog = {.len = ARRAY_SIZE(program), .filter = (struct sock_filter *)program};

	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &fprog, 0, 0) == 0 || errno == EINVAL || errno == ENOSYS;
}

static bool limit(int what, rlim_t value)
{
	struct rlimit l = {value, value};

	return setrlimit(what, &l) == 0;
}

static bool give_up(void)
{
	/* Inside a user's half of the host root is that user, and there may be no other id to become. */
	if (geteuid() == 0 && (syscall(SYS_setgroups, 0, NULL) < 0 || syscall(SYS_setresgid, NOBODY, NOBODY, NOBODY) < 0 ||
			       syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY) < 0) && !rootless_here(NULL))
		return false;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 &&
	       limit(RLIMIT_CPU, SECONDS_MAX) && limit(RLIMIT_AS, 1 << 30) && limit(RLIMIT_CORE, 0) &&
	       limit(RLIMIT_FSIZE, 4 << 20) && limit(RLIMIT_NPROC, 0) && confine_files() && confine_calls();
}

/* Each descriptor to its place; first all out of the way of the others. */
static bool place_fds(const struct files *f, int signed_fd, int null_fd)
{
	int from[FD_END] = {signed_fd >= 0 ? signed_fd : null_fd, f->message, null_fd, f->status, f->keyring, f->signature};

	for (int i = 0; i < FD_END; i++)
		if ((from[i] = fcntl(from[i], F_DUPFD, 20)) < 0)
			return false;
	for (int i = 0; i < FD_END; i++)
		if (dup2(from[i], i) < 0)
			return false;
	return syscall(SYS_close_range, FD_END, ~0U, 0) == 0;
}

[[gnu::noreturn]] static void child(const char *gpgv, const struct files *f, int signed_fd, int null_fd)
{
	/* A message is opened and written to 1; a detached signature takes the file that it is over. */
	const char *const whole[] = {"gpgv", "--homedir", "/nonexistent", "--status-fd", "3", "--keyring",
			       "/proc/self/fd/4", "--output", "-", "/proc/self/fd/5", NULL};
	const char *const detached[] = {"gpgv", "--homedir", "/nonexistent", "--status-fd", "3", "--keyring",
				  "/proc/self/fd/4", "/proc/self/fd/5", "-", NULL};
	const char *const env[] = {"LC_ALL=C", "PATH=/usr/bin:/bin", NULL};

	if (place_fds(f, signed_fd, null_fd) && give_up())
		execve(gpgv, (char *const *)(signed_fd >= 0 ? detached : whole), (char *const *)env);
	_exit(126);
}

/* ---- in the parent ---- */

static int wait_for(pid_t pid, int *ret_status, struct err *e)
{
	int64_t end_ns = io_monotonic_ns() + (int64_t)SECONDS_MAX * 1000000000;
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = {.fd = pidfd, .events = POLLIN};

	while (pidfd >= 0 && poll(&p, 1, (int)((end_ns - io_monotonic_ns()) / 1000000 + 1)) < 0 && errno == EINTR)
		;
	if (pidfd >= 0 && !(p.revents & POLLIN))
		kill(pid, SIGKILL);
	if (pidfd >= 0)
		close(pidfd);
	while (waitpid(pid, ret_status, 0) < 0)
		if (errno != EINTR)
			return err_errno(e, "can't wait for gpgv");
	return 0;
}

/* "[GNUPG:] VALIDSIG FPR DATE TIME EXPIRE VERSION RESERVED ALGO HASH CLASS PRIMARY-FPR": its last word. */
static bool take_validsig(const char *line, struct openpgp_result *ret)
{
	const char *last = strrchr(line, ' ');
	size_t n = last ? strlen(last + 1) : 0;

	if (n != 40 && n != 64)
		return false;
	memcpy(ret->fingerprint, last + 1, n + 1);
	return true;
}

static const struct {
	const char *word, *because;
} bad_words[] = {
	{"BADSIG", "the signature does not fit what it signs"},
	{"EXPSIG", "the signature has expired"},
	{"EXPKEYSIG", "the key that signed has expired"},
	{"REVKEYSIG", "the key that signed was revoked"},
	{"ERRSIG", "it is not by a key that is trusted here, or of an algorithm that gpgv can't check"},
	{"NODATA", "it is no OpenPGP signature"},
	{"UNEXPECTED", "it is no OpenPGP signature"},
};

/*
 * Exactly one signature over exactly one text (a detached one: over none inside), and a good one: VALIDSIG with GOODSIG, and
 * no word against it. More of them are refused, since what covers what is then a matter of opinion.
 */
static void judge_status(char *status, int exit_status, unsigned texts, struct openpgp_result *ret)
{
	unsigned valid = 0, good = 0, bad = 0, plain = 0;

	snprintf(ret->because, sizeof(ret->because), "gpgv does not accept it");
	for (char *line = status, *next; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		if (!str_has_prefix(line, "[GNUPG:] "))
			continue;
		line += 9;
		good += str_has_prefix(line, "GOODSIG ");
		plain += str_has_prefix(line, "PLAINTEXT ");
		if (str_has_prefix(line, "VALIDSIG "))
			valid += take_validsig(line, ret) ? 1 : 2;
		for (size_t i = 0; i < ARRAY_SIZE(bad_words); i++) {
			if (!str_has_prefix(line, bad_words[i].word))
				continue;
			bad++;
			snprintf(ret->because, sizeof(ret->because), "%s", bad_words[i].because);
		}
	}
	ret->good = valid == 1 && good == 1 && !bad && plain == texts && WIFEXITED(exit_status) && WEXITSTATUS(exit_status) == 0;
}

static bool read_back(int fd, char *buf, size_t room, size_t *ret_n)
{
	if (lseek(fd, 0, SEEK_SET) < 0)
		return false;
	ssize_t n = io_read_full(fd, buf, room);

	if (n < 0 || (size_t)n >= room)
		return false;
	buf[n] = 0;
	*ret_n = (size_t)n;
	return true;
}

static int run(const char *gpgv, const struct openpgp_job *job, const struct files *f, struct openpgp_result *ret,
	       struct err *e)
{
	autoclose int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	autofree char *status = calloc(1, STATUS_MAX + 1);
	int exit_status = 0;
	size_t n;
	pid_t pid = null_fd < 0 || !status ? -1 : fork();

	if (pid == 0)
		child(gpgv, f, job->signed_fd, null_fd);
	if (pid < 0)
		return err_errno(e, "can't start gpgv");
	if (wait_for(pid, &exit_status, e) < 0)
		return -e->code;
	if (WIFEXITED(exit_status) && WEXITSTATUS(exit_status) == 126)
		return err_new(e, ERR_FAILED, "gpgv can't be confined or executed");
	if (!read_back(f->status, status, STATUS_MAX, &n))
		return err_new(e, ERR_FAILED, "what gpgv says can't be read");
	judge_status(status, exit_status, job->signed_fd < 0, ret);
	if (ret->good && job->signed_fd < 0 && !read_back(f->message, ret->payload, sizeof(ret->payload), &ret->payload_n)) {
		ret->good = false;
		snprintf(ret->because, sizeof(ret->because), "the message that was signed is too long");
	}
	return 0;
}

int openpgp_check(const struct openpgp_job *job, struct openpgp_result *ret, struct err *e)
{
	const char *gpgv = find_gpgv();

	memset(ret, 0, offsetof(struct openpgp_result, payload) + 1);
	if (!gpgv) {
		err_new(e, ERR_FAILED, "OpenPGP signatures can't be checked");
		err_because(e, "the program gpgv is not installed");
		return err_try(e, "apt-get install gpgv");
	}
	autoclose int message = memfd_create("message", MFD_CLOEXEC), status = memfd_create("status", MFD_CLOEXEC);
	autoclose int keyring = io_memfd("keyring", job->keyring, job->keyring_n);
	autoclose int signature = io_memfd("signature", job->signature, job->signature_n);
	const struct files f = {message, status, keyring, signature};

	if (message < 0 || status < 0 || keyring < 0 || signature < 0)
		return err_errno(e, "no memory for a signature");
	return run(gpgv, job, &f, ret, e);
}
