/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan in Kubernetes' words (core/v1 Pod, Service, PersistentVolumeClaim, ConfigMap; networking.k8s.io/v1 NetworkPolicy). A pod
 * that is sealed here stays so there: each Pod gets a policy that denies both ways, but for what its holes let through.
 * What has no place in Kubernetes is named, never dropped in silence. Every text is JSON's string, which YAML shares.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/convert.h"
#include "pod/caps.h"

struct kube_out {
	struct str *out, *lost;
	const struct plan *p;
};

[[gnu::format(printf, 3, 4)]] static void lose(const struct kube_out *k, const char *who, const char *fmt, ...)
{
	va_list ap;

	str_addf(k->lost, "%s: ", who);
	va_start(ap, fmt);
	str_vaddf(k->lost, fmt, ap);
	va_end(ap);
	str_add_char(k->lost, '\n');
}

static void add_text(struct str *out, const char *before, const char *text, const char *after)
{
	str_add(out, before);
	str_add_json(out, text);
	str_add(out, after);
}

static void add_list(struct str *out, const char *before, char *const *words, const char *after)
{
	if (!words)
		return;
	str_addf(out, "%s[", before);
	for (char *const *w = words; *w; w++) {
		str_add(out, w == words ? "" : ", ");
		str_add_json(out, *w);
	}
	str_addf(out, "]%s", after);
}

/* ---- which Pod an app is in ---- */

static bool is_apart(const struct plan_app *app)
{
	return app->distance == DISTANCE_APART;
}

/* The Pod of the app; NULL app: of those that stand close. */
static void add_pod_name(struct str *out, const struct plan *p, const struct plan_app *app)
{
	str_add_char(out, '"');
	for (const char *c = p->name; *c; c++)
		str_add_char(out, *c == '_' || *c == '.' ? '-' : *c);
	if (app && is_apart(app))
		str_addf(out, "-%s", app->name);
	str_add_char(out, '"');
}

static bool in_pod(const struct plan_app *app, const struct plan_app *apart)
{
	return apart ? app == apart : !is_apart(app);
}

/* ---- a container ---- */

static void add_env(const struct kube_out *k, const struct plan_app *app)
{
	bool any = false;

	for (char **v = app->env; v && *v; v++) {
		size_t n = strcspn(*v, "=");

		if (!strncmp(*v, "HOSTNAME=", 9) || !strcmp(*v, "container=rocket"))
			continue;
		if (!any)
			str_add(k->out, "    env:\n");
		any = true;
		str_add(k->out, "    - {name: ");
		str_add_json_span(k->out, *v, n, STR_FOREIGN_REPLACE);
		add_text(k->out, ", value: ", *v + n + 1, "}\n");
	}
}

static void add_probe(const struct kube_out *k, const char *key, const struct plan_probe *p)
{
	if (p->kind == PROBE_NONE)
		return;
	str_addf(k->out, "    %s:\n", key);
	if (p->kind == PROBE_EXEC)
		add_list(k->out, "      exec: {command: ", p->exec, "}\n");
	else if (p->kind == PROBE_HTTP) {
		str_addf(k->out, "      httpGet: {port: %u, path: ", p->port);
		str_add_json(k->out, p->path);
		str_add(k->out, ", httpHeaders: [");
		for (char **h = p->headers; h && *h; h++) {
			size_t n = strcspn(*h, ":");

			str_add(k->out, h == p->headers ? "{name: " : ", {name: ");
			str_add_json_span(k->out, *h, n, STR_FOREIGN_REPLACE);
			add_text(k->out, ", value: ", *h + n + 2, "}");
		}
		str_add(k->out, "]}\n");
	} else if (p->kind == PROBE_TCP)
		str_addf(k->out, "      tcpSocket: {port: %u}\n", p->port);
	else
		str_addf(k->out, "      grpc: {port: %u%s%s}\n", p->port, p->path ? ", service: " : "", p->path ? p->path : "");
	str_addf(k->out, "      periodSeconds: %" PRId64 "\n      timeoutSeconds: %" PRId64 "\n      failureThreshold: %u\n",
		 (p->every_ns + 999999999) / 1000000000, (p->timeout_ns + 999999999) / 1000000000, p->failures);
	if (p->successes > 1)
		str_addf(k->out, "      successThreshold: %u\n", p->successes);
	if (p->delay_ns)
		str_addf(k->out, "      initialDelaySeconds: %" PRId64 "\n", (p->delay_ns + 999999999) / 1000000000);
}

