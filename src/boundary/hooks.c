/* SPDX-License-Identifier: Apache-2.0 */
/* See hooks.h. */
#include "boundary/hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"

enum { DEFAULT_SECONDS = 120 };

const char *const hook_kind_names[OCI_HOOKS] = {
	[OCI_PRESTART] = "prestart",	       [OCI_CREATE_RUNTIME] = "createRuntime",
	[OCI_CREATE_CONTAINER] = "createContainer", [OCI_START_CONTAINER] = "startContainer",
	[OCI_POSTSTART] = "poststart",	       [OCI_POSTSTOP] = "poststop",
};

[[gnu::noreturn]] static void hook_main(const struct oci_hook *h, int stdin_fd)
{
	char *no_env[] = { NULL };
	char *just_path[] = { h->path, NULL };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setpgid(0, 0);
	if (dup2(stdin_fd, 0) < 0 || syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		_exit(126);
	execve(h->path, h->args && *h->args ? h->args : just_path, h->env ?: no_env);
	_exit(errno == ENOENT ? 127 : 126);
}

static int explain(const struct oci_hook *h, const char *kind, int status, struct err *e)
{
	err_new(e, ERR_FAILED, "the %s hook %.120s failed", kind, h->path);
	if (WIFSIGNALED(status))
		return err_because(e, "signal %d ended it", WTERMSIG(status));
	if (WEXITSTATUS(status) == 127)
		return err_because(e, "no such file or directory, or it says so itself (exit code 127)");
	return err_because(e, "it ended with exit code %d", WEXITSTATUS(status));
}

/* Waits with its time limit. */
static int wait_hook(const struct oci_hook *h, const char *kind, pid_t pid, int64_t seconds, struct err *e)
{
	autoclose int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	const int64_t deadline = io_monotonic_ns() + seconds * 1000000000;
	int status = 0, ready = 0;

	while (pidfd >= 0 && ready == 0) {
		int64_t left = (deadline - io_monotonic_ns()) / 1000000;

		if (left <= 0)
			break;
		ready = poll(&p, 1, left > 1 << 30 ? 1 << 30 : (int)left);
		if (ready < 0 && errno == EINTR)
			ready = 0;
	}
	if (ready <= 0)
		kill(-pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (ready <= 0) {
		err_new(e, ERR_FAILED, "the %s hook %.120s did not end", kind, h->path);
		return err_because(e, "it was killed after %lld seconds", (long long)seconds);
	}
	return status == 0 ? 0 : explain(h, kind, status, e);
}

static int run_hook(const struct oci_hook *h, const char *kind, const char *state, struct err *e)
{
	int64_t seconds = h->timeout ? strtoll(h->timeout, NULL, 10) : DEFAULT_SECONDS;
	/* A memfd: a hook that does not read can't block us. */
	autoclose int in = io_memfd("state", state, strlen(state));
	pid_t pid = in < 0 ? -1 : vfork();

	if (pid == 0)
		hook_main(h, in);
	if (pid < 0)
		return err_errno(e, "can't run the %s hook %.120s", kind, h->path);
	return wait_hook(h, kind, pid, seconds, e);
}

int hooks_run(const struct oci_config *c, enum oci_hook_kind kind, const char *state, struct err *e)
{
	const struct oci_hook_list *l = &c->hooks[kind];

	for (size_t i = 0; i < l->n; i++)
		if (run_hook(&l->v[i], hook_kind_names[kind], state, e) < 0)
			return -e->code;
	return 0;
}
