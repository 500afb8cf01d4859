/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Probes and lifecycle handlers of a container. A port is a number or the name of one of the container's ports; the host is the
 * container itself, since Rocket asks from inside. What asks for TLS or another host is refused by name. Pure.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/decode.h"
#include "base/str.h"
#include "base/unit.h"
#include "pod/kube.h"
#include "pod/place.h"

#define NS_PER_S INT64_C(1000000000)

struct kube_header {
	char *name, *value;
};
struct kube_exec {
	char **command;
};
struct kube_http {
	char *path, *port, *host, *scheme;
	LIST(struct kube_header) headers;
};
struct kube_tcp {
	char *port, *host;
};
struct kube_grpc {
	char *port, *service;
};
struct kube_sleep {
	uint32_t seconds;
};
struct kube_probe {
	struct kube_exec exec;
	struct kube_http http;
	struct kube_tcp tcp;
	struct kube_grpc grpc;
	struct kube_sleep sleep;
	uint32_t delay, timeout, period, successes, failures;
};

static const struct field header_fields[] = {
	FIELD(struct kube_header, name, "name", FIELD_STR, .required = true),
	FIELD(struct kube_header, value, "value", FIELD_STR, .required = true),
};
static const struct field_set header_set = FIELD_SET("httpHeader", struct kube_header, header_fields);
static const struct field exec_fields[] = {
	FIELD(struct kube_exec, command, "command", FIELD_STRV, .required = true),
};
static const struct field_set exec_set = FIELD_SET("exec", struct kube_exec, exec_fields);
static const struct field http_fields[] = {
	FIELD(struct kube_http, path, "path", FIELD_STR),
	FIELD(struct kube_http, port, "port", FIELD_STR, .required = true),
	FIELD(struct kube_http, host, "host", FIELD_STR),
	FIELD(struct kube_http, scheme, "scheme", FIELD_STR),
	FIELD(struct kube_http, headers, "httpHeaders", FIELD_LIST, .sub = &header_set),
};
static const struct field_set http_set = FIELD_SET("httpGet", struct kube_http, http_fields);
static const struct field tcp_fields[] = {
	FIELD(struct kube_tcp, port, "port", FIELD_STR, .required = true),
	FIELD(struct kube_tcp, host, "host", FIELD_STR),
};
static const struct field_set tcp_set = FIELD_SET("tcpSocket", struct kube_tcp, tcp_fields);
static const struct field grpc_fields[] = {
	FIELD(struct kube_grpc, port, "port", FIELD_STR, .required = true),
	FIELD(struct kube_grpc, service, "service", FIELD_STR),
};
static const struct field_set grpc_set = FIELD_SET("grpc", struct kube_grpc, grpc_fields);
static const struct field sleep_fields[] = {
	FIELD(struct kube_sleep, seconds, "seconds", FIELD_U32, .required = true),
};
static const struct field_set sleep_set = FIELD_SET("sleep", struct kube_sleep, sleep_fields);

static const struct field probe_fields[] = {
	FIELD(struct kube_probe, exec, "exec", FIELD_STRUCT, .sub = &exec_set),
	FIELD(struct kube_probe, http, "httpGet", FIELD_STRUCT, .sub = &http_set),
	FIELD(struct kube_probe, tcp, "tcpSocket", FIELD_STRUCT, .sub = &tcp_set),
	FIELD(struct kube_probe, grpc, "grpc", FIELD_STRUCT, .sub = &grpc_set),
	FIELD(struct kube_probe, delay, "initialDelaySeconds", FIELD_U32),
	FIELD(struct kube_probe, timeout, "timeoutSeconds", FIELD_U32),
	FIELD(struct kube_probe, period, "periodSeconds", FIELD_U32),
	FIELD(struct kube_probe, successes, "successThreshold", FIELD_U32),
	FIELD(struct kube_probe, failures, "failureThreshold", FIELD_U32),
};
static const char *const probe_aliases[][2] = {
	{"terminationGracePeriodSeconds", "of the pod: a probe has no grace of its own here"}, {NULL, NULL}};
static const struct field_set probe_set =
	FIELD_SET("probe", struct kube_probe, probe_fields, .aliases = probe_aliases);

static const struct field handler_fields[] = {
	FIELD(struct kube_probe, exec, "exec", FIELD_STRUCT, .sub = &exec_set),
	FIELD(struct kube_probe, http, "httpGet", FIELD_STRUCT, .sub = &http_set),
	FIELD(struct kube_probe, sleep, "sleep", FIELD_STRUCT, .sub = &sleep_set),
};
static const char *const handler_aliases[][2] = {
	{"tcpSocket", "it never worked in Kubernetes either: exec, httpGet or sleep"}, {NULL, NULL}};
static const struct field_set handler_set =
	FIELD_SET("lifecycle handler", struct kube_probe, handler_fields, .aliases = handler_aliases);

/* ---- parts ---- */

static int find_port(const struct kube_app *ka, const struct doc *node, const char *text,
		     uint32_t *ret, struct err *e)
{
	uint64_t port;

	if (!unit_parse_u64(text, 1, 65535, &port)) {
		*ret = (uint32_t)port;
		return 0;
	}
	for (size_t i = 0; i < ka->from->ports.n; i++) {
		const struct kube_port *p = &ka->from->ports.v[i];

		if (!str_equal(p->name, text))
			continue;
		*ret = p->container_port;
		return 0;
	}
	place_bad(node, e, "the container %.60s has no port '%.60s'", ka->from->name, text);
	return err_because(e, "a probe's port is a number, or the name of one of the container's ports");
}

