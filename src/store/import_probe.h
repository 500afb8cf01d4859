/* SPDX-License-Identifier: Apache-2.0 */
/* Private to import*.c: what a file or stream is, by its first bytes and never by its name. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "image/inflate.h"
#include "store/import_input.h"

enum import_transport {
	IMPORT_LAYOUT_DIR, /* an OCI layout as a directory */
	IMPORT_CONTAINER,  /* a tar that holds documents and layers: OCI layout or docker-archive */
	IMPORT_ACI,        /* manifest and rootfs/ */
	IMPORT_ROOTFS,     /* a tar of a root file system */
};

struct import_probe {
	enum import_transport transport;
	enum inflate_kind compression;
	struct import_input in; /* the whole of it; a stream's first bytes lie in head */
	uint8_t head[IMPORT_HEAD_MAX];
};

/* Looks at fd. source is for messages. ERR_FAILED, or ERR_USAGE for what is no image at all. */
[[nodiscard]] int import_probe(int fd, const char *source, struct import_probe *ret, struct err *e);
