/* SPDX-License-Identifier: Apache-2.0 */
/* A Kubernetes Pod becomes the same struct pod; what can't be honoured is refused by name, or warned of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <linux/capability.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "pod/manifest.h"
#include "world.h"

static unsigned warnings;

static void count_warning(const struct err *warning)
{
	warnings += warning->what[0] != 0;
}

static int parse(struct world *w, const char *yaml, bool lenient, struct pod *ret, struct err *e)
{
	const struct native_input in = {
		.arena = &w->arena, .file = "pod.yaml", .base_dir = "/base", .warn = lenient ? count_warning : NULL};

	return manifest_parse(&in, yaml, strlen(yaml), ret, e);
}

static const char whole[] =
	"apiVersion: v1\n"
	"kind: ConfigMap\n"
	"metadata: {name: settings}\n"
	"data: {MODE: prod, level: \"5\"}\n"
	"---\n"
	"apiVersion: v1\n"
	"kind: Secret\n"
	"metadata: {name: keys}\n"
	"data: {password: aHVudGVyMg==}\n"
	"stringData: {plain: open}\n"
	"---\n"
	"apiVersion: v1\n"
	"kind: Pod\n"
	"metadata:\n"
	"  name: shop\n"
	"  namespace: prod\n"
	"  labels: {app: shop}\n"
	"  annotations: {note: hello}\n"
	"spec:\n"
	"  hostname: shop-0\n"
	"  shareProcessNamespace: true\n"
	"  automountServiceAccountToken: false\n"
	"  restartPolicy: OnFailure\n"
	"  terminationGracePeriodSeconds: 5\n"
	"  dnsPolicy: None\n"
	"  dnsConfig: {nameservers: [1.1.1.1], searches: [example.com]}\n"
	"  hostAliases: [{ip: 10.0.0.1, hostnames: [a.example, b.example]}]\n"
	"  securityContext: {runAsUser: 7, fsGroup: 44, supplementalGroups: [33], sysctls: [{name: net.core.somaxconn, value: \"9\"}]}\n"
	"  initContainers:\n"
	"  - {name: prepare, image: box}\n"
	"  - {name: proxy, image: box, restartPolicy: Always}\n"
	"  containers:\n"
	"  - name: web\n"
	"    image: nginx\n"
	"    imagePullPolicy: IfNotPresent\n"
	"    command: [/bin/run, \"$(GREETING)\", \"$$(GREETING)\", \"$(NONE)\"]\n"
	"    args: [\"-x\"]\n"
	"    workingDir: /srv\n"
	"    tty: true\n"
	"    stdin: true\n"
	"    envFrom: [{configMapRef: {name: settings}, prefix: C_}, {secretRef: {name: none, optional: true}}]\n"
	"    env:\n"
	"    - {name: WHO, value: world}\n"
	"    - {name: GREETING, value: \"hello $(WHO)\"}\n"
	"    - {name: PW, valueFrom: {secretKeyRef: {name: keys, key: password}}}\n"
	"    - {name: PLAIN, valueFrom: {secretKeyRef: {name: keys, key: plain}}}\n"
	"    - {name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}\n"
	"    - {name: APP, valueFrom: {fieldRef: {fieldPath: \"metadata.labels['app']\"}}}\n"
	"    - {name: LEVEL, valueFrom: {configMapKeyRef: {name: settings, key: level}}}\n"
	"    ports: [{containerPort: 80, hostPort: 8080}, {containerPort: 53, hostPort: 53, protocol: UDP, hostIP: \"::1\"}, {containerPort: 9}]\n"
	"    resources: {limits: {memory: 64Mi, cpu: 500m}, requests: {memory: 32Mi, cpu: 250m}}\n"
	"    volumeMounts:\n"
	"    - {name: cache, mountPath: /cache}\n"
	"    - {name: fast, mountPath: /fast/, readOnly: true}\n"
	"    - {name: site, mountPath: /site, readOnly: true}\n"
	"    - {name: store, mountPath: /store}\n"
	"    lifecycle: {stopSignal: SIGUSR1}\n"
	"    securityContext: {runAsUser: 5, runAsGroup: 6, runAsNonRoot: true, readOnlyRootFilesystem: true, allowPrivilegeEscalation: true,\n"
	"      capabilities: {drop: [ALL], add: [NET_BIND_SERVICE]}, seccompProfile: {type: Unconfined}}\n"
	"  volumes:\n"
	"  - {name: cache, emptyDir: {}}\n"
	"  - {name: fast, emptyDir: {medium: Memory, sizeLimit: 16Mi}}\n"
	"  - {name: site, hostPath: {path: /srv/site}}\n"
	"  - {name: store, persistentVolumeClaim: {claimName: data}}\n";

static struct pod parsed(struct world *w, const char *yaml)
{
	struct pod p = {};
	struct err e = {};

	world_init(w);
	if (parse(w, yaml, false, &p, &e))
		fail_msg("%s\n%s (%s)", yaml, e.what, e.because);
	return p;
}

static void the_pods_part_is_read(void **state)
{
	struct world w;
	struct pod p = parsed(&w, whole);

	assert_string_equal(p.name, "shop");
	assert_string_equal(p.hostname, "shop-0");
	assert_int_equal(p.distance, DISTANCE_JOINED + 1);
	assert_string_equal(world_join(&w, p.labels), "app=shop io.kubernetes.pod.namespace=prod note=hello");
	assert_string_equal(world_join(&w, p.dns.servers), "1.1.1.1");
	assert_string_equal(world_join(&w, p.dns.search), "example.com");
	assert_string_equal(world_join(&w, p.hosts), "10.0.0.1 a.example 10.0.0.1 b.example");
	assert_string_equal(world_join(&w, p.sysctls), "net.core.somaxconn=9");
	assert_int_equal(p.apps.n, 3);
	assert_int_equal(p.apps.v[0].kind, APP_INIT);
	assert_int_equal(p.apps.v[0].restart, RESTART_ON_FAILURE);
	assert_int_equal(p.apps.v[1].kind, APP_SIDECAR);
	assert_int_equal(p.apps.v[1].restart, RESTART_ALWAYS);
	assert_int_equal(p.apps.v[2].kind, APP_MAIN);
	world_free(&w);
}

static void a_container_becomes_an_app(void **state)
{
	struct world w;
	struct pod p = parsed(&w, whole);
	const struct pod_app *a = &p.apps.v[2];

	assert_string_equal(a->name, "web");
	assert_string_equal(a->image, "nginx");
	assert_string_equal(world_join(&w, a->exec), "/bin/run hello world $(GREETING) $(NONE)");
	assert_string_equal(world_join(&w, a->args), "-x");
	assert_string_equal(world_join(&w, a->env), "C_MODE=prod C_level=5 WHO=world GREETING=hello world PW=hunter2 PLAIN=open POD=shop APP=shop LEVEL=5");
	assert_string_equal(a->workdir, "/srv");
	assert_true(a->tty && a->stdin_open && a->read_only && a->non_root);
	assert_int_equal(a->restart, RESTART_ON_FAILURE);
	assert_int_equal(a->stop.grace_ns, INT64_C(5000000000));
	assert_int_equal(a->stop.signal, 10);
	assert_int_equal(a->limits.memory_bytes, 64 << 20);
	assert_int_equal(a->limits.memory_request_bytes, 32 << 20);
	assert_int_equal(a->limits.cpus_milli, 500);
	assert_int_equal(a->limits.cpu_shares, 256);
	assert_string_equal(a->user, "5:6");
	assert_string_equal(p.apps.v[0].user, "7");
	assert_string_equal(world_join(&w, a->groups), "33 44");
	assert_int_equal(__builtin_popcountll(a->cap_drop), CAP_LAST_CAP + 1);
	assert_string_equal(a->seccomp, "none");
	world_free(&w);
}

static void volumes_and_holes_are_read(void **state)
{
	struct world w;
	struct pod p = parsed(&w, whole);
	const struct pod_app *a = &p.apps.v[2];

	assert_int_equal(p.volumes.n, 3);
	assert_string_equal(p.volumes.v[0].name, "cache");
	assert_int_equal(p.volumes.v[0].mode, 02775);
	assert_int_equal(p.volumes.v[0].gid, 44);
	assert_true(p.volumes.v[1].tmpfs && !p.volumes.v[0].tmpfs);
	assert_int_equal(p.volumes.v[1].size_bytes, 16 << 20);
	assert_string_equal(p.volumes.v[2].name, "data");
	assert_true(p.volumes.v[2].keep);
	assert_int_equal(a->mounts.n, 3);
	assert_string_equal(a->mounts.v[1].target, "/fast");
	assert_true(a->mounts.v[1].read_only);
	assert_string_equal(a->mounts.v[2].volume, "data");
	assert_int_equal(p.holes.n, 5);
	assert_string_equal(p.holes.v[0].text, "path:/srv/site:/site@web");
	assert_string_equal(p.holes.v[1].text, "in:any:8080:80@web");
	assert_string_equal(p.holes.v[1].origin, "hostPort: 8080");
	assert_string_equal(p.holes.v[2].text, "in:[::1]:53/udp@web");
	assert_string_equal(p.holes.v[3].text, "cap:NET_BIND_SERVICE@web");
	assert_string_equal(p.holes.v[4].text, "newprivs@web");
	world_free(&w);
}

static void the_plan_follows(void **state)
{
	struct world w;
	struct pod p = parsed(&w, whole);
	struct plan plan = {};
	struct err e = {};

	if (world_resolve(&w, &p, &plan, &e))
		fail_msg("%s (%s)", e.what, e.because);
	assert_int_equal(plan.apps.v[2].uid, 5);
	assert_string_equal(world_join(&w, plan.apps.v[2].groups), "6 33 44");
	assert_string_equal(world_join(&w, plan.apps.v[2].argv), "/bin/run hello world $(GREETING) $(NONE) -x");
	assert_int_equal(plan.apps.v[2].caps, UINT64_C(1) << CAP_NET_BIND_SERVICE);
	world_free(&w);
}

#define POD(metadata, spec) "apiVersion: v1\nkind: Pod\nmetadata: {" metadata "}\nspec: {" spec "}\n"
#define C "containers: [{name: a, image: box}]"
#define WITH(container) POD("name: p", "containers: [{name: a, image: box, " container "}]")

static void defaults_are_kubernetes_own(void **state)
{
	struct world w;
	struct pod p = parsed(&w, POD("name: p", C ", volumes: [{name: v, emptyDir: }]"));

	assert_int_equal(p.apps.v[0].restart, RESTART_ALWAYS);
	assert_int_equal(p.apps.v[0].stop.grace_ns, INT64_C(30000000000));
	assert_int_equal(p.volumes.v[0].mode, 0777);
	assert_int_equal(p.holes.n, 0);
	assert_int_equal(p.distance, 0);
	assert_null(p.apps.v[0].seccomp);
	world_free(&w);
}

/* Refused either way, or only a warning with --ignore-unknown. */
static const struct {
	const char *yaml, *what;
	bool warning;
} refusals[] = {
	{"apiVersion: apps/v1\nkind: Deployment\n", "kind 'Deployment'", false},
	{"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n", "no Pod", false},
	{POD("name: p", C) "---\n" POD("name: q", C), "second Pod", false},
	{"apiVersion: v2\nkind: Pod\nspec: {" C "}\n", "is v1", false},
	{POD("name: P", C), "can't be a pod's name", false},
	{POD("name: p, generateName: x", C), "no key generateName", true},
	{POD("name: p, annotations: {container.apparmor.security.beta.kubernetes.io/a: x}", C), "annotation", true},
	{POD("name: p", "containers: []"), "at least one container", false},
	{POD("name: p", ""), "lacks the key containers", false},
	{POD("name: p", C ", nodeSelector: {a: b}"), "no key nodeSelector", true},
	{POD("name: p", C ", dnsPolicy: ClusterFirst"), "dnsPolicy ClusterFirst", true},
	{POD("name: p", C ", automountServiceAccountToken: true"), "can only be false", false},
	{POD("name: p", C ", os: {name: windows}"), "can't run here", false},
	{POD("name: p", C ", restartPolicy: Sometimes"), "restartPolicy can't be", false},
	{POD("name: p", C ", hostAliases: [{ip: x}]"), "no IP address", false},
	{POD("name: p", C ", securityContext: {sysctls: [{name: kernel.core_pattern, value: x}]}"), "can't be set", false},
	{POD("name: p", C ", securityContext: {runAsUser: -1}"), "number from 0", false},
	{POD("name: p", C ", securityContext: {runAsUser: 4294967296}"), "number from 0", false},
	{POD("name: p", C ", securityContext: {fsGroupChangePolicy: Always}"), "fsGroupChangePolicy", true},
	{POD("name: p", C ", volumes: [{name: v}]"), "not exactly one source", false},
	{POD("name: p", C ", volumes: [{name: v, configMap: {name: x}}]"), "no ConfigMap named x", false},
	{POD("name: p", C ", volumes: [{name: v, emptyDir: {sizeLimit: 1Gi}}]"), "sizeLimit", true},
	{POD("name: p", C ", volumes: [{name: v, emptyDir: {medium: HugePages}}]"), "medium", true},
	{POD("name: p", C ", volumes: [{name: v, emptyDir: }, {name: v, emptyDir: }]"), "two volumes", false},
	{POD("name: p", "containers: [{name: A, image: b}]"), "can't be an app's name", false},
	{POD("name: p", "containers: [{name: a, image: ./b}]"), "image's name", false},
	{WITH("livenessProbe: {}"), "exactly one way", false},
	{WITH("lifecycle: {preStop: {}}"), "exactly one way", false},
	{WITH("imagePullPolicy: Now"), "imagePullPolicy", false},
	{WITH("workingDir: srv"), "absolute", false},
	{WITH("restartPolicy: Always"), "restartPolicy Always of a container", true},
	{WITH("ports: [{containerPort: 0}]"), "1 to 65535", false},
	{WITH("ports: [{containerPort: 80, hostPort: 80, hostIP: x}]"), "no hole", false},
	{WITH("ports: [{containerPort: 80, protocol: SCTP}]"), "protocol can't be SCTP", false},
	{WITH("resources: {limits: {memory: lots}}"), "no quantity", false},
	{WITH("resources: {limits: {nvidia.com/gpu: 1}}"), "the limit nvidia.com/gpu", true},
	{WITH("resources: {requests: {ephemeral-storage: 1Gi}}"), "the request ephemeral-storage", true},
	{WITH("resources: {limits: {memory: 1Mi}, requests: {memory: 2Mi}}"), "larger", false},
	{WITH("volumeMounts: [{name: v, mountPath: /v}]"), "no volume 'v'", false},
	{WITH("securityContext: {capabilities: {drop: [NOPE]}}"), "no capability", false},
	{WITH("securityContext: {seccompProfile: {type: Other}}"), "seccompProfile", true},
	{WITH("securityContext: {appArmorProfile: {type: RuntimeDefault}}"), "appArmorProfile", true},
	{WITH("env: [{name: X, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}]"), "spec.nodeName", true},
	{WITH("env: [{name: X, valueFrom: {configMapKeyRef: {name: n, key: k}}}]"), "no ConfigMap named n", false},
	{WITH("env: [{name: X, value: v, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]"), "more than one source", false},
	{WITH("env: [{name: \"A=B\", value: v}]"), "can't be empty", false},
	{WITH("envFrom: [{configMapRef: {name: n}}]"), "no ConfigMap", false},
	{WITH("envFrom: [{}]"), "either", false},
	{"apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {k: \"!!\"}\n---\n" WITH("envFrom: [{secretRef: {name: s}}]"), "no base64", false},
	{"apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {k: \"AGEK\"}\n---\n" WITH("envFrom: [{secretRef: {name: s}}]"), "no base64", false},
	{WITH("volumeMounts: [{name: v, mountPath: /v, subPath: x}]"), "no volume", false},
	{POD("name: p", "containers: [{name: a, image: box, volumeMounts: [{name: v, mountPath: /v}]}], volumes: [{name: v, hostPath: {path: /srv/site, type: DirectoryOrCreate}}]"), "hostPath of type", true},
	{POD("name: p", "containers: [{name: a, image: box, volumeMounts: [{name: v, mountPath: /proc}]}], volumes: [{name: v, hostPath: {path: /srv/site}}]"), "no hole", false},
	{POD("name: p", "containers: [{name: a, image: box, volumeMounts: [{name: w, mountPath: /v}]}], volumes: [{name: v, hostPath: {path: srv}}]"), "no volume 'w'", false},
	{POD("name: p", "containers: [{name: a, image: box, volumeMounts: [{name: v, mountPath: /v}]}], volumes: [{name: v, hostPath: {path: srv}}]"), "no hole", false},
};

