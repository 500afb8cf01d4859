/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Field tables of the Kubernetes API, core/v1: Pod, ConfigMap, Secret. A field that has no row is
 * refused by decode_doc() (or becomes a warning with --ignore-unknown); for those that Kubernetes
 * knows, the aliases say so, and why. Pure.
 */
#include "pod/kube_doc.h"

#include <string.h>

#include "base/decode.h"
#include "base/unit.h"
#include "pod/kube.h"
#include "pod/native_parts.h"
#include "pod/place.h"

#define LATER   "Rocket knows the field and can't do that yet: take it out, or --ignore-unknown"
#define CLUSTER "it is about a cluster, and this is one host: take it out, or --ignore-unknown"

const char *const kube_protocols[] = {"TCP", "UDP", NULL};

int kube_decode_mode(const struct doc *node, uint32_t *ret, struct err *e)
{
	bool octal = node->text && node->text[0] == '0';
	uint64_t mode = 0;

	for (const char *c = node->text; octal && *c; c++) {
		if (*c < '0' || *c > '7' || mode > 0777)
			return place_bad(node, e, "%s must be a mode such as 0644", node->key);
		mode = mode * 8 + (uint64_t)(*c - '0');
	}
	if ((!octal && (!node->text || unit_parse_u64(node->text, 0, 0777, &mode))) || mode > 0777)
		return place_bad(node, e, "%s must be a mode such as 0644", node->key);
	*ret = (uint32_t)mode;
	return 0;
}

/* ---- env ---- */

static const struct field key_ref_fields[] = {
	FIELD(struct kube_key_ref, name, "name", FIELD_STR, .required = true),
	FIELD(struct kube_key_ref, key, "key", FIELD_STR, .required = true),
	FIELD(struct kube_key_ref, optional, "optional", FIELD_BOOL),
};
static const struct field_set key_ref_set =
	FIELD_SET("key reference", struct kube_key_ref, key_ref_fields);

struct field_ref {
	char *path, *version;
};
static const struct field field_ref_fields[] = {
	FIELD(struct field_ref, path, "fieldPath", FIELD_STR, .required = true),
	FIELD(struct field_ref, version, "apiVersion", FIELD_STR),
};
static const struct field_set field_ref_set =
	FIELD_SET("fieldRef", struct field_ref, field_ref_fields);

static int decode_field_ref(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	struct decode d = {.arena = a};
	struct field_ref ref = {};
	int rc = decode_doc(&d, &field_ref_set, node, &ref, e);

	if (!rc)
		((struct kube_value_from *)object)->field = ref.path;
	return rc;
}

static const struct field resource_ref_fields[] = {
	FIELD(struct kube_value_from, resource, "resource", FIELD_STR, .required = true),
	FIELD(struct kube_value_from, divisor, "divisor", FIELD_STR),
};
static const char *const resource_ref_aliases[][2] = {{"containerName", LATER}, {NULL, NULL}};
static const struct field_set resource_ref_set =
	FIELD_SET("resourceFieldRef", struct kube_value_from, resource_ref_fields,
		  .aliases = resource_ref_aliases);

/* Its members are valueFrom's own. */
static int decode_resource_ref(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	struct decode d = {.arena = a};

	return decode_doc(&d, &resource_ref_set, node, object, e);
}

static const struct field value_from_fields[] = {
	{.key = "resourceFieldRef", .kind = FIELD_CUSTOM, .decode = decode_resource_ref},
	FIELD(struct kube_value_from, config_map, "configMapKeyRef", FIELD_STRUCT,
	      .sub = &key_ref_set),
	FIELD(struct kube_value_from, secret, "secretKeyRef", FIELD_STRUCT, .sub = &key_ref_set),
	{.key = "fieldRef", .kind = FIELD_CUSTOM, .decode = decode_field_ref},
};
static const char *const value_from_aliases[][2] = {
	{"fileKeyRef", LATER}, {NULL, NULL}};
static const struct field_set value_from_set = FIELD_SET(
	"valueFrom", struct kube_value_from, value_from_fields, .aliases = value_from_aliases);

static const struct field env_fields[] = {
	FIELD(struct kube_env, name, "name", FIELD_STR, .required = true),
	FIELD(struct kube_env, value, "value", FIELD_STR),
	FIELD(struct kube_env, from, "valueFrom", FIELD_STRUCT, .sub = &value_from_set),
};
static const struct field_set env_set = FIELD_SET("env", struct kube_env, env_fields);

