/* SPDX-License-Identifier: Apache-2.0 */
/* See tls_store.h. */
#include "registry/tls_store.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

static void add_pem(X509_STORE *store, const char *pem)
{
	BIO *in = BIO_new_mem_buf(pem, -1);

	for (X509 *x; in && (x = PEM_read_bio_X509_AUX(in, NULL, NULL, NULL)); X509_free(x))
		X509_STORE_add_cert(store, x);
	BIO_free(in);
	ERR_clear_error();
}

struct x509_store_st *tls_store_make(const char *bundle, const char *more)
{
	X509_STORE *store = X509_STORE_new();

	if (!store)
		abort();
	if (bundle)
		add_pem(store, bundle);
	else
		X509_STORE_set_default_paths(store);
	if (more)
		add_pem(store, more);
	return store;
}

void tls_store_free(struct x509_store_st *store)
{
	X509_STORE_free(store);
}

void tls_store_use(void *ssl_context, struct x509_store_st *store)
{
	SSL_CTX_set1_cert_store(ssl_context, store);
}
