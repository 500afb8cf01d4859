/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/PID/{status,stat,cmdline} of each process in an app's control group. */
#include "cli/pod_process.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "boundary/ns_pids.h"
#include "cli/pod_group.h"

#define PROC_FILE_MAX 65536
#define COMMAND_MAX 4096

/* The text behind "KEY:" and blanks in /proc/PID/status, up to the end of its line; NULL without it. */
static char *status_value(struct arena *a, const char *status, const char *key)
{
	size_t n = strlen(key);

	for (const char *line = status; line && *line; line = strchr(line, '\n'), line += line ? 1 : 0) {
		if (strncmp(line, key, n) != 0 || line[n] != ':')
			continue;
		line += n + 1;
		line += strspn(line, " \t");
		return arena_strndup(a, line, strcspn(line, "\n"));
	}
	return NULL;
}

static uint64_t first_number(const char *text)
{
	return text ? strtoull(text, NULL, 10) : 0;
}

static uint64_t last_number(const char *text)
{
	const char *blank = text ? strrchr(text, '\t') : NULL;

	return first_number(blank ? blank + 1 : text);
}

/* The four times stand behind the name in brackets, which may hold anything (proc_pid_stat(5)). */
static uint64_t cpu_time(const char *stat)
{
	const char *p = strrchr(stat, ')');
	unsigned long long t[4] = {};

	if (!p || sscanf(p + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %llu %llu", &t[0], &t[1], &t[2],
			 &t[3]) != 4)
		return 0;
	return (t[0] + t[1] + t[2] + t[3]) * (1000000000ULL / (uint64_t)sysconf(_SC_CLK_TCK));
}

/* The words with blanks between; a kernel-like empty command line gives the name in brackets. */
static const char *command_line(struct arena *a, char *text, size_t len, const char *name)
{
	while (len && text[len - 1] == 0)
		len--;
	if (len == 0)
		return arena_printf(a, "[%s]", name ? name : "?");
	len = len < COMMAND_MAX ? len : COMMAND_MAX;
	for (size_t i = 0; i < len; i++)
		text[i] = text[i] ? text[i] : ' ';
	return arena_strndup(a, text, len);
}

/* The host's id as the pod has it. False for one that is none of the pod's. */
static bool pod_uid(const struct plan_ids *ids, uint64_t uid, uint64_t *ret)
{
	if (ids->kind != IDS_RANGE && uid == ids->user)
		uid = 0;
	else if (ids->kind == IDS_SINGLE)
		return false;
	else if (ids->kind == IDS_SUBIDS)
		uid = uid - ids->sub_uid + 1;
	else
		uid -= ids->count ? ids->base : 0;
	*ret = uid;
	return !ids->count || uid < ids->count;
}

static int read_proc(struct arena *a, int64_t pid, const struct plan_ids *ids, struct process *ret)
{
	autoclose int dir = open(arena_printf(a, "/proc/%lld", (long long)pid), O_PATH | O_DIRECTORY | O_CLOEXEC);
	autofree char *status = NULL;
	autofree char *stat = NULL;
	autofree char *command = NULL;
	struct err gone = {};
	size_t n, command_len;

	if (dir < 0 || io_read_file(dir, "status", PROC_FILE_MAX, &status, &n, &gone) < 0 ||
	    io_read_file(dir, "stat", PROC_FILE_MAX, &stat, &n, &gone) < 0 ||
	    io_read_file(dir, "cmdline", 4U << 20, &command, &command_len, &gone) < 0)
		return -1; /* it has just ended */
	uint64_t inner = 0;
	bool known = pod_uid(ids, first_number(status_value(a, status, "Uid")), &inner);

	*ret = (struct process){
		.pid = pid,
		.state = status_value(a, status, "State"),
		.inner_pid = last_number(status_value(a, status, "NSpid")),
		.uid_known = known,
		.uid = inner,
		.rss_bytes = first_number(status_value(a, status, "VmRSS")) * 1024,
		.cpu_ns = cpu_time(stat),
		.command = command_line(a, command, command_len, status_value(a, status, "Name")),
	};
	return 0;
}

/* An app without a control group: its processes are those that see its mounts. */
static int read_pids(const struct pod_look *p, const char *app, int64_t **ret, size_t *ret_n, struct err *e)
{
	const struct app_status *status = pod_look_app_status(p, app);
	ino_t mounts = status && status->pid ? ns_pids_mounts_of((pid_t)status->pid) : 0;

	return mounts ? ns_pids_list(mounts, ret, ret_n, e) : 0;
}

int pod_process_list(struct arena *a, const struct pod_look *p, const char *app, struct processes *out, struct err *e)
{
	autofree int64_t *pids = NULL;
	struct pod_group g;
	struct err ended = {};
	size_t n = 0;

	if (pod_group_open(p, app, &g, &ended) < 0)
		return 0; /* it waits for its restart, or is over */
	int r = p->plan.cgroup ? cgroup_read_pids(&g.host, &g.group, &pids, &n, e) : read_pids(p, app, &pids, &n, e);

	pod_group_close(&g);
	for (size_t i = 0; r == 0 && i < n; i++) {
		struct process process;

		if (read_proc(a, pids[i], &p->plan.ids, &process) < 0)
			continue;
		process.app = app;
		*list_add(a, &out->list) = process;
	}
	return r;
}
