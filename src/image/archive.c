/* SPDX-License-Identifier: Apache-2.0 */
/* Members of a directory are opened when asked for; those of a tar are listed once, by its headers alone. */
#include "image/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "image/tar.h"
#include "image/tree_parts.h"

enum { MEMBERS_MAX = 100000, OPEN_MAX = 1024, ALIASES_MAX = 8, READ_SIZE = 64 << 10 };

struct member {
	const char *name;  /* clean: "blobs/sha256/…" */
	const char *alias; /* symlink or hard link: the clean name that it means */
	uint64_t offset, size;
};

struct archive {
	struct arena arena;
	int dirfd; /* a directory, or -1 */
	int tarfd; /* a tar, or -1 */
	LIST(struct member) members;
	LIST(int) fds; /* opened in the directory */
};

/* "./a//b/" -> "a/b"; NULL for what leaves the archive. `from` is the directory that a relative target counts from. */
static const char *clean_name(struct arena *arena, const char *from, const char *name)
{
	char *out = arena_alloc(arena, strlen(from) + strlen(name) + 2);
	size_t n = 0;
	struct tree_part part;

	if (*name != '/') {
		n = strlen(from);
		memcpy(out, from, n);
	}
	while (tree_next_part(&name, &part)) {
		if (tree_part_is(&part, "..")) {
			if (!n)
				return NULL;
			while (n && out[--n] != '/')
				;
			continue;
		}
		if (n)
			out[n++] = '/';
		memcpy(out + n, part.text, part.len);
		n += part.len;
	}
	out[n] = 0;
	return out;
}

static const char *dir_of(struct arena *arena, const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash ? arena_strndup(arena, name, (size_t)(slash - name)) : "";
}

static int on_entry(void *ctx, const struct tar_entry *entry, struct err *e)
{
	struct archive *a = ctx;
	struct arena *arena = &a->arena;
	const char *name = clean_name(arena, "", entry->path);

	if (!name || !*name || entry->type == TAR_DIR)
		return 0;
	if (a->members.n >= MEMBERS_MAX)
		return err_new(e, ERR_FAILED, "the archive has more than %d files", MEMBERS_MAX);
	struct member *m = list_add(arena, &a->members);

	m->name = name;
	m->offset = entry->offset;
	m->size = entry->sparse ? 0 : entry->size;
	if (entry->type == TAR_SYMLINK)
		m->alias = clean_name(arena, dir_of(arena, name), entry->link);
	else if (entry->type == TAR_HARD_LINK)
		m->alias = clean_name(arena, "", entry->link);
	else if (entry->type != TAR_FILE || entry->sparse)
		return err_new(e, ERR_FAILED, "%.200s in the archive is no plain file", name);
	return 0;
}

static int compare_members(const void *x, const void *y)
{
	return strcmp(((const struct member *)x)->name, ((const struct member *)y)->name);
}

static int check_twice(const struct archive *a, struct err *e)
{
	for (size_t i = 1; i < a->members.n; i++) {
		if (strcmp(a->members.v[i - 1].name, a->members.v[i].name))
			continue;
		err_new(e, ERR_FAILED, "the archive has %.150s twice", a->members.v[i].name);
		return err_because(e, "it would mean two things");
	}
	return 0;
}

/* Reads headers and jumps over payloads. */
static int list_tar(struct archive *a, struct err *e)
{
	static const struct tar_callbacks list = {.on_entry = on_entry};
	struct tar_callbacks call = list;
	struct stat st;

	call.ctx = a;
	if (fstat(a->tarfd, &st) < 0)
		return err_errno(e, "can't read the archive");
	autotar *t = tar_open(&a->arena, &call);
	autofree uint8_t *buf = malloc(READ_SIZE);
	int r = 0;

	if (!buf)
		abort();
	for (off_t at = 0; !r && at < st.st_size;) {
		uint64_t skip = tar_skippable(t);

		if (skip > (uint64_t)(st.st_size - at))
			break; /* tar_finish() says that it is cut off */
		tar_skip(t, skip);
		at += (off_t)skip;
		ssize_t n = pread(a->tarfd, buf, skip ? TAR_BLOCK : READ_SIZE, at);

		if (n < 0)
			return err_errno(e, "can't read the archive");
		if (!n)
			break;
		r = tar_push(t, buf, (size_t)n, e);
		at += n;
	}
	return r ? r : tar_finish(t, e);
}

