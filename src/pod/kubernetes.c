/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Pod itself: which document is which, metadata, and what of the spec belongs to the whole pod.
 * Containers, environments and volumes have files of their own. Pure.
 */
#include "pod/kubernetes.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/decode.h"
#include "base/str.h"
#include "pod/kube.h"
#include "pod/limits.h"
#include "pod/names.h"
#include "pod/place.h"

/* ---- metadata ---- */

/* Annotations that once asked for confinement: dropping them would be silent. */
static const char *const confining[] = {"container.apparmor.security.beta.kubernetes.io/",
					"seccomp.security.alpha.kubernetes.io/",
					"container.seccomp.security.alpha.kubernetes.io/"};

static int add_annotations(struct kube *k, struct err *e)
{
	const struct doc *node = front_at(k->node, "metadata.annotations");
	int rc = 0;

	for (char **p = k->doc.metadata.annotations; p && *p && !rc; p++) {
		for (size_t i = 0; i < ARRAY_SIZE(confining) && !rc; i++)
			if (str_has_prefix(*p, confining[i]))
				rc = front_refuse(k->in, node, e, "the annotation %.100s", *p);
		arena_strv_add(k->arena, &k->pod.labels, *p);
	}
	return rc;
}

static int add_metadata(struct kube *k, struct err *e)
{
	const struct kube_metadata *m = &k->doc.metadata;

	k->pod.name = m->name;
	if (m->name && name_check(NAME_POD, m->name, e))
		return place_err(front_at(k->node, "metadata.name"), e);
	for (char **p = m->labels; p && *p; p++)
		arena_strv_add(k->arena, &k->pod.labels, *p);
	if (m->namespace)
		arena_strv_add(
			k->arena, &k->pod.labels,
			arena_printf(k->arena, "io.kubernetes.pod.namespace=%s", m->namespace));
	return add_annotations(k, e);
}

/* ---- what is the whole pod's ---- */

static int add_host_aliases(struct kube *k, struct err *e)
{
	const struct doc *node = front_at(k->node, "spec.hostAliases");

	for (size_t i = 0; i < k->doc.spec.host_aliases.n; i++) {
		const struct kube_host_alias *h = &k->doc.spec.host_aliases.v[i];

		if (!front_is_ip(h->ip))
			return place_bad(node, e, "'%.60s' is no IP address", h->ip);
		for (char **p = h->names; p && *p; p++) {
			if (name_check(NAME_HOST, *p, e))
				return place_err(node, e);
			arena_strv_add(k->arena, &k->pod.hosts,
				       arena_printf(k->arena, "%s %s", h->ip, *p));
		}
	}
	return 0;
}

