/* SPDX-License-Identifier: Apache-2.0 */
/* See container.h. */
#include "oci/container.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/record.h"
#include "base/unit.h"

enum { ID_MAX = 1024 };

const char *const oci_status_names[] = {
	[OCI_CREATING] = "creating", [OCI_CREATED] = "created", [OCI_RUNNING] = "running",
	[OCI_PAUSED] = "paused",     [OCI_STOPPED] = "stopped",
};

static const struct field state_fields[] = {
	FIELD(struct oci_state, id, "id", FIELD_STR),
	FIELD(struct oci_state, bundle, "bundle", FIELD_STR),
	FIELD(struct oci_state, root_path, "root", FIELD_STR),
	FIELD(struct oci_state, oci_version, "ociVersion", FIELD_STR),
	FIELD(struct oci_state, annotations, "annotations", FIELD_RAW),
	FIELD(struct oci_state, pid, "pid", FIELD_U32),
	FIELD(struct oci_state, pid_started, "pid_started", FIELD_U64),
	FIELD(struct oci_state, created_ns, "created", FIELD_INT),
	FIELD(struct oci_state, namespaces, "namespaces", FIELD_U64),
	FIELD(struct oci_state, cgroup, "cgroup", FIELD_STR),
	FIELD(struct oci_state, scope, "scope", FIELD_STR),
	FIELD(struct oci_state, owner, "owner", FIELD_U32),
};
static const struct field_set state_set = FIELD_SET("state", struct oci_state, state_fields);

int container_check_id(const char *id, struct err *e)
{
	size_t n = strlen(id);
	bool good = n > 0 && n < ID_MAX && strcmp(id, ".") != 0 && strcmp(id, "..") != 0;

	for (const char *c = id; good && *c; c++)
		good = isalnum((unsigned char)*c) || strchr("_+-.", *c);
	if (good && *id != '.')
		return 0;
	err_new(e, ERR_USAGE, "%.80s can't be a container's id", *id ? id : "an empty word");
	return err_because(e, "letters, digits and _ + - . can; it does not begin with a dot");
}

/* ---- the folder ---- */

