/* SPDX-License-Identifier: Apache-2.0 */
/* `secrets:` and `config:` of the native manifest, and --secret. */
#pragma once

#include "pod/native.h"

/* Of the pod: name to where its bytes come from. */
[[nodiscard]] int native_decode_files(struct arena *a, const struct doc *node, struct pod *pod,
				      struct err *e);
/* Of an app, into struct pod_app: names, or a map of a name to its place in the app. */
int native_decode_uses(struct arena *a, const struct doc *node, void *object, struct err *e);
/* Relative paths start from the manifest's folder. */
[[nodiscard]] int native_finish_files(const struct native_input *in, struct pod *pod,
				      struct err *e);
/* "NAME=SOURCE" declares the secret in the pod, and the app has it at /run/secrets/NAME. */
[[nodiscard]] int files_parse_secret(struct arena *a, const char *text, const char *base_dir,
				     struct pod *pod, struct pod_app *app, struct err *e);
