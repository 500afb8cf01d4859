/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs below `rocket image`, and what they share. */
#pragma once

#include "cli/cli.h"
#include "store/store.h"

extern const struct verb cli_verb_image_export;
extern const struct verb cli_verb_image_extract;
extern const struct verb cli_verb_image_gc;
extern const struct verb cli_verb_image_import;
extern const struct verb cli_verb_image_inspect;
extern const struct verb cli_verb_image_list;
extern const struct verb cli_verb_image_mirror;
extern const struct verb cli_verb_image_rm;
extern const struct verb cli_verb_image_sign;
extern const struct verb cli_verb_image_tag;
extern const struct verb cli_verb_image_tree;
extern const struct verb cli_verb_image_verify;

/* The store of cli->dir. */
[[nodiscard]] int image_open_store(const struct cli *cli, struct store *ret, struct err *e);
/* Twelve digits of an id, in the arena: what tables show. */
const char *image_short_id(struct arena *a, const char *digest);
/* "imported", "built", "signed", "pinned", "accepted" (by a rule), or NULL for what nobody vouched for. */
char *image_vouched(struct arena *a, const struct store *s, const struct store_image *image);
