/* SPDX-License-Identifier: Apache-2.0 */
/* See http.h. */
#include "registry/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "registry/peer.h"
#include "registry/url.h"

enum { POOL_MAX = 16, CONNECT_S = 20, SMALL_S = 120, STALL_S = 30, SLOWEST = 100 /* bytes a second */, BUFFER_SIZE = 512 << 10 };
/* Marks errors that another try may cure, in err.errnum: nothing else sets it to this. */
enum { PASSING = EAGAIN };

struct http {
	struct tls *tls;
	pthread_mutex_t mutex;
	CURL *idle[POOL_MAX];
	size_t n;
	bool has_proxy;
};

/* One exchange, without redirects. */
struct exchange {
	const struct http_request *q;
	struct http_response *r;
	struct arena *a;
	CURL *curl;
	struct curl_slist *headers;
	size_t header_bytes;
	uint64_t seen, sent;
	long status;
	bool too_large, refused_peer, bad_range, stopped;
	char message[CURL_ERROR_SIZE];
};

int http_open(struct tls *tls, struct http **ret, struct err *e)
{
	static const char *const proxies[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
	struct http *h = calloc(1, sizeof(*h));

	if (!h)
		abort();
	if (curl_global_init(CURL_GLOBAL_DEFAULT)) {
		free(h);
		return err_new(e, ERR_FAILED, "libcurl can't be set up");
	}
	h->tls = tls;
	pthread_mutex_init(&h->mutex, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(proxies); i++) {
		const char *proxy = getenv(proxies[i]);

		h->has_proxy = h->has_proxy || (proxy && *proxy);
	}
	*ret = h;
	return 0;
}

void http_close(struct http *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->n; i++)
		curl_easy_cleanup(h->idle[i]);
	pthread_mutex_destroy(&h->mutex);
	free(h);
	curl_global_cleanup();
}

static CURL *take_handle(struct http *h)
{
	CURL *curl;

	pthread_mutex_lock(&h->mutex);
	curl = h->n ? h->idle[--h->n] : NULL;
	pthread_mutex_unlock(&h->mutex);
	if (!curl)
		curl = curl_easy_init();
	if (!curl)
		abort();
	return curl;
}

static void give_handle(struct http *h, CURL *curl)
{
	curl_easy_reset(curl); /* connections stay */
	pthread_mutex_lock(&h->mutex);
	if (h->n < POOL_MAX) {
		h->idle[h->n++] = curl;
		curl = NULL;
	}
	pthread_mutex_unlock(&h->mutex);
	if (curl)
		curl_easy_cleanup(curl);
}

/* ---- headers ---- */

static void take_header(struct exchange *x, const char *name, size_t n, const char *value)
{
	struct http_response *r = x->r;
	const struct {
		const char *name;
		char **to;
	} known[] = {
		{"content-type", &r->content_type}, {"location", &r->location}, {"docker-content-digest", &r->digest},
		{"link", &r->link},		    {"oci-subject", &r->subject}, {"content-range", &r->range},
		{"docker-upload-uuid", &r->upload_id}, {"docker-distribution-api-version", &r->version},
	};

	if (n == 16 && !strncasecmp(name, "www-authenticate", n) && strv_len(r->challenges) < 16)
		arena_strv_add(x->a, &r->challenges, value);
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strlen(known[i].name) == n && !strncasecmp(known[i].name, name, n))
			*known[i].to = arena_strdup(x->a, value);
}

static size_t on_header(char *bytes, size_t size, size_t n, void *arg)
{
	struct exchange *x = arg;

	x->header_bytes += size * n;
	if (x->header_bytes > HTTP_HEADERS_MAX)
		return 0;
	char *line = arena_strndup(x->a, bytes, size * n), *colon = strchr(line, ':');

	line[strcspn(line, "\r\n")] = 0;
	if (str_has_prefix(line, "HTTP/")) { /* an interim answer came before this one */
		*x->r = (struct http_response){.url = x->r->url, .was_redirected = x->r->was_redirected};
		return size * n;
	}
	if (colon)
		take_header(x, line, (size_t)(colon - line), colon + 1 + strspn(colon + 1, " \t"));
	return size * n;
}

