/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an image is, once its bytes of whatever format were read and checked: ordered layers and a
 * config. Written beside the image's view as a record, so that a start parses no OCI document.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/field.h"

enum image_format { IMAGE_OCI, IMAGE_DOCKER, IMAGE_ACI, IMAGE_ROOTFS };
extern const char *const image_format_names[];

/* What the image says about running it; the same for every format. All strings are the image's: hostile. */
struct image_config {
	char **entrypoint;
	char **cmd;
	char **env;         /* "K=V"; an entry without "=" was dropped at import */
	char *user;         /* as written: "name", "101", "101:101"; NULL is root */
	char **groups;      /* appc supplementaryGIDs */
	char *workdir;
	char **volumes;     /* absolute paths */
	char **ports;       /* "80/tcp" */
	char *stop_signal;  /* "SIGQUIT", "15" */
	char **labels;      /* "K=V" */
	char *os, *arch, *variant;
	char *created;      /* RFC 3339, as written */
	char *author;
};

struct image_layer {
	char *diff_id;      /* sha256:… of the uncompressed tar; sha512-… for an ACI: the name in the store */
	char *digest;       /* of the bytes as they came (compressed or not) */
	uint64_t size;      /* of the bytes as they came */
	uint64_t tar_size;
	char *media_type;
};

/* Who vouched for this image and how (design, section 9). */
struct image_vouch {
	char *how;          /* built | imported | pinned | signed */
	char *who;          /* user name or key */
	char *source;       /* file or registry name that it came from */
	int64_t when_ns;
};

struct image {
	enum image_format format;
	char *id;               /* the config digest (OCI, docker), or the image ID (ACI): sha256:…, sha512-… */
	char *manifest_digest;  /* of the manifest stored beside it */
	char *manifest_type;    /* media type of that manifest */
	char *view;             /* id of the merged view, in hex; store.h mounts it */
	uint64_t max_id;        /* largest uid or gid in the view */
	uint64_t size;          /* sum of the tars and the index, on disk */
	struct image_config config;
	LIST(struct image_layer) layers;
	struct image_vouch vouch;
};

extern const struct field_set image_set;
extern const struct field_set image_config_set;