static const struct field source_ref_fields[] = {
	FIELD(struct kube_source_ref, name, "name", FIELD_STR, .required = true),
	FIELD(struct kube_source_ref, optional, "optional", FIELD_BOOL),
};
static const struct field_set source_ref_set =
	FIELD_SET("reference", struct kube_source_ref, source_ref_fields);

static const struct field env_from_fields[] = {
	FIELD(struct kube_env_from, prefix, "prefix", FIELD_STR),
	FIELD(struct kube_env_from, config_map, "configMapRef", FIELD_STRUCT,
	      .sub = &source_ref_set),
	FIELD(struct kube_env_from, secret, "secretRef", FIELD_STRUCT, .sub = &source_ref_set),
};
static const struct field_set env_from_set =
	FIELD_SET("envFrom", struct kube_env_from, env_from_fields);

/* ---- the rest of a container ---- */

static const struct field port_fields[] = {
	FIELD(struct kube_port, name, "name", FIELD_STR),
	FIELD(struct kube_port, host_ip, "hostIP", FIELD_STR),
	FIELD(struct kube_port, protocol, "protocol", FIELD_ENUM, .names = kube_protocols),
	FIELD(struct kube_port, container_port, "containerPort", FIELD_U32, .required = true),
	FIELD(struct kube_port, host_port, "hostPort", FIELD_U32),
};
static const struct field_set port_set = FIELD_SET("port", struct kube_port, port_fields);

static const struct field mount_fields[] = {
	FIELD(struct kube_mount, name, "name", FIELD_STR, .required = true),
	FIELD(struct kube_mount, path, "mountPath", FIELD_STR, .required = true),
	FIELD(struct kube_mount, read_only, "readOnly", FIELD_BOOL),
	FIELD(struct kube_mount, sub_path, "subPath", FIELD_STR),
};
static const char *const mount_aliases[][2] = {{"subPathExpr", LATER},
					       {"mountPropagation", LATER},
					       {"recursiveReadOnly", LATER},
					       {NULL, NULL}};
static const struct field_set mount_set =
	FIELD_SET("volumeMount", struct kube_mount, mount_fields, .aliases = mount_aliases);

static const struct field resources_fields[] = {
	FIELD(struct kube_resources, limits, "limits", FIELD_MAP),
	FIELD(struct kube_resources, requests, "requests", FIELD_MAP),
};
static const char *const resources_aliases[][2] = {{"claims", LATER}, {NULL, NULL}};
static const struct field_set resources_set = FIELD_SET(
	"resources", struct kube_resources, resources_fields, .aliases = resources_aliases);

static const struct field caps_fields[] = {
	FIELD(struct kube_caps, add, "add", FIELD_STRV),
	FIELD(struct kube_caps, drop, "drop", FIELD_STRV),
};
static const struct field_set caps_set = FIELD_SET("capabilities", struct kube_caps, caps_fields);

static const struct field seccomp_fields[] = {
	FIELD(struct kube_seccomp, type, "type", FIELD_STR, .required = true),
	FIELD(struct kube_seccomp, profile, "localhostProfile", FIELD_STR),
};
static const struct field_set seccomp_set =
	FIELD_SET("seccompProfile", struct kube_seccomp, seccomp_fields);

static int decode_id(const struct doc *node, int64_t *ret, bool *ret_has, struct err *e)
{
	uint64_t id;

	if (node->kind != DOC_INT || unit_parse_u64(node->text, 0, INT32_MAX, &id))
		return place_bad(node, e, "%s must be a number from 0 to 2147483647", node->key);
	*ret = (int64_t)id;
	*ret_has = true;
	return 0;
}

static int decode_user(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	struct kube_security *s = object;

	return decode_id(node, &s->user, &s->has_user, e);
}

static int decode_group(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	struct kube_security *s = object;

	return decode_id(node, &s->group, &s->has_group, e);
}

static int decode_said(const struct doc *node, enum kube_said *ret, struct err *e)
{
	if (node->kind != DOC_BOOL)
		return place_bad(node, e, "%s must be true or false", node->key);
	*ret = (node->text[0] | 0x20) == 't' ? KUBE_YES : KUBE_NO;
	return 0;
}

