/* SPDX-License-Identifier: Apache-2.0 */
/* Content: small files through a buffer, large ones inside the kernel, sparse ones piece by piece. */
#include "image/unpack_parts.h"

#include <errno.h>
#include <unistd.h>

static int err_short(struct err *e)
{
	return err_new(e, ERR_FAILED, "a stored layer is shorter than it was");
}

static int write_all_at(int fd, const uint8_t *bytes, size_t n, uint64_t at, struct err *e)
{
	while (n) {
		ssize_t done = pwrite(fd, bytes, n, (off_t)at);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return unpack_err(e, "can't write a file of the image");
		bytes += done;
		n -= (size_t)done;
		at += (uint64_t)done;
	}
	return 0;
}

static int copy_by_buffer(struct unpacker *p, int from, uint64_t from_at, int to, uint64_t to_at, uint64_t len,
			  struct err *e)
{
	while (len) {
		size_t want = len < UNPACK_BUFFER ? (size_t)len : UNPACK_BUFFER;
		ssize_t n = pread(from, p->buffer, want, (off_t)from_at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? unpack_err(e, "can't read a stored layer") : err_short(e);
		int r = write_all_at(to, p->buffer, (size_t)n, to_at, e);

		if (r)
			return r;
		from_at += (uint64_t)n;
		to_at += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return 0;
}

static int copy_piece(struct unpacker *p, int from, uint64_t from_at, int to, uint64_t to_at, uint64_t len, struct err *e)
{
	while (len > UNPACK_BUFFER) {
		off64_t in = (off64_t)from_at, out = (off64_t)to_at;
		ssize_t n = copy_file_range(from, &in, to, &out, len < (1U << 30) ? (size_t)len : (1U << 30), 0);

		if (n <= 0)
			break; /* another file system, or an old kernel: by buffer, which reports what is wrong */
		from_at += (uint64_t)n;
		to_at += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return copy_by_buffer(p, from, from_at, to, to_at, len, e);
}

int unpack_data(struct unpacker *p, const struct tree_node *n, int fd, struct err *e)
{
	int from = p->u->layer_fds[n->layer];
	uint64_t at = n->offset;
	int r = 0;

	p->u->bytes += n->size;
	if (!n->sparse)
		return copy_piece(p, from, at, fd, 0, n->size, e);
	if (ftruncate(fd, (off_t)n->size) < 0)
		return unpack_err(e, "can't make a sparse file of the image");
	for (size_t i = 0; i < n->sparse->n && !r; i++) {
		const struct tar_piece *piece = &n->sparse->piece[i];

		r = copy_piece(p, from, at, fd, piece->offset, piece->len, e);
		at += piece->len;
	}
	return r;
}
