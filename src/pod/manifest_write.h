/* SPDX-License-Identifier: Apache-2.0 */
/* A plan as a native manifest: what `rocket manifest POD` prints. */
#pragma once

#include "base/str.h"
#include "pod/plan.h"

/*
 * Adds the pod as pod.yaml text, with the holes that the plan has now. What Rocket would decide in
 * the same way again (generated files, an image's own volumes, TERM, HOSTNAME) is left out,
 * everything else is explicit: with the same images and accounts the text gives the same plan but
 * for id, time, ids and cgroup.
 */
void manifest_write(struct str *out, const struct plan *p);