static int decode_non_root(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	return decode_said(node, &((struct kube_security *)object)->non_root, e);
}

static int decode_privileged(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	return decode_said(node, &((struct kube_security *)object)->privileged, e);
}

static int decode_escalation(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	return decode_said(node, &((struct kube_security *)object)->escalation, e);
}

static int decode_read_only(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	return decode_said(node, &((struct kube_security *)object)->read_only, e);
}

#define CUSTOM(key_, decode_)                                                                      \
	{                                                                                          \
		.key = (key_), .kind = FIELD_CUSTOM, .decode = (decode_)                           \
	}

static const struct field security_fields[] = {
	CUSTOM("runAsUser", decode_user),
	CUSTOM("runAsGroup", decode_group),
	CUSTOM("runAsNonRoot", decode_non_root),
	CUSTOM("privileged", decode_privileged),
	CUSTOM("allowPrivilegeEscalation", decode_escalation),
	CUSTOM("readOnlyRootFilesystem", decode_read_only),
	FIELD(struct kube_security, caps, "capabilities", FIELD_STRUCT, .sub = &caps_set),
	FIELD(struct kube_security, seccomp, "seccompProfile", FIELD_STRUCT, .sub = &seccomp_set),
	FIELD(struct kube_security, apparmor, "appArmorProfile", FIELD_STRUCT, .sub = &seccomp_set),
	FIELD(struct kube_security, proc_mount, "procMount", FIELD_STR),
};
static const char *const security_aliases[][2] = {{"seLinuxOptions", LATER},
						  {"windowsOptions", LATER},
						  {NULL, NULL}};
static const struct field_set security_set = FIELD_SET(
	"securityContext", struct kube_security, security_fields, .aliases = security_aliases);

/* What kubernetes_probe.c decodes once the container's ports are known. */
static int decode_ready(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	((struct kube_container *)object)->ready = node;
	return 0;
}

static int decode_alive(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	((struct kube_container *)object)->alive = node;
	return 0;
}

static int decode_started(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	((struct kube_container *)object)->started = node;
	return 0;
}

static int decode_post_start(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	((struct kube_container *)object)->post_start = node;
	return 0;
}

static int decode_pre_stop(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	((struct kube_container *)object)->pre_stop = node;
	return 0;
}

/* Its members are the container's own. */
static const struct field lifecycle_fields[] = {
	FIELD(struct kube_container, stop_signal, "stopSignal", FIELD_STR),
	CUSTOM("postStart", decode_post_start),
	CUSTOM("preStop", decode_pre_stop),
};
static const struct field_set lifecycle_set =
	FIELD_SET("lifecycle", struct kube_container, lifecycle_fields);

static int decode_lifecycle(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	struct decode d = {.arena = a};

	return decode_doc(&d, &lifecycle_set, node, object, e);
}

static const struct field container_fields[] = {
	FIELD(struct kube_container, name, "name", FIELD_STR, .required = true),
	FIELD(struct kube_container, image, "image", FIELD_STR, .required = true),
	FIELD(struct kube_container, command, "command", FIELD_STRV),
	FIELD(struct kube_container, args, "args", FIELD_STRV),
	FIELD(struct kube_container, workdir, "workingDir", FIELD_STR),
	FIELD(struct kube_container, env, "env", FIELD_LIST, .sub = &env_set),
	FIELD(struct kube_container, env_from, "envFrom", FIELD_LIST, .sub = &env_from_set),
	FIELD(struct kube_container, ports, "ports", FIELD_LIST, .sub = &port_set),
	FIELD(struct kube_container, mounts, "volumeMounts", FIELD_LIST, .sub = &mount_set),
	FIELD(struct kube_container, resources, "resources", FIELD_STRUCT, .sub = &resources_set),
	FIELD(struct kube_container, security, "securityContext", FIELD_STRUCT,
	      .sub = &security_set),
	CUSTOM("lifecycle", decode_lifecycle),
	CUSTOM("readinessProbe", decode_ready),
	CUSTOM("livenessProbe", decode_alive),
	CUSTOM("startupProbe", decode_started),
	FIELD(struct kube_container, tty, "tty", FIELD_BOOL),
	FIELD(struct kube_container, stdin_open, "stdin", FIELD_BOOL),
	FIELD(struct kube_container, pull, "imagePullPolicy", FIELD_STR),
	FIELD(struct kube_container, restart, "restartPolicy", FIELD_STR),
};
static const char *const container_aliases[][2] = {{"volumeDevices", LATER},
						   {"stdinOnce", LATER},
						   {"terminationMessagePath", LATER},
						   {"terminationMessagePolicy", LATER},
						   {"resizePolicy", LATER},
						   {"restartPolicyRules", LATER},
						   {NULL, NULL}};
