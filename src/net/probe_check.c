/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1.1 (RFC 9112): the status line alone is read. gRPC: the health service (grpc.health.v1.Health/Check) over HTTP/2
 * with prior knowledge (RFC 9113, section 3.3): one request without compression (RFC 7541, literals), and of the
 * answer the first DATA frame with its message. An error without a message is told by its trailers alone, which are
 * compressed; that there is no message says enough.
 */
#include "net/probe_check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { REQUEST_MAX = 40000, ANSWER_MAX = 4096, FRAME_HEAD = 9, GRPC_MAX = 32768 };

/* ---- connecting ---- */

static int connect_to(const struct sockaddr *address, socklen_t n)
{
	int sock = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (sock < 0)
		return -errno;
	if (connect(sock, address, n) == 0)
		return sock;
	int r = -errno;
	close(sock);
	return r;
}

int probe_connect(uint16_t port)
{
	const struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port),
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port),
					 .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int first = connect_to((const struct sockaddr *)&v4, sizeof(v4));

	if (first >= 0)
		return first;
	int second = connect_to((const struct sockaddr *)&v6, sizeof(v6));
	return second >= 0 ? second : first;
}

static bool send_all(int sock, const void *bytes, size_t n)
{
	const char *p = bytes;

	while (n) {
		ssize_t sent = send(sock, p, n, MSG_NOSIGNAL);

		if (sent <= 0)
			return false;
		p += sent;
		n -= (size_t)sent;
	}
	return true;
}

static bool say(char says[PROBE_SAYS_MAX], bool good, const char *text)
{
	snprintf(says, PROBE_SAYS_MAX, "%s", text);
	return good;
}

/* ---- http ---- */

static bool has_host(char *const *headers)
{
	for (; headers && *headers; headers++)
		if (strncasecmp(*headers, "Host:", 5) == 0)
			return true;
	return false;
}

/* The length, or 0 when it does not fit. */
static size_t make_request(char request[REQUEST_MAX], uint16_t port, const char *path, char *const *headers)
{
	char host[64] = "";
	int n;

	if (!has_host(headers))
		snprintf(host, sizeof(host), "Host: localhost:%u\r\n", port);
	n = snprintf(request, REQUEST_MAX, "GET %s HTTP/1.1\r\n%sUser-Agent: rocket-probe\r\nAccept: */*\r\n", path, host);
	for (; n > 0 && n < REQUEST_MAX && headers && *headers; headers++)
		n += snprintf(request + n, REQUEST_MAX - (size_t)n, "%s\r\n", *headers);
	if (n > 0 && n < REQUEST_MAX)
		n += snprintf(request + n, REQUEST_MAX - (size_t)n, "Connection: close\r\n\r\n");
	return n > 0 && n < REQUEST_MAX ? (size_t)n : 0;
}

bool probe_judge_http(const char *bytes, size_t n, char says[PROBE_SAYS_MAX])
{
	unsigned code = 0;

	if (n < 12 || strncmp(bytes, "HTTP/1.", 7) != 0 || bytes[8] != ' ')
		return say(says, false, n ? "the answer is no HTTP/1" : "it closed the connection without an answer");
	for (size_t i = 9; i < 12; i++) {
		if (bytes[i] < '0' || bytes[i] > '9')
			return say(says, false, "the answer has no status");
		code = code * 10 + (unsigned)(bytes[i] - '0');
	}
	snprintf(says, PROBE_SAYS_MAX, "HTTP status %u", code);
	return code >= 200 && code < 400;
}

bool probe_http(int sock, uint16_t port, const char *path, char *const *headers, char says[PROBE_SAYS_MAX])
{
	static char request[REQUEST_MAX];
	char answer[ANSWER_MAX];
	size_t n = make_request(request, port, path, headers), have = 0;

	if (n == 0 || !send_all(sock, request, n))
		return say(says, false, "it did not take the request");
	while (have < 12) {
		ssize_t got = recv(sock, answer + have, sizeof(answer) - have, 0);

		if (got <= 0)
			break;
		have += (size_t)got;
	}
	return probe_judge_http(answer, have, says);
}

/* ---- grpc ---- */

enum { FRAME_DATA = 0, FRAME_HEADERS = 1, FRAME_RST = 3, FRAME_SETTINGS = 4, FRAME_PING = 6, FRAME_GOAWAY = 7 };
enum { FLAG_END_STREAM = 1, FLAG_ACK = 1, FLAG_END_HEADERS = 4, FLAG_PADDED = 8 };

struct bytes {
	uint8_t v[2048];
	size_t n;
};

static void put(struct bytes *b, const void *from, size_t n)
{
	if (n <= sizeof(b->v) - b->n) {
		memcpy(b->v + b->n, from, n);
		b->n += n;
	}
}

