/* SPDX-License-Identifier: Apache-2.0 */
/* One container of a Pod into one app: program, user, ports, resources, privileges. Pure. */
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "base/unit.h"
#include "pod/caps.h"
#include "pod/kube.h"
#include "pod/limits.h"
#include "pod/names.h"
#include "pod/paths.h"
#include "pod/place.h"
#include "pod/signals.h"

#define GRACE_DEFAULT_S 30

/* ---- name, image, program ---- */

static int add_pull(struct kube_app *ka, struct err *e)
{
	static const char *const words[] = {"IfNotPresent", "Always", "Never"};

	if (!ka->from->pull)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(words[i], ka->from->pull))
			continue;
		ka->app.pull = POD_PULL_MISSING + i;
		return 0;
	}
	place_bad(front_at(ka->node, "imagePullPolicy"), e, "imagePullPolicy can't be '%.40s'",
		  ka->from->pull);
	return err_because(e, "it is one of: Always, IfNotPresent, Never");
}

static int add_names(struct kube *k, struct kube_app *ka, struct err *e)
{
	const struct kube_container *c = ka->from;

	if (name_check(NAME_APP, c->name, e))
		return place_err(front_at(ka->node, "name"), e);
	if (!*c->image || *c->image == '.' || *c->image == '/')
		return place_bad(front_at(ka->node, "image"), e, "expected an image's name");
	ka->app.place = place_of(k->arena, ka->node);
	ka->app.name = c->name;
	ka->app.image = c->image;
	ka->app.tty = c->tty;
	ka->app.stdin_open = c->stdin_open;
	return add_pull(ka, e);
}

static int add_program(struct kube *k, struct kube_app *ka, struct err *e)
{
	const struct kube_container *c = ka->from;

	ka->app.exec = kube_expand_words(k, c->command, ka->app.env);
	ka->app.args = kube_expand_words(k, c->args, ka->app.env);
	ka->app.workdir = c->workdir;
	if (c->workdir && *c->workdir != '/')
		return place_bad(front_at(ka->node, "workingDir"), e,
				 "workingDir must be an absolute path in the container");
	return 0;
}

/* ---- restart and stop ---- */

static int pod_restart(struct kube *k, enum restart *ret, struct err *e)
{
	static const char *const words[] = {"Never", "OnFailure", "Always"};
	const char *word = k->doc.spec.restart ? k->doc.spec.restart : "Always";

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(words[i], word))
			continue;
		*ret = (enum restart)i;
		return 0;
	}
	place_bad(front_at(k->node, "spec.restartPolicy"), e, "restartPolicy can't be '%.40s'",
		  word);
	return err_because(e, "it is one of: Always, OnFailure, Never");
}

static int add_restart(struct kube *k, struct kube_app *ka, struct err *e)
{
	const char *own = ka->from->restart;
	int rc = pod_restart(k, &ka->app.restart, e);

	if (rc)
		return rc;
	if (own && (ka->app.kind == APP_MAIN || strcmp(own, "Always")))
		return front_refuse(k->in, front_at(ka->node, "restartPolicy"), e,
				    "restartPolicy %.40s of a container", own);
	if (ka->app.kind == APP_SIDECAR)
		ka->app.restart = RESTART_ALWAYS;
	else if (ka->app.kind == APP_INIT && ka->app.restart == RESTART_ALWAYS)
		ka->app.restart = RESTART_ON_FAILURE;
	return 0;
}

static int add_stop(struct kube *k, struct kube_app *ka, struct err *e)
{
	uint64_t seconds = k->doc.spec.has_grace ? k->doc.spec.grace_seconds : GRACE_DEFAULT_S;

	ka->app.stop.grace_ns = (int64_t)seconds * 1000000000;
	ka->app.stop.has_grace = true;
	if (ka->from->stop_signal && signal_parse(ka->from->stop_signal, &ka->app.stop.signal, e))
		return place_err(front_at(ka->node, "lifecycle.stopSignal"), e);
	return 0;
}

/* ---- ports ---- */

static int add_port(struct kube *k, struct kube_app *ka, const struct kube_port *p, struct err *e)
{
	const struct doc *node = front_at(ka->node, "ports");
	const char *ip = p->host_ip && *p->host_ip ? p->host_ip : "any";
	const char *text;

	if (p->container_port < 1 || p->container_port > 65535 || p->host_port > 65535)
		return place_bad(node, e, "a port is a number from 1 to 65535");
	if (!p->host_port)
		return 0; /* says what the program listens on; opens nothing, in Kubernetes too */
	text = arena_printf(k->arena, strchr(ip, ':') ? "in:[%s]:%u:%u/%s" : "in:%s:%u:%u/%s", ip,
			    p->host_port, p->container_port, hole_proto_names[p->protocol]);
	return front_add_hole(k->in, &k->pod, node, text, ka->app.name,
			      arena_printf(k->arena, "hostPort: %u", p->host_port), e);
}