/* ---- bodies ---- */

/* An answer to a request for a part says where the part begins, or has the whole. */
static bool check_range(struct exchange *x)
{
	unsigned long long from = 0;

	if (x->status != 206)
		return true;
	if (!x->r->range || strncasecmp(x->r->range, "bytes ", 6))
		return false;
	from = strtoull(x->r->range + 6, NULL, 10);
	x->seen = from;
	return from == x->q->from;
}

static size_t gather(struct exchange *x, const char *bytes, size_t n, size_t limit)
{
	size_t room = x->r->body.len < limit ? limit - x->r->body.len : 0;

	if (n > room && x->status / 100 == 2) {
		x->too_large = true;
		return 0;
	}
	str_add_bytes(&x->r->body, bytes, n < room ? n : room);
	x->stopped = n > room; /* of an error, the rest is not wanted */
	return x->stopped ? 0 : n;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct exchange *x = arg;
	size_t len = size * n;

	if (!x->status) {
		curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &x->status);
		if (x->q->from && !check_range(x)) {
			x->bad_range = true;
			return 0;
		}
	}
	if (x->status / 100 != 2)
		return gather(x, bytes, len, HTTP_ERROR_MAX) ? len : 0;
	if (!x->q->sink)
		return gather(x, bytes, len, x->q->limit);
	uint64_t skip = x->seen < x->q->from ? x->q->from - x->seen : 0;

	x->seen += len;
	if (skip >= len)
		return len;
	if (!x->q->sink(x->q->ctx, bytes + skip, len - skip))
		return len;
	x->stopped = true;
	return 0;
}

static size_t on_read(char *to, size_t size, size_t n, void *arg)
{
	struct exchange *x = arg;
	uint64_t left = x->q->body_size - x->sent;
	size_t len = size * n < left ? size * n : (size_t)left;

	if (x->q->body) {
		memcpy(to, (const char *)x->q->body + x->sent, len);
	} else {
		ssize_t got = pread(x->q->body_fd, to, len, (off_t)x->sent);

		if (got < 0 || (len && !got))
			return CURL_READFUNC_ABORT;
		len = (size_t)got;
	}
	x->sent += len;
	if (x->q->moved)
		atomic_fetch_add_explicit(x->q->moved, len, memory_order_relaxed);
	return len;
}