static int add_dns(struct kube *k, struct err *e)
{
	const struct kube_spec *s = &k->doc.spec;
	const struct doc *node = front_at(k->node, "spec.dnsConfig");

	if (s->dns_policy && strcmp(s->dns_policy, "None")) {
		int rc = front_refuse(k->in, front_at(k->node, "spec.dnsPolicy"), e,
				      "dnsPolicy %.40s: a closed pod has no resolver",
				      s->dns_policy);

		if (rc)
			return rc;
	}
	for (char **p = s->dns.servers; p && *p; p++)
		if (!front_is_ip(*p))
			return place_bad(node, e,
					 "'%.60s' is no name server: it must be an IP address", *p);
	for (char **p = s->dns.search; p && *p; p++)
		if (name_check(NAME_HOST, *p, e))
			return place_err(node, e);
	k->pod.dns.servers = s->dns.servers;
	k->pod.dns.search = s->dns.search;
	for (size_t i = 0; i < s->dns.options.n; i++) {
		const struct kube_dns_option *o = &s->dns.options.v[i];
		char *text = o->value && *o->value ? arena_printf(k->arena, "%s:%s", o->name, o->value)
						   : o->name;

		if (strlen(text) > 60 || strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-:") != strlen(text))
			return place_bad(node, e, "'%.60s' is no option of resolv.conf", text);
		arena_strv_add(k->arena, &k->pod.dns.options, text);
	}
	return 0;
}

static int add_namespaces(struct kube *k, struct err *e)
{
	const struct kube_spec *s = &k->doc.spec;
	const struct {
		bool open;
		const char *key, *hole, *origin;
	} namespaces[] = {
		{s->host_network, "spec.hostNetwork", "ns:net", "hostNetwork: true"},
		{s->host_pid, "spec.hostPID", "ns:pid", "hostPID: true"},
		{s->host_ipc, "spec.hostIPC", "ns:ipc", "hostIPC: true"},
	};
	int rc = 0;

	if (s->share_processes)
		k->pod.distance = DISTANCE_JOINED + 1;
	if (s->host_users == KUBE_YES)
		rc = front_add_hole(k->in, &k->pod, front_at(k->node, "spec.hostUsers"), "ns:user", NULL,
				    "hostUsers: true", e);
	for (size_t i = 0; i < ARRAY_SIZE(namespaces) && !rc; i++)
		if (namespaces[i].open)
			rc = front_add_hole(k->in, &k->pod, front_at(k->node, namespaces[i].key),
					    namespaces[i].hole, NULL, namespaces[i].origin, e);
	return rc;
}

static int add_sysctls(struct kube *k, struct err *e)
{
	const struct doc *node = front_at(k->node, "spec.securityContext.sysctls");

	for (size_t i = 0; i < k->doc.spec.security.sysctls.n; i++) {
		const struct kube_sysctl *s = &k->doc.spec.security.sysctls.v[i];

		if (limits_check_sysctl(s->name, s->value, e))
			return place_err(node, e);
		arena_strv_add(k->arena, &k->pod.sysctls,
			       arena_printf(k->arena, "%s=%s", s->name, s->value));
	}
	return 0;
}

/* Its long name is an address of the pod's own, as in a cluster. */
static int add_subdomain(struct kube *k, struct err *e)
{
	const struct kube_spec *s = &k->doc.spec;
	const char *host = s->hostname ? s->hostname : k->doc.metadata.name;
	const char *namespace = k->doc.metadata.namespace ? k->doc.metadata.namespace : "default";

	if (!s->subdomain)
		return 0;
	if (name_check(NAME_HOST, s->subdomain, e))
		return place_err(front_at(k->node, "spec.subdomain"), e);
	if (host)
		arena_strv_add(k->arena, &k->pod.hosts,
			       arena_printf(k->arena, "127.0.0.1 %s.%s.%s.svc.cluster.local", host,
					    s->subdomain, namespace));
	return 0;
}

static int add_hostname(struct kube *k, struct err *e)
{
	const struct kube_spec *s = &k->doc.spec;

	k->pod.hostname = s->hostname;
	if (s->hostname && name_check(NAME_HOST, s->hostname, e))
		return place_err(front_at(k->node, "spec.hostname"), e);
	k->pod.deadline_ns = (int64_t)s->deadline_seconds * 1000000000;
	if (add_subdomain(k, e))
		return -e->code;
	if (s->os && strcmp(s->os, "linux"))
		return place_bad(front_at(k->node, "spec.os"), e,
				 "a pod of %.40s can't run here: this is linux", s->os);
	return 0;
}

/* ---- containers ---- */

static bool is_sidecar(const struct kube_container *c)
{
	return c->restart && !strcmp(c->restart, "Always");
}

static int add_init_containers(struct kube *k, struct err *e)
{
	const struct doc *node = front_at(k->node, "spec.initContainers");
	const struct doc *c = k->doc.spec.init_containers.n ? node->child : NULL;
	int rc = 0;

	for (size_t i = 0; i < k->doc.spec.init_containers.n && !rc; i++, c = c->next) {
		const struct kube_container *from = &k->doc.spec.init_containers.v[i];

		rc = kube_add_container(k, from, c, is_sidecar(from) ? APP_SIDECAR : APP_INIT, e);
	}
	return rc;
}

static int add_containers(struct kube *k, struct err *e)
{
	const struct doc *node = front_at(k->node, "spec.containers");
	const struct doc *c = node->child;
	int rc = 0;

	if (!k->doc.spec.containers.n)
		return place_bad(node, e, "a Pod has at least one container");
	for (size_t i = 0; i < k->doc.spec.containers.n && !rc; i++, c = c->next)
		rc = kube_add_container(k, &k->doc.spec.containers.v[i], c, APP_MAIN, e);
	return rc;
}

/* ---- documents ---- */

static int add_values(struct kube *k, const struct doc *doc, struct err *e)
{
	struct decode d = {.arena = k->arena, .warn = k->in->warn};
	struct kube_values *v = list_add(k->arena, &k->values);
	int rc = decode_doc(&d, &kube_values_set, doc, v, e);

	if (rc)
		return rc;
	if (!v->metadata.name)
		return place_bad(doc, e, "a %s has a name in its metadata", v->kind);
	return 0;
}

static int sort_document(struct kube *k, const struct doc *doc, struct err *e)
{
	const char *kind = doc_get_str(doc, "kind");

	if (doc->kind == DOC_NULL)
		return 0;
	if (str_equal(kind, "ConfigMap") || str_equal(kind, "Secret"))
		return add_values(k, doc, e);
	if (!str_equal(kind, "Pod")) {
		place_bad(doc_get(doc, "kind") ? doc_get(doc, "kind") : doc, e,
			  "a document of the kind '%.40s' is not read here", kind ? kind : "?");
		return err_because(
			e, "Rocket runs one Pod, with the ConfigMaps and Secrets beside it");
	}
	if (k->node)
		return place_bad(doc, e, "a second Pod starts here: Rocket runs one");
	k->node = doc;
	return 0;
}

static int read_documents(struct kube *k, const struct doc *all, struct err *e)
{
	struct decode d = {.arena = k->arena, .warn = k->in->warn};
	int rc;

	for (const struct doc *doc = all->child; doc; doc = doc->next)
		if ((rc = sort_document(k, doc, e)))
			return rc;
	if (!k->node)
		return place_bad(all->child, e, "there is no Pod in this file");
	if ((rc = decode_doc(&d, &kube_pod_set, k->node, &k->doc, e)))
		return rc;
	if (strcmp(k->doc.api_version, "v1"))
		return place_bad(front_at(k->node, "apiVersion"), e,
				 "the apiVersion of a Pod is v1");
	return 0;
}

int kubernetes_decode(const struct native_input *in, const struct doc *all, struct pod *ret,
		      struct err *e)
{
	static int (*const steps[])(struct kube * k, struct err * e) = {
		add_metadata, add_hostname,     add_host_aliases,    add_dns,        add_namespaces,
		add_sysctls,  kube_add_volumes, add_init_containers, add_containers,
	};
	struct kube k = {.in = in, .arena = in->arena};
	int rc = read_documents(&k, all, e);

	for (size_t i = 0; i < ARRAY_SIZE(steps) && !rc; i++)
		rc = steps[i](&k, e);
	if (rc)
		return rc;
	k.pod.file = arena_strdup(in->arena, in->file);
	*ret = k.pod;
	return 0;
}