static int check_host(const struct kube *k, const struct doc *node, const char *host, struct err *e)
{
	if (!host || !*host || !strcmp(host, "localhost") || !strcmp(host, "127.0.0.1") ||
	    !strcmp(host, "::1"))
		return 0;
	return front_refuse(k->in, node, e, "a probe of the host %.60s: Rocket asks the container itself",
			    host);
}

static bool breaks_out(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 127)
			return true;
	return false;
}

static int take_headers(struct kube *k, const struct doc *node, const struct kube_http *h,
			struct plan_probe *ret, struct err *e)
{
	for (size_t i = 0; i < h->headers.n; i++) {
		const struct kube_header *x = &h->headers.v[i];

		if (i >= 32 || !*x->name || strpbrk(x->name, ": ") || breaks_out(x->name) ||
		    breaks_out(x->value) || strlen(x->name) + strlen(x->value) > 1000)
			return place_bad(node, e, "'%.60s' is no header of a request", x->name);
		arena_strv_add(k->arena, &ret->headers,
			       arena_printf(k->arena, "%s: %s", x->name, x->value));
	}
	return 0;
}

static int take_http(struct kube *k, const struct kube_app *ka, const struct doc *node,
		     const struct kube_http *h, struct plan_probe *ret, struct err *e)
{
	const char *path = h->path && *h->path ? h->path : "/";
	int rc;

	ret->kind = PROBE_HTTP;
	if (h->scheme && strcmp(h->scheme, "HTTP"))
		return front_refuse(k->in, node, e, "httpGet with the scheme %.20s: no TLS is spoken here",
				    h->scheme);
	if (strlen(path) > 2048 || breaks_out(path) || strchr(path, ' '))
		return place_bad(node, e, "'%.80s' is no path of a request", path);
	ret->path = *path == '/' ? arena_strdup(k->arena, path) : arena_printf(k->arena, "/%s", path);
	if ((rc = find_port(ka, node, h->port, &ret->port, e)) || (rc = check_host(k, node, h->host, e)))
		return rc;
	return take_headers(k, node, h, ret, e);
}

static int take_kind(struct kube *k, const struct kube_app *ka, const struct doc *node,
		     const struct kube_probe *q, struct plan_probe *ret, struct err *e)
{
	int kinds = (q->exec.command != NULL) + (q->http.port != NULL) + (q->tcp.port != NULL) +
		    (q->grpc.port != NULL) + (q->sleep.seconds != 0);
	int rc;

	if (kinds != 1)
		return place_bad(node, e, "%s has not exactly one way of asking", node->key);
	if (q->http.port)
		return take_http(k, ka, front_at(node, "httpGet"), &q->http, ret, e);
	if (q->exec.command) {
		ret->kind = PROBE_EXEC;
		ret->exec = q->exec.command;
	} else if (q->tcp.port) {
		ret->kind = PROBE_TCP;
		rc = find_port(ka, node, q->tcp.port, &ret->port, e);
		return rc ? rc : check_host(k, node, q->tcp.host, e);
	} else if (q->grpc.port) {
		ret->kind = PROBE_GRPC;
		ret->path = q->grpc.service && *q->grpc.service ? q->grpc.service : NULL;
		return find_port(ka, node, q->grpc.port, &ret->port, e);
	} else {
		ret->kind = PROBE_SLEEP;
		ret->delay_ns = q->sleep.seconds * NS_PER_S;
	}
	return 0;
}

static int add_probe(struct kube *k, const struct kube_app *ka, const struct doc *node,
		     struct plan_probe *ret, struct err *e)
{
	struct decode d = {.arena = k->arena, .warn = k->in->warn};
	struct kube_probe q = {};
	int rc;

	if (!node)
		return 0;
	if ((rc = decode_doc(&d, &probe_set, node, &q, e)))
		return rc;
	*ret = (struct plan_probe){
		.every_ns = q.period * NS_PER_S,
		.timeout_ns = q.timeout * NS_PER_S,
		.delay_ns = q.delay * NS_PER_S,
		.successes = q.successes,
		.failures = q.failures,
	};
	return take_kind(k, ka, node, &q, ret, e);
}

static int add_handler(struct kube *k, const struct kube_app *ka, const struct doc *node,
		       struct plan_probe *ret, struct err *e)
{
	struct decode d = {.arena = k->arena, .warn = k->in->warn};
	struct kube_probe q = {};
	int rc;

	if (!node)
		return 0;
	rc = decode_doc(&d, &handler_set, node, &q, e);
	return rc ? rc : take_kind(k, ka, node, &q, ret, e);
}

int kube_add_probes(struct kube *k, struct kube_app *ka, struct err *e)
{
	const struct kube_container *c = ka->from;
	struct pod_app *app = &ka->app;
	int rc;

	if (app->kind == APP_INIT && (c->ready || c->alive || c->started || c->post_start || c->pre_stop))
		return place_bad(ka->node, e, "an init container has neither probes nor a lifecycle");
	if ((rc = add_probe(k, ka, c->ready, &app->ready, e)) ||
	    (rc = add_probe(k, ka, c->alive, &app->alive, e)) ||
	    (rc = add_probe(k, ka, c->started, &app->started, e)) ||
	    (rc = add_handler(k, ka, c->post_start, &app->post_start, e)))
		return rc;
	return add_handler(k, ka, c->pre_stop, &app->pre_stop, e);
}
