/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Kubernetes Pod as Rocket understands it: the documents' structs, decoded by the tables of
 * kube_doc.c. What Kubernetes knows and Rocket can't honour has no member here, and is refused by
 * its name.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/doc.h"
#include "base/field.h"

struct kube_key_ref { /* configMapKeyRef, secretKeyRef */
	char *name, *key;
	bool optional;
};

struct kube_value_from {
	struct kube_key_ref config_map, secret;
	char *field; /* fieldRef.fieldPath */
	char *resource, *divisor; /* resourceFieldRef */
};

struct kube_env {
	char *name, *value;
	struct kube_value_from from;
};

struct kube_source_ref {
	char *name;
	bool optional;
};

struct kube_env_from {
	char *prefix;
	struct kube_source_ref config_map, secret;
};

struct kube_port {
	char *name, *host_ip;
	int protocol; /* index into kube_protocols */
	uint32_t container_port, host_port;
};
extern const char *const kube_protocols[];

struct kube_mount {
	char *name, *path, *sub_path;
	bool read_only;
};

struct kube_resources {
	char **limits, **requests; /* "K=V" */
};

struct kube_caps {
	char **add, **drop;
};

struct kube_seccomp { /* and appArmorProfile */
	char *type, *profile;
};

/* Not said is another thing than false: a container falls back to its pod. */
enum kube_said { KUBE_UNSAID, KUBE_NO, KUBE_YES };

/* Of pod and container alike. */
struct kube_security {
	int64_t user, group;
	bool has_user, has_group;
	enum kube_said non_root, privileged, escalation, read_only;
	struct kube_caps caps;
	struct kube_seccomp seccomp, apparmor;
	char *proc_mount;
};

struct kube_container {
	char *name, *image;
	char **command, **args;
	char *workdir;
	LIST(struct kube_env) env;
	LIST(struct kube_env_from) env_from;
	LIST(struct kube_port) ports;
	LIST(struct kube_mount) mounts;
	struct kube_resources resources;
	struct kube_security security;
	bool tty, stdin_open;
	char *pull;
	char *restart;     /* of an init container: "Always" makes it a sidecar */
	char *stop_signal; /* lifecycle.stopSignal */
	const struct doc *ready, *alive, *started, *post_start, *pre_stop; /* kubernetes_probe.c */
};

struct kube_empty_dir {
	char *medium, *size;
};

struct kube_host_path {
	char *path, *type;
};

struct kube_image {
	char *reference, *pull;
};

struct kube_claim {
	char *name;
	bool read_only;
};

struct kube_volume {
	char *name;
	bool is_empty_dir;
	struct kube_empty_dir empty_dir;
	struct kube_host_path host_path;
	struct kube_claim claim;
	struct kube_image image;
	const struct doc *files; /* configMap, secret, downwardAPI, projected: kubernetes_files.c */
};

struct kube_host_alias {
	char *ip;
	char **names;
};

struct kube_sysctl {
	char *name, *value;
};

struct kube_pod_security {
	struct kube_security own;
	int64_t fs_group;
	bool has_fs_group;
	char *fs_group_change, *groups_policy;
	char **groups;
	LIST(struct kube_sysctl) sysctls;
};

struct kube_dns_option {
	char *name, *value;
};

struct kube_dns {
	char **servers, **search;
	LIST(struct kube_dns_option) options;
};

struct kube_spec {
	LIST(struct kube_container) containers, init_containers;
	LIST(struct kube_volume) volumes;
	LIST(struct kube_host_alias) host_aliases;
	char *restart;
	uint64_t grace_seconds;
	bool has_grace;
	char *hostname;
	bool host_network, host_pid, host_ipc, share_processes;
	char *dns_policy;
	struct kube_dns dns;
	struct kube_pod_security security;
	char *os;
	char *subdomain;
	uint64_t deadline_seconds;
	enum kube_said host_users;
};

struct kube_metadata {
	char *name, *namespace;
	char **labels, **annotations;
};

struct kube_pod {
	char *api_version, *kind;
	struct kube_metadata metadata;
	struct kube_spec spec;
};

/* A ConfigMap or a Secret. */
struct kube_values {
	char *api_version, *kind;
	struct kube_metadata metadata;
	char **data;        /* a Secret's is base64 */
	char **string_data; /* Secret */
	char **binary_data; /* ConfigMap: base64 */
	char *type;
	bool immutable;
};

extern const struct field_set kube_pod_set, kube_values_set;
