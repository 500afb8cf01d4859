/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An appc PodManifest (appc specification 0.8) into struct pod. Its ports bind every address of the
 * host unless hostIP says otherwise, as the specification has it; isolators that Rocket can't
 * enforce and fields that it can't honour are refused by name; with in->warn they become warnings.
 */
#pragma once

#include "pod/native.h"

/* ERR_USAGE with file:line:column. */
[[nodiscard]] int appc_decode(const struct native_input *in, const struct doc *doc, struct pod *ret,
			      struct err *e);