static void put_frame_head(struct bytes *b, size_t n, uint8_t type, uint8_t flags, uint32_t stream)
{
	const uint8_t head[FRAME_HEAD] = { (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n, type, flags, 0, 0, 0,
					   (uint8_t)stream };

	put(b, head, sizeof(head));
}

/* A literal field without indexing and with a new name; both shorter than 127 bytes. */
static void put_field(struct bytes *b, const char *name, const char *value)
{
	const uint8_t zero = 0, name_n = (uint8_t)strlen(name), value_n = (uint8_t)strlen(value);

	put(b, &zero, 1);
	put(b, &name_n, 1);
	put(b, name, name_n);
	put(b, &value_n, 1);
	put(b, value, value_n);
}

static void put_request(struct bytes *b, const char *service)
{
	static const char *const fields[][2] = {
		{ ":method", "POST" }, { ":scheme", "http" }, { ":path", "/grpc.health.v1.Health/Check" },
		{ ":authority", "localhost" }, { "content-type", "application/grpc" }, { "te", "trailers" },
	};
	size_t service_n = strlen(service), message_n = service_n ? service_n + 2 : 0;
	const uint8_t head[7] = { 0, 0, 0, 0, (uint8_t)message_n, 0x0a, (uint8_t)service_n };
	struct bytes headers = {};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		put_field(&headers, fields[i][0], fields[i][1]);
	put(b, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
	put_frame_head(b, 0, FRAME_SETTINGS, 0, 0);
	put_frame_head(b, headers.n, FRAME_HEADERS, FLAG_END_HEADERS, 1);
	put(b, headers.v, headers.n);
	put_frame_head(b, 5 + message_n, FRAME_DATA, FLAG_END_STREAM, 1);
	put(b, head, message_n ? 7 : 5);
	put(b, service, service_n);
}

/* HealthCheckResponse: field 1, a varint: 1 is SERVING. An empty message is UNKNOWN. */
static bool judge_message(const uint8_t *m, size_t n, char says[PROBE_SAYS_MAX])
{
	static const char *const states[] = { "UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN" };
	unsigned state = n >= 2 && m[0] == 0x08 ? m[1] : 0;

	snprintf(says, PROBE_SAYS_MAX, "grpc health %s", state < ARRAY_SIZE(states) ? states[state] : "strange");
	return state == 1;
}

static int judge_data(const uint8_t *p, size_t n, uint8_t flags, char says[PROBE_SAYS_MAX])
{
	size_t pad = flags & FLAG_PADDED && n ? p[0] : 0, skip = flags & FLAG_PADDED ? 1 : 0;

	if (n < skip + pad + 5)
		return say(says, false, "the answer holds no whole message");
	p += skip;
	n -= skip + pad;
	size_t message_n = (size_t)p[1] << 24 | (size_t)p[2] << 16 | (size_t)p[3] << 8 | p[4];
	if (p[0] != 0 || message_n > n - 5)
		return say(says, false, "the answer holds no plain message");
	return judge_message(p + 5, message_n, says);
}

static int judge_frame(const uint8_t *f, size_t n, char says[PROBE_SAYS_MAX])
{
	bool ours = f[8] == 1 && f[7] == 0 && f[6] == 0 && (f[5] & 0x7f) == 0;

	switch (f[3]) {
	case FRAME_DATA:
		return !ours || n == 0 ? -1 : judge_data(f + FRAME_HEAD, n, f[4], says);
	case FRAME_HEADERS:
		return ours && f[4] & FLAG_END_STREAM ? say(says, false, "it refused the health check (no such service?)") : -1;
	case FRAME_RST:
	case FRAME_GOAWAY:
		return say(says, false, "it refused the request");
	default:
		return -1;
	}
}

int probe_judge_grpc(const uint8_t *bytes, size_t n, size_t *ret_used, char says[PROBE_SAYS_MAX])
{
	size_t at = 0;

	while (n - at >= FRAME_HEAD) {
		size_t len = (size_t)bytes[at] << 16 | (size_t)bytes[at + 1] << 8 | bytes[at + 2];

		if (len > 16384)
			return say(says, false, "the answer is no HTTP/2");
		if (n - at < FRAME_HEAD + len)
			break;
		int r = judge_frame(bytes + at, len, says);
		if (r >= 0)
			return r;
		at += FRAME_HEAD + len;
	}
	*ret_used = at;
	return -1;
}

/* The settings that each side has to acknowledge before the other goes on. */
static bool acknowledge(int sock)
{
	static const uint8_t ack[FRAME_HEAD] = { 0, 0, 0, FRAME_SETTINGS, FLAG_ACK, 0, 0, 0, 0 };

	return send_all(sock, ack, sizeof(ack));
}

bool probe_grpc(int sock, const char *service, char says[PROBE_SAYS_MAX])
{
	static uint8_t answer[GRPC_MAX];
	struct bytes request = {};
	size_t have = 0, total = 0;

	if (strlen(service) > 100)
		return say(says, false, "the service's name is longer than 100 bytes");
	put_request(&request, service);
	if (!send_all(sock, request.v, request.n) || !acknowledge(sock))
		return say(says, false, "it did not take the request");
	while (have < sizeof(answer) && total < 8 * sizeof(answer)) {
		ssize_t got = recv(sock, answer + have, sizeof(answer) - have, 0);
		size_t used = 0;

		if (got <= 0)
			break;
		have += (size_t)got;
		total += (size_t)got;
		int r = probe_judge_grpc(answer, have, &used, says);
		if (r >= 0)
			return r;
		memmove(answer, answer + used, have - used);
		have -= used;
	}
	return say(says, false, "it closed the connection without an answer");
}