static void add_resources(const struct kube_out *k, const struct plan_app *app)
{
	const struct plan_limits *l = &app->limits;

	if (l->memory_bytes || l->cpus_milli) {
		str_add(k->out, "    resources: {limits: {");
		if (l->memory_bytes)
			str_addf(k->out, "memory: \"%" PRIu64 "\"", l->memory_bytes);
		if (l->cpus_milli)
			str_addf(k->out, "%scpu: %um", l->memory_bytes ? ", " : "", l->cpus_milli);
		str_add(k->out, "}}\n");
	}
	if (l->pids && l->pids != 4096)
		lose(k, app->name, "limits: pids %u (Kubernetes sets it for a whole node)", l->pids);
	if (l->io_weight || l->cpuset || l->swap_bytes)
		lose(k, app->name, "limits: io_weight, cpuset or swap");
}

static void add_security(const struct kube_out *k, const struct plan_app *app)
{
	struct str *out = k->out;
	const char *sep = "";

	str_addf(out, "    securityContext: {runAsUser: %u, runAsGroup: %u, allowPrivilegeEscalation: %s, readOnlyRootFilesystem: %s",
		 app->uid, app->gid, app->new_privs ? "true" : "false", app->read_only ? "true" : "false");
	str_addf(out, ", seccompProfile: {type: %s}", !strcmp(app->seccomp ?: "default", "none") ? "Unconfined" : "RuntimeDefault");
	if (app->caps == caps_default) {
		str_add(out, "}\n");
		return;
	}
	str_add(out, ", capabilities: {drop: [ALL], add: [");
	for (unsigned c = 0; c < 64; c++) {
		if (!(app->caps >> c & 1) || !caps_name(c))
			continue;
		str_addf(out, "%s%s", sep, caps_name(c));
		sep = ", ";
	}
	str_add(out, "]}}\n");
	if (app->seccomp && *app->seccomp == '/')
		lose(k, app->name, "the seccomp profile %s (it has to lie on each node)", app->seccomp);
}

static const struct plan_volume *find_volume(const struct plan *p, const char *name)
{
	for (size_t i = 0; i < p->volumes.n; i++)
		if (str_equal(p->volumes.v[i].name, name))
			return &p->volumes.v[i];
	return NULL;
}

static bool is_generated(const struct plan_mount *m)
{
	return !strcmp(m->source, "hosts") || !strcmp(m->source, "hostname") || !strcmp(m->source, "resolv.conf");
}

/* DNS labels: what else stands in a name becomes '-'. */
static void add_label(struct str *out, const char *name)
{
	for (const char *c = name; *c; c++) {
		char low = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;

		str_add_char(out, (low >= 'a' && low <= 'z') || (low >= '0' && low <= '9') ? low : '-');
	}
}

static void add_mount(const struct kube_out *k, const struct plan_app *app, size_t i)
{
	const struct plan_mount *m = &app->mounts.v[i];

	str_add(k->out, "    - {name: ");
	if (m->kind == MOUNT_VOLUME)
		add_label(k->out, m->source);
	else
		str_addf(k->out, "%s-%zu", app->name, i);
	add_text(k->out, ", mountPath: ", m->target, "");
	if (m->kind == MOUNT_FILE)
		add_text(k->out, ", subPath: ", strrchr(m->source, '/') ? strrchr(m->source, '/') + 1 : m->source, "");
	if (m->sub_path)
		add_text(k->out, ", subPath: ", m->sub_path, "");
	str_add(k->out, m->read_only ? ", readOnly: true}\n" : "}\n");
}

