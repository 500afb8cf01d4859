/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates (tls.h). The system's bundle takes tens of milliseconds to parse: it is read now and parsed at the first handshake. */
#include "registry/tls.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"
#include "registry/tls_store.h"

enum { BUNDLE_MAX = 8 << 20, CERT_MAX = 1 << 20, CERTS_MAX = 64 };

struct tls_host {
	char *authority;
	struct str ca;         /* PEM beside the system's; empty: none */
	char *cert, *key;      /* PEM, or NULL */
	struct x509_store_st *store; /* made at the first handshake */
	struct tls *tls;
};

struct tls {
	struct arena arena;
	char *bundle;          /* the system's, PEM; NULL: OpenSSL's own places */
	LIST(struct tls_host *) hosts;
	struct tls_host system;
	pthread_mutex_t mutex;
};

/* ---- reading ---- */

static void read_bundle(struct tls *t)
{
	const char *const places[] = {
		getenv("SSL_CERT_FILE"), getenv("CURL_CA_BUNDLE"), "/etc/ssl/certs/ca-certificates.crt",
		"/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem",
	};

	for (size_t i = 0; i < ARRAY_SIZE(places) && !t->bundle; i++) {
		autofree char *text = NULL;
		struct err ignored = {};
		size_t len;

		if (places[i] && *places[i] && !io_read_file(AT_FDCWD, places[i], BUNDLE_MAX, &text, &len, &ignored))
			t->bundle = arena_strndup(&t->arena, text, len);
	}
}

static int read_pem(struct tls *t, const char *dir, const char *name, char **ret, struct err *e)
{
	char *path = arena_printf(&t->arena, "%s/%s", dir, name);
	autofree char *text = NULL;
	size_t len;
	int r = io_read_file(AT_FDCWD, path, CERT_MAX, &text, &len, e);

	if (r) {
		err_new(e, ERR_FAILED, "the certificate %.180s can't be read", path);
		return err_because(e, "%s", errno ? strerror(errno) : "it is too large");
	}
	*ret = arena_strndup(&t->arena, text, len);
	return 0;
}

static int read_pair(struct tls *t, struct tls_host *h, const char *dir, const char *name, struct err *e)
{
	char *key = arena_printf(&t->arena, "%.*s.key", (int)(strlen(name) - strlen(".cert")), name);
	int r = read_pem(t, dir, name, &h->cert, e);

	if (!r)
		r = read_pem(t, dir, key, &h->key, e);
	if (!r)
		return 0;
	err_new(e, ERR_FAILED, "the client certificate %.100s/%.80s has no key", dir, name);
	err_because(e, "%.80s beside it can't be read", key);
	return err_try(e, "ls -l %.200s", dir);
}

static int read_dir(struct tls *t, struct tls_host *h, const char *dir, struct err *e)
{
	autoclosedir DIR *d = opendir(dir);
	size_t n = 0;
	int r = 0;

	if (!d)
		return 0;
	for (struct dirent *entry; !r && n < CERTS_MAX && (entry = readdir(d));) {
		char *pem = NULL;

		if (str_has_suffix(entry->d_name, ".crt")) {
			r = read_pem(t, dir, entry->d_name, &pem, e);
			str_add(&h->ca, pem ? pem : "");
			str_add_char(&h->ca, '\n');
		} else if (str_has_suffix(entry->d_name, ".cert") && !h->cert) {
			r = read_pair(t, h, dir, entry->d_name, e);
		} else {
			continue;
		}
		n++;
	}
	return r;
}

static int read_host(struct tls *t, struct tls_host *h, struct err *e)
{
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	char *user = xdg && *xdg == '/' ? arena_printf(&t->arena, "%s/containers", xdg)
		   : home && *home == '/' ? arena_printf(&t->arena, "%s/.config/containers", home) : NULL;
	const char *const dirs[] = {user, "/etc/containers", "/etc/docker"};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(dirs) && !r; i++)
		if (dirs[i])
			r = read_dir(t, h, arena_printf(&t->arena, "%s/certs.d/%s", dirs[i], h->authority), e);
	return r;
}

int tls_open(struct tls **ret, struct err *e)
{
	struct tls *t = calloc(1, sizeof(*t));

	if (!t)
		abort();
	pthread_mutex_init(&t->mutex, NULL);
	t->system.tls = t;
	read_bundle(t);
	*ret = t;
	return 0;
}

static void close_host(struct tls_host *h)
{
	tls_store_free(h->store);
	str_free(&h->ca);
}

void tls_close(struct tls *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->hosts.n; i++)
		close_host(t->hosts.v[i]);
	close_host(&t->system);
	pthread_mutex_destroy(&t->mutex);
	arena_free(&t->arena);
	free(t);
}

static struct tls_host *find_host(struct tls *t, const char *authority)
{
	for (size_t i = 0; i < t->hosts.n; i++)
		if (!strcmp(t->hosts.v[i]->authority, authority))
			return t->hosts.v[i];
	return NULL;
}

/* The name becomes part of a path: what could leave the folder is no host. */
int tls_prepare(struct tls *t, const char *authority, struct err *e)
{
	struct tls_host *h;

	if (find_host(t, authority) || strchr(authority, '/') || *authority == '.' || !*authority)
		return 0;
	h = arena_new(&t->arena, struct tls_host);
	h->tls = t;
	h->authority = arena_strdup(&t->arena, authority);
	*list_add(&t->arena, &t->hosts) = h;
	return read_host(t, h, e);
}

/* ---- using ---- */

static CURLcode on_context(CURL *curl, void *context, void *arg)
{
	struct tls_host *h = arg;

	pthread_mutex_lock(&h->tls->mutex);
	if (!h->store)
		h->store = tls_store_make(h->tls->bundle, h->ca.text);
	pthread_mutex_unlock(&h->tls->mutex);
	tls_store_use(context, h->store);
	return CURLE_OK;
}

static void set_blob(CURL *curl, CURLoption option, char *pem)
{
	struct curl_blob blob = {.data = pem, .len = strlen(pem), .flags = CURL_BLOB_NOCOPY};

	curl_easy_setopt(curl, option, &blob);
}

void tls_apply(struct tls *t, CURL *curl, const char *authority, bool verify)
{
	struct tls_host *h = find_host(t, authority);

	if (!h || (!h->ca.len && !h->cert))
		h = h && h->cert ? h : &t->system;
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
	curl_easy_setopt(curl, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
	if (verify) {
		curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, on_context);
		curl_easy_setopt(curl, CURLOPT_SSL_CTX_DATA, h);
	}
	if (h->cert) {
		set_blob(curl, CURLOPT_SSLCERT_BLOB, h->cert);
		set_blob(curl, CURLOPT_SSLKEY_BLOB, h->key);
	}
}
