/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervisor: one process a pod, the pod's life. It runs on the host, as whoever runs the pod; what is
 * dangerous happens in the children that boundary/ makes. It allocates what an app needs before the app
 * starts, and watches descriptors after.
 *
 *   supervisor_main()     supervisor.c    lock, plan, loop, signals, exit rule
 *   pod_up(), pod_down()  pod_up.c        namespaces, cgroups, shared files, relay
 *   pod_make_files()      pod_files.c     files in memory: names, secrets, config
 *   circles_*()           circles.c       the namespaces of apps that stand apart
 *   links_*()             links.c, link_*.c  declared channels between apps
 *   pod_add_app() …       pod_apps.c      apps that come and go while it runs
 *   order_*()             order.c         which app starts when
 *   probes_*()            probe.c         whether an app is well
 *   app_*()               app.c           one app's life: start, exec, exit, restart, stop
 *   streams_*()           streams.c       its stdin, stdout, stderr or terminal, and its log
 *   server_*()            server.c        the control socket
 *   entered_*()           entered.c       programs that were entered beside an app
 *   volume_open()         volume.c        volumes, filled from the image at first use
 *   front_*()             foreground.c       the terminal or pipes of a run in the foreground
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <termios.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/timing.h"
#include "boundary/cgroup.h"
#include "boundary/closer.h"
#include "boundary/root.h"
#include "boundary/sandbox.h"
#include "boundary/spawn.h"
#include "net/record.h"
#include "net/relay.h"
#include "net/uplink.h"
#include "pod/plan.h"
#include "store/store.h"
#include "supervise/circles.h"
#include "supervise/entered.h"
#include "supervise/links.h"
#include "supervise/log.h"
#include "supervise/loop.h"
#include "supervise/probe.h"
#include "supervise/state.h"
#include "supervise/status.h"

struct supervisor_options {
	const char *dir, *run_dir;
	struct pod_dir pod;     /* its lock held; the supervisor takes it over */
	bool foreground;        /* output to our stdout and stderr, signals to a single app */
	bool interactive;       /* -i: our stdin to the first app that wants one */
	bool quiet;
	const char *timing;     /* marks of who launched it (base/timing.h), to go on with; NULL: nobody asked */
	const char *programs;   /* the folder of rocket-reaper and rocket-relay */
	bool wait_ready;        /* ready_fd gets its word when every app is ready, not as soon as all were executed */
	int secret_fd;          /* the bytes of the secret that came by stdin; -1: none */
	int exe_fd;             /* the mount that we run from (own_exe.h) */
	int ready_fd;           /* gets a struct err when the pod is up (code 0) or could not come up; -1: none */
};

/* Runs the pod to its end; gives the exit code of `run`. */
int supervisor_main(const struct supervisor_options *o);

struct supervisor;

/* ---- an app's streams (streams.c) ---- */

struct streams {
	struct supervisor *s;
	struct app *app;
	struct loop_source out, err; /* our read ends; out is the terminal's master with tty */
	struct loop_source in;       /* our write end of its stdin, watched only while it is full */
	struct log log;
	char *pending;               /* stdin that its pipe had no room for */
	size_t pending_len;
	bool eof;                    /* close its stdin when pending is out */
};

enum { STREAMS_PENDING_MAX = 65536 };

/* What the child gets: descriptors that the caller closes after the spawn. */
struct streams_ends {
	int stdio[3];
	int console_sock; /* the child's end, or -1 */
	int console_ours; /* where the master arrives */
};

[[nodiscard]] int streams_open(struct streams *st, struct streams_ends *ret, struct err *e);
/* After a successful spawn: watches our ends. Takes the terminal's master with tty. */
[[nodiscard]] int streams_watch(struct streams *st, struct streams_ends *ends, struct err *e);
void streams_close_ends(struct streams_ends *ends);
/* Takes what is still in the pipes and closes them. */
void streams_finish(struct streams *st);
/* Bytes for the app's stdin; n 0 is end of file. Gives false when its buffer is full: ask again later. */
bool streams_feed(struct streams *st, const char *bytes, size_t n);
bool streams_can_feed(const struct streams *st);
void streams_resize(struct streams *st, uint16_t rows, uint16_t columns);

/* ---- an app's life (app.c) ---- */

/* What an app's process is at the moment: a hook runs under exactly the app's confinement. */
enum app_phase { APP_PHASE_PRE_START, APP_PHASE_MAIN, APP_PHASE_POST_STOP };

