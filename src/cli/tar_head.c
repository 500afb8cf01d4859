/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Headers of tar: ustar (POSIX.1-2017, pax(1)); what does not fit goes into a pax header before it.
 *
 *   name 100 | mode 8 | uid 8 | gid 8 | size 12 | mtime 12 | sum 8 | type 1 | link 100 | "ustar\0" "00" | … | major 8 | minor 8
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "cli/tar_parts.h"

enum { BLOCK = 512, NAMES_MAX = 65536, VALUE_MAX = 65536, BARE_DEPTH_MAX = 8, SLOTS_FIRST = 256 };

struct ustar {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type, link[100], magic[6], version[2],
		user[32], group[32], major[8], minor[8], prefix[155], pad[12];
};
static_assert(sizeof(struct ustar) == BLOCK);

/* Octal digits and a 0; false when the number needs more. */
static bool put_octal(char *field, size_t width, uint64_t value)
{
	if (width < 23 && value >> (3 * (width - 1)))
		return false;
	char text[32];

	snprintf(text, sizeof(text), "%0*llo", (int)(width - 1), (unsigned long long)value);
	memcpy(field, text, width);
	return true;
}

/* "LENGTH KEY=VALUE\n", where LENGTH counts itself. */
static void add_record(struct str *out, const char *key, const void *value, size_t n)
{
	size_t rest = strlen(key) + n + 3, len = rest + 1;

	while (len != rest + (size_t)snprintf(NULL, 0, "%zu", len))
		len = rest + (size_t)snprintf(NULL, 0, "%zu", len);
	str_addf(out, "%zu %s=", len, key);
	str_add_bytes(out, value, n);
	str_add_char(out, '\n');
}

static void add_number_record(struct str *out, const char *key, int64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", (long long)value);
	add_record(out, key, text, strlen(text));
}

static void add_text(char *field, size_t width, const char *key, const char *text, struct str *pax)
{
	size_t n = strlen(text);

	memcpy(field, text, n < width ? n : width);
	if (n > width)
		add_record(pax, key, text, n);
}

static void add_number(char *field, size_t width, const char *key, int64_t value, struct str *pax)
{
	if (value >= 0 && put_octal(field, width, (uint64_t)value))
		return;
	put_octal(field, width, 0);
	add_number_record(pax, key, value);
}

static void add_block(struct str *out, struct ustar *u)
{
	unsigned sum = 0;
	const unsigned char *bytes = (const unsigned char *)u;

	memset(u->sum, ' ', sizeof(u->sum));
	for (size_t i = 0; i < sizeof(*u); i++)
		sum += bytes[i];
	put_octal(u->sum, 7, sum);
	u->sum[7] = ' ';
	str_add_bytes(out, u, sizeof(*u));
}

static void fill_common(struct ustar *u, char type)
{
	memcpy(u->magic, "ustar", sizeof(u->magic));
	memcpy(u->version, "00", sizeof(u->version));
	u->type = type;
}

static void add_pax(struct str *out, const struct str *pax)
{
	static const char zeros[BLOCK];
	struct ustar u = {.name = "PaxHeaders/0"};

	fill_common(&u, 'x');
	put_octal(u.mode, sizeof(u.mode), 0644);
	put_octal(u.uid, sizeof(u.uid), 0);
	put_octal(u.gid, sizeof(u.gid), 0);
	put_octal(u.size, sizeof(u.size), pax->len);
	put_octal(u.mtime, sizeof(u.mtime), 0);
	add_block(out, &u);
	str_add_bytes(out, pax->text, pax->len);
	str_add_bytes(out, zeros, -pax->len % BLOCK);
}

int tar_head_format(struct str *out, const struct tar_head *h, struct err *e)
{
	struct ustar u = {};
	autostr pax = {}, path = {};

	str_add(&path, h->path);
	if (h->type == '5')
		str_add_char(&path, '/');
	fill_common(&u, h->type);
	put_octal(u.mode, sizeof(u.mode), h->mode);
	add_text(u.name, sizeof(u.name), "path", path.text, &pax);
	if (h->link)
		add_text(u.link, sizeof(u.link), "linkpath", h->link, &pax);
	add_number(u.uid, sizeof(u.uid), "uid", h->uid, &pax);
	add_number(u.gid, sizeof(u.gid), "gid", h->gid, &pax);
	add_number(u.size, sizeof(u.size), "size", (int64_t)h->size, &pax);
	add_number(u.mtime, sizeof(u.mtime), "mtime", h->mtime, &pax);
	if (h->type == '3' || h->type == '4') {
		if (!put_octal(u.major, sizeof(u.major), major(h->rdev)) ||
		    !put_octal(u.minor, sizeof(u.minor), minor(h->rdev)))
			return err_new(e, ERR_FAILED, "the device number of %.200s does not fit into tar", h->path);
	}
	if (h->xattrs.len)
		str_add_bytes(&pax, h->xattrs.text, h->xattrs.len);
	if (pax.len)
		add_pax(out, &pax);
	add_block(out, &u);
	return 0;
}