static void what_cant_be_honoured_is_refused_by_name(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		struct world w;
		struct pod p = {};
		struct err e = {};

		world_init(&w);
		if (parse(&w, refusals[i].yaml, false, &p, &e) != -ERR_USAGE || !strstr(e.what, refusals[i].what) ||
		    !str_has_prefix(e.what, "pod.yaml:"))
			fail_msg("%s\nerror: %s\nbecause: %s", refusals[i].yaml, e.what, e.because);
		assert_true(e.because[0] && e.hint[0]);
		world_free(&w);
	}
}

static void warnings_take_the_place_of_refusals(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		struct world w;
		struct pod p = {};
		struct err e = {};
		int rc;

		if (!refusals[i].warning)
			continue;
		world_init(&w);
		warnings = 0;
		rc = parse(&w, refusals[i].yaml, true, &p, &e);
		if (rc || !warnings)
			fail_msg("%s\n%d %s", refusals[i].yaml, rc, e.what);
		world_free(&w);
	}
}

static void non_root_holds_in_the_plan(void **state)
{
	struct world w;
	struct pod p = parsed(&w, WITH("securityContext: {runAsNonRoot: true}"));
	struct plan plan = {};
	struct err e = {};

	assert_int_equal(world_resolve(&w, &p, &plan, &e), -ERR_USAGE);
	assert_non_null(strstr(e.what, "must not run as root"));
	world_free(&w);
}

