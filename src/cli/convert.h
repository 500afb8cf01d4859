/* SPDX-License-Identifier: Apache-2.0 */
/* What `rocket convert` turns one thing into another with; each part is pure but for its output. */
#pragma once

#include "base/str.h"
#include "cli/cli.h"
#include "pod/plan.h"

/*
 * The pod in Kubernetes' words: joined and close apps as one Pod, each app that stands apart as a Pod with a Service of its
 * name, holes as NetworkPolicy. ret_lost: a line for each thing that has no place there.
 */
void convert_to_kubernetes(struct str *out, struct str *ret_lost, const struct plan *p);

/* A docker command line behind "docker run" as a manifest. lost: as above. ERR_USAGE. */
[[nodiscard]] int convert_from_docker(struct cli *cli, char *const *words, struct str *out, struct str *ret_lost,
				      struct err *e);
