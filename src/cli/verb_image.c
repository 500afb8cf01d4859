/* SPDX-License-Identifier: Apache-2.0 */
/* rocket image: the verbs on images. Each is a file of its own. */
#include "cli/verb_image.h"

#include "cli/verbs.h"

static const struct verb *const image_verbs[] = {
	&cli_verb_image_export, &cli_verb_image_extract, &cli_verb_image_gc,  &cli_verb_image_import,
	&cli_verb_image_inspect, &cli_verb_image_list,   &cli_verb_image_mirror, &cli_verb_image_rm,  &cli_verb_image_sign,
	&cli_verb_image_tag,    &cli_verb_image_tree,    &cli_verb_image_verify, NULL,
};

const struct verb cli_verb_image = {
	.name = "image",
	.summary = "images: bring in, list, name, remove, take out, check",
	.usage = "VERB …",
	.example = "rocket image import nginx.oci.tar\nrocket image list\nrocket image verify",
	.verbs = image_verbs,
};
