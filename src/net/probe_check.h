/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What rocket-probe does once it has no privilege left: one question to the app's loopback, and a judgement of the answer,
 * which is hostile. Nothing is allocated; what is read is bounded; the caller's deadline kills the process.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pod/plan.h"

enum { PROBE_SAYS_MAX = 160 };

/* Connects to 127.0.0.1, else ::1. A socket, or -errno. */
[[nodiscard]] int probe_connect(uint16_t port);

/* Each asks over the socket: true when the app is well; says why (not). */
bool probe_http(int sock, uint16_t port, const char *path, char *const *headers, char says[PROBE_SAYS_MAX]);
bool probe_grpc(int sock, const char *service, char says[PROBE_SAYS_MAX]);

/* The judgement alone, for tests and fuzzing. http: the first bytes; grpc: all that came, a HTTP/2 stream from the server. */
bool probe_judge_http(const char *bytes, size_t n, char says[PROBE_SAYS_MAX]);
/* 1: serving, 0: not, -1: more bytes are needed. *ret_used: whole frames that were looked at. */
int probe_judge_grpc(const uint8_t *bytes, size_t n, size_t *ret_used, char says[PROBE_SAYS_MAX]);