static void add_mounts(const struct kube_out *k, const struct plan_app *app)
{
	bool any = false;

	for (size_t i = 0; i < app->mounts.n; i++) {
		const struct plan_mount *m = &app->mounts.v[i];

		if (m->kind == MOUNT_FILE && is_generated(m))
			continue;
		if (!any)
			str_add(k->out, "    volumeMounts:\n");
		any = true;
		add_mount(k, app, i);
	}
}

static void add_ports(const struct kube_out *k, const struct plan_app *app)
{
	bool any = false;

	for (size_t i = 0; i < k->p->holes.n; i++) {
		const struct hole *h = &k->p->holes.v[i];

		if (h->kind != HOLE_IN || !*h->text || (h->app && strcmp(h->app, app->name)))
			continue;
		if (!h->app && app != &k->p->apps.v[0])
			continue;
		if (!any)
			str_add(k->out, "    ports:\n");
		any = true;
		str_addf(k->out, "    - {containerPort: %u, protocol: %s}\n", h->app_port ? h->app_port : h->port,
			 h->proto == HOLE_UDP ? "UDP" : "TCP");
	}
}

static void add_hooks(const struct kube_out *k, const struct plan_app *app)
{
	const struct plan_probe *const hooks[] = {&app->post_start, &app->pre_stop};
	static const char *const keys[] = {"postStart", "preStop"};

	if (app->pre_start || app->post_stop)
		lose(k, app->name, "hooks: pre_start or post_stop (an init container can do the first)");
	if (!hooks[0]->kind && !hooks[1]->kind)
		return;
	str_add(k->out, "    lifecycle:\n");
	for (int i = 0; i < 2; i++) {
		if (hooks[i]->kind == PROBE_EXEC) {
			str_addf(k->out, "      %s: ", keys[i]);
			add_list(k->out, "{exec: {command: ", hooks[i]->exec, "}}\n");
		} else if (hooks[i]->kind == PROBE_HTTP) {
			str_addf(k->out, "      %s: {httpGet: {port: %u, path: ", keys[i], hooks[i]->port);
			add_text(k->out, "", hooks[i]->path, "}}\n");
		} else if (hooks[i]->kind == PROBE_SLEEP) {
			str_addf(k->out, "      %s: {sleep: {seconds: %" PRId64 "}}\n", keys[i],
				 hooks[i]->delay_ns / 1000000000);
		}
	}
}

static void lose_rest(const struct kube_out *k, const struct plan_app *app)
{
	if (app->after)
		lose(k, app->name, "after (Kubernetes starts containers together; they have to wait for each other)");
	if (app->init)
		lose(k, app->name, "init: true");
	if (app->oom_score)
		lose(k, app->name, "oom_score");
	if (app->devices.n)
		lose(k, app->name, "%zu devices (a device plugin of the cluster gives them)", app->devices.n);
	for (size_t i = 0; i < app->rlimits.n; i++)
		if (strcmp(app->rlimits.v[i].name, "nofile"))
			lose(k, app->name, "rlimits: %s", app->rlimits.v[i].name);
}

static void add_container(const struct kube_out *k, const struct plan_app *app)
{
	struct str *out = k->out;

	str_addf(out, "  - name: %s\n", app->name);
	add_text(out, "    image: ", app->image, "\n");
	if (app->image && (*app->image == '/' || str_has_prefix(app->image, "local/")))
		lose(k, app->name, "the image %s lies on this host: push it to a registry and name it there", app->image);
	add_list(out, "    command: ", app->argv, "\n");
	if (app->workdir)
		add_text(out, "    workingDir: ", app->workdir, "\n");
	if (app->tty)
		str_add(out, "    tty: true\n");
	if (app->stdin_open)
		str_add(out, "    stdin: true\n");
	if (app->kind == APP_SIDECAR)
		str_add(out, "    restartPolicy: Always\n");
	add_env(k, app);
	add_ports(k, app);
	add_resources(k, app);
	add_security(k, app);
	add_mounts(k, app);
	add_probe(k, "readinessProbe", &app->ready);
	add_probe(k, "livenessProbe", &app->alive);
	add_probe(k, "startupProbe", &app->started);
	add_hooks(k, app);
	lose_rest(k, app);
}

