/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan: the pod with nothing left to decide. Every path, id, mount, rule and limit is named
 * here; the boundary and the supervisor look at nothing else. It is a record (base/record.h):
 * `rocket plan` prints it, the pod's directory keeps it, `start`, `enter` and `restart` read it
 * again.
 *
 * Ids inside the plan are those inside the pod; the host's id is ids.base + id.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/field.h"
#include "pod/hole.h"
#include "pod/link.h"

enum distance { DISTANCE_JOINED, DISTANCE_CLOSE, DISTANCE_APART };
enum restart { RESTART_NEVER, RESTART_ON_FAILURE, RESTART_ALWAYS };
enum app_kind { APP_MAIN, APP_INIT, APP_SIDECAR };
enum mount_kind {
	MOUNT_BIND,   /* a host path: a path or socket hole */
	MOUNT_VOLUME, /* a volume of the pod (plan_volume by name, sub-path in .source) */
	MOUNT_TMPFS,
	MOUNT_FILE, /* what Rocket wrote: hosts, hostname, resolv.conf, a secret, a config file or a
		       folder of them; read-only in the app */
	MOUNT_LINK, /* a link's named pipe or socket, made by the supervisor (link_file()) */
};
/* How an app is asked, and what is done around its life (post_start, pre_stop). */
enum probe_kind { PROBE_NONE, PROBE_EXEC, PROBE_HTTP, PROBE_TCP, PROBE_GRPC, PROBE_SLEEP };
/* Where the bytes of a file come from that Rocket puts into an app. */
enum file_from { FILE_TEXT, FILE_HOST, FILE_ENV, FILE_STDIN, FILE_CREDENTIAL };
extern const char *const distance_names[],
	*const restart_names[], *const app_kind_names[], *const mount_kind_names[],
	*const probe_kind_names[], *const file_from_names[];

struct plan_probe {
	enum probe_kind kind;
	char **exec;
	uint32_t port;  /* on the app's loopback */
	char *path;     /* HTTP: with the query; GRPC: the service, or NULL */
	char **headers; /* HTTP: "Name: value" */
	int64_t every_ns, timeout_ns;
	int64_t delay_ns; /* before the first one; SLEEP: how long */
	uint32_t successes, failures;
};

struct plan_mount {
	enum mount_kind kind;
	char *source; /* BIND: host path; VOLUME: volume name; FILE: name in the pod's directory */
	char *target; /* absolute, clean, in the app */
	char *sub_path; /* VOLUME: what of it, or NULL for all */
	bool read_only, noexec, create_dir;
	uint64_t size_bytes; /* TMPFS; 0: half of the app's memory limit, else 64Mi */
	uint32_t mode;       /* TMPFS; 0: 1777 */
	bool socket;         /* BIND of a socket or file */
};

struct plan_device {
	char *path;   /* on the host */
	char *target; /* in the app */
	uint32_t major, minor;
	bool block;
	char *access; /* "rwm" subset */
};

/* What a block device may be asked for in a second; 0: no limit. */
struct plan_io {
	char *device; /* "/dev/sda" or "8:0" */
	uint32_t major, minor;
	uint64_t read_bps, write_bps, read_iops, write_iops;
};

struct plan_hugepages {
	char *size; /* as the kernel names it: "2MB" */
	uint64_t bytes;
};

struct plan_limits {
	uint64_t memory_bytes; /* 0: none, here and below */
	uint64_t memory_request_bytes;
	uint64_t
		swap_bytes; /* on top of memory; none given: none allowed where memory is limited */
	bool swap_unlimited;
	uint32_t cpus_milli;
	uint32_t cpu_shares; /* 2..262144 */
	char *cpuset;        /* "0-1" */
	uint32_t pids;
	uint32_t io_weight; /* 1..10000 */
	char *cpuset_mems;  /* "0": memory nodes */
	LIST(struct plan_io) io;
	LIST(struct plan_hugepages) hugepages;
	char **files; /* control files by the kernel's names: "memory.high=100000000" */
};

struct plan_rlimit {
	char *name;          /* "nofile" */
	uint64_t soft, hard; /* UINT64_MAX: unlimited */
};

