/* SPDX-License-Identifier: Apache-2.0 */
/* Pods on disk: folders, locks, names, and their removal. The layout is drawn in state.h. */
#include "supervise/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/record.h"
#include "base/str.h"
#include "boundary/cgroup.h"
#include "supervise/ids.h"
#include "supervise/index.h"
#include "supervise/live_apps.h"
#include "supervise/live.h"
#include "supervise/live_links.h"

enum { PLAN_MAX = 4 << 20, PREFIX_MIN = 4, EVENTS_MAX = 1 << 20 };

const char *const pod_phase_names[] = { "embryo", "prepared", "running", "exited", "garbage", NULL };

/* The folder of each phase, below DIR. */
static const char *const phase_dirs[] = {
	[POD_EMBRYO] = "pods/embryo", [POD_PREPARED] = "pods/prepared", [POD_RUNNING] = "pods/run",
	[POD_EXITED] = "pods/run",    [POD_GARBAGE] = "pods/garbage",
};

static int open_dir(int dirfd, const char *path)
{
	return openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* ---- DIR and RUN ---- */

static int make_layout(int dirfd, struct err *e)
{
	static const char *const dirs[] = { "pods", "pods/embryo", "pods/prepared", "pods/run", "pods/garbage", "volumes" };

	/* The last one is made last: where it exists, all do. */
	if (faccessat(dirfd, "volumes", F_OK, 0) == 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		if (mkdirat(dirfd, dirs[i], 0700) < 0 && errno != EEXIST)
			return err_errno(e, "can't make the state folder %s", dirs[i]);
	return 0;
}

static int open_or_make(const char *path, int *ret, struct err *e)
{
	int fd = open_dir(AT_FDCWD, path);

	if (fd < 0) {
		int r = io_mkdir_p(AT_FDCWD, path, 0700, e);

		if (r < 0)
			return r;
		fd = open_dir(AT_FDCWD, path);
	}
	if (fd < 0) {
		err_errno(e, "can't open the state directory %s", path);
		return err_try(e, "sudo rocket …   (or another one with --dir)");
	}
	*ret = fd;
	return 0;
}

int state_open(const char *dir, const char *run_dir, struct state *ret, struct err *e)
{
	struct state s = { .dirfd = -1, .runfd = -1 };
	int r = open_or_make(dir, &s.dirfd, e);

	if (r == 0)
		r = open_or_make(run_dir, &s.runfd, e);
	if (r == 0)
		r = make_layout(s.dirfd, e);
	if (r == 0)
		r = state_ensure_index(&s, e);
	if (r < 0) {
		state_close(&s);
		return r;
	}
	*ret = s;
	return 0;
}

void state_close(struct state *s)
{
	cleanup_close(&s->dirfd);
	cleanup_close(&s->runfd);
	s->dirfd = s->runfd = -1;
}

void pod_dir_close(struct pod_dir *p)
{
	cleanup_close(&p->fd);
	cleanup_close(&p->lock_fd);
	p->fd = p->lock_fd = -1;
}

/* ---- making and moving ---- */

static int random_id(char *ret)
{
	unsigned char bytes[POD_ID_LEN / 2];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return -1;
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

static void phase_path(char *ret, size_t cap, enum pod_phase phase, const char *id)
{
	snprintf(ret, cap, "%s/%s", phase_dirs[phase], id);
}

/*
 * An embryo is a folder for a moment before its plan is there and locked. Whoever makes one holds the embryos' folder
 * shared meanwhile; the sweep, which takes it alone, never meets such a moment.
 */
static int hold_embryos(const struct state *s, int how)
{
	autoclose int fd = open_dir(s->dirfd, phase_dirs[POD_EMBRYO]);

	return fd < 0 || flock(fd, how) < 0 ? -1 : take_fd(&fd);
}

int state_create_pod(const struct state *s, const char *id, struct pod_dir *ret, struct err *e)
{
	struct pod_dir p = { .phase = POD_EMBRYO, .fd = -1, .lock_fd = -1 };
	autoclose int hold = hold_embryos(s, LOCK_SH);
	char path[128];

	if (id)
		snprintf(p.id, sizeof(p.id), "%s", id);
	else if (random_id(p.id) < 0)
		return err_errno(e, "no random numbers for the pod's id");
	phase_path(path, sizeof(path), POD_EMBRYO, p.id);
	if (hold < 0 || mkdirat(s->dirfd, path, 0700) < 0)
		return err_errno(e, "can't make the pod's folder");
	p.fd = open_dir(s->dirfd, path);
	p.lock_fd = p.fd < 0 ? -1 : openat(p.fd, "plan", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (p.lock_fd < 0 || flock(p.lock_fd, LOCK_EX | LOCK_NB) < 0) {
		err_errno(e, "can't lock the new pod");
		pod_dir_close(&p);
		return -e->code;
	}
	*ret = p;
	return 0;
}

int state_move_pod(const struct state *s, struct pod_dir *p, enum pod_phase to, struct err *e)
{
	char from_path[128], to_path[128];

	phase_path(from_path, sizeof(from_path), p->phase, p->id);
	phase_path(to_path, sizeof(to_path), to, p->id);
	if (renameat(s->dirfd, from_path, s->dirfd, to_path) < 0)
		return err_errno(e, "can't move the pod %.8s to %s", p->id, pod_phase_names[to]);
	p->phase = to;
	return 0;
}

/* ---- finding ---- */

/* Nobody holds the lock: exited. A shared lock suffices to ask, and several may ask at once. */
static bool is_locked(int pod_fd)
{
	autoclose int fd = openat(pod_fd, "plan", O_RDONLY | O_CLOEXEC);

	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

static int open_pod(const struct state *s, const char *id, struct pod_dir *ret)
{
	static const enum pod_phase phases[] = { POD_RUNNING, POD_PREPARED };
	struct pod_dir p = { .lock_fd = -1 };
	char path[128];

	for (size_t i = 0; i < ARRAY_SIZE(phases); i++) {
		phase_path(path, sizeof(path), phases[i], id);
		p.fd = open_dir(s->dirfd, path);
		if (p.fd < 0)
			continue;
		p.phase = phases[i];
		if (p.phase == POD_RUNNING && !is_locked(p.fd))
			p.phase = POD_EXITED;
		snprintf(p.id, sizeof(p.id), "%.*s", POD_ID_LEN, id);
		*ret = p;
		return 0;
	}
	return -1;
}

int state_refresh_phase(const struct state *s, struct pod_dir *p, struct err *e)
{
	autopod now = POD_DIR_NONE;

	if (open_pod(s, p->id, &now) < 0)
		return err_new(e, ERR_NOT_FOUND, "the pod %.8s is gone", p->id);
	p->phase = now.phase;
	return 0;
}

static bool is_hex(const char *s)
{
	return *s && s[strspn(s, "0123456789abcdef")] == 0;
}

static int each_id(const struct state *s, enum pod_phase phase, struct arena *a, char ***ids)
{
	autoclosedir DIR *d = fdopendir(open_dir(s->dirfd, phase_dirs[phase]));
	struct dirent *entry;

	if (!d)
		return -1;
	while ((entry = readdir(d)))
		if (strlen(entry->d_name) == POD_ID_LEN && is_hex(entry->d_name))
			arena_strv_add(a, ids, entry->d_name);
	return 0;
}

static int list_ids(const struct state *s, struct arena *a, char ***ret, struct err *e)
{
	*ret = NULL;
	if (each_id(s, POD_RUNNING, a, ret) < 0 || each_id(s, POD_PREPARED, a, ret) < 0)
		return err_errno(e, "can't list the pods");
	return 0;
}

static int find_by_prefix(const struct state *s, const char *word, struct pod_dir *ret, struct err *e)
{
	autoarena a = {};
	char **ids, *found = NULL;
	int r = list_ids(s, &a, &ids, e);

	for (; r == 0 && ids && *ids; ids++) {
		if (!str_has_prefix(*ids, word))
			continue;
		if (found) {
			err_new(e, ERR_USAGE, "%s is the beginning of several pods' ids", word);
			return err_because(e, "among them %.12s and %.12s", found, *ids);
		}
		found = *ids;
	}
	if (r == 0 && (!found || open_pod(s, found, ret) < 0))
		return err_new(e, ERR_NOT_FOUND, "there is no pod %s", word);
	return r;
}

/* The exited pods keep their names in their plans; the newest of that name is meant. */
static int find_exited_by_name(const struct state *s, const char *name, struct pod_dir *ret, struct err *e)
{
	autoarena a = {};
	autopod best = POD_DIR_NONE;
	int64_t best_created = -1;
	char **ids;
	int r = list_ids(s, &a, &ids, e);

	for (; r == 0 && ids && *ids; ids++) {
		autopod p = POD_DIR_NONE;
		struct plan plan;
		struct err ignored = {};

		if (open_pod(s, *ids, &p) < 0 || state_read_plan(&p, &a, &plan, &ignored) < 0)
			continue;
		if (!str_equal(plan.name, name) || plan.created_ns <= best_created)
			continue;
		best_created = plan.created_ns;
		pod_dir_close(&best);
		best = p;
		p = (struct pod_dir)POD_DIR_NONE;
	}
	if (r < 0 || best.fd < 0)
		return r < 0 ? r : err_new(e, ERR_NOT_FOUND, "there is no pod %s", name);
	*ret = best;
	best = (struct pod_dir)POD_DIR_NONE;
	return 0;
}

static bool read_name(const struct state *s, const char *name, char ret_id[POD_ID_LEN + 1])
{
	char path[128];
	ssize_t n;

	snprintf(path, sizeof(path), "index/names/%.100s", name);
	n = readlinkat(s->runfd, path, ret_id, POD_ID_LEN);
	ret_id[n > 0 ? n : 0] = 0;
	return n == POD_ID_LEN && is_hex(ret_id);
}

int state_find_pod(const struct state *s, const char *word, struct pod_dir *ret, struct err *e)
{
	char id[POD_ID_LEN + 1];
	size_t n = strlen(word);

	if (n == 0 || n > 100 || strchr(word, '/')) {
		err_new(e, ERR_USAGE, "%s is no pod: a name, an id, or the beginning of one", *word ? word : "\"\"");
		return err_try(e, "rocket list");
	}
	if (n == POD_ID_LEN && is_hex(word) && open_pod(s, word, ret) == 0)
		return 0;
	if (read_name(s, word, id) && open_pod(s, id, ret) == 0)
		return 0;
	int r = find_exited_by_name(s, word, ret, e);
	if (r < 0 && e->code == ERR_NOT_FOUND && n >= PREFIX_MIN && n < POD_ID_LEN && is_hex(word))
		r = find_by_prefix(s, word, ret, e);
	if (r < 0 && e->code == ERR_NOT_FOUND) {
		err_because(e, "no pod has this name or an id that begins so");
		err_try(e, "rocket list");
	}
	return r;
}

int state_list_pods(const struct state *s, struct arena *a, struct pod_entry **ret, size_t *ret_n, struct err *e)
{
	char **ids;
	int r = list_ids(s, a, &ids, e);
	LIST(struct pod_entry) list = {};

	for (; r == 0 && ids && *ids; ids++) {
		autopod p = POD_DIR_NONE;

		if (open_pod(s, *ids, &p) < 0)
			continue;
		struct pod_entry *entry = list_add(a, &list);
		entry->id = *ids;
		entry->phase = p.phase;
	}
	if (r == 0) {
		*ret = list.v;
		*ret_n = list.n;
	}
	return r;
}

/* ---- locks ---- */

static int lock_pod(struct pod_dir *p, unsigned tries, struct err *e)
{
	autoclose int fd = openat(p->fd, "plan", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return err_errno(e, "can't open the plan of the pod %.8s", p->id);
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK && --tries) {
			nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
			continue;
		}
		err_new(e, ERR_BUSY, "the pod %.8s is in use", p->id);
		return err_because(e, "another command runs, starts or removes it");
	}
	p->lock_fd = take_fd(&fd);
	return 0;
}

int state_lock_pod(struct pod_dir *p, struct err *e)
{
	/* Who only asks whether the pod lives holds the lock, shared, for an instant: a few tries pass by it. */
	return lock_pod(p, 5, e);
}

int state_wait_pod(struct pod_dir *p, struct err *e)
{
	autoclose int fd = openat(p->fd, "plan", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0 : err_errno(e, "can't open the plan of the pod %.8s", p->id);
	while (flock(fd, LOCK_SH) < 0)
		if (errno != EINTR)
			return err_errno(e, "can't wait for the pod %.8s", p->id);
	return 0;
}

/* ---- the plan ---- */

int state_write_plan(const struct pod_dir *p, const struct plan *plan, struct err *e)
{
	struct stat st;
	autostr text = {};

	/*
	 * In place: the file is the lock too, and nobody reads an embryo's plan. Never cut to nothing first: ext4 takes
	 * that for a replacement and writes the file out when it is closed (auto_da_alloc).
	 */
	record_write(&text, &plan_set, plan, RECORD_PRETTY);
	str_add_char(&text, '\n');
	if (fstat(p->lock_fd, &st) < 0 || pwrite(p->lock_fd, text.text, text.len, 0) != (ssize_t)text.len ||
	    ((size_t)st.st_size > text.len && ftruncate(p->lock_fd, (off_t)text.len) < 0))
		return err_errno(e, "can't write the plan of the pod %.8s", p->id);
	return 0;
}

int state_read_plan(const struct pod_dir *p, struct arena *a, struct plan *ret, struct err *e)
{
	autofree char *text = NULL;
	size_t n;
	int r = io_read_file(p->fd, "plan", PLAN_MAX, &text, &n, e);

	if (r == 0)
		r = record_read(a, &plan_set, text, n, ret, e);
	if (r == 0)
		r = app_changes_apply_kept(p->fd, a, ret, e);
	if (r == 0)
		r = live_apply_kept(p->fd, a, ret, e);
	return r < 0 ? r : live_links_apply_kept(p->fd, a, ret, e);
}

bool state_pod_exists(const struct state *s, const char *id)
{
	/* In the order that a pod passes through, so that one on its way is not missed. */
	static const enum pod_phase phases[] = { POD_EMBRYO, POD_PREPARED, POD_RUNNING, POD_GARBAGE };
	char path[128];

	for (size_t i = 0; i < ARRAY_SIZE(phases); i++) {
		phase_path(path, sizeof(path), phases[i], id);
		if (faccessat(s->dirfd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return true;
	}
	return false;
}

/* ---- names ---- */

static bool is_living(const struct state *s, const char *id)
{
	autopod p = POD_DIR_NONE;

	return open_pod(s, id, &p) == 0 && p.phase != POD_EXITED;
}

/* Held from looking at a name to changing it; taking one that is free needs no lock. -1: go without. */
static int lock_names(const struct state *s)
{
	int fd = openat(s->runfd, "index/names", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	while (fd >= 0 && flock(fd, LOCK_EX) < 0 && errno == EINTR)
		;
	return fd;
}

int state_claim_name(const struct state *s, const char *name, const char *id, struct err *e)
{
	char path[128], fresh[160], holder[POD_ID_LEN + 1];

	snprintf(path, sizeof(path), "index/names/%.100s", name);
	if (symlinkat(id, s->runfd, path) == 0)
		return 0;
	if (errno != EEXIST)
		return err_errno(e, "can't take the pod name %s", name);
	autoclose int lock = lock_names(s);

	if (read_name(s, name, holder) && strcmp(holder, id) != 0 && is_living(s, holder)) {
		err_new(e, ERR_BUSY, "there is a pod named %s already", name);
		err_because(e, "its id is %.12s", holder);
		return err_try(e, "rocket rm -f %s   (or another --name)", name);
	}
	snprintf(fresh, sizeof(fresh), "index/names/.%s", id);
	if (symlinkat(id, s->runfd, fresh) < 0 || renameat(s->runfd, fresh, s->runfd, path) < 0)
		return err_errno(e, "can't take the pod name %s", name);
	return 0;
}

bool state_name_is_free(const struct state *s, const char *name)
{
	char id[POD_ID_LEN + 1];

	return !read_name(s, name, id);
}

static void release_name(const struct state *s, const char *name, const char *id)
{
	autoclose int lock = lock_names(s);
	char path[128], holder[POD_ID_LEN + 1];

	snprintf(path, sizeof(path), "index/names/%.100s", name);
	if (read_name(s, name, holder) && strcmp(holder, id) == 0)
		(void)!unlinkat(s->runfd, path, 0);
}

/* Names of pods that are gone: an embryo that died before it had a plan knew no name to give back. */
static void sweep_names(const struct state *s)
{
	autoclose int lock = lock_names(s);
	autoclosedir DIR *d = lock < 0 ? NULL : fdopendir(fcntl(lock, F_DUPFD_CLOEXEC, 3));
	struct dirent *entry;

	while (d && (entry = readdir(d))) {
		char holder[POD_ID_LEN + 1] = "";

		if (readlinkat(lock, entry->d_name, holder, POD_ID_LEN) == POD_ID_LEN && !state_pod_exists(s, holder))
			(void)!unlinkat(lock, entry->d_name, 0);
	}
}

/* Sockets and statuses of pods whose folder somebody else removed: no release_pod() came by. */
static void sweep_run_files(const struct state *s)
{
	autoclosedir DIR *d = fdopendir(openat(s->runfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	struct dirent *entry;

	while (d && (entry = readdir(d))) {
		const char *suffix = strchr(entry->d_name, '.');
		char id[POD_ID_LEN + 1] = "";

		if (!suffix || suffix - entry->d_name != POD_ID_LEN ||
		    (strcmp(suffix, ".ctl") != 0 && strcmp(suffix, ".status") != 0))
			continue;
		memcpy(id, entry->d_name, POD_ID_LEN);
		if (!state_pod_exists(s, id))
			(void)!unlinkat(s->runfd, entry->d_name, 0);
	}
}

/* ---- removing ---- */

/* What a killed supervisor left in the kernel, and what the pod holds elsewhere. *ret_ids is zero without a plan. */
static void release_pod(const struct state *s, const struct pod_dir *p, struct plan_ids *ret_ids)
{
	static const char *const suffixes[] = { "ctl", "status" };
	autoarena a = {};
	struct plan plan;
	struct cgroup_host host;
	struct err ignored = {};

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		char name[POD_ID_LEN + 16];

		snprintf(name, sizeof(name), "%s.%s", p->id, suffixes[i]);
		(void)!unlinkat(s->runfd, name, 0);
	}
	if (state_read_plan(p, &a, &plan, &ignored) < 0)
		return;
	*ret_ids = plan.ids;
	if (plan.name)
		release_name(s, plan.name, p->id);
	if (!p->released && plan.cgroup && cgroup_host_open(CGROUP_EVERY, &host, &ignored) == 0) {
		(void)!cgroup_remove(&host, plan.cgroup, &ignored);
		cgroup_host_close(&host);
	}
}

/* Everything first, the plan last: a removal that was cut short still knows what it removes. */
/* What overlay leaves in an app's work folder; known, so that it need not be looked for. */
static void delete_overlay_work(int fd, const char *work)
{
	static const struct {
		const char *path;
		int flags;
	} known[] = {
		{ "work/incompat/volatile/dirty", 0 },
		{ "work/incompat/volatile", AT_REMOVEDIR },
		{ "work/incompat", AT_REMOVEDIR },
		{ "work/work", AT_REMOVEDIR },
		{ "work", AT_REMOVEDIR },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		char path[160];

		snprintf(path, sizeof(path), "%.120s/%s", work, known[i].path);
		(void)!unlinkat(fd, path, known[i].flags);
	}
}

static int delete_entry(int fd, const struct dirent *entry, struct err *e)
{
	if (entry->d_type != DT_DIR && unlinkat(fd, entry->d_name, 0) == 0)
		return 0;
	if (str_has_suffix(entry->d_name, ".work"))
		delete_overlay_work(fd, entry->d_name);
	if (unlinkat(fd, entry->d_name, AT_REMOVEDIR) == 0)
		return 0;
	return io_remove_tree(fd, entry->d_name, e);
}

static int delete_folder(const struct state *s, const char *path, struct err *e)
{
	autoclose int fd = open_dir(s->dirfd, path);
	autoclosedir DIR *d = fd < 0 ? NULL : fdopendir(fcntl(fd, F_DUPFD_CLOEXEC, 3));
	struct dirent *entry;

	if (fd < 0)
		return errno == ENOENT ? 0 : err_errno(e, "can't open %s", path);
	while (d && (entry = readdir(d))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
		    strcmp(entry->d_name, "plan") == 0)
			continue;
		if (delete_entry(fd, entry, e) < 0)
			return -e->code;
	}
	if ((unlinkat(fd, "plan", 0) < 0 && errno != ENOENT) ||
	    (unlinkat(s->dirfd, path, AT_REMOVEDIR) < 0 && errno != ENOENT))
		return err_errno(e, "can't remove %s", path);
	return 0;
}

int state_remove_pod(const struct state *s, struct pod_dir *p, struct err *e)
{
	struct plan_ids ids = {};
	char path[128];
	int r;

	if (p->lock_fd < 0 && p->phase != POD_GARBAGE) {
		r = state_lock_pod(p, e);
		if (r < 0)
			return r;
	}
	if (p->phase != POD_GARBAGE) {
		r = state_move_pod(s, p, POD_GARBAGE, e);
		if (r < 0)
			return r;
	}
	release_pod(s, p, &ids);
	phase_path(path, sizeof(path), POD_GARBAGE, p->id);
	r = delete_folder(s, path, e);
	/* Last, so that no new pod gets ids that own files of an old one. */
	if (r == 0)
		ids_release(s, p->id, &ids);
	return r;
}

static unsigned sweep_phase(const struct state *s, enum pod_phase phase, unsigned most)
{
	autoarena a = {};
	char **ids = NULL;
	unsigned n = 0;

	if (each_id(s, phase, &a, &ids) < 0)
		return 0;
	for (; ids && *ids && n < most; ids++) {
		struct err ignored = {};
		autopod p = { .phase = phase, .fd = -1, .lock_fd = -1 };
		char path[128];

		snprintf(p.id, sizeof(p.id), "%s", *ids);
		phase_path(path, sizeof(path), phase, p.id);
		p.fd = open_dir(s->dirfd, path);
		/* A folder without a plan was cut short before its first or after its last step. */
		if (p.fd < 0 || (lock_pod(&p, 1, &ignored) < 0 && ignored.errnum != ENOENT))
			continue;
		if (p.lock_fd < 0 && phase == POD_EMBRYO && unlinkat(s->dirfd, path, AT_REMOVEDIR) == 0) {
			ids_release(s, p.id, &(struct plan_ids){});
			n++;
			continue;
		}
		n += state_remove_pod(s, &p, &ignored) == 0;
	}
	return n;
}

int state_sweep_dead(const struct state *s, unsigned most, unsigned *ret_n, struct err *e)
{
	unsigned n = sweep_phase(s, POD_GARBAGE, most);
	/* While a pod is being made the embryos wait for another sweep; gc waits for its moment. */
	autoclose int alone = hold_embryos(s, LOCK_EX | (most > 1 ? 0 : LOCK_NB));

	if (alone >= 0 && n < most)
		n += sweep_phase(s, POD_EMBRYO, most - n);
	/* Not on the path of run and rm: it looks at every name and range that is taken. */
	if (most > 1) {
		sweep_names(s);
		sweep_run_files(s);
		ids_sweep(s);
	}
	if (ret_n)
		*ret_n = n;
	return 0;
}

/* ---- events ---- */

void state_log_event(const struct state *s, const char *event, const char *id, const char *name, const char *app,
		     const char *detail)
{
	const char *const pairs[][2] = { { "event", event }, { "pod", id }, { "name", name }, { "app", app },
					 { "detail", detail } };
	autostr line = {};
	struct stat st;
	autoclose int fd = openat(s->runfd, "events", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return;
	str_addf(&line, "{\"time\":%lld", (long long)io_now_ns());
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		if (!pairs[i][1])
			continue;
		str_addf(&line, ",\"%s\":", pairs[i][0]);
		str_add_json(&line, pairs[i][1]);
	}
	str_add(&line, "}\n");
	(void)!write(fd, line.text, line.len);
	if (fstat(fd, &st) == 0 && st.st_size > EVENTS_MAX)
		(void)!renameat(s->runfd, "events", s->runfd, "events.1");
}