static void host_namespaces_and_privilege_are_holes(void **state)
{
	struct world w;
	struct pod p = parsed(&w, POD("name: p", "hostNetwork: true, hostPID: true, hostIPC: true, containers: [{name: a, image: box, securityContext: {privileged: true}}]"));
	struct plan plan = {};
	struct err e = {};

	assert_int_equal(p.holes.n, 5);
	assert_string_equal(p.holes.v[0].text, "ns:net");
	assert_string_equal(p.holes.v[3].text, "ns:user");
	assert_string_equal(p.holes.v[4].text, "cap:ALL@a");
	assert_int_equal(world_resolve(&w, &p, &plan, &e), -ERR_USAGE);
	assert_non_null(strstr(e.because, "hostPID: true"));
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_pods_part_is_read),
		cmocka_unit_test(a_container_becomes_an_app),
		cmocka_unit_test(volumes_and_holes_are_read),
		cmocka_unit_test(the_plan_follows),
		cmocka_unit_test(defaults_are_kubernetes_own),
		cmocka_unit_test(what_cant_be_honoured_is_refused_by_name),
		cmocka_unit_test(warnings_take_the_place_of_refusals),
		cmocka_unit_test(non_root_holds_in_the_plan),
		cmocka_unit_test(host_namespaces_and_privilege_are_holes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