struct plan_app {
	char *name;
	char *image;        /* as the owner wrote it */
	char *image_digest; /* manifest digest */
	char *view;         /* store's view id, or NULL with rootfs */
	enum distance distance;
	char *hostname; /* of an app that stands apart; NULL: the pod's */
	enum app_kind kind;
	char **argv;
	char **env; /* complete: "K=V" */
	char *workdir;
	uint32_t uid, gid;
	char **groups; /* decimal gids */
	uint64_t caps; /* bit n: capability n, in the pod's user namespace */
	bool new_privs;
	char *seccomp; /* "default", "none", or the path of a profile */
	bool read_only;
	bool tty, stdin_open, init;
	char *tz;
	int64_t oom_score;
	enum restart restart;
	uint32_t stop_signal;
	int64_t stop_grace_ns;
	struct plan_limits limits;
	LIST(struct plan_mount) mounts;
	LIST(struct plan_device) devices;
	LIST(struct plan_rlimit) rlimits;
	char **labels;
	uint64_t log_bytes; /* size at which the log rotates */
	uint32_t log_files; /* kept, the current one included */
	char **pre_start;   /* argv run in the app's confinement before, or NULL */
	char **post_stop;
	struct plan_probe ready, alive, started;
	struct plan_probe post_start, pre_stop; /* beside the running app: after its exec, before its
						   stop signal */
	char *beside; /* a visitor (`rocket debug`): in this app's process table, for this start alone */
	char **after; /* apps that are ready before this one starts */
};

struct plan_volume {
	char *name;
	bool keep; /* outlives the pod: below volumes/, else in the pod's directory */
	bool tmpfs;
	uint64_t size_bytes; /* of a tmpfs */
	char *image;         /* whose files it is, read-only: as the owner wrote it … */
	char *image_digest;  /* … its manifest digest … */
	char *view;          /* … and its view */
	char *fill_view;     /* image VOLUME: filled from this view's … */
	char *fill_path;     /* … directory on first use */
	bool from_image;     /* declared by the image alone, named by Rocket */
	bool from_link;      /* the folder of a unix link */
	uint32_t uid, gid;   /* owner when it is made */
	uint32_t mode;
};

/* A file that Rocket writes into memory for an app: a secret or a config file. */
struct plan_file {
	char *name; /* below the pod's files: "web/secrets/token" */
	enum file_from from;
	char *source; /* the text itself, a path, a variable, a credential's name; NULL for stdin */
	bool base64;  /* TEXT: how it is written here */
	bool secret;  /* never printed */
	uint32_t mode, uid, gid;
};

/*
 * Whose ids the pod's are: a range of the host's that it has to itself (root's pods); or an ordinary user's, who is the
 * pod's root himself, with his ranges of /etc/subuid and /etc/subgid for the others, or alone.
 */
enum ids_kind { IDS_RANGE, IDS_SUBIDS, IDS_SINGLE };
extern const char *const ids_kind_names[];

/*
 * One id range of where the supervisor lives, mapped one to one onto 0..count-1; count 0: no user namespace (ns:user).
 * For root that is the host; for an ordinary user his half of it, where base is 0 (boundary/rootless_enter.h).
 */
struct plan_ids {
	uint32_t base;
	uint32_t count;
	enum ids_kind kind;
	uint32_t user, group;      /* an ordinary user's: the host's ids of the pod's 0 … */
	uint32_t sub_uid, sub_gid; /* … and of its 1, with IDS_SUBIDS */
};

struct plan {
	char *id; /* 32 hex digits */
	char *name;
	char *hostname;
	int64_t created_ns;
	char *boot_id;
	char *exit; /* "all", "first", or an app's name */
	enum distance distance;
	struct plan_ids ids;
	uint64_t shm_bytes; /* of the /dev/shm that joined and close apps share */
	struct plan_limits limits;
	char **sysctls; /* "net.core.somaxconn=1024", of the pod's namespaces only */
	char **dns_options; /* of resolv.conf(5): "ndots:2" */
	char **dns, **dns_search, **hosts; /* hosts: "IP NAME…" */
	bool host_net, host_ipc, host_pid; /* ns: holes */
	bool remove;                       /* --rm */
	bool learn;                        /* --learn: what goes out is let through and suggested as holes */
	char *cgroup; /* below each hierarchy's root: "rocket/ID", or the unit's own */
	LIST(struct plan_app) apps;
	LIST(struct plan_volume) volumes;
	LIST(struct plan_file) files;
	LIST(struct hole) holes;
	LIST(struct link) links;
	char **labels;
	int64_t deadline_ns; /* how long the pod may run; 0: as long as it wants */
};

extern const struct field_set plan_set;
/* Parts of it that travel alone. */
extern const struct field_set plan_app_set, plan_volume_set, plan_file_set;

/* Is it an ordinary user's pod? */
static inline bool plan_is_rootless(const struct plan *p)
{
	return p->ids.kind != IDS_RANGE;
}

struct plan_app *plan_find_app(const struct plan *p, const char *name);

/*
 * Circles: apps that share namespaces. All joined and close apps stand in circle 0, each apart one in its own; where
 * all stand apart, the first of them has circle 0.
 */
size_t plan_circle(const struct plan *p, const struct plan_app *app);
size_t plan_circles(const struct plan *p);
/* Does some app of the circle have a link to this one? Its name resolves there, then. */
bool plan_reaches(const struct plan *p, size_t circle, const struct plan_app *to);
/* 127.77.0.N: where an app answers for those that it stands apart from. In network order; N is its place from 1. */
uint32_t plan_address(const struct plan *p, const struct plan_app *app);
