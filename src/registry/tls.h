/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom a connection trusts: the system's certificates and, for a host, those of docker's and podman's certs.d folders
 * (containers-certs.d(5)): HOST[:PORT]/ *.crt are CAs, NAME.cert with NAME.key is who we are there. All files are
 * read in advance, so that none needs to be opened once privileges are gone.
 */
#pragma once

#include <stdbool.h>

#include <curl/curl.h>

#include "base/err.h"

struct tls;

[[nodiscard]] int tls_open(struct tls **ret, struct err *e);
void tls_close(struct tls *t);
/* Reads what there is for HOST[:PORT]. Not thread-safe. */
[[nodiscard]] int tls_prepare(struct tls *t, const char *authority, struct err *e);
/* Sets a handle up for that host; of one that was not prepared, the system's certificates alone. verify false: anybody. */
void tls_apply(struct tls *t, CURL *curl, const char *authority, bool verify);
