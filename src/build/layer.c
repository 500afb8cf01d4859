/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pax(1) of POSIX.1-2017: 512-byte header, payload padded to 512. Everything goes through one 1 MiB buffer,
 * which is hashed and written when full, so that small files cost no system call each.
 */
#include "build/layer.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"

enum {
	BLOCK = 512,
	BUFFER_BYTES = 1 << 20,
	OCTAL_7_MAX = 07777777, /* what seven octal digits hold: mode, uid, gid */
};
#define OCTAL_11_MAX 077777777777ULL /* size, mtime */

/* The header as POSIX draws it. */
struct header {
	char name[100];
	char mode[8];
	char uid[8];
	char gid[8];
	char size[12];
	char mtime[12];
	char checksum[8];
	char type;
	char link[100];
	char magic[6];
	char version[2];
	char user[32];
	char group[32];
	char major[8];
	char minor[8];
	char prefix[155];
	char pad[12];
};
static_assert(sizeof(struct header) == BLOCK);

struct writer {
	int fd;
	struct digest *digest;
	uint8_t *buffer;
	size_t used;
	uint64_t total;
	int64_t time_s;
	struct err *e;
};

static int flush(struct writer *w)
{
	digest_add(w->digest, w->buffer, w->used);
	if (io_write_all(w->fd, w->buffer, w->used))
		return err_errno(w->e, "cannot write the layer");
	w->total += w->used;
	w->used = 0;
	return 0;
}

static int add_bytes(struct writer *w, const void *bytes, size_t n)
{
	const uint8_t *at = bytes;

	while (n) {
		size_t room = BUFFER_BYTES - w->used, part = n < room ? n : room;

		memcpy(w->buffer + w->used, at, part);
		w->used += part;
		at += part;
		n -= part;
		if (w->used == BUFFER_BYTES && flush(w))
			return -w->e->code;
	}
	return 0;
}

static int add_padding(struct writer *w, uint64_t size)
{
	static const uint8_t zeros[BLOCK];

	return add_bytes(w, zeros, (size_t)(-size % BLOCK));
}

/* digits octal digits and a 0 byte; what is too large is in a pax header, and 0 here. */
static void put_octal(char *field, int digits, uint64_t value, uint64_t max)
{
	char text[16];

	snprintf(text, sizeof(text), "%0*llo", digits, (unsigned long long)(value <= max ? value : 0));
	memcpy(field, text, (size_t)digits + 1);
}

static void put_checksum(struct header *h)
{
	const uint8_t *bytes = (const uint8_t *)h;
	unsigned sum = 0;
	char text[16];

	memset(h->checksum, ' ', sizeof(h->checksum));
	for (size_t i = 0; i < sizeof(*h); i++)
		sum += bytes[i];
	snprintf(text, sizeof(text), "%06o", sum);
	memcpy(h->checksum, text, 7); /* six digits, 0, and the space that stands there */
}

/*
 * The name into name, or into prefix and name at a "/". False when neither fits: then a pax header
 * holds it, and the field what fits.
 */
static bool put_name(struct header *h, const char *path)
{
	size_t n = strlen(path);

	if (n <= sizeof(h->name)) {
		memcpy(h->name, path, n);
		return true;
	}
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		size_t before = (size_t)(slash - path), after = n - before - 1;

		if (before > sizeof(h->prefix) || after > sizeof(h->name) || !after)
			continue;
		memcpy(h->prefix, path, before);
		memcpy(h->name, slash + 1, after);
		return true;
	}
	memcpy(h->name, path, sizeof(h->name));
	return false;
}

static bool put_link(struct header *h, const char *target)
{
	size_t n = target ? strlen(target) : 0;

	if (n)
		memcpy(h->link, target, n < sizeof(h->link) ? n : sizeof(h->link));
	return n <= sizeof(h->link);
}

static void fill_header(struct header *h, const struct writer *w, char type)
{
	memset(h, 0, sizeof(*h));
	h->type = type;
	memcpy(h->magic, "ustar", 6);
	memcpy(h->version, "00", 2);
	put_octal(h->mode, 7, 0644, OCTAL_7_MAX);
	put_octal(h->uid, 7, 0, OCTAL_7_MAX);
	put_octal(h->gid, 7, 0, OCTAL_7_MAX);
	put_octal(h->size, 11, 0, OCTAL_11_MAX);
	put_octal(h->mtime, 11, (uint64_t)w->time_s, OCTAL_11_MAX);
	put_octal(h->major, 7, 0, OCTAL_7_MAX);
	put_octal(h->minor, 7, 0, OCTAL_7_MAX);
}

static int add_header(struct writer *w, struct header *h)
{
	put_checksum(h);
	return add_bytes(w, h, sizeof(*h));
}

/* "LENGTH KEY=VALUE\n", where LENGTH counts itself. */
static void add_record(struct str *out, const char *key, const char *value)
{
	size_t rest = strlen(key) + strlen(value) + 3, len = rest;
	char digits[24];

	for (;;) {
		size_t n = (size_t)snprintf(digits, sizeof(digits), "%zu", len);

		if (rest + n == len)
			break;
		len = rest + n;
	}
	str_addf(out, "%zu %s=%s\n", len, key, value);
}