static int on_seek(void *arg, curl_off_t offset, int origin)
{
	struct exchange *x = arg;

	if (origin != SEEK_SET || offset < 0)
		return CURL_SEEKFUNC_CANTSEEK;
	if (x->q->moved)
		atomic_fetch_sub_explicit(x->q->moved, x->sent - (uint64_t)offset, memory_order_relaxed);
	x->sent = (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

/* Nobody sends us to a machine of our own network but who stands there himself; to metadata services nobody does. */
static curl_socket_t on_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct exchange *x = arg;
	enum peer_kind kind = peer_kind_of(&address->addr);

	if (x->q->foreign && (kind == PEER_LINK_LOCAL || (kind == PEER_PRIVATE && !x->q->private_ok))) {
		x->refused_peer = true;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* ---- one exchange ---- */

static void add_header(struct exchange *x, const char *name, const char *value)
{
	autostr line = {};

	str_addf(&line, "%s: %s", name, value);
	x->headers = curl_slist_append(x->headers, line.text);
}

static void set_body(struct exchange *x)
{
	const struct http_request *q = x->q;
	bool is_put = !strcmp(q->method, "PUT") || !strcmp(q->method, "PATCH");

	if (q->content_type)
		add_header(x, "Content-Type", q->content_type);
	add_header(x, "Expect", ""); /* no round trip before the bytes */
	if (is_put)
		curl_easy_setopt(x->curl, CURLOPT_UPLOAD, 1L);
	else
		curl_easy_setopt(x->curl, CURLOPT_POST, 1L);
	curl_easy_setopt(x->curl, CURLOPT_CUSTOMREQUEST, q->method);
	curl_easy_setopt(x->curl, is_put ? CURLOPT_INFILESIZE_LARGE : CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body_size);
	curl_easy_setopt(x->curl, CURLOPT_READFUNCTION, on_read);
	curl_easy_setopt(x->curl, CURLOPT_READDATA, x);
	curl_easy_setopt(x->curl, CURLOPT_SEEKFUNCTION, on_seek);
	curl_easy_setopt(x->curl, CURLOPT_SEEKDATA, x);
}

static void set_method(struct exchange *x)
{
	const char *m = x->q->method;

	if (!m || !strcmp(m, "GET"))
		return;
	if (!strcmp(m, "HEAD"))
		curl_easy_setopt(x->curl, CURLOPT_NOBODY, 1L);
	else if (!strcmp(m, "DELETE"))
		curl_easy_setopt(x->curl, CURLOPT_CUSTOMREQUEST, m);
	else
		set_body(x);
}

static void set_limits(CURL *c, const struct http_request *q)
{
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, q->plain_http ? "https,http" : "https");
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, (long)SLOWEST);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)STALL_S);
	if (!q->bulk)
		curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)SMALL_S);
	curl_easy_setopt(c, CURLOPT_BUFFERSIZE, (long)BUFFER_SIZE);
	curl_easy_setopt(c, CURLOPT_UPLOAD_BUFFERSIZE, (long)BUFFER_SIZE);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "rocket/" ROCKET_VERSION);
}

static void set_up(struct http *h, struct exchange *x, const struct url *url, const char *authorization)
{
	CURL *c = x->curl;

	set_limits(c, x->q);
	curl_easy_setopt(c, CURLOPT_URL, url->text);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, x->message);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, x);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, x);
	if (!h->has_proxy) {
		curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, on_socket);
		curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, x);
	}
	tls_apply(h->tls, c, url_authority(x->a, url), !x->q->insecure_tls);
	set_method(x);
	if (authorization)
		add_header(x, "Authorization", authorization);
	add_header(x, "Accept", x->q->accept ? x->q->accept : "*/*");
	if (x->q->from)
		add_header(x, "Range", arena_printf(x->a, "bytes=%llu-", (unsigned long long)x->q->from));
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, x->headers);
}

static const char *hint_of(struct arena *a, CURLcode code, const struct url *url)
{
	switch (code) {
	case CURLE_PEER_FAILED_VERIFICATION:
		return arena_printf(a, "put its CA into /etc/containers/certs.d/%s/ca.crt", url_authority(a, url));
	case CURLE_COULDNT_RESOLVE_HOST:
		return arena_printf(a, "getent hosts %s", url->host);
	case CURLE_SSL_CONNECT_ERROR:
		return "--insecure-options=http   (when it speaks no TLS, and you take the risk)";
	default:
		return arena_printf(a, "curl -v %s://%s/v2/", url->scheme, url_authority(a, url));
	}
}

static bool is_passing(CURLcode code)
{
	static const CURLcode codes[] = {
		CURLE_PARTIAL_FILE, CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_GOT_NOTHING, CURLE_OPERATION_TIMEDOUT,
		CURLE_COULDNT_CONNECT, CURLE_HTTP2, CURLE_HTTP2_STREAM,
	};

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (codes[i] == code)
			return true;
	return false;
}

