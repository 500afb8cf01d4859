/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a docker-archive or the tar of an OCI layout: whatever documents say, members are looked up
 * in the archive's own list, and lie inside it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "image/archive.h"
#include "image/found.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check_members(struct archive *archive, const struct found *found, size_t n)
{
	for (size_t i = 0; i < found->images.n; i++) {
		const struct found_image *image = &found->images.v[i];

		for (size_t k = 0; k < image->layers.n; k++) {
			struct archive_member m;
			struct err e = {};

			if (archive_find(archive, image->layers.v[k].member, &m, &e))
				continue;
			if (m.offset > n || m.size > n - m.offset)
				abort();
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	autoclose int fd = io_memfd("archive", bytes, n);
	autoarchive *archive = NULL;
	autoarena a = {};
	struct found_want want = {};
	struct found docker = {}, oci = {};
	struct err e = {};

	if (fd < 0 || archive_open_tar(fd, &archive, &e))
		return 0;
	if (!docker_archive_read(archive, &a, &want, &docker, &e))
		check_members(archive, &docker, n);
	if (!oci_layout_read(archive, &a, &want, &oci, &e))
		check_members(archive, &oci, n);
	return 0;
}