static void add_number_record(struct str *out, const char *key, uint64_t value, uint64_t max)
{
	char text[24];

	if (value <= max)
		return;
	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	add_record(out, key, text);
}

static int add_pax(struct writer *w, const struct str *records)
{
	struct header h;
	int rc;

	fill_header(&h, w, 'x');
	memcpy(h.name, "PaxHeaders/0", 12);
	put_octal(h.size, 11, records->len, OCTAL_11_MAX);
	rc = add_header(w, &h);
	if (!rc)
		rc = add_bytes(w, records->text, records->len);
	return rc ? rc : add_padding(w, records->len);
}

static char type_flag(enum rootfs_kind kind)
{
	static const char flags[] = {[ROOTFS_DIR] = '5', [ROOTFS_FILE] = '0', [ROOTFS_LINK] = '2'};

	return flags[kind];
}

static int add_entry_header(struct writer *w, const struct rootfs_entry *entry)
{
	autostr path = {}, records = {};
	struct header h;
	int rc = 0;

	str_addf(&path, "%s%s", entry->path, entry->kind == ROOTFS_DIR ? "/" : "");
	fill_header(&h, w, type_flag(entry->kind));
	if (!put_name(&h, path.text))
		add_record(&records, "path", path.text);
	if (!put_link(&h, entry->target))
		add_record(&records, "linkpath", entry->target);
	put_octal(h.mode, 7, entry->mode, OCTAL_7_MAX);
	put_octal(h.uid, 7, entry->uid, OCTAL_7_MAX);
	put_octal(h.gid, 7, entry->gid, OCTAL_7_MAX);
	put_octal(h.size, 11, entry->size, OCTAL_11_MAX);
	add_number_record(&records, "uid", entry->uid, OCTAL_7_MAX);
	add_number_record(&records, "gid", entry->gid, OCTAL_7_MAX);
	add_number_record(&records, "size", entry->size, OCTAL_11_MAX);
	if (records.len)
		rc = add_pax(w, &records);
	return rc ? rc : add_header(w, &h);
}

static int changed(struct writer *w, const struct rootfs_entry *entry)
{
	err_new(w->e, ERR_FAILED, "%s in %s changed while the image was built", entry->from, entry->source->name);
	return err_try(w->e, "build again when nothing writes there");
}

/* Exactly entry->size bytes of the open file. */
static int add_file_bytes(struct writer *w, const struct rootfs_entry *entry, int fd)
{
	uint64_t left = entry->size;

	while (left) {
		size_t room = BUFFER_BYTES - w->used, part = left < room ? (size_t)left : room;
		ssize_t got = io_read_full(fd, w->buffer + w->used, part);

		if (got < 0)
			return err_errno(w->e, "cannot read %s in %s", entry->from, entry->source->name);
		if ((size_t)got != part)
			return changed(w, entry);
		w->used += part;
		left -= part;
		if (w->used == BUFFER_BYTES && flush(w))
			return -w->e->code;
	}
	return 0;
}

static int add_source(struct writer *w, const struct rootfs_entry *entry)
{
	autoclose int fd = source_open_file(entry->source, entry->from);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return err_errno(w->e, "cannot open %s in %s", entry->from, entry->source->name);
	if ((uint64_t)st.st_size != entry->size)
		return changed(w, entry);
	return add_file_bytes(w, entry, fd);
}

static int add_entry(struct writer *w, const struct rootfs_entry *entry)
{
	int rc = add_entry_header(w, entry);

	if (rc || entry->kind != ROOTFS_FILE)
		return rc;
	rc = entry->source ? add_source(w, entry) : add_bytes(w, entry->text, (size_t)entry->size);
	return rc ? rc : add_padding(w, entry->size);
}

static int add_all(struct writer *w, const struct rootfs *fs, bool leave_implied)
{
	static const uint8_t end[2 * BLOCK];
	int rc = 0;

	for (size_t i = 0; !rc && i < fs->entries.n; i++)
		if (!(leave_implied && fs->entries.v[i].implied))
			rc = add_entry(w, &fs->entries.v[i]);
	if (!rc)
		rc = add_bytes(w, end, sizeof(end));
	return rc ? rc : flush(w);
}

int layer_write(int fd, const struct rootfs *fs, const struct layer_options *options, struct layer *ret, struct err *e)
{
	autodigest *digest = digest_new(DIGEST_SHA256);
	autofree uint8_t *buffer = malloc(BUFFER_BYTES);
	struct writer w = {.fd = fd, .digest = digest, .buffer = buffer, .time_s = options->time_s, .e = e};
	char hex[DIGEST_HEX_MAX];
	int rc;

	if (!buffer)
		return err_errno(e, "cannot write the layer");
	rc = add_all(&w, fs, options->leave_implied);
	if (rc)
		return rc;
	digest_hex(digest, hex);
	snprintf(ret->diff_id, sizeof(ret->diff_id), "sha256:%.64s", hex);
	ret->size = w.total;
	return 0;
}