static int err_curl(struct exchange *x, CURLcode code, const struct url *url, struct err *e)
{
	const char *text = x->message[0] ? x->message : curl_easy_strerror(code);

	err_new(e, ERR_NETWORK, "%.150s can't be reached", url_authority(x->a, url));
	if (x->header_bytes && x->status / 100 == 2)
		err_new(e, ERR_NETWORK, "%.150s stopped in the middle", url_authority(x->a, url));
	if (x->too_large)
		err_because(e, "it sends more than the %zu bytes that are the limit here", x->q->limit);
	else if (x->header_bytes > HTTP_HEADERS_MAX)
		err_because(e, "it sends more than %d bytes of headers", HTTP_HEADERS_MAX);
	else if (x->refused_peer)
		err_because(e, "a server sends us into our own network, to %.100s", url->host);
	else if (x->bad_range)
		err_because(e, "it sends another part of the file than was asked for");
	else
		err_because(e, "%.300s", text);
	err_try(e, "%s", hint_of(x->a, code, url));
	if (is_passing(code) && !x->too_large && !x->refused_peer)
		e->errnum = PASSING;
	return -e->code;
}

bool http_is_passing(const struct err *e)
{
	return e->code == ERR_NETWORK && e->errnum == PASSING;
}

static int exchange(struct http *h, struct exchange *x, const struct url *url, const char *authorization, struct err *e)
{
	struct sockaddr_storage peer = {};
	char *ip = NULL;

	str_free(&x->r->body);
	x->r->body = (struct str){};
	x->curl = take_handle(h);
	set_up(h, x, url, authorization);
	CURLcode code = curl_easy_perform(x->curl);

	curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &x->status);
	if (!curl_easy_getinfo(x->curl, CURLINFO_PRIMARY_IP, &ip) && ip && peer_parse(ip, &peer))
		x->r->is_private = peer_kind_of((struct sockaddr *)&peer) != PEER_PUBLIC;
	curl_slist_free_all(x->headers);
	x->headers = NULL;
	int r = code && !x->stopped ? err_curl(x, code, url, e) : 0;

	give_handle(h, x->curl);
	x->r->status = x->status;
	x->r->sink_stopped = x->stopped;
	return r;
}

static bool is_redirect(const struct http_request *q, const struct http_response *r)
{
	bool plain = !q->method || !strcmp(q->method, "GET") || !strcmp(q->method, "HEAD");
	bool status = r->status == 307 || r->status == 308 || (plain && (r->status == 301 || r->status == 302 || r->status == 303));

	return status && r->location;
}

static int check_redirect(const struct http_request *q, const struct url *from, const struct url *to, struct err *e)
{
	if (!strcmp(to->scheme, "https") || (q->plain_http && !strcmp(from->scheme, "http")))
		return 0;
	err_new(e, ERR_NETWORK, "%.100s sends us to a place without TLS", from->host);
	err_because(e, "it redirects to %s://%.150s", to->scheme, to->host);
	return err_try(e, "ask whoever runs the registry: nothing is fetched over http");
}

int http_send(struct http *h, struct arena *a, const struct http_request *q, struct http_response *ret, struct err *e)
{
	struct http_request asked = *q;
	struct url url, start, next;
	int r = url_parse(a, NULL, q->url, &start, e);

	*ret = (struct http_response){};
	url = start;
	if (!asked.method)
		asked.method = "GET";
	for (unsigned i = 0; !r; i++) {
		struct exchange x = {.q = &asked, .r = ret, .a = a};
		bool same = url_same_origin(&url, &start);

		ret->url = url.text;
		ret->was_redirected = !same;
		r = exchange(h, &x, &url, same ? q->authorization : NULL, e);
		if (r || !is_redirect(q, ret))
			break;
		if (i == HTTP_REDIRECTS_MAX)
			r = err_new(e, ERR_NETWORK, "%.150s sends us in circles", start.host);
		if (!r)
			r = url_parse(a, url.text, ret->location, &next, e);
		if (!r)
			r = check_redirect(q, &url, &next, e);
		if (r)
			break;
		asked.foreign = q->foreign || !url_same_origin(&next, &start);
		asked.private_ok = q->private_ok || ret->is_private;
		url = next;
	}
	if (r)
		str_free(&ret->body);
	return r;
}
