/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Probes: four ways of asking an app how it is. A port is one of the app's own loopback, so ":80" is all
 * the address that there is. Pure.
 */
#include "pod/probe_parse.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/decode.h"
#include "base/str.h"
#include "base/unit.h"
#include "pod/place.h"

#define NS_PER_S INT64_C(1000000000)

enum { HEADERS_MAX = 32, TRIES_MAX = 1000000 };

/* ---- an address: ":PORT" and what may follow ---- */

static bool is_own_host(const char *host, size_t n)
{
	static const char *const names[] = {"", "localhost", "127.0.0.1", "[::1]"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strlen(names[i]) == n && !strncmp(host, names[i], n))
			return true;
	return false;
}

static int bad_address(const char *text, struct err *e)
{
	err_new(e, ERR_USAGE, "'%.100s' is no address to ask", text);
	err_because(e, "a probe asks the app itself: \":PORT\", for http with the path behind it");
	return err_try(e, "ready: {http: \":80/healthz\"}, {tcp: \":6379\"}, {grpc: \":9000\"}");
}

/* What a path or service may hold: it is put into a request as it stands. */
static bool is_plain(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 127)
			return false;
	return true;
}

static int parse_address(struct arena *a, enum probe_kind kind, const char *text,
			 struct plan_probe *ret, struct err *e)
{
	const char *http = kind == PROBE_HTTP && str_has_prefix(text, "http://") ? text + 7 : text;
	const char *slash = strchr(http, '/'), *end = slash ? slash : http + strlen(http);
	const char *colon = memrchr(http, ':', (size_t)(end - http));
	const char *digits = colon ? colon + 1 : http;
	uint64_t port;

	if (!is_own_host(http, colon ? (size_t)(colon - http) : 0) ||
	    unit_parse_u64(arena_strndup(a, digits, (size_t)(end - digits)), 1, 65535, &port) ||
	    !is_plain(http) || strlen(http) > 2048 || (slash && kind == PROBE_TCP))
		return bad_address(text, e);
	ret->kind = kind;
	ret->port = (uint32_t)port;
	if (kind == PROBE_HTTP)
		ret->path = arena_strdup(a, slash ? slash : "/");
	else if (slash && slash[1])
		ret->path = arena_strdup(a, slash + 1);
	return 0;
}

/* ---- text ---- */

static int parse_exec(struct arena *a, const char *text, struct plan_probe *ret, struct err *e)
{
	char *words = arena_strdup(a, text), *save = NULL;

	for (char *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save))
		arena_strv_add(a, &ret->exec, w);
	ret->kind = PROBE_EXEC;
	if (ret->exec)
		return 0;
	err_new(e, ERR_USAGE, "a probe by a program names none");
	return err_try(e, "--ready \"exec:redis-cli ping\"");
}

int probe_parse_text(struct arena *a, const char *text, struct plan_probe *ret, struct err *e)
{
	const char *colon = strchr(text, ':');
	struct plan_probe p = {};
	int rc = -ERR_USAGE;

	for (int kind = PROBE_EXEC; colon && kind <= PROBE_GRPC; kind++) {
		const char *word = probe_kind_names[kind];

		if (strlen(word) != (size_t)(colon - text) || !str_has_prefix(text, word))
			continue;
		rc = kind == PROBE_EXEC ? parse_exec(a, colon + 1, &p, e)
					: parse_address(a, (enum probe_kind)kind, colon + 1, &p, e);
		if (!rc)
			*ret = p;
		return rc;
	}
	err_new(e, ERR_USAGE, "'%.100s' is no probe", text);
	err_because(e, "it begins with exec:, http:, tcp: or grpc:");
	return err_try(e, "--ready http::80/healthz, or --ready \"exec:redis-cli ping\"");
}

/* ---- documents ---- */

struct asked_probe {
	struct plan_probe p;
	char **exec, **headers;
	char *http, *tcp, *grpc;
	int64_t sleep_ns;
};

static const struct field probe_fields[] = {
	FIELD(struct asked_probe, exec, "exec", FIELD_STRV),
	FIELD(struct asked_probe, http, "http", FIELD_STR),
	FIELD(struct asked_probe, tcp, "tcp", FIELD_STR),
	FIELD(struct asked_probe, grpc, "grpc", FIELD_STR),
	FIELD(struct asked_probe, headers, "headers", FIELD_MAP),
	FIELD(struct asked_probe, p.every_ns, "every", FIELD_TIME),
	FIELD(struct asked_probe, p.timeout_ns, "timeout", FIELD_TIME),
	FIELD(struct asked_probe, p.delay_ns, "delay", FIELD_TIME),
	FIELD(struct asked_probe, p.successes, "successes", FIELD_U32),
	FIELD(struct asked_probe, p.failures, "failures", FIELD_U32),
};
static const char *const probe_aliases[][2] = {
	{"httpGet", "http: \":PORT/PATH\""},
	{"tcpSocket", "tcp: \":PORT\""},
	{"test", "exec: [PROGRAM, …]"},
	{"command", "exec: [PROGRAM, …]"},
	{"interval", "every:"},
	{"periodSeconds", "every:"},
	{"timeoutSeconds", "timeout:"},
	{"initialDelaySeconds", "delay:"},
	{"initial_delay", "delay:"},
	{"start_period", "started: {…}, a probe of its own"},
	{"retries", "failures:"},
	{"failureThreshold", "failures:"},
	{"successThreshold", "successes:"},
	{NULL, NULL},
};
static const struct field_set probe_set =
	FIELD_SET("probe", struct asked_probe, probe_fields, .aliases = probe_aliases);