static int open_root(const struct oci *o, bool make, struct err *e)
{
	if (make) {
		int r = io_mkdir_p(AT_FDCWD, o->root, 0700, e);

		if (r < 0)
			return r;
	}
	int fd = open(o->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 && errno != ENOENT ? err_errno(e, "can't open %.160s", o->root) : fd;
}

int container_make(const struct oci *o, const char *id, int *ret_fd, struct err *e)
{
	if (container_check_id(id, e) < 0)
		return -e->code;
	autoclose int root = open(o->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		root = open_root(o, true, e);
	if (root < 0)
		return -e->code;
	if (mkdirat(root, id, 0700) < 0) {
		if (errno != EEXIST)
			return err_errno(e, "can't make %.120s/%.120s", o->root, id);
		err_new(e, ERR_BUSY, "there is a container %.120s already", id);
		err_because(e, "container with given ID already exists in %.160s", o->root);
		return err_try(e, "rocket-oci delete --force %.120s", id);
	}
	autoclose int fd = openat(root, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		return err_errno(e, "can't lock %.120s/%.120s", o->root, id);
	*ret_fd = take_fd(&fd);
	return 0;
}

int container_forget(const struct oci *o, const char *id, struct err *e)
{
	autoclose int root = open_root(o, false, e);

	return root < 0 ? 0 : io_remove_tree(root, id, e);
}

int container_write(int fd, const struct oci_state *s, struct err *e)
{
	autostr text = {};

	record_write(&text, &state_set, s, RECORD_COMPACT);
	return io_write_file_atomic(fd, "state.json", text.text, text.len, 0600, IO_NO_SYNC, e);
}

/* ---- looking at it ---- */

uint64_t process_started(pid_t pid)
{
	char path[64], text[1024] = "";
	const char *at;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return 0;
	/* The name may hold anything, ')' too; field 3 follows its last one. */
	at = strrchr(text, ')');
	if (!at || strlen(at) < 4 || at[2] == 'Z' || at[2] == 'X')
		return 0;
	for (int field = 2; field < 22 && at; field++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at, NULL, 10) : 0;
}

static enum oci_status look(const struct container *c)
{
	if (c->state.pid == 0)
		return OCI_CREATING;
	if (process_started((pid_t)c->state.pid) != c->state.pid_started)
		return OCI_STOPPED;
	if (faccessat(c->fd, "start.sock", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return OCI_CREATED;
	return oci_cgroup_is_frozen(&c->cgroup) ? OCI_PAUSED : OCI_RUNNING;
}

static int read_state(const struct oci *o, struct container *c, struct err *e)
{
	autofree char *text = NULL;
	size_t n;

	/* A container in the making has none. */
	if (faccessat(c->fd, "state.json", F_OK, 0) < 0)
		return 0;
	if (io_read_file(c->fd, "state.json", 1 << 20, &text, &n, e) < 0)
		return -e->code;
	return record_read(o->arena, &state_set, text, n, &c->state, e);
}

static int not_found(const struct oci *o, const char *id, struct err *e)
{
	err_new(e, ERR_NOT_FOUND, "there is no container %.120s", id);
	err_because(e, "container does not exist in %.160s", o->root);
	return err_try(e, "rocket-oci list");
}

int container_open(const struct oci *o, const char *id, enum container_lock lock, struct container *ret, struct err *e)
{
	autocontainer c = CONTAINER_NONE;

	if (container_check_id(id, e) < 0)
		return -e->code;
	autoclose int root = open_root(o, false, e);
	if (root < -1)
		return -e->code;
	c.fd = root < 0 ? -1 : openat(root, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (c.fd < 0)
		return not_found(o, id, e);
	if (lock == CONTAINER_LOCK && flock(c.fd, LOCK_EX) < 0)
		return err_errno(e, "can't lock %.120s/%.120s", o->root, id);
	if (read_state(o, &c, e) < 0)
		return -e->code;
	if (!c.state.id) {
		c.state.id = arena_strdup(o->arena, id);
		c.state.bundle = arena_strdup(o->arena, "");
	}
	if (c.state.cgroup) {
		if (oci_cgroup_open_host(&c.cgroup, e) < 0 || oci_cgroup_set_path(&c.cgroup, c.state.cgroup, id, e) < 0)
			return -e->code;
		oci_cgroup_open(&c.cgroup);
	}
	c.status = look(&c);
	*ret = c;
	c = (struct container)CONTAINER_NONE;
	return 0;
}

void container_close(struct container *c)
{
	cleanup_close(&c->fd);
	c->fd = -1;
	oci_cgroup_close(&c->cgroup);
}

int container_read_config(const struct oci *o, const struct container *c, struct oci_config *ret, struct err *e)
{
	autofree char *text = NULL;
	size_t n;

	if (io_read_file(c->fd, "config.json", OCI_CONFIG_MAX_BYTES, &text, &n, e) < 0)
		return -e->code;
	return oci_config_read(o->arena, text, n, ret, e);
}

int container_signal(const struct container *c, int signal, struct err *e)
{
	autoclose int pidfd = (int)syscall(SYS_pidfd_open, (pid_t)c->state.pid, 0);

	/* Opened first, then compared: what the descriptor names is what was compared. */
	if (pidfd < 0 || process_started((pid_t)c->state.pid) != c->state.pid_started) {
		err_new(e, ERR_STATE, "can't send a signal to %.120s", c->state.id);
		return err_because(e, "container not running: its process is gone");
	}
	if (syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) < 0)
		return err_errno(e, "can't send signal %d to %.120s", signal, c->state.id);
	return 0;
}

/* ---- the state document ---- */

static void add_member(struct str *out, const char *key, const char *value)
{
	str_addf(out, ",\n  \"%s\": ", key);
	str_add_json(out, value);
}

void container_add_state(struct str *out, const struct oci_state *s, enum oci_status status, bool extended)
{
	str_add(out, "{\n  \"ociVersion\": ");
	str_add_json(out, s->oci_version ?: "1.0.0");
	add_member(out, "id", s->id);
	add_member(out, "status", oci_status_names[status]);
	if (status != OCI_STOPPED || extended)
		str_addf(out, ",\n  \"pid\": %u", status == OCI_STOPPED ? 0 : s->pid);
	add_member(out, "bundle", s->bundle);
	if (extended) {
		add_member(out, "rootfs", s->root_path ?: "");
		str_add(out, ",\n  \"created\": \"");
		unit_add_timestamp(out, s->created_ns);
		str_addf(out, "\",\n  \"owner\": \"%u\"", s->owner);
	}
	if (s->annotations)
		str_addf(out, ",\n  \"annotations\": %s", s->annotations);
	str_add(out, "\n}\n");
}