/* ---- volumes ---- */

static void add_volume(const struct kube_out *k, const struct plan_app *app, size_t i)
{
	const struct plan_mount *m = &app->mounts.v[i];
	const struct plan_volume *v = m->kind == MOUNT_VOLUME ? find_volume(k->p, m->source) : NULL;
	struct str *out = k->out;

	str_add(out, "  - {name: ");
	if (v)
		add_label(out, v->name);
	else
		str_addf(out, "%s-%zu", app->name, i);
	if (m->kind == MOUNT_BIND)
		add_text(out, ", hostPath: {path: ", m->source, "}}\n");
	else if (m->kind == MOUNT_TMPFS || (v && v->tmpfs)) {
		uint64_t size = v ? v->size_bytes : m->size_bytes;

		str_add(out, ", emptyDir: {medium: Memory");
		if (size)
			str_addf(out, ", sizeLimit: \"%" PRIu64 "\"", size);
		str_add(out, "}}\n");
	} else if (v && v->image)
		add_text(out, ", image: {reference: ", v->image, "}}\n");
	else if (v && v->keep) {
		str_add(out, ", persistentVolumeClaim: {claimName: ");
		add_label(out, v->name);
		str_add(out, "}}\n");
	} else if (v) {
		str_add(out, ", emptyDir: {}}\n");
	} else {
		str_addf(out, ", %s: {%s: %s-files}}\n", strstr(m->source ?: "", "/secrets/") ? "secret" : "configMap",
			 strstr(m->source ?: "", "/secrets/") ? "secretName" : "name", k->p->name);
	}
	if (m->kind == MOUNT_BIND)
		lose(k, app->name, "the host path %s is each node's own", m->source);
}

static void add_volumes(const struct kube_out *k, const struct plan_app *apart)
{
	autostr seen = {};
	bool any = false;

	for (size_t a = 0; a < k->p->apps.n; a++) {
		const struct plan_app *app = &k->p->apps.v[a];

		for (size_t i = 0; in_pod(app, apart) && i < app->mounts.n; i++) {
			const struct plan_mount *m = &app->mounts.v[i];
			autostr mark = {};

			if (m->kind == MOUNT_FILE && is_generated(m))
				continue;
			str_addf(&mark, "\n%s\n", m->source ? m->source : "");
			if (m->kind == MOUNT_VOLUME && strstr(str_text(&seen), str_text(&mark)))
				continue;
			if (m->kind == MOUNT_VOLUME)
				str_add(&seen, str_text(&mark));
			if (!any)
				str_add(k->out, "  volumes:\n");
			any = true;
			add_volume(k, app, i);
		}
	}
}

/* ---- Pods, Services, policies ---- */

static const char *restart_of(const struct kube_out *k, const struct plan_app *apart)
{
	static const char *const words[] = {"Never", "OnFailure", "Always"};
	const struct plan_app *first = NULL;

	for (size_t i = 0; i < k->p->apps.n; i++) {
		const struct plan_app *app = &k->p->apps.v[i];

		if (!in_pod(app, apart) || app->kind != APP_MAIN)
			continue;
		if (first && app->restart != first->restart)
			lose(k, app->name, "restart: %s (a Pod has one rule for all: %s's %s)", restart_names[app->restart],
			     first->name, restart_names[first->restart]);
		first = first ? first : app;
	}
	return words[first ? first->restart : RESTART_NEVER];
}

static long long grace_of(const struct kube_out *k, const struct plan_app *apart)
{
	int64_t most = 0;

	for (size_t i = 0; i < k->p->apps.n; i++)
		if (in_pod(&k->p->apps.v[i], apart) && k->p->apps.v[i].stop_grace_ns > most)
			most = k->p->apps.v[i].stop_grace_ns;
	return (most + 999999999) / 1000000000;
}

