/* SPDX-License-Identifier: Apache-2.0 */
/*
 * By content: the compression by its magic, the transport by the first file in the tar. A tar whose first
 * file is named like a document or a blob of an image is taken for one; every other tar is a root file
 * system.
 */
#include "store/import_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "image/tar.h"
#include "image/tree_parts.h"

enum { FOUND = 1000, INFLATED_MAX = 512 << 10 };

struct first_name {
	struct tree_part top; /* first component of the first name that is not the root */
	bool is_dir, deeper;  /* deeper: the name has more components */
};

static int on_entry(void *ctx, const struct tar_entry *entry, struct err *e)
{
	struct first_name *first = ctx;
	const char *at = entry->path;
	struct tree_part more;

	if (!tree_next_part(&at, &first->top))
		return 0;
	first->is_dir = entry->type == TAR_DIR;
	first->deeper = tree_next_part(&at, &more);
	return -FOUND;
}

static bool is_hex_name(const struct tree_part *p)
{
	static const char *const ends[] = {"", ".json", ".tar"};
	struct tree_part end = {p->text + 64, p->len - 64};

	if (p->len < 64 || strspn(p->text, "0123456789abcdef") < 64)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		if (tree_part_is(&end, ends[i]))
			return true;
	return false;
}

static enum import_transport transport_of(const struct first_name *first)
{
	static const char *const documents[] = {"oci-layout", "index.json", "manifest.json", "repositories", "blobs"};

	for (size_t i = 0; i < ARRAY_SIZE(documents); i++)
		if (tree_part_is(&first->top, documents[i]))
			return IMPORT_CONTAINER;
	if (is_hex_name(&first->top))
		return IMPORT_CONTAINER;
	if ((tree_part_is(&first->top, "manifest") && !first->is_dir && !first->deeper) ||
	    tree_part_is(&first->top, "rootfs"))
		return IMPORT_ACI;
	return IMPORT_ROOTFS;
}

static int err_no_image(const char *source, const char *because, struct err *e)
{
	err_new(e, ERR_USAGE, "%.200s is no image", source);
	err_because(e, "%s", because);
	return err_try(e, "give an OCI layout, the output of `docker save` or `podman save`, an ACI, or a tar of a root "
			  "file system");
}

/* What the head is when decompressed, as far as it goes. */
static int inflate_head(struct import_probe *p, uint8_t *out, size_t *inout_len, struct err *e)
{
	autoinflate *f = NULL;
	struct inflate_io io = {p->in.head, p->in.head_len, out, *inout_len};
	int r = inflate_open(p->compression, &f, e);

	if (!r)
		r = inflate_step(f, &io, e);
	*inout_len -= io.out_len;
	return r;
}

static int probe_tar(struct import_probe *p, const char *source, const uint8_t *bytes, size_t n, struct err *e)
{
	autoarena arena = {};
	struct first_name first = {};
	struct tar_callbacks call = {.on_entry = on_entry, .ctx = &first};
	autotar *t = tar_open(&arena, &call);
	struct err why = {};

	if (n < TAR_BLOCK)
		return err_no_image(source, p->in.head_len ? "it is too short for a tar" : "it is empty", e);
	int r = tar_push(t, bytes, n, &why);

	if (!r)
		return err_no_image(source, "it is a tar with nothing in it", e);
	if (r != -FOUND)
		return err_no_image(source, why.because, e);
	p->transport = transport_of(&first);
	return 0;
}

static int read_head(struct import_probe *p, const char *source, struct err *e)
{
	struct import_input again = p->in;
	ssize_t n = import_read(&p->in, p->head, sizeof(p->head));

	if (n < 0)
		return err_errno(e, "can't read %.200s", source);
	p->in = again;
	p->in.head = p->head;
	p->in.head_len = (size_t)n;
	return 0;
}

static int probe_bytes(struct import_probe *p, const char *source, struct err *e)
{
	int r = read_head(p, source, e);

	if (!r)
		r = inflate_sniff(p->in.head, p->in.head_len, &p->compression, e);
	if (r)
		return r;
	size_t n = INFLATED_MAX;
	autofree uint8_t *plain = malloc(n);

	if (!plain)
		abort();
	r = inflate_head(p, plain, &n, e);
	if (!r)
		r = probe_tar(p, source, plain, n, e);
	if (!r && p->in.seekable)
		p->in.head_len = 0; /* it can be read again */
	return r;
}

static int probe_dir(struct import_probe *p, const char *source, struct err *e)
{
	struct stat st;

	p->transport = IMPORT_LAYOUT_DIR;
	if (fstatat(p->in.fd, "oci-layout", &st, 0) == 0)
		return 0;
	err_new(e, ERR_USAGE, "%.200s is no image", source);
	err_because(e, "it is a directory without oci-layout in it, so no OCI layout");
	return err_try(e, "tar -C DIR -c . | rocket image import - NAME   (when it is a root file system)");
}

int import_probe(int fd, const char *source, struct import_probe *p, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_errno(e, "can't read %.200s", source);
	p->in = (struct import_input){.fd = fd, .left = UINT64_MAX};
	if (S_ISDIR(st.st_mode))
		return probe_dir(p, source, e);
	off_t at = S_ISREG(st.st_mode) ? lseek(fd, 0, SEEK_CUR) : -1;

	if (at >= 0) {
		p->in.seekable = true;
		p->in.offset = (uint64_t)at;
		p->in.left = (uint64_t)(st.st_size > at ? st.st_size - at : 0);
	}
	return probe_bytes(p, source, e);
}
