/* SPDX-License-Identifier: Apache-2.0 */
/* What an LXC container mounts: lines as in fstab(5), the kernel's own file systems, its root. */
#include <string.h>

#include "base/cleanup.h"
#include "base/unit.h"
#include "pod/hole_parts.h"
#include "pod/limits.h"
#include "pod/lxc_parts.h"
#include "pod/mounts.h"

/* ---- one line: SOURCE TARGET TYPE OPTIONS [DUMP PASS] ---- */

enum { SOURCE, TARGET, TYPE, OPTIONS, FIELDS };

/* fstab's octal escapes: "\040" is a blank. */
static char *unescaped(struct arena *a, const char *text)
{
	char *out = arena_strdup(a, text), *to = out;

	for (const char *from = text; *from; to++) {
		bool octal = from[0] == '\\' && strspn(from + 1, "01234567") >= 3;

		*to = octal ? (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0')) : *from;
		from += octal ? 4 : 1;
	}
	*to = 0;
	return out;
}

static bool split(struct lxc *x, const char *line, char *field[FIELDS])
{
	char *copy = arena_strdup(x->arena, line), *save = NULL;

	for (int i = 0; i < FIELDS; i++) {
		char *word = strtok_r(i ? NULL : copy, " \t", &save);

		if (!word)
			return i == OPTIONS ? (field[OPTIONS] = arena_strdup(x->arena, "defaults"), true) : false;
		field[i] = unescaped(x->arena, word);
	}
	return true;
}

struct asked {
	bool bind, read_only, noexec;
	char *size, *mode;
};

/* What every mount of a pod is anyway, or what has no meaning here. */
static bool is_usual(const char *option)
{
	static const char *const usual[] = {"defaults", "bind", "rbind", "rw", "nodev", "nosuid", "create=dir", "create=file",
					     "private", "rprivate", "idmap=container", "norelatime", "relatime", "exec"};

	for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
		if (!strcmp(usual[i], option))
			return true;
	return false;
}

/* False for one that can't be carried over. */
static bool take_option(struct asked *m, char *option)
{
	m->bind |= !strcmp(option, "bind") || !strcmp(option, "rbind");
	if (!strcmp(option, "ro"))
		m->read_only = true;
	else if (!strcmp(option, "noexec"))
		m->noexec = true;
	else if (!strncmp(option, "size=", 5))
		m->size = option + 5;
	else if (!strncmp(option, "mode=", 5))
		m->mode = option + 5;
	else
		return is_usual(option);
	return true;
}

static void lose_option(struct lxc *x, const struct lxc_line *l, const char *option)
{
	const char *why = !strcmp(option, "optional") ? "a path that is missing is an error (option optional)" :
			  strstr(option, "shared") || strstr(option, "slave") ?
							"nothing propagates into a pod or out of it (option %s)" :
							"the option %s has no word in a manifest";

	lxc_lose(x, l, strstr(why, "%s") ? arena_printf(x->arena, "%.*s%.40s%s", (int)(strstr(why, "%s") - why), why, option,
							strstr(why, "%s") + 2)
					 : why);
}

static void take_options(struct lxc *x, const struct lxc_line *l, char *options, struct asked *m)
{
	char *save = NULL;

	for (char *o = strtok_r(options, ",", &save); o; o = strtok_r(NULL, ",", &save))
		if (!take_option(m, o))
			lose_option(x, l, o);
}

static char *target_of(struct lxc *x, const char *text)
{
	char *target = arena_printf(x->arena, "%s%s", *text == '/' ? "" : "/", text);
	struct err ignored = {};

	return mount_check_target(target, &ignored) == 0 ? target : NULL;
}

static bool has_target(const struct lxc *x, const char *target)
{
	for (size_t i = 0; i < x->mounts.n; i++)
		if (!strcmp(x->mounts.v[i].target, target))
			return true;
	for (size_t i = 0; i < x->holes.n; i++)
		if (x->holes.v[i].target && !strcmp(x->holes.v[i].target, target))
			return true;
	return false;
}

static void add_tmpfs(struct lxc *x, const struct lxc_line *l, const struct asked *m, char *target)
{
	uint64_t bytes;
	uint32_t mode;

	if (m->size && (unit_parse_docker_size(m->size, &bytes) || !bytes)) {
		lxc_lose(x, l, "the size of the tmpfs can't be read");
		return;
	}
	if (m->mode && limits_parse_mode(m->mode, &mode)) {
		lxc_lose(x, l, "the mode of the tmpfs can't be read");
		return;
	}
	if (m->read_only)
		lxc_lose(x, l, "a tmpfs starts empty and can be written (option ro)");
	*list_add(x->arena, &x->mounts) = (struct lxc_mount){
		.target = target,
		.tmpfs_size = m->size ? arena_printf(x->arena, "%llu", (unsigned long long)bytes) : NULL,
		.mode = m->mode,
		.noexec = m->noexec,
	};
}

static bool is_clean_source(const char *path)
{
	return *path == '/' && !strstr(path, "/../") && !strstr(path, "//") && strlen(path) < 2000;
}

static bool is_device_path(const char *path)
{
	const char *slash = strrchr(path, '/');

	return !strncmp(path, "/dev/", 5) && slash[1] && !strstr(path, "..") && !strstr(path, "//") && strlen(path) < 200 &&
	       !strstr(path, "/./");
}

static void add_bind(struct lxc *x, const struct lxc_line *l, const struct asked *m, char *source, char *target)
{
	bool device = is_device_path(source) && is_device_path(target);

	if (!is_clean_source(source)) {
		lxc_lose(x, l, "the path of the host is not absolute and plain");
		return;
	}
	if (m->noexec)
		lxc_lose(x, l, "a host path can't be noexec");
	*list_add(x->arena, &x->holes) = (struct lxc_hole){
		.kind = device ? "dev" : "path", .source = source, .target = target, .writable = !device && !m->read_only,
		.why = arena_printf(x->arena, "%s:%u", l->file, l->number),
	};
}

/* The kernel's file systems where every app has them. */
static bool is_standard(char *const field[FIELDS])
{
	static const char *const places[][2] = {
		{"proc", "proc"}, {"sysfs", "sys"}, {"devpts", "dev/pts"}, {"mqueue", "dev/mqueue"}, {"cgroup", "sys/fs/cgroup"},
		{"cgroup2", "sys/fs/cgroup"},
	};
	const char *target = field[TARGET] + (*field[TARGET] == '/');

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (!strcmp(places[i][0], field[TYPE]) && !strcmp(places[i][1], target))
			return true;
	return false;
}

void lxc_take_mount(struct lxc *x, const struct lxc_line *l)
{
	char *field[FIELDS] = {}, *target;
	struct asked m = {};

	if (!*l->value)
		return;
	if (!split(x, l->value, field)) {
		lxc_lose(x, l, "a mount is written SOURCE TARGET TYPE OPTIONS");
		return;
	}
	take_options(x, l, field[OPTIONS], &m);
	target = target_of(x, field[TARGET]);
	/* Devices are holes, and lie where nothing else can be mounted. */
	if (!target && m.bind && is_device_path(field[SOURCE]))
		target = arena_printf(x->arena, "%s%s", *field[TARGET] == '/' ? "" : "/", field[TARGET]);
	if (target && !is_device_path(target) && is_device_path(field[SOURCE]) && m.bind)
		target = target_of(x, target);
	if (is_standard(field))
		return;
	if (!target || has_target(x, target))
		lxc_lose(x, l, target ? "something is mounted there already" : "Rocket mounts what lies there, or it is no clean path");
	else if (m.bind)
		add_bind(x, l, &m, field[SOURCE], target);
	else if (!strcmp(field[TYPE], "tmpfs"))
		add_tmpfs(x, l, &m, target);
	else
		lxc_lose(x, l, "only host paths (bind) and tmpfs are mounted in a pod");
}

/* ---- the kernel's own file systems ---- */

void lxc_take_mount_auto(struct lxc *x, const struct lxc_line *l)
{
	static const char *const usual[] = {"proc", "proc:mixed", "sys", "sys:ro", "sys:mixed", "cgroup", "cgroup:ro",
					    "cgroup:mixed", "cgroup-full", "cgroup-full:ro", "cgroup-full:mixed"};
	char *copy = arena_strdup(x->arena, l->value), *save = NULL;

	for (char *word = strtok_r(copy, " \t", &save); word; word = strtok_r(NULL, " \t", &save)) {
		bool known = false;

		for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
			known |= !strcmp(usual[i], word);
		if (!known)
			lxc_lose(x, l, "proc is the pod's own, sys and cgroup are read-only in a pod");
	}
}

/* ---- the root ---- */

/* It stands in a comment, too. */
static bool is_plain(const char *path)
{
	for (; *path; path++)
		if (*path < ' ' || *path > '~')
			return false;
	return true;
}

void lxc_take_rootfs(struct lxc *x, const struct lxc_line *l)
{
	const char *path = strncmp(l->value, "dir:", 4) ? l->value : l->value + 4;

	if (is_clean_source(path) && is_plain(path) && !strchr(path, ':') && path[1])
		x->rootfs = arena_strdup(x->arena, path);
	else
		lxc_lose(x, l, "a pod starts from an image: a folder can be imported, other storage can't");
}

void lxc_take_rootfs_options(struct lxc *x, const struct lxc_line *l)
{
	char *copy = arena_strdup(x->arena, l->value), *save = NULL;
	struct asked m = {};

	for (char *o = strtok_r(copy, ",", &save); o; o = strtok_r(NULL, ",", &save)) {
		if (!take_option(&m, o) || m.size || m.mode || m.noexec)
			lxc_lose(x, l, "of the root's options only ro can be carried over");
	}
	x->read_only |= m.read_only;
}
