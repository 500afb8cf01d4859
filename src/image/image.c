/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The field tables of the image record. They stand apart from everything that parses images, because
 * every start reads a record and must not pay for a decompressor.
 */
#include "image/image.h"

const char *const image_format_names[] = {"oci", "docker-archive", "aci", "rootfs", NULL};

static const struct field config_fields[] = {
	FIELD(struct image_config, entrypoint, "entrypoint", FIELD_STRV),
	FIELD(struct image_config, cmd, "cmd", FIELD_STRV),
	FIELD(struct image_config, env, "env", FIELD_STRV),
	FIELD(struct image_config, user, "user", FIELD_STR),
	FIELD(struct image_config, groups, "groups", FIELD_STRV),
	FIELD(struct image_config, workdir, "workdir", FIELD_STR),
	FIELD(struct image_config, volumes, "volumes", FIELD_STRV),
	FIELD(struct image_config, ports, "ports", FIELD_STRV),
	FIELD(struct image_config, stop_signal, "stop_signal", FIELD_STR),
	FIELD(struct image_config, labels, "labels", FIELD_STRV),
	FIELD(struct image_config, os, "os", FIELD_STR),
	FIELD(struct image_config, arch, "arch", FIELD_STR),
	FIELD(struct image_config, variant, "variant", FIELD_STR),
	FIELD(struct image_config, created, "created", FIELD_STR),
	FIELD(struct image_config, author, "author", FIELD_STR),
};
const struct field_set image_config_set = FIELD_SET("image config", struct image_config, config_fields);

static const struct field layer_fields[] = {
	FIELD(struct image_layer, diff_id, "diff_id", FIELD_STR),
	FIELD(struct image_layer, digest, "digest", FIELD_STR),
	FIELD(struct image_layer, size, "size", FIELD_U64),
	FIELD(struct image_layer, tar_size, "tar_size", FIELD_U64),
	FIELD(struct image_layer, media_type, "media_type", FIELD_STR),
};
static const struct field_set layer_set = FIELD_SET("layer", struct image_layer, layer_fields);

static const struct field vouch_fields[] = {
	FIELD(struct image_vouch, how, "how", FIELD_STR),
	FIELD(struct image_vouch, who, "who", FIELD_STR),
	FIELD(struct image_vouch, source, "source", FIELD_STR),
	FIELD(struct image_vouch, when_ns, "when_ns", FIELD_INT),
};
static const struct field_set vouch_set = FIELD_SET("vouch", struct image_vouch, vouch_fields);

static const struct field image_fields[] = {
	FIELD(struct image, format, "format", FIELD_ENUM, .names = image_format_names),
	FIELD(struct image, id, "id", FIELD_STR),
	FIELD(struct image, manifest_digest, "manifest_digest", FIELD_STR),
	FIELD(struct image, manifest_type, "manifest_type", FIELD_STR),
	FIELD(struct image, view, "view", FIELD_STR),
	FIELD(struct image, max_id, "max_id", FIELD_U64),
	FIELD(struct image, size, "size", FIELD_U64),
	FIELD(struct image, config, "config", FIELD_STRUCT, .sub = &image_config_set),
	FIELD(struct image, layers, "layers", FIELD_LIST, .sub = &layer_set),
	FIELD(struct image, vouch, "vouch", FIELD_STRUCT, .sub = &vouch_set),
};
const struct field_set image_set = FIELD_SET("image", struct image, image_fields);
