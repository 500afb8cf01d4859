/* SPDX-License-Identifier: Apache-2.0 */
/* From a bundle to a container: what `create` and `run` share. */
#pragma once

#include "oci/container.h"

struct launch_options {
	const char *id, *bundle, *config, *console_socket, *pid_file;
	uint32_t preserve_fds;
	bool no_pivot;
	bool starts_at_once;    /* run: there is no start to wait for */
	int console_sock;       /* run in the foreground with a terminal: our end of a pair; else -1 */
};

struct launched {
	struct container container;
	struct oci_config config;
	struct oci_plan plan;
	pid_t pid;
	int pidfd;
	int status_fd;          /* until the exec; spawn_wait_exec()'s */
};
#define LAUNCHED_NONE { .container = CONTAINER_NONE, .pid = -1, .pidfd = -1, .status_fd = -1 }

/* The options that create and run have in common; 0 when opt is none of them. */
extern const struct opt launch_opts[];
enum { OPT_BUNDLE = 100, OPT_CONSOLE, OPT_PID_FILE, OPT_PRESERVE, OPT_NO_PIVOT, OPT_NO_KEYRING, OPT_CONFIG };
[[nodiscard]] int launch_take(struct launch_options *l, const struct opt *opt, const char *value, struct err *e);
[[nodiscard]] int parse_preserve_fds(const char *value, uint32_t *ret, struct err *e);

/*
 * Makes the container. Without starts_at_once it is `created` then; with it, it goes on by itself, and the caller waits for
 * the exec. On failure nothing stays behind.
 */
[[nodiscard]] int launch(const struct oci *o, struct launch_options *l, struct launched *ret, struct err *e);
/* The descriptors that a process gets beside its streams: n of them from 3 on must be open. LISTEN_FDS count in. */
[[nodiscard]] int launch_count_fds(const struct oci *o, uint32_t preserve, struct plan_app *app, size_t *ret_n, struct err *e);
/* Connects to the socket that is to get a terminal's master. Gives up after ten seconds. */
[[nodiscard]] int launch_connect(const char *path, const char *what, int *ret, struct err *e);
[[nodiscard]] int launch_write_pid(const char *path, pid_t pid, struct err *e);
/* Kills what is left, removes the groups, runs the poststop hooks and forgets the container. Host, root. */
[[nodiscard]] int launch_destroy(const struct oci *o, struct container *c, const struct oci_config *config, struct err *e);
