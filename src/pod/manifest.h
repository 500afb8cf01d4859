/* SPDX-License-Identifier: Apache-2.0 */
/* A pod manifest of any kind that Rocket reads, told apart by its own words: native, Kubernetes,
 * appc. */
#pragma once

#include "pod/native.h"

/*
 * YAML or JSON text into struct pod. A mapping with `kind` is Kubernetes' (several documents in one
 * file are allowed there), with `acKind` appc's, with `ociVersion` an OCI bundle's, without any of
 * them native. ERR_USAGE with file:line:column.
 */
[[nodiscard]] int manifest_parse(const struct native_input *in, const char *text, size_t len,
				 struct pod *ret, struct err *e);
