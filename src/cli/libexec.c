/* SPDX-License-Identifier: Apache-2.0 */
/* Where Rocket's programs lie, and becoming one (libexec.h). */
#include "cli/libexec.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"

/* The directory of the running binary; NULL where /proc is missing. */
static char *own_dir(struct arena *a)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n <= 0)
		return NULL;
	path[n] = 0;
	char *slash = strrchr(path, '/');

	return slash ? arena_strndup(a, path, (size_t)(slash - path)) : NULL;
}

int libexec_find(struct arena *a, const char *program, char **ret_path, struct err *e)
{
	const char *dir = own_dir(a);
	char *const places[] = {
		dir ? arena_printf(a, "%s/%s", dir, program) : NULL,
		dir ? arena_printf(a, "%s/../libexec/%s", dir, program) : NULL,
		arena_printf(a, ROCKET_LIBEXECDIR "/%s", program),
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (places[i] && access(places[i], X_OK) == 0) {
			*ret_path = places[i];
			return 0;
		}
	}
	err_new(e, ERR_FAILED, "the program %s is not installed", program);
	err_because(e, "it is neither beside rocket (%s) nor in " ROCKET_LIBEXECDIR, dir ? dir : "unknown");
	return err_try(e, "install Rocket as a whole: make install");
}

int libexec_become(const struct cli *cli, const char *program, char *const *args, struct err *e)
{
	char **argv = NULL, *path = NULL;
	int r = libexec_find(cli->arena, program, &path, e);

	if (r < 0)
		return r;
	arena_strv_add(cli->arena, &argv, path);
	arena_strv_add(cli->arena, &argv, "--dir");
	arena_strv_add(cli->arena, &argv, cli->dir);
	arena_strv_add(cli->arena, &argv, "--run");
	arena_strv_add(cli->arena, &argv, cli->run_dir);
	/* JSON is YAML too. */
	if (cli->output == CLI_JSON || cli->output == CLI_YAML)
		arena_strv_add(cli->arena, &argv, "--json");
	if (cli->quiet)
		arena_strv_add(cli->arena, &argv, "--quiet");
	for (; args && *args; args++)
		arena_strv_add(cli->arena, &argv, *args);
	execv(path, argv);
	return err_errno(e, "can't execute %s", path);
}

int libexec_run(const char *path, char *const *argv, int out_fd, struct err *e)
{
	int status = 0;
	pid_t pid = vfork();

	if (pid == 0) {
		if (dup2(out_fd, STDOUT_FILENO) >= 0)
			execv(path, argv);
		_exit(ERR_NOT_INVOKABLE);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_errno(e, "can't wait for %s", path);
	if (pid < 0)
		return err_errno(e, "can't start %s", path);
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	err_new(e, ERR_FAILED, "%s was killed", path);
	return err_because(e, "signal %d ended it", WTERMSIG(status));
}
