/* SPDX-License-Identifier: Apache-2.0 */
/* Named volumes: a folder each, hidden names (".rm-NAME", ".new-NAME") for what is going or coming. */
#include "cli/volumes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"
#include "cli/pod_look.h"
#include "pod/names.h"

enum { NAME_BYTES = 160 };

static int open_folder(const struct state *s, int *ret_fd, struct err *e)
{
	*ret_fd = openat(s->dirfd, "volumes", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *ret_fd < 0 ? err_errno(e, "cannot open the volumes") : 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct volume_entry *)a)->name, ((const struct volume_entry *)b)->name);
}

static int read_names(const struct cli *cli, const struct state *s, struct volumes *v, struct err *e)
{
	autoclose int fd = -1;
	const struct dirent *d;

	if (open_folder(s, &fd, e) < 0)
		return -e->code;
	autoclosedir DIR *dir = fdopendir(fd);

	if (!dir)
		return err_errno(e, "cannot list the volumes");
	take_fd(&fd);
	while ((d = readdir(dir))) {
		if (d->d_name[0] != '.')
			list_add(cli->arena, &v->list)->name = arena_strdup(cli->arena, d->d_name);
	}
	if (v->list.n)
		qsort(v->list.v, v->list.n, sizeof(*v->list.v), compare_names);
	return 0;
}

static void note_pod(const struct cli *cli, const struct pod_look *p, struct volumes *v)
{
	for (size_t i = 0; i < p->plan.volumes.n; i++) {
		const struct plan_volume *used = &p->plan.volumes.v[i];
		struct volume_entry key = {.name = used->name};
		struct volume_entry *found = used->keep && v->list.n ? bsearch(&key, v->list.v, v->list.n,
									       sizeof(key), compare_names)
								     : NULL;

		if (!found)
			continue;
		arena_strv_add(cli->arena, &found->pods, p->plan.name);
		found->running |= p->dir.phase == POD_RUNNING;
	}
}

int volumes_list(const struct cli *cli, const struct state *s, struct volumes *ret, struct err *e)
{
	struct volumes v = {};
	struct pod_entry *pods;
	size_t n;

	if (read_names(cli, s, &v, e) < 0 || state_list_pods(s, cli->arena, &pods, &n, e) < 0)
		return -e->code;
	for (size_t i = 0; i < n; i++) {
		autolook p = POD_LOOK_NONE;
		struct err gone = {};

		if (pod_look_open(cli, s, pods[i].id, &p, &gone) == 0)
			note_pod(cli, &p, &v);
	}
	*ret = v;
	return 0;
}

static int not_found(const struct cli *cli, const struct volumes *v, const char *name, struct err *e)
{
	const char **names = arena_alloc(cli->arena, (v->list.n + 1) * sizeof(*names));

	for (size_t i = 0; i < v->list.n; i++)
		names[i] = v->list.v[i].name;
	const char *nearest = str_nearest(name, names);

	err_new(e, ERR_NOT_FOUND, "there is no volume %.128s", name);
	err_because(e, "no named volume was made by a pod or imported under this name");
	return nearest ? err_try(e, "%s %s", cli_verb_path(cli), nearest) : err_try(e, "rocket volume list");
}

int volumes_find(const struct cli *cli, const struct state *s, const char *name, struct volume_entry *ret,
		 struct err *e)
{
	struct volumes v = {};

	if (name_check(NAME_VOLUME, name, e) < 0 || volumes_list(cli, s, &v, e) < 0)
		return -e->code;
	for (size_t i = 0; i < v.list.n; i++) {
		if (strcmp(v.list.v[i].name, name) == 0) {
			*ret = v.list.v[i];
			return 0;
		}
	}
	return not_found(cli, &v, name, e);
}

int volumes_open(const struct state *s, const char *name, int *ret_fd, struct err *e)
{
	autoclose int dir = -1;

	if (open_folder(s, &dir, e) < 0)
		return -e->code;
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0) {
		int code = errno == ENOENT ? ERR_NOT_FOUND : ERR_FAILED;

		err_errno(e, "cannot open the volume %.128s", name);
		return err_recode(e, code);
	}
	*ret_fd = fd;
	return 0;
}