static bool is_kept(const char *name)
{
	return strncmp(name, "user.", 5) == 0 || strcmp(name, "security.capability") == 0;
}

static void add_xattr(struct str *out, int fd, const char *name, char *value)
{
	autostr key = {};
	ssize_t len = is_kept(name) ? fgetxattr(fd, name, value, VALUE_MAX) : -1;

	if (len < 0)
		return;
	str_addf(&key, "SCHILY.xattr.%s", name);
	add_record(out, key.text, value, (size_t)len);
}

void tar_head_read_xattrs(struct tar_head *h, int fd)
{
	autofree char *names = malloc(NAMES_MAX);
	autofree char *value = malloc(VALUE_MAX);
	ssize_t n = names && value ? flistxattr(fd, names, NAMES_MAX) : 0;

	for (ssize_t at = 0; at < n; at += (ssize_t)strlen(names + at) + 1)
		add_xattr(&h->xattrs, fd, names + at, value);
}

bool tar_is_added(int fd)
{
	char value[4];

	return fgetxattr(fd, "trusted.rocket.synthetic", value, sizeof(value)) > 0;
}

DIR *tar_open_dir(int fd)
{
	int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = own < 0 ? NULL : fdopendir(own);

	if (!dir)
		cleanup_close(&own);
	return dir;
}

static bool is_bare_at(int fd, unsigned depth)
{
	autoclosedir DIR *dir = depth > BARE_DEPTH_MAX ? NULL : tar_open_dir(fd);
	const struct dirent *d;

	if (!dir)
		return false;
	while ((d = readdir(dir))) {
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		if (d->d_type != DT_DIR && d->d_type != DT_REG)
			return false;
		autoclose int child = path_open_beneath(fd, d->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);

		if (child < 0 || !tar_is_added(child))
			return false;
		if (d->d_type == DT_DIR && !is_bare_at(child, depth + 1))
			return false;
	}
	return true;
}

bool tar_is_bare(int fd)
{
	return is_bare_at(fd, 0);
}

struct link_slot {
	dev_t dev;
	ino_t ino;
	char *path; /* NULL: free */
};

/* A hash table with open addressing, at most half full. */
struct tar_links {
	size_t n, size;
	struct link_slot *slots;
};

static struct link_slot *find_slot(const struct tar_links *l, dev_t dev, ino_t ino)
{
	size_t i = (size_t)((ino ^ dev * 0x9e3779b97f4a7c15ULL) * 0x9e3779b97f4a7c15ULL >> 20);

	for (;; i++) {
		struct link_slot *s = &l->slots[i & (l->size - 1)];

		if (!s->path || (s->dev == dev && s->ino == ino))
			return s;
	}
}

static void links_grow(struct tar_links *l)
{
	struct link_slot *old = l->slots;
	size_t n = l->size;

	l->size = n ? n * 2 : SLOTS_FIRST;
	l->slots = calloc(l->size, sizeof(*l->slots));
	if (!l->slots)
		abort();
	for (size_t i = 0; i < n; i++) {
		if (old[i].path)
			*find_slot(l, old[i].dev, old[i].ino) = old[i];
	}
	free(old);
}

const char *tar_links_meet(struct tar_links **links, dev_t dev, ino_t ino, const char *path)
{
	if (!*links)
		*links = calloc(1, sizeof(**links));
	if (!*links)
		abort();
	if ((*links)->n * 2 >= (*links)->size)
		links_grow(*links);
	struct link_slot *s = find_slot(*links, dev, ino);

	if (s->path)
		return s->path;
	*s = (struct link_slot){dev, ino, strdup(path)};
	if (!s->path)
		abort();
	(*links)->n++;
	return NULL;
}

void tar_links_free(struct tar_links **links)
{
	if (!*links)
		return;
	for (size_t i = 0; i < (*links)->size; i++)
		free((*links)->slots[i].path);
	free((*links)->slots);
	free(*links);
	*links = NULL;
}
