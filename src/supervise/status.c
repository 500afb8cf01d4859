/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The status record. It is written in place, with one write and padding, because a rename for each change
 * would cost a file each time; a reader that hits the moment reads again.
 */
#include "supervise/status.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/record.h"

enum { STATUS_MAX = 1 << 20, READ_TRIES = 20 };

const char *const app_state_names[] = { "waiting", "starting", "running", "stopping", "backoff", "exited", "paused",
					NULL };

static const struct field app_fields[] = {
	FIELD(struct app_status, name, "name", FIELD_STR),
	FIELD(struct app_status, state, "state", FIELD_ENUM, .names = app_state_names),
	FIELD(struct app_status, pid, "pid", FIELD_INT),
	FIELD(struct app_status, exit_code, "exit_code", FIELD_INT),
	FIELD(struct app_status, exit_signal, "exit_signal", FIELD_INT),
	FIELD(struct app_status, oom_killed, "oom_killed", FIELD_BOOL),
	FIELD(struct app_status, ready, "ready", FIELD_BOOL),
	FIELD(struct app_status, error, "error", FIELD_STR),
	FIELD(struct app_status, started_ns, "started_ns", FIELD_INT),
	FIELD(struct app_status, finished_ns, "finished_ns", FIELD_INT),
	FIELD(struct app_status, restarts, "restarts", FIELD_U32),
	FIELD(struct app_status, log_dropped, "log_dropped", FIELD_U64),
};
static const struct field_set app_set = FIELD_SET("app", struct app_status, app_fields);

static const struct field port_fields[] = {
	FIELD(struct status_port, hole, "hole", FIELD_STR),
	FIELD(struct status_port, port, "port", FIELD_U32),
};
static const struct field_set port_set = FIELD_SET("port", struct status_port, port_fields);

static const struct field status_fields[] = {
	FIELD(struct pod_status, supervisor_pid, "supervisor_pid", FIELD_INT),
	FIELD(struct pod_status, started_ns, "started_ns", FIELD_INT),
	FIELD(struct pod_status, finished_ns, "finished_ns", FIELD_INT),
	FIELD(struct pod_status, exit_code, "exit_code", FIELD_INT),
	FIELD(struct pod_status, paused, "paused", FIELD_BOOL),
	FIELD(struct pod_status, apps, "apps", FIELD_LIST, .sub = &app_set),
	FIELD(struct pod_status, ports, "ports", FIELD_LIST, .sub = &port_set),
	FIELD(struct pod_status, live.changes, "live", FIELD_LIST, .sub = &live_hole_set),
	FIELD(struct pod_status, links.changes, "links", FIELD_LIST, .sub = &live_link_set),
};
const struct field_set pod_status_set = FIELD_SET("status", struct pod_status, status_fields);

static void running_name(const struct pod_dir *p, char *ret, size_t cap)
{
	snprintf(ret, cap, "%s.status", p->id);
}

static int write_at(int dirfd, const char *name, const struct pod_status *st, struct err *e)
{
	struct stat old;
	autostr text = {};
	autoclose int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	record_write(&text, &pod_status_set, st, RECORD_COMPACT);
	str_add_char(&text, '\n');
	if (fd >= 0 && fstat(fd, &old) == 0)
		while (text.len < (size_t)old.st_size)
			str_add_char(&text, '\n');
	if (fd < 0 || pwrite(fd, text.text, text.len, 0) != (ssize_t)text.len)
		return err_errno(e, "can't write the pod's status");
	return 0;
}

int status_write(const struct state *s, const struct pod_dir *p, const struct pod_status *st, struct err *e)
{
	char name[POD_ID_LEN + 16];

	running_name(p, name, sizeof(name));
	return write_at(s->runfd, name, st, e);
}

int status_finish(const struct state *s, const struct pod_dir *p, const struct pod_status *st, struct err *e)
{
	char name[POD_ID_LEN + 16];
	int r = write_at(p->fd, "status", st, e);

	running_name(p, name, sizeof(name));
	if (r == 0)
		(void)!unlinkat(s->runfd, name, 0);
	return r;
}

static int read_at(int dirfd, const char *name, struct arena *a, struct pod_status *ret, struct err *e)
{
	int r = 0;

	for (int i = 0; i < READ_TRIES; i++) {
		autofree char *text = NULL;
		size_t n;

		r = io_read_file(dirfd, name, STATUS_MAX, &text, &n, e);
		if (r < 0)
			return r;
		r = record_read(a, &pod_status_set, text, n, ret, e);
		if (r == 0)
			return 0;
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	return r;
}

int status_read(const struct state *s, const struct pod_dir *p, struct arena *a, struct pod_status *ret, struct err *e)
{
	char name[POD_ID_LEN + 16];
	struct err ignored = {};

	running_name(p, name, sizeof(name));
	if (read_at(s->runfd, name, a, ret, &ignored) == 0)
		return 0;
	return read_at(p->fd, "status", a, ret, e);
}
