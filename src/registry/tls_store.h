/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL's stores of certificates, apart from everything else: its headers don't go together with base/err.h. */
#pragma once

struct x509_store_st;

/* The certificates of both texts (PEM, each may be NULL); without a bundle, OpenSSL's own places. Aborts without memory. */
struct x509_store_st *tls_store_make(const char *bundle, const char *more);
void tls_store_free(struct x509_store_st *store); /* NULL is fine */
/* Makes an SSL_CTX trust them. */
void tls_store_use(void *ssl_context, struct x509_store_st *store);