struct app {
	struct supervisor *s;
	const struct plan_app *plan;
	struct app_status *status;
	struct cgroup cgroup;
	struct app_root root;   /* prepared for its next start */
	bool has_root;
	struct spawned proc;
	struct loop_source exec_source, exit_source;
	struct streams streams;
	int64_t deadline_ns;    /* back-off ends, or grace ends; INT64_MAX: none */
	int64_t backoff_ns;
	uint64_t oom_kills;
	enum app_phase phase;
	size_t circle;          /* whose namespaces it has */
	bool has_cgroup;
	bool group_was_killed;  /* and is made anew for the next start */
	ino_t mounts;           /* its mount namespace, where it has no control group to be found by (ns_pids.h) */
	bool wants_stop;        /* by us: no restart after */
	bool wants_restart;     /* by `rocket restart` */
	bool settled;           /* its first start succeeded or failed */
	bool was_ready;         /* once since the pod's start */
	bool removed;           /* `rocket app rm`: over for good, and nobody finds it any more */
	bool unhealthy;         /* stopped by us because a probe failed */
	struct probes *probes;  /* NULL: none */
	struct spawned reaper;  /* init: true — pid 1 of its namespace */
};

/* Makes what its start needs of the host while the pod's namespaces are still in the making; what fails, its start tells. */
void app_prepare(struct app *a);
/* Starts it (again). On failure the app is exited and e says why. */
[[nodiscard]] int app_start(struct app *a, struct err *e);
/* Asks it to end: its stop signal, then after the grace SIGKILL. grace_ns -1: the plan's. */
void app_stop(struct app *a, int64_t grace_ns);
void app_kill(struct app *a);
void app_signal(struct app *a, int signal);
/* The signal of a stop that was asked for, once what comes before it is done. */
void app_signal_stop(struct app *a);
/* Called when its deadline has passed. */
void app_on_deadline(struct app *a);
enum app_phase app_first_phase(const struct app *a);
bool app_is_alive(const struct app *a);
void app_close(struct app *a);

/* ---- the foreground (foreground.c) ---- */

struct front {
	struct supervisor *s;
	bool active, prefixed, raw;
	struct termios terminal;        /* as we found it; valid with raw */
	struct loop_source in;          /* our stdin */
	bool in_always_ready;           /* a regular file: epoll can't watch it */
	struct loop_source out[2];      /* our stdout, stderr while they are full */
	bool line_open[2];
	const struct app *last[2];
};

void front_open(struct front *f, struct supervisor *s);
/* Prints what the app wrote. */
void front_write(struct front *f, const struct app *a, enum log_stream stream, const char *bytes, size_t n);
bool front_is_ready(struct front *f, enum log_stream stream);
void front_close(struct front *f);
void front_resize(struct front *f);
/* The app may have read its stdin: more of ours may go. Called once a turn of the loop. */
void front_poke(struct front *f);

/* ---- the control socket (server.c) ---- */

enum { SERVER_MAX_CLIENTS = 64, CLIENT_FDS = 4 };

struct client {
	struct supervisor *s;
	struct loop_source source;
	struct app *attached; /* NULL: a plain request */
	struct entered *entered; /* its program in the pod, or NULL */
	int fds[CLIENT_FDS];  /* what came with the request; -1, or closed after it */
	bool waits;           /* for the end of the pod, or of waits_for; answered then */
	struct app *waits_for;
};

struct server {
	struct loop_source listener;
	struct client clients[SERVER_MAX_CLIENTS];
};

[[nodiscard]] int server_open(struct supervisor *s, struct err *e);
/* Output of an app to whoever is attached to it. */
void server_broadcast(struct supervisor *s, const struct app *a, enum log_stream stream, const char *bytes, size_t n);
/* Answers those who waited for this app's end; who waits for the pod's is answered by server_close(). */
void server_on_exit(struct supervisor *s, const struct app *a);
void server_close(struct supervisor *s);
/* The last answer to a client, which may be NULL: an error, or the exit code of what it waited for. */
void server_refuse(struct client *c, const struct err *e);
void server_finish(struct client *c, int code);

/* ---- the pod ---- */

struct view {
	const char *id;
	int tree_fd, use_fd;
	bool is_mapped; /* its ids are the pod's */
};

/* Large, and hardly ever used: pages of their own, which nobody touches in most pods. */
struct rare {
	struct timing timing;
	struct entered entered[ENTERED_MAX];
	struct closer closer;           /* of the pod's mounts, at its end */
};

