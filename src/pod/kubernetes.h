/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Kubernetes Pod into struct pod: core/v1, with ConfigMap and Secret documents in the same file
 * for its environment. Fields that Rocket can't honour are refused by name; with in->warn they
 * become warnings. Kubernetes' own defaults hold where the Pod says nothing (restart always, 30 s
 * to stop), except that what is not opened stays closed: see docs/manifest.md.
 */
#pragma once

#include "pod/native.h"

/* all: the DOC_LIST of the file's documents, exactly one of them a Pod. ERR_USAGE with
 * file:line:column. */
[[nodiscard]] int kubernetes_decode(const struct native_input *in, const struct doc *all,
				    struct pod *ret, struct err *e);
