/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes, times and numbers as people write them. 0 or -1; *ret is untouched on failure. */
#pragma once

#include <stdint.h>

#include "base/str.h"

/* "64Mi" (1024s), "64M" (thousands), "64" (bytes); fractions as in "1.5Gi". Kubernetes' grammar. */
[[nodiscard]] int unit_parse_size(const char *text, uint64_t *ret_bytes);
/* docker's flags: "64m" and "64M" both mean 64Mi, "64" bytes, "64kb". */
[[nodiscard]] int unit_parse_docker_size(const char *text, uint64_t *ret_bytes);
/* "10s", "1m30s", "500ms", "1h", "2d"; a bare number is refused. */
[[nodiscard]] int unit_parse_time(const char *text, int64_t *ret_ns);
/* "0.5", "2", "500m" into thousandths of a CPU. */
[[nodiscard]] int unit_parse_cpus(const char *text, uint32_t *ret_milli);
/* A whole decimal number in [min, max], nothing before or after it. */
[[nodiscard]] int unit_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *ret);

void unit_add_size(struct str *out, uint64_t bytes); /* "64.0 MiB" */
void unit_add_time(struct str *out, int64_t ns);     /* "1m30s" */
void unit_add_age(struct str *out, int64_t ns);      /* "3 minutes" */
/* "2026-01-31T12:00:00.123456789Z", always 9 digits, so that text sorts by time; no time zone file is read. */
void unit_add_timestamp(struct str *out, int64_t realtime_ns);