int volumes_measure(const struct state *s, const char *name, uint64_t *ret_bytes, struct err *e)
{
	autoclose int dir = -1;

	if (open_folder(s, &dir, e) < 0)
		return -e->code;
	return io_disk_usage(dir, name, ret_bytes, e);
}

int volumes_remove(const struct state *s, const char *name, struct err *e)
{
	autoclose int dir = -1;
	char going[NAME_BYTES];

	snprintf(going, sizeof(going), ".rm-%.128s", name);
	if (open_folder(s, &dir, e) < 0 || io_remove_tree(dir, going, e) < 0)
		return -e->code;
	if (renameat(dir, name, dir, going) < 0)
		return err_errno(e, "cannot remove the volume %.128s", name);
	return io_remove_tree(dir, going, e);
}

int volumes_begin(const struct state *s, const char *name, int *ret_fd, struct err *e)
{
	autoclose int dir = -1;
	struct stat st;
	char coming[NAME_BYTES];

	snprintf(coming, sizeof(coming), ".new-%.128s", name);
	if (open_folder(s, &dir, e) < 0)
		return -e->code;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		err_new(e, ERR_STATE, "there is a volume %.128s already", name);
		err_because(e, "import makes a new one");
		return err_try(e, "rocket volume rm %.128s", name);
	}
	if (io_remove_tree(dir, coming, e) < 0)
		return -e->code;
	if (mkdirat(dir, coming, 0755) < 0)
		return err_errno(e, "cannot make the volume %.128s", name);
	/* The lock tells the sweep that somebody works on it. */
	autoclose int fd = openat(dir, coming, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return err_errno(e, "cannot make the volume %.128s", name);
	*ret_fd = take_fd(&fd);
	return 0;
}

int volumes_commit(const struct state *s, const char *name, struct err *e)
{
	autoclose int dir = -1;
	char coming[NAME_BYTES];

	snprintf(coming, sizeof(coming), ".new-%.128s", name);
	if (open_folder(s, &dir, e) < 0)
		return -e->code;
	if (renameat2(dir, coming, dir, name, RENAME_NOREPLACE) < 0)
		return err_errno(e, "cannot make the volume %.128s", name);
	return 0;
}

void volumes_abandon(const struct state *s, const char *name)
{
	autoclose int dir = -1;
	char coming[NAME_BYTES];
	struct err ignored = {};

	snprintf(coming, sizeof(coming), ".new-%.128s", name);
	if (open_folder(s, &dir, &ignored) == 0)
		(void)!io_remove_tree(dir, coming, &ignored);
}

/* ".rm-NAME" is never anybody's to keep, ".new-NAME" while it is locked, ".IDPREFIX.NAME" while that pod runs. */
static bool is_left_over(const struct state *s, int dir, const char *name)
{
	char id[9] = {};

	if (str_has_prefix(name, ".rm-"))
		return true;
	if (str_has_prefix(name, ".new-")) {
		autoclose int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

		return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
	}
	if (strspn(name + 1, "0123456789abcdef") != 8 || name[9] != '.')
		return false;
	memcpy(id, name + 1, 8);
	autopod p = POD_DIR_NONE;
	struct err none = {};

	if (state_find_pod(s, id, &p, &none) < 0)
		return none.code == ERR_NOT_FOUND;
	return p.phase == POD_EXITED;
}

int volumes_sweep(const struct state *s, struct err *e)
{
	autoclose int fd = -1;
	const struct dirent *d;

	if (open_folder(s, &fd, e) < 0)
		return -e->code;
	autoclosedir DIR *dir = fdopendir(fcntl(fd, F_DUPFD_CLOEXEC, 3));

	while (dir && (d = readdir(dir))) {
		if (d->d_name[0] != '.' || strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		if (is_left_over(s, fd, d->d_name) && io_remove_tree(fd, d->d_name, e) < 0)
			return -e->code;
	}
	return 0;
}