static int add_ports(struct kube *k, struct kube_app *ka, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < ka->from->ports.n && !rc; i++)
		rc = add_port(k, ka, &ka->from->ports.v[i], e);
	return rc;
}

/* ---- resources ---- */

/* The value of "KEY=VALUE" when the key is this one. */
static const char *value_of(const char *pair, const char *key)
{
	size_t n = strlen(key);

	return !strncmp(pair, key, n) && pair[n] == '=' ? pair + n + 1 : NULL;
}

static int bad_quantity(const struct kube_app *ka, const char *pair, struct err *e)
{
	return place_bad(front_at(ka->node, "resources"), e, "'%.80s' is no quantity", pair);
}

static int add_limit(struct kube *k, struct kube_app *ka, const char *pair, struct err *e)
{
	struct plan_limits *l = &ka->app.limits;
	const char *value;

	if ((value = value_of(pair, "memory")))
		return unit_parse_size(value, &l->memory_bytes) ? bad_quantity(ka, pair, e) : 0;
	if ((value = value_of(pair, "cpu")))
		return unit_parse_cpus(value, &l->cpus_milli) ? bad_quantity(ka, pair, e) : 0;
	return front_refuse(k->in, front_at(ka->node, "resources.limits"), e, "the limit %.80s",
			    pair);
}

/* Kubernetes' own arithmetic: 1024 shares are one CPU, 2 the least. */
static int add_request(struct kube *k, struct kube_app *ka, const char *pair, struct err *e)
{
	struct plan_limits *l = &ka->app.limits;
	const char *value;
	uint32_t milli;

	if ((value = value_of(pair, "memory")))
		return unit_parse_size(value, &l->memory_request_bytes) ? bad_quantity(ka, pair, e)
									: 0;
	if (!(value = value_of(pair, "cpu")))
		return front_refuse(k->in, front_at(ka->node, "resources.requests"), e,
				    "the request %.80s", pair);
	if (unit_parse_cpus(value, &milli) || milli > 256000)
		return bad_quantity(ka, pair, e);
	l->cpu_shares = milli * 1024 / 1000 < 2 ? 2 : milli * 1024 / 1000;
	return 0;
}

static int add_resources(struct kube *k, struct kube_app *ka, struct err *e)
{
	const struct kube_resources *r = &ka->from->resources;
	int rc = 0;

	for (char **p = r->limits; p && *p && !rc; p++)
		rc = add_limit(k, ka, *p, e);
	for (char **p = r->requests; p && *p && !rc; p++)
		rc = add_request(k, ka, *p, e);
	if (!rc && limits_check(&ka->app.limits, e))
		return place_err(front_at(ka->node, "resources"), e);
	return rc;
}

/* ---- user and privileges ---- */

static int add_user(struct kube *k, struct kube_app *ka, struct err *e)
{
	const struct kube_pod_security *pod = &k->doc.spec.security;
	const struct kube_security *own = &ka->from->security;
	bool has_user = own->has_user || pod->own.has_user,
	     has_group = own->has_group || pod->own.has_group;
	int64_t user = own->has_user ? own->user : pod->own.user,
		group = own->has_group ? own->group : pod->own.group;

	ka->app.non_root = (own->non_root ? own->non_root : pod->own.non_root) == KUBE_YES;
	if (has_group && !has_user) {
		ka->app.has_group = true;
		ka->app.group = (uint32_t)group;
	}
	if (has_user && has_group)
		ka->app.user =
			arena_printf(k->arena, "%lld:%lld", (long long)user, (long long)group);
	else if (has_user)
		ka->app.user = arena_printf(k->arena, "%lld", (long long)user);
	for (char **p = pod->groups; p && *p; p++)
		arena_strv_add(k->arena, &ka->app.groups, *p);
	if (pod->has_fs_group)
		arena_strv_add(k->arena, &ka->app.groups,
			       arena_printf(k->arena, "%lld", (long long)pod->fs_group));
	return 0;
}