static void add_containers(const struct kube_out *k, const struct plan_app *apart, bool first_ones)
{
	bool any = false;

	for (size_t i = 0; i < k->p->apps.n; i++) {
		const struct plan_app *app = &k->p->apps.v[i];

		if (!in_pod(app, apart) || (app->kind != APP_MAIN) != first_ones)
			continue;
		if (!any)
			str_add(k->out, first_ones ? "  initContainers:\n" : "  containers:\n");
		any = true;
		add_container(k, app);
	}
}

static bool is_joined(const struct plan *p, const struct plan_app *apart)
{
	for (size_t i = 0; i < p->apps.n; i++)
		if (in_pod(&p->apps.v[i], apart) && p->apps.v[i].distance == DISTANCE_JOINED)
			return true;
	return false;
}

static void add_pod(const struct kube_out *k, const struct plan_app *apart)
{
	struct str *out = k->out;

	str_add(out, "---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: ");
	add_pod_name(out, k->p, apart);
	str_add(out, "\n  labels: {rocket-pod: ");
	add_pod_name(out, k->p, apart);
	str_addf(out, "}\nspec:\n  restartPolicy: %s\n  terminationGracePeriodSeconds: %lld\n", restart_of(k, apart),
		 grace_of(k, apart));
	str_add(out, "  hostUsers: false\n  automountServiceAccountToken: false\n  enableServiceLinks: false\n");
	if (!apart && k->p->hostname)
		add_text(out, "  hostname: ", k->p->hostname, "\n");
	if (is_joined(k->p, apart))
		str_add(out, "  shareProcessNamespace: true\n");
	if (k->p->deadline_ns)
		str_addf(out, "  activeDeadlineSeconds: %" PRId64 "\n", (k->p->deadline_ns + 999999999) / 1000000000);
	add_containers(k, apart, true);
	add_containers(k, apart, false);
	add_volumes(k, apart);
}

/* Ports that others reach: in: holes, and links of apps that stand apart. */
static size_t add_service_ports(const struct kube_out *k, const struct plan_app *apart, struct str *out)
{
	size_t n = 0;

	for (size_t i = 0; i < k->p->holes.n; i++) {
		const struct hole *h = &k->p->holes.v[i];
		const struct plan_app *app = h->app ? plan_find_app(k->p, h->app) : NULL;

		if (h->kind != HOLE_IN || !*h->text || (apart ? app != apart : app && is_apart(app)))
			continue;
		str_addf(out, "  - {name: p%u, port: %u, targetPort: %u, protocol: %s}\n", h->port, h->port,
			 h->app_port ? h->app_port : h->port, h->proto == HOLE_UDP ? "UDP" : "TCP");
		n++;
		if (h->addr && strcmp(h->addr, "any"))
			lose(k, h->text, "the address %s (a Service has one of the cluster's)", h->addr);
	}
	return n;
}

static void add_service(const struct kube_out *k, const struct plan_app *apart)
{
	autostr ports = {};

	if (!add_service_ports(k, apart, &ports) && !apart)
		return;
	str_add(k->out, "---\napiVersion: v1\nkind: Service\nmetadata: {name: ");
	if (apart)
		add_text(k->out, "", apart->name, "}\nspec:\n");
	else {
		add_pod_name(k->out, k->p, NULL);
		str_add(k->out, "}\nspec:\n");
	}
	str_add(k->out, "  selector: {rocket-pod: ");
	add_pod_name(k->out, k->p, apart);
	str_addf(k->out, "}\n%s%s", ports.len ? "  ports:\n" : "  clusterIP: None\n", str_text(&ports));
}

