/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container on disk. Its folder appears when it is created and goes when it is deleted; the state is what can be seen,
 * there is nothing to repair:
 *
 *   ROOT/ID/              0700; flock(2) on it while somebody changes the container
 *     state.json          what was made (struct oci_state)
 *     config.json         the bundle's, as it was then
 *     start.sock          the process waits there for its start: `created`
 *
 *   creating   no pid yet        running   the process lives           paused   its group is frozen
 *   created    start.sock        stopped   it is gone, or a zombie
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"
#include "boundary/oci_cgroup.h"
#include "oci/oci.h"
#include "pod/oci_plan.h"

struct oci_state {
	char *id, *bundle, *root_path, *oci_version;
	char *annotations;      /* JSON */
	uint32_t pid;
	uint64_t pid_started;   /* proc(5), stat, field 22: tells a recycled pid */
	int64_t created_ns;
	uint64_t namespaces;    /* CLONE_NEW* that are not the runtime's */
	char *cgroup;           /* below each hierarchy */
	char *scope;            /* systemd's unit; NULL */
	uint32_t owner;
};

enum oci_status { OCI_CREATING, OCI_CREATED, OCI_RUNNING, OCI_PAUSED, OCI_STOPPED };
extern const char *const oci_status_names[];

struct container {
	int fd;                 /* its folder */
	struct oci_state state;
	enum oci_status status;
	struct oci_cgroup cgroup;
};
#define CONTAINER_NONE { .fd = -1 }
#define autocontainer [[gnu::cleanup(container_close)]] struct container

/* ERR_USAGE for what is no id: it becomes a path. */
[[nodiscard]] int container_check_id(const char *id, struct err *e);
/* Makes the folder, locked. ERR_BUSY when there is one. */
[[nodiscard]] int container_make(const struct oci *o, const char *id, int *ret_fd, struct err *e);
/* Opens the folder, locked when asked, and looks at the container. ERR_NOT_FOUND. */
enum container_lock { CONTAINER_LOOK, CONTAINER_LOCK };
[[nodiscard]] int container_open(const struct oci *o, const char *id, enum container_lock lock, struct container *ret,
				 struct err *e);
void container_close(struct container *c);
/* The copy of config.json, read and planned. */
[[nodiscard]] int container_read_config(const struct oci *o, const struct container *c, struct oci_config *ret,
					struct err *e);
[[nodiscard]] int container_write(int fd, const struct oci_state *s, struct err *e);
/* Removes the folder and all in it. */
[[nodiscard]] int container_forget(const struct oci *o, const char *id, struct err *e);
/* The state document that `state` prints and hooks read (runtime.md, "State"). */
void container_add_state(struct str *out, const struct oci_state *s, enum oci_status status, bool extended);
/* Reads the start time of a process; 0 when there is none, or it is a zombie. */
uint64_t process_started(pid_t pid);
/* Sends a signal to the process that state names, and no other. ERR_STATE when it is gone. */
[[nodiscard]] int container_signal(const struct container *c, int signal, struct err *e);
