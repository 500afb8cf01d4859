/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of manifest_write() that have a file of their own. */
#pragma once

#include "base/str.h"
#include "pod/plan.h"

/* Probes, hooks, after, secrets and config of an app, indented as keys of the app. */
void manifest_write_probes(struct str *out, const struct plan_app *app);
void manifest_write_uses(struct str *out, const struct plan *p, const struct plan_app *app);
/* Secrets and config of the pod, each once. */
void manifest_write_files(struct str *out, const struct plan *p);