struct supervisor {
	const struct supervisor_options *options;
	struct arena arena;
	struct state state;
	struct pod_dir pod;
	struct store store;
	struct plan plan;
	struct pod_status status;
	struct loop loop;
	struct loop_source signal_source, reaper_source, relay_source;
	struct cgroup_host cgroup_host;
	struct cgroup cgroup;
	struct sandbox sandbox;
	struct spawned joined;          /* the reaper of the joined apps' process table */
	struct pod_files files;
	struct circle *circles;         /* n_circles; the first is what stands here: sandbox, files */
	size_t n_circles;
	struct links *links;            /* NULL while there are none */
	struct relay relay;
	bool has_relay;
	int64_t relay_started_ns;       /* monotonic */
	struct uplink uplink;           /* of the out: holes */
	struct record record;           /* who tried to reach what */
	LIST(char *) told;              /* holes that the foreground was told of */
	int64_t told_ns;
	struct loop_source uplink_source, resolver_source;
	struct helper resolver;         /* of holes by name */
	bool has_uplink;
	size_t uplink_circle;
	struct relay host_relay;        /* of out:host holes */
	struct loop_source host_relay_source;
	bool has_host_relay;
	int64_t uplink_started_ns, resolver_started_ns;
	int reaper_exe_fd;
	int probe_exe_fd;               /* rocket-probe; -1 until it is needed */
	int empty_root_fd;              /* detached: the root of reapers and relay */
	bool private_mounts;            /* old kernels: base mounts are attached in a mount namespace of ours … */
	int attach_fd;                  /* … to this folder */
	size_t n_places;                /* how many apps there is room for */
	struct app *apps;               /* plan.apps.n of them */
	struct view *views;
	size_t n_views;
	struct rare *rare;
	int *volume_fds;                /* plan.volumes.n; tmpfs volumes live here, -1 until made */
	struct server server;
	struct front front;
	bool stopping;                  /* the whole pod ends: apps in reverse order */
	int64_t stop_grace_ns;
	unsigned int interrupts;
	bool ready_told;
	bool is_ready;                  /* every app was ready once, or is over */
	int64_t deadline_ns;            /* how long the pod may run, monotonic; INT64_MAX: for ever */
	struct err first_error;
	int exit_code;
};

[[nodiscard]] int pod_up(struct supervisor *s, struct err *e);
void pod_down(struct supervisor *s);
/* A program of libexec: beside the running one (libexec, a build folder, a static bundle). */
[[nodiscard]] int pod_open_program(struct supervisor *s, const char *name, int *ret_fd, struct err *e);
[[nodiscard]] int pod_view(struct supervisor *s, const char *id, const struct view **ret, struct err *e);
/* pod_files.c: /etc/hosts and its like, secrets and config files, in memory. */
[[nodiscard]] int pod_make_files(struct supervisor *s, struct err *e);
[[nodiscard]] int pod_joined_reaper(struct supervisor *s, struct err *e);

struct app_change;
/* How many apps a running pod can get beside those that it starts with. */
enum { SUPERVISOR_SPARE_APPS = 32 };
/* pod_apps.c: apps come and go while the pod runs. c becomes part of the plan: it lies in s->arena. */
[[nodiscard]] int pod_add_app(struct supervisor *s, struct app_change *c, struct err *e);
[[nodiscard]] int pod_remove_app(struct supervisor *s, struct app *a, struct err *e);
/* A removed app is over. */
void pod_forget_app(struct supervisor *s, struct app *a);
/* pod_files.c: the files of the plan from this one on, into the memory of all apps that stand close. */
[[nodiscard]] int pod_add_files(struct supervisor *s, size_t first, struct err *e);
/* The app at this place of the plan, before its first start. */
void supervisor_init_app(struct supervisor *s, size_t i);

/* For root_request.open_volume; context is the supervisor. */
[[nodiscard]] int volume_open(void *context, const struct plan_volume *v, int *ret_fd, struct err *e);

/* Starts every app whose turn it is: called at the pod's start and when an init app has ended well. */
[[nodiscard]] int order_start_next(struct supervisor *s, struct err *e);
/* The one that order_start_next() starts first. */
struct app *order_first(struct supervisor *s);
/* Every app had its turn. */
bool order_is_complete(const struct supervisor *s);
/* The app ended in a way that lets others, which wait for it, never start. */
bool order_is_broken_by(const struct supervisor *s, const struct app *a);
/* Begins the pod's end: apps in reverse order, each with its grace. */
void supervisor_stop(struct supervisor *s, int64_t grace_ns);
/* An app ended for good, or failed to start: the exit rule decides. */
void supervisor_on_app_end(struct supervisor *s, struct app *a);
/* The app's first start is decided; the pod is ready when all are. */
void supervisor_on_app_settled(struct supervisor *s, struct app *a, const struct err *e);
/* The app became ready: who waited for it may start, and with the last one the pod is ready. */
void supervisor_on_app_ready(struct supervisor *s, struct app *a);
void supervisor_save_status(struct supervisor *s);
void supervisor_event(struct supervisor *s, const char *event, const struct app *a, const char *detail);
struct app *supervisor_find_app(struct supervisor *s, const char *name);