static struct archive *archive_new(int dirfd, int tarfd)
{
	struct archive *a = calloc(1, sizeof(*a));

	if (!a)
		abort();
	a->dirfd = dirfd;
	a->tarfd = tarfd;
	return a;
}

int archive_open_dir(int dirfd, struct archive **ret, struct err *e)
{
	*ret = archive_new(dirfd, -1);
	return 0;
}

int archive_open_tar(int fd, struct archive **ret, struct err *e)
{
	autoarchive *a = archive_new(-1, fd);
	int r = list_tar(a, e);

	if (r)
		return r;
	if (a->members.n)
		qsort(a->members.v, a->members.n, sizeof(*a->members.v), compare_members);
	r = check_twice(a, e);
	if (!r)
		*ret = take_ptr(a);
	return r;
}

void archive_close(struct archive *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->fds.n; i++)
		close(a->fds.v[i]);
	arena_free(&a->arena);
	free(a);
}

static int err_missing(const char *name, struct err *e)
{
	err_new(e, ERR_NOT_FOUND, "the image has no %.200s", name);
	return err_because(e, "it is incomplete");
}

static const struct member *find_member(const struct archive *a, const char *name)
{
	struct member key = {.name = name};

	for (int hops = 0; key.name && a->members.n && hops < ALIASES_MAX; hops++) {
		const struct member *m =
			bsearch(&key, a->members.v, a->members.n, sizeof(key), compare_members);

		if (!m || !m->alias)
			return m;
		key.name = m->alias;
	}
	return NULL;
}

static int find_in_tar(struct archive *a, const char *name, struct archive_member *ret, struct err *e)
{
	const char *clean = clean_name(&a->arena, "", name);
	const struct member *m = clean ? find_member(a, clean) : NULL;

	if (!m)
		return err_missing(name, e);
	*ret = (struct archive_member){a->tarfd, m->offset, m->size};
	return 0;
}

static int find_in_dir(struct archive *a, const char *name, struct archive_member *ret, struct err *e)
{
	struct stat st;
	autoclose int fd = path_open_in_root(a->dirfd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);

	if (fd < 0 && errno == ENOENT)
		return err_missing(name, e);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(e, "can't open %.200s of the image", name);
	if (!S_ISREG(st.st_mode))
		return err_new(e, ERR_FAILED, "%.200s of the image is no regular file", name);
	if (a->fds.n >= OPEN_MAX)
		return err_new(e, ERR_FAILED, "the image has more than %d files", OPEN_MAX);
	*ret = (struct archive_member){fd, 0, (uint64_t)st.st_size};
	*list_add(&a->arena, &a->fds) = take_fd(&fd);
	return 0;
}

int archive_find(struct archive *a, const char *name, struct archive_member *ret, struct err *e)
{
	return a->dirfd >= 0 ? find_in_dir(a, name, ret, e) : find_in_tar(a, name, ret, e);
}

bool archive_has(struct archive *a, const char *name)
{
	struct archive_member m;
	struct err ignored = {};

	return archive_find(a, name, &m, &ignored) == 0;
}

int archive_read(struct archive *a, struct arena *arena, const char *name, size_t limit, char **ret_text,
		 size_t *ret_len, struct err *e)
{
	struct archive_member m;
	int r = archive_find(a, name, &m, e);

	if (r)
		return r;
	if (m.size > limit) {
		err_new(e, ERR_FAILED, "%.150s of the image is too large", name);
		return err_because(e, "it has %llu bytes and %zu is the limit", (unsigned long long)m.size, limit);
	}
	char *text = arena_alloc(arena, m.size + 1);

	for (size_t done = 0; done < m.size;) {
		ssize_t n = pread(m.fd, text + done, m.size - done, (off_t)(m.offset + done));

		if (n < 0)
			return err_errno(e, "can't read %.200s of the image", name);
		if (!n)
			return err_new(e, ERR_FAILED, "%.200s of the image is cut off", name);
		done += (size_t)n;
	}
	*ret_text = text;
	*ret_len = m.size;
	return 0;
}