static const struct field hook_fields[] = {
	FIELD(struct asked_probe, exec, "exec", FIELD_STRV),
	FIELD(struct asked_probe, http, "http", FIELD_STR),
	FIELD(struct asked_probe, headers, "headers", FIELD_MAP),
	FIELD(struct asked_probe, sleep_ns, "sleep", FIELD_TIME),
	FIELD(struct asked_probe, p.timeout_ns, "timeout", FIELD_TIME),
};
static const struct field_set hook_set =
	FIELD_SET("hook", struct asked_probe, hook_fields, .aliases = probe_aliases);

/* "K=V" pairs to "K: V" lines of a request, which nothing may break out of. */
static int take_headers(struct arena *a, const struct doc *node, struct asked_probe *q,
			struct err *e)
{
	if (q->headers && !q->http)
		return place_bad(node, e, "headers belong to an http probe");
	for (size_t i = 0; q->headers && q->headers[i]; i++) {
		size_t n = strcspn(q->headers[i], "=");
		char *line = arena_printf(a, "%.*s: %s", (int)n, q->headers[i],
					  q->headers[i] + n + 1);

		if (i >= HEADERS_MAX || strlen(line) > 1024 || strpbrk(line, "\r\n") || !n ||
		    strcspn(q->headers[i], " :") < n)
			return place_bad(node, e, "'%.60s' is no header of a request",
					 q->headers[i]);
		arena_strv_add(a, &q->p.headers, line);
	}
	return 0;
}

static int take_kind(struct arena *a, const struct doc *node, struct asked_probe *q, struct err *e)
{
	struct plan_probe *p = &q->p;
	int rc = 0;

	if (q->exec && !q->exec[0])
		return place_bad(node, e, "exec is a program with its arguments");
	if (q->exec) {
		p->kind = PROBE_EXEC;
		p->exec = q->exec;
	} else if (q->http)
		rc = parse_address(a, PROBE_HTTP, q->http, p, e);
	else if (q->tcp)
		rc = parse_address(a, PROBE_TCP, q->tcp, p, e);
	else if (q->grpc)
		rc = parse_address(a, PROBE_GRPC, q->grpc, p, e);
	else {
		p->kind = PROBE_SLEEP;
		p->delay_ns = q->sleep_ns;
	}
	return rc ? place_err(node, e) : take_headers(a, node, q, e);
}

static int check_numbers(const struct doc *node, const struct plan_probe *p, struct err *e)
{
	const struct doc *every = doc_get(node, "every"), *timeout = doc_get(node, "timeout");

	if (every && p->every_ns < NS_PER_S / 100)
		return place_bad(every, e, "a probe runs at most every 10ms");
	if (timeout && p->timeout_ns < NS_PER_S / 1000)
		return place_bad(timeout, e, "a probe has at least 1ms");
	if ((doc_get(node, "failures") && !p->failures) || p->failures > TRIES_MAX)
		return place_bad(doc_get(node, "failures"), e, "failures is 1 or more");
	if ((doc_get(node, "successes") && !p->successes) || p->successes > TRIES_MAX)
		return place_bad(doc_get(node, "successes"), e, "successes is 1 or more");
	return 0;
}

int probe_decode(struct arena *a, const struct doc *node, struct plan_probe *ret, struct err *e)
{
	struct decode d = {.arena = a};
	struct asked_probe q = {};
	int rc = decode_doc(&d, &probe_set, node, &q, e);
	int kinds = (q.exec != NULL) + (q.http != NULL) + (q.tcp != NULL) + (q.grpc != NULL);

	if (rc)
		return rc;
	if (kinds != 1)
		return place_bad(node, e, "a probe has exactly one of exec, http, tcp, grpc");
	if ((rc = take_kind(a, node, &q, e)) || (rc = check_numbers(node, &q.p, e)))
		return rc;
	if (!strcmp(node->key, "alive") && q.p.successes > 1)
		return place_bad(doc_get(node, "successes"), e,
				 "an app that answered once is alive: successes is 1");
	*ret = q.p;
	return 0;
}

int probe_decode_hook(struct arena *a, const struct doc *node, struct plan_probe *ret,
		      struct err *e)
{
	struct doc exec = *node, map = *node;
	struct decode d = {.arena = a};
	struct asked_probe q = {};
	int rc;

	if (node->kind == DOC_LIST) {
		exec.key = "exec";
		exec.next = NULL;
		map = (struct doc){.kind = DOC_MAP, .file = node->file, .line = node->line,
				   .column = node->column, .key = node->key, .child = &exec, .n = 1};
	}
	if ((rc = decode_doc(&d, &hook_set, &map, &q, e)))
		return rc;
	if ((q.exec != NULL) + (q.http != NULL) + (q.sleep_ns != 0) != 1)
		return place_bad(node, e, "a hook has exactly one of exec, http, sleep");
	if ((rc = take_kind(a, node, &q, e)))
		return rc;
	*ret = q.p;
	return 0;
}

/* ---- defaults, text ---- */

void probe_set_defaults(struct plan_probe *p)
{
	if (p->kind == PROBE_NONE)
		return;
	p->every_ns = p->every_ns ? p->every_ns : 10 * NS_PER_S;
	p->timeout_ns = p->timeout_ns ? p->timeout_ns : NS_PER_S;
	p->failures = p->failures ? p->failures : 3;
	p->successes = p->successes ? p->successes : 1;
}

void probe_add_text(struct str *out, const struct plan_probe *p)
{
	str_add(out, probe_kind_names[p->kind]);
	for (char **w = p->exec; w && *w; w++)
		str_addf(out, " %s", *w);
	if (p->port)
		str_addf(out, " :%u%s%s", p->port, p->path && *p->path != '/' ? "/" : "",
			 p->path ? p->path : "");
}