static const struct field_set container_set = FIELD_SET(
	"container", struct kube_container, container_fields, .aliases = container_aliases);

/* ---- volumes ---- */

static const struct field empty_dir_fields[] = {
	FIELD(struct kube_empty_dir, medium, "medium", FIELD_STR),
	FIELD(struct kube_empty_dir, size, "sizeLimit", FIELD_STR),
};
static const struct field_set empty_dir_set =
	FIELD_SET("emptyDir", struct kube_empty_dir, empty_dir_fields);

static int decode_empty_dir(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	struct decode d = {.arena = a};
	struct kube_volume *v = object;

	v->is_empty_dir = true;
	return node->kind == DOC_NULL ? 0 : decode_doc(&d, &empty_dir_set, node, &v->empty_dir, e);
}

static const struct field host_path_fields[] = {
	FIELD(struct kube_host_path, path, "path", FIELD_STR, .required = true),
	FIELD(struct kube_host_path, type, "type", FIELD_STR),
};
static const struct field_set host_path_set =
	FIELD_SET("hostPath", struct kube_host_path, host_path_fields);

static const struct field claim_fields[] = {
	FIELD(struct kube_claim, name, "claimName", FIELD_STR, .required = true),
	FIELD(struct kube_claim, read_only, "readOnly", FIELD_BOOL),
};
static const struct field_set claim_set =
	FIELD_SET("persistentVolumeClaim", struct kube_claim, claim_fields);

static const struct field image_fields[] = {
	FIELD(struct kube_image, reference, "reference", FIELD_STR, .required = true),
	FIELD(struct kube_image, pull, "pullPolicy", FIELD_STR),
};
static const struct field_set image_set = FIELD_SET("image", struct kube_image, image_fields);

static int decode_files(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	struct kube_volume *v = object;

	if (v->files)
		return place_bad(node, e, "the volume has not exactly one source");
	v->files = node;
	return 0;
}

static const struct field volume_fields[] = {
	FIELD(struct kube_volume, name, "name", FIELD_STR, .required = true),
	CUSTOM("configMap", decode_files),
	CUSTOM("secret", decode_files),
	CUSTOM("downwardAPI", decode_files),
	CUSTOM("projected", decode_files),
	FIELD(struct kube_volume, image, "image", FIELD_STRUCT, .sub = &image_set),
	CUSTOM("emptyDir", decode_empty_dir),
	FIELD(struct kube_volume, host_path, "hostPath", FIELD_STRUCT, .sub = &host_path_set),
	FIELD(struct kube_volume, claim, "persistentVolumeClaim", FIELD_STRUCT, .sub = &claim_set),
};
static const char *const volume_aliases[][2] = {
	{"nfs", LATER}, {"csi", CLUSTER}, {"ephemeral", CLUSTER}, {"iscsi", CLUSTER}, {NULL, NULL}};
static const struct field_set volume_set =
	FIELD_SET("volume", struct kube_volume, volume_fields, .aliases = volume_aliases);

/* ---- the pod ---- */

static const struct field host_alias_fields[] = {
	FIELD(struct kube_host_alias, ip, "ip", FIELD_STR, .required = true),
	FIELD(struct kube_host_alias, names, "hostnames", FIELD_STRV),
};
static const struct field_set host_alias_set =
	FIELD_SET("hostAlias", struct kube_host_alias, host_alias_fields);

static const struct field sysctl_fields[] = {
	FIELD(struct kube_sysctl, name, "name", FIELD_STR, .required = true),
	FIELD(struct kube_sysctl, value, "value", FIELD_STR, .required = true),
};
static const struct field_set sysctl_set = FIELD_SET("sysctl", struct kube_sysctl, sysctl_fields);

static int decode_fs_group(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	struct kube_pod_security *s = object;

	return decode_id(node, &s->fs_group, &s->has_fs_group, e);
}