static int add_caps(struct kube *k, struct kube_app *ka, struct err *e)
{
	const struct kube_caps *c = &ka->from->security.caps;
	const struct doc *node = front_at(ka->node, "securityContext.capabilities");
	int rc = 0;

	for (char **p = c->drop; p && *p; p++) {
		uint64_t set = 0;

		if (caps_parse(*p, &set, e))
			return place_err(node, e);
		ka->app.cap_drop |= set;
	}
	for (char **p = c->add; p && *p && !rc; p++)
		rc = front_add_hole(k->in, &k->pod, node, arena_printf(k->arena, "cap:%s", *p),
				    ka->app.name,
				    arena_printf(k->arena, "capabilities.add: %s", *p), e);
	return rc;
}

static int add_seccomp(struct kube *k, struct kube_app *ka, struct err *e)
{
	const struct kube_seccomp *own = &ka->from->security.seccomp,
				  *pod = &k->doc.spec.security.own.seccomp;
	const char *type = own->type ? own->type : pod->type;

	const char *profile = own->type ? own->profile : pod->profile;

	if (!type || !strcmp(type, "RuntimeDefault"))
		return 0;
	if (!strcmp(type, "Localhost") && profile && (*profile == '/' || k->in->base_dir)) {
		ka->app.seccomp = path_clean(k->arena, k->in->base_dir, profile);
		return ka->app.seccomp ? 0 : place_bad(ka->node, e, "the path of the seccomp profile is too long");
	}
	if (strcmp(type, "Unconfined"))
		return front_refuse(k->in, front_at(ka->node, "securityContext.seccompProfile"), e,
				    "a seccompProfile of type %.40s", type);
	ka->app.seccomp = arena_strdup(k->arena, "none");
	return 0;
}

/* Rocket loads no AppArmor profile, so that only the word for none can be honoured. */
static int add_hardening(struct kube *k, struct kube_app *ka, struct err *e)
{
	const struct kube_security *own = &ka->from->security;
	const struct kube_pod_security *pod = &k->doc.spec.security;
	const char *type = own->apparmor.type ? own->apparmor.type : pod->own.apparmor.type;
	int rc = 0;

	if (type && strcmp(type, "Unconfined"))
		rc = front_refuse(k->in, front_at(ka->node, "securityContext.appArmorProfile"), e,
				  "an appArmorProfile of type %.40s", type);
	if (!rc && own->proc_mount && strcmp(own->proc_mount, "Default"))
		rc = front_refuse(k->in, front_at(ka->node, "securityContext.procMount"), e,
				  "procMount %.40s: /proc is always masked", own->proc_mount);
	if (!rc && pod->fs_group_change && strcmp(pod->fs_group_change, "OnRootMismatch"))
		rc = front_refuse(k->in, front_at(k->node, "spec.securityContext.fsGroupChangePolicy"), e,
				  "fsGroupChangePolicy %.40s: files that are there keep their group",
				  pod->fs_group_change);
	if (!rc && pod->groups_policy && strcmp(pod->groups_policy, "Merge"))
		rc = front_refuse(k->in, front_at(k->node, "spec.securityContext.supplementalGroupsPolicy"),
				  e, "supplementalGroupsPolicy %.40s", pod->groups_policy);
	return rc;
}

static int add_privileges(struct kube *k, struct kube_app *ka, struct err *e)
{
	const struct kube_security *s = &ka->from->security;
	const struct doc *node = front_at(ka->node, "securityContext");
	int rc = 0;

	ka->app.read_only = s->read_only == KUBE_YES;
	if (s->escalation == KUBE_YES)
		rc = front_add_hole(k->in, &k->pod, front_at(node, "allowPrivilegeEscalation"),
				    "newprivs", ka->app.name, "allowPrivilegeEscalation: true", e);
	if (rc || s->privileged != KUBE_YES)
		return rc;
	node = front_at(node, "privileged");
	if ((rc = front_add_hole(k->in, &k->pod, node, "ns:user", NULL, "privileged: true", e)))
		return rc;
	return front_add_hole(k->in, &k->pod, node, "cap:ALL", ka->app.name, "privileged: true", e);
}

int kube_add_container(struct kube *k, const struct kube_container *c, const struct doc *node,
		       enum app_kind kind, struct err *e)
{
	static int (*const steps[])(struct kube * k, struct kube_app * ka, struct err * e) = {
		add_names, kube_add_env,  add_program, add_restart, add_stop,    kube_add_mounts,
		add_ports, add_resources, add_user,    add_caps,    add_seccomp, add_privileges,
		kube_add_probes, add_hardening,
	};
	struct kube_app ka = {.from = c, .node = node, .app = {.kind = kind}};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(steps) && !rc; i++)
		rc = steps[i](k, &ka, e);
	if (!rc)
		*list_add(k->arena, &k->pod.apps) = ka.app;
	return rc;
}