static void add_egress(const struct kube_out *k, const struct hole *h, struct str *out)
{
	if (!h->name || !strchr("0123456789", *h->name)) {
		lose(k, h->text, "a NetworkPolicy knows addresses alone: it lets nothing of this through");
		return;
	}
	str_add(out, "  - to: [{ipBlock: {cidr: ");
	str_addf(out, "\"%s%s\"}}]\n", h->name, strchr(h->name, '/') ? "" : strchr(h->name, ':') ? "/128" : "/32");
	if (!h->any_port)
		str_addf(out, "    ports: [{port: %u, protocol: %s}]\n", h->port, h->proto == HOLE_UDP ? "UDP" : "TCP");
}

/* From this pod's own Pods everything that is linked comes in; from elsewhere what a hole names. */
static void add_policy(const struct kube_out *k, const struct plan_app *apart)
{
	autostr ingress = {}, egress = {};

	for (size_t i = 0; i < k->p->holes.n; i++) {
		const struct hole *h = &k->p->holes.v[i];
		const struct plan_app *app = h->app ? plan_find_app(k->p, h->app) : NULL;

		if (!*h->text || (apart ? app != apart : app && is_apart(app)))
			continue;
		if (h->kind == HOLE_IN)
			str_addf(&ingress, "  - ports: [{port: %u, protocol: %s}]\n", h->app_port ? h->app_port : h->port,
				 h->proto == HOLE_UDP ? "UDP" : "TCP");
		else if (h->kind == HOLE_OUT)
			add_egress(k, h, &egress);
	}
	str_add(k->out, "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: ");
	add_pod_name(k->out, k->p, apart);
	str_add(k->out, "}\nspec:\n  podSelector: {matchLabels: {rocket-pod: ");
	add_pod_name(k->out, k->p, apart);
	str_add(k->out, "}}\n  policyTypes: [Ingress, Egress]\n");
	str_addf(k->out, ingress.len ? "  ingress:\n%s" : "  ingress: []%s\n", str_text(&ingress));
	str_addf(k->out, egress.len ? "  egress:\n%s" : "  egress: []%s\n", str_text(&egress));
}

static void add_claims(const struct kube_out *k)
{
	for (size_t i = 0; i < k->p->volumes.n; i++) {
		const struct plan_volume *v = &k->p->volumes.v[i];

		if (!v->keep)
			continue;
		str_add(k->out, "---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: ");
		add_label(k->out, v->name);
		str_add(k->out, "}\nspec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n");
		lose(k, v->name, "what is in the volume (rocket volume export), and its size: 1Gi is a guess");
	}
}

static void lose_pod(const struct kube_out *k)
{
	if (strcmp(k->p->exit ?: "all", "all"))
		lose(k, k->p->name, "exit: %s (a Pod is over when all its containers are)", k->p->exit);
	if (k->p->files.n)
		lose(k, k->p->name, "secrets and config files: make the Secret and ConfigMap %s-files with them", k->p->name);
	for (size_t i = 0; i < k->p->links.n; i++)
		lose(k, k->p->name, "a link (%s to %s): Kubernetes has no such thing; ports between Pods need a rule in both "
				    "policies", k->p->links.v[i].from, k->p->links.v[i].to);
	if (k->p->sysctls && *k->p->sysctls)
		lose(k, k->p->name, "sysctls (a node has to allow them)");
	if (k->p->limits.memory_bytes || k->p->limits.cpus_milli)
		lose(k, k->p->name, "limits of the whole pod");
}

void convert_to_kubernetes(struct str *out, struct str *ret_lost, const struct plan *p)
{
	const struct kube_out k = {out, ret_lost, p};
	bool any_close = false;

	str_addf(out, "# The Rocket pod %s.\n", p->name);
	for (size_t i = 0; i < p->apps.n; i++)
		any_close |= !is_apart(&p->apps.v[i]);
	add_claims(&k);
	for (size_t i = 0; i <= p->apps.n; i++) {
		const struct plan_app *apart = i < p->apps.n ? &p->apps.v[i] : NULL;

		if (apart ? !is_apart(apart) : !any_close)
			continue;
		add_pod(&k, apart);
		add_service(&k, apart);
		add_policy(&k, apart);
	}
	lose_pod(&k);
}