/* struct kube_security is the first member, so that its decoders serve here too. */
static const struct field pod_security_fields[] = {
	CUSTOM("runAsUser", decode_user),
	CUSTOM("runAsGroup", decode_group),
	CUSTOM("runAsNonRoot", decode_non_root),
	FIELD(struct kube_pod_security, own.seccomp, "seccompProfile", FIELD_STRUCT,
	      .sub = &seccomp_set),
	CUSTOM("fsGroup", decode_fs_group),
	FIELD(struct kube_pod_security, groups, "supplementalGroups", FIELD_STRV),
	FIELD(struct kube_pod_security, own.apparmor, "appArmorProfile", FIELD_STRUCT, .sub = &seccomp_set),
	FIELD(struct kube_pod_security, fs_group_change, "fsGroupChangePolicy", FIELD_STR),
	FIELD(struct kube_pod_security, groups_policy, "supplementalGroupsPolicy", FIELD_STR),
	FIELD(struct kube_pod_security, sysctls, "sysctls", FIELD_LIST, .sub = &sysctl_set),
};
static const char *const pod_security_aliases[][2] = {
	{"seLinuxOptions", LATER}, {"windowsOptions", LATER}, {NULL, NULL}};
static const struct field_set pod_security_set =
	FIELD_SET("securityContext", struct kube_pod_security, pod_security_fields,
		  .aliases = pod_security_aliases);

static const struct field dns_option_fields[] = {
	FIELD(struct kube_dns_option, name, "name", FIELD_STR, .required = true),
	FIELD(struct kube_dns_option, value, "value", FIELD_STR),
};
static const struct field_set dns_option_set =
	FIELD_SET("option", struct kube_dns_option, dns_option_fields);

static const struct field dns_fields[] = {
	FIELD(struct kube_dns, servers, "nameservers", FIELD_STRV),
	FIELD(struct kube_dns, search, "searches", FIELD_STRV),
	FIELD(struct kube_dns, options, "options", FIELD_LIST, .sub = &dns_option_set),
};
static const struct field_set dns_set = FIELD_SET("dnsConfig", struct kube_dns, dns_fields);

static int decode_grace(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	struct kube_spec *s = object;

	if (node->kind != DOC_INT || unit_parse_u64(node->text, 0, 1000000, &s->grace_seconds))
		return place_bad(node, e, "%s must be a number of seconds", node->key);
	s->has_grace = true;
	return 0;
}

static int decode_deadline(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	struct kube_spec *s = object;

	if (node->kind == DOC_INT && !unit_parse_u64(node->text, 1, 1000000000, &s->deadline_seconds))
		return 0;
	return place_bad(node, e, "%s must be a number of seconds", node->key);
}

static int decode_host_users(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	return decode_said(node, &((struct kube_spec *)object)->host_users, e);
}

/* What a closed pod has not anyway may be switched off. */
static int decode_off(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	if (node->kind == DOC_BOOL && (node->text[0] | 0x20) == 'f')
		return 0;
	place_bad(node, e, "%s can only be false: it is about a cluster, and this is one host",
		  node->key);
	return err_try(e, "%s: false", node->key);
}

struct os {
	char *name;
};
static const struct field os_fields[] = {
	FIELD(struct os, name, "name", FIELD_STR, .required = true)};
static const struct field_set os_set = FIELD_SET("os", struct os, os_fields);

