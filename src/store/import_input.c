/* SPDX-License-Identifier: Apache-2.0 */
/* One way to read for the import's pipeline, whatever stands behind it. */
#include "store/import_input.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static ssize_t read_once(struct import_input *in, uint8_t *buf, size_t n)
{
	if (in->head_len) {
		size_t take = n < in->head_len ? n : in->head_len;

		memcpy(buf, in->head, take);
		in->head += take;
		in->head_len -= take;
		return (ssize_t)take;
	}
	for (;;) {
		ssize_t got = in->seekable ? pread(in->fd, buf, n, (off_t)in->offset) : read(in->fd, buf, n);

		if (got >= 0 || errno != EINTR)
			return got;
	}
}

ssize_t import_read(struct import_input *in, void *buf, size_t n)
{
	size_t done = 0;

	if (n > in->left)
		n = (size_t)in->left;
	while (done < n) {
		ssize_t got = read_once(in, (uint8_t *)buf + done, n - done);

		if (got < 0)
			return -1;
		if (!got)
			break;
		done += (size_t)got;
		in->offset += (uint64_t)got;
	}
	if (in->left != UINT64_MAX)
		in->left -= done;
	return (ssize_t)done;
}
