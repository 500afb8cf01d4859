/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The out: holes of a running pod, carried by its uplink (net/uplink.h), which starts with the first of them. What
 * holes.h is to in:.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "pod/hole.h"

struct supervisor;

/* Opens every out: hole of the plan; starts the uplink when there is one. After the network stands, before the apps. */
[[nodiscard]] int out_open_all(struct supervisor *s, struct err *e);
/* One more, at this place in plan.holes. */
[[nodiscard]] int out_open_one(struct supervisor *s, size_t place, struct err *e);
[[nodiscard]] int out_close_one(struct supervisor *s, size_t place, uint32_t *ret_cut, struct err *e);
/* Appends "TEXT\tACCEPTED\tREFUSED\tLIVING\n" for each, from the kernel; "TEXT\tgone\n" where it has none. */
void out_count(struct supervisor *s, struct str *text);
void out_close_all(struct supervisor *s);