static const struct field spec_fields[] = {
	FIELD(struct kube_spec, containers, "containers", FIELD_LIST, .sub = &container_set,
	      .required = true),
	FIELD(struct kube_spec, init_containers, "initContainers", FIELD_LIST,
	      .sub = &container_set),
	FIELD(struct kube_spec, volumes, "volumes", FIELD_LIST, .sub = &volume_set),
	FIELD(struct kube_spec, host_aliases, "hostAliases", FIELD_LIST, .sub = &host_alias_set),
	FIELD(struct kube_spec, restart, "restartPolicy", FIELD_STR),
	CUSTOM("terminationGracePeriodSeconds", decode_grace),
	FIELD(struct kube_spec, hostname, "hostname", FIELD_STR),
	FIELD(struct kube_spec, host_network, "hostNetwork", FIELD_BOOL),
	FIELD(struct kube_spec, host_pid, "hostPID", FIELD_BOOL),
	FIELD(struct kube_spec, host_ipc, "hostIPC", FIELD_BOOL),
	FIELD(struct kube_spec, share_processes, "shareProcessNamespace", FIELD_BOOL),
	FIELD(struct kube_spec, dns_policy, "dnsPolicy", FIELD_STR),
	FIELD(struct kube_spec, dns, "dnsConfig", FIELD_STRUCT, .sub = &dns_set),
	FIELD(struct kube_spec, security, "securityContext", FIELD_STRUCT,
	      .sub = &pod_security_set),
	FIELD(struct kube_spec, subdomain, "subdomain", FIELD_STR),
	CUSTOM("activeDeadlineSeconds", decode_deadline),
	CUSTOM("hostUsers", decode_host_users),
	CUSTOM("automountServiceAccountToken", decode_off),
	CUSTOM("enableServiceLinks", decode_off),
	CUSTOM("setHostnameAsFQDN", decode_off),
	FIELD(struct kube_spec, os, "os", FIELD_STRUCT, .sub = &os_set),
};
static const char *const spec_aliases[][2] = {{"nodeSelector", CLUSTER},
					      {"nodeName", CLUSTER},
					      {"affinity", CLUSTER},
					      {"tolerations", CLUSTER},
					      {"schedulerName", CLUSTER},
					      {"schedulingGates", CLUSTER},
					      {"topologySpreadConstraints", CLUSTER},
					      {"priority", CLUSTER},
					      {"priorityClassName", CLUSTER},
					      {"preemptionPolicy", CLUSTER},
					      {"overhead", CLUSTER},
					      {"runtimeClassName", CLUSTER},
					      {"serviceAccount", CLUSTER},
					      {"serviceAccountName", CLUSTER},
					      {"imagePullSecrets", LATER},
					      {"readinessGates", CLUSTER},
					      {"resourceClaims", CLUSTER},
					      {"ephemeralContainers", LATER},
					      {"resources", LATER},
					      {NULL, NULL}};
static const struct field_set spec_set =
	FIELD_SET("spec", struct kube_spec, spec_fields, .aliases = spec_aliases);

static const struct field metadata_fields[] = {
	FIELD(struct kube_metadata, name, "name", FIELD_STR),
	FIELD(struct kube_metadata, namespace, "namespace", FIELD_STR),
	FIELD(struct kube_metadata, labels, "labels", FIELD_MAP),
	FIELD(struct kube_metadata, annotations, "annotations", FIELD_MAP),
};
static const char *const metadata_aliases[][2] = {
	{"generateName", LATER},        {"finalizers", CLUSTER},
	{"ownerReferences", CLUSTER},   {"uid", CLUSTER},
	{"creationTimestamp", CLUSTER}, {"resourceVersion", CLUSTER},
	{"managedFields", CLUSTER},     {NULL, NULL}};
static const struct field_set metadata_set =
	FIELD_SET("metadata", struct kube_metadata, metadata_fields, .aliases = metadata_aliases);

static const struct field pod_fields[] = {
	FIELD(struct kube_pod, api_version, "apiVersion", FIELD_STR, .required = true),
	FIELD(struct kube_pod, kind, "kind", FIELD_STR, .required = true),
	FIELD(struct kube_pod, metadata, "metadata", FIELD_STRUCT, .sub = &metadata_set),
	FIELD(struct kube_pod, spec, "spec", FIELD_STRUCT, .sub = &spec_set, .required = true),
};
static const char *const pod_aliases[][2] = {{"status", CLUSTER}, {NULL, NULL}};
const struct field_set kube_pod_set =
	FIELD_SET("Pod", struct kube_pod, pod_fields, .aliases = pod_aliases);

static const struct field values_fields[] = {
	FIELD(struct kube_values, api_version, "apiVersion", FIELD_STR, .required = true),
	FIELD(struct kube_values, kind, "kind", FIELD_STR, .required = true),
	FIELD(struct kube_values, metadata, "metadata", FIELD_STRUCT, .sub = &metadata_set),
	FIELD(struct kube_values, data, "data", FIELD_MAP),
	FIELD(struct kube_values, string_data, "stringData", FIELD_MAP),
	FIELD(struct kube_values, binary_data, "binaryData", FIELD_MAP),
	FIELD(struct kube_values, type, "type", FIELD_STR),
	FIELD(struct kube_values, immutable, "immutable", FIELD_BOOL),
};
const struct field_set kube_values_set =
	FIELD_SET("ConfigMap or Secret", struct kube_values, values_fields);
