/* SPDX-License-Identifier: Apache-2.0 */
/* See compress.h. zlib and zstd at their usual levels: what is sent once is fetched often. */
#include "registry/compress.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>
#include <zstd.h>

#include "base/cleanup.h"
#include "base/io.h"

enum { PIECE = 256 << 10, GZIP_LEVEL = 6, ZSTD_LEVEL = 3 };

const char *const compress_names[] = {"gzip", "zstd", "none", NULL};
const char *const compress_types[] = {
	"application/vnd.oci.image.layer.v1.tar+gzip", "application/vnd.oci.image.layer.v1.tar+zstd",
	"application/vnd.oci.image.layer.v1.tar",
};

struct job {
	int from, to;
	uint64_t at, out;
	_Atomic uint64_t *moved;
	struct digest *digest;
	unsigned char *in_buf, *out_buf;
};

/* The next piece; 0 at the end. */
static ssize_t next(struct job *j)
{
	ssize_t n;

	do
		n = pread(j->from, j->in_buf, PIECE, (off_t)j->at);
	while (n < 0 && errno == EINTR);
	if (n > 0) {
		j->at += (uint64_t)n;
		if (j->moved)
			atomic_fetch_add_explicit(j->moved, (uint64_t)n, memory_order_relaxed);
	}
	return n;
}

static int put(struct job *j, size_t n, struct err *e)
{
	digest_add(j->digest, j->out_buf, n);
	j->out += n;
	if (!io_write_all(j->to, j->out_buf, n))
		return 0;
	err_errno(e, "can't write the compressed layer");
	return errno == ENOSPC ? err_try(e, "rocket gc --grace-period 0   (makes room)") : -e->code;
}

static int deflate_piece(struct job *j, z_stream *z, size_t n, struct err *e)
{
	int r = 0;

	z->next_in = j->in_buf;
	z->avail_in = (unsigned)n;
	do {
		z->next_out = j->out_buf;
		z->avail_out = PIECE;
		deflate(z, n ? Z_NO_FLUSH : Z_FINISH);
		r = put(j, PIECE - z->avail_out, e);
	} while (!r && !z->avail_out);
	return r;
}

static int run_gzip(struct job *j, struct err *e)
{
	z_stream z = {};
	ssize_t n;
	int r = 0;

	if (deflateInit2(&z, GZIP_LEVEL, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return err_new(e, ERR_FAILED, "zlib can't be set up");
	do {
		n = next(j);
		r = n < 0 ? err_errno(e, "can't read the stored layer") : deflate_piece(j, &z, (size_t)n, e);
	} while (!r && n);
	deflateEnd(&z);
	return r;
}

static int zstd_piece(struct job *j, ZSTD_CCtx *z, size_t n, struct err *e)
{
	ZSTD_inBuffer in = {j->in_buf, n, 0};
	size_t left;
	int r = 0;

	do {
		ZSTD_outBuffer out = {j->out_buf, PIECE, 0};

		left = ZSTD_compressStream2(z, &out, &in, n ? ZSTD_e_continue : ZSTD_e_end);
		if (ZSTD_isError(left))
			return err_new(e, ERR_FAILED, "zstd says: %.100s", ZSTD_getErrorName(left));
		r = put(j, out.pos, e);
	} while (!r && (n ? in.pos < in.size : left > 0));
	return r;
}

static int run_zstd(struct job *j, struct err *e)
{
	ZSTD_CCtx *z = ZSTD_createCCtx();
	ssize_t n;
	int r = 0;

	if (!z)
		abort();
	ZSTD_CCtx_setParameter(z, ZSTD_c_compressionLevel, ZSTD_LEVEL);
	ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, 1);
	do {
		n = next(j);
		r = n < 0 ? err_errno(e, "can't read the stored layer") : zstd_piece(j, z, (size_t)n, e);
	} while (!r && n);
	ZSTD_freeCCtx(z);
	return r;
}

int compress_file(enum compress_kind kind, int from, int to, _Atomic uint64_t *moved, char ret_digest[DIGEST_TEXT_MAX],
		  uint64_t *ret_size, struct err *e)
{
	autodigest *digest = digest_new(DIGEST_SHA256);
	autofree unsigned char *in = malloc(PIECE), *out = malloc(PIECE);
	struct job j = {from, to, .moved = moved, .digest = digest, .in_buf = in, .out_buf = out};

	if (!in || !out)
		abort();
	int r = kind == COMPRESS_GZIP ? run_gzip(&j, e) : run_zstd(&j, e);

	if (r)
		return r;
	memcpy(ret_digest, "sha256:", 7);
	digest_hex(digest, ret_digest + 7);
	*ret_size = j.out;
	return 0;
}
