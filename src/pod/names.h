/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names that people give: pods, apps, volumes, hosts. They become file names, host names and words
 * of the hole grammar, so that none of them may hold '/', ':', '@' or a control character.
 *
 *   pod     a-z 0-9 - _ .        63   not 32 hex digits: that is an id
 *   app     a-z 0-9 -            63   a DNS label: it is a host name inside the pod
 *   volume  A-Z a-z 0-9 - _ .   128
 *   host    A-Z a-z 0-9 - .      63   labels of a DNS name
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum name_kind { NAME_POD, NAME_APP, NAME_VOLUME, NAME_HOST };

/* ERR_USAGE with the rule that the name breaks. */
[[nodiscard]] int name_check(enum name_kind kind, const char *name, struct err *e);

/* The app's name when nobody gave one: "registry/team/nginx:1.27" and "./nginx.oci" give "nginx".
 * Never NULL. */
char *name_of_image(struct arena *a, const char *image);
/* The pod's name as a host name: what a host name can't hold becomes '-'. */
char *name_to_host(struct arena *a, const char *pod);
/* "quiet-heron": a pod's name from any number. Two numbers may give the same; the caller checks
 * that it is free. */
char *name_generate(struct arena *a, uint64_t random);
