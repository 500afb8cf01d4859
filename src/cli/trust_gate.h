/* SPDX-License-Identifier: Apache-2.0 */
/*
 * May this image run (design, section 9)? What was built or imported here may, by that act. For what was
 * fetched one file is read: how it was judged, and on what that rested. Only when something of that changed does
 * rocket-verify judge again.
 */
#pragma once

#include <stdbool.h>

#include "cli/cli.h"
#include "store/store.h"
#include "trust/verdict.h"

/* Was it vouched for by an act on this host? Then nothing needs to be judged. */
bool trust_is_own(const struct image *img);

/*
 * 0 when it may run. ERR_POLICY with the three lines of the refusal, `typed` being what the user wrote. What
 * --insecure-options says is the caller's.
 */
[[nodiscard]] int trust_gate(struct cli *cli, const struct store *s, const struct store_image *found, const char *typed,
			     struct err *e);

/*
 * For fetch: the image that is called `name` here was just fetched. Pins it, when asked to; judges it, and says by which
 * rule it may run, or that it may not and why. A refusal is no error: the image is here, and does not run.
 */
[[nodiscard]] int trust_after_fetch(struct cli *cli, const struct store *s, const char *name, bool pin, struct err *e);
/* `fetch --trust` and `trust add --digest`: vouches for exactly this image under this name, and shows its digest. */
[[nodiscard]] int trust_pin(struct cli *cli, const char *name, const char *digest, struct err *e);

/* The judgement as it stands, made anew where it is stale; an empty record for what was never judged and has no signature. */
[[nodiscard]] int trust_look(struct cli *cli, const struct store *s, const struct store_image *found,
			     struct trust_record *ret, struct err *e);
