/* SPDX-License-Identifier: Apache-2.0 */
/* Processes by mount namespace, from /proc/PID/ns/mnt. See ns_pids.h. */
#include "boundary/ns_pids.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { KILL_ROUNDS = 100 };

ino_t ns_pids_mounts_of(pid_t pid)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
	return stat(path, &st) == 0 ? st.st_ino : 0;
}

int ns_pids_list(ino_t mounts, int64_t **ret, size_t *ret_n, struct err *e)
{
	autoclosedir DIR *d = opendir("/proc");
	autofree int64_t *pids = NULL;
	struct dirent *entry;
	size_t n = 0, cap = 0;

	if (!d)
		return err_errno(e, "can't list processes");
	while ((entry = readdir(d))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid <= 0 || ns_pids_mounts_of(pid) != mounts)
			continue;
		if (n == cap) {
			int64_t *more = realloc(pids, (cap = cap ? 2 * cap : 32) * sizeof(*pids));

			if (!more)
				return err_errno(e, "can't list processes");
			pids = more;
		}
		pids[n++] = pid;
	}
	*ret = pids;
	*ret_n = n;
	pids = NULL;
	return 0;
}

void ns_pids_kill(ino_t mounts)
{
	for (int round = 0; mounts && round < KILL_ROUNDS; round++) {
		autofree int64_t *pids = NULL;
		struct err ignored = {};
		size_t n = 0;

		if (ns_pids_list(mounts, &pids, &n, &ignored) < 0 || n == 0)
			return;
		for (size_t i = 0; i < n; i++)
			kill((pid_t)pids[i], SIGKILL);
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
}
