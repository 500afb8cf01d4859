/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of kubernetes_decode(): the Pod's document becomes struct pod part by part. */
#pragma once

#include "pod/front.h"
#include "pod/kube_doc.h"
#include "pod/kubernetes.h"

struct kube {
	const struct native_input *in;
	struct arena *arena;
	const struct doc *node; /* the Pod's document … */
	struct kube_pod doc;    /* … decoded */
	LIST(struct kube_values) values;
	struct pod pod; /* being made */
};

/* One container with its node, while it becomes an app. */
struct kube_app {
	const struct kube_container *from;
	const struct doc *node;
	struct pod_app app;
};

/* kube_container.c */
[[nodiscard]] int kube_add_container(struct kube *k, const struct kube_container *c,
				     const struct doc *node, enum app_kind kind, struct err *e);
/* kube_env.c: envFrom and env, with $(NAME) expanded; and the same expansion for command and args.
 */
[[nodiscard]] int kube_add_env(struct kube *k, struct kube_app *ka, struct err *e);
char **kube_expand_words(struct kube *k, char **words, char **env);
/* kube_env.c: what other parts read of ConfigMaps, Secrets and the Pod's own fields. */
const struct kube_values *kube_find_values(const struct kube *k, const char *kind, const char *name);
const char *kube_pair_value(char **pairs, const char *key, size_t n);
bool kube_is_base64(const char *text);
[[nodiscard]] int kube_value_of_field(struct kube *k, const struct doc *node, const char *path,
				      const char **ret, struct err *e);
/* kube_doc.c: 420, 0644 or "0644"; Kubernetes writes decimal in JSON. */
[[nodiscard]] int kube_decode_mode(const struct doc *node, uint32_t *ret, struct err *e);
/* kubernetes_probe.c: probes and lifecycle. */
[[nodiscard]] int kube_add_probes(struct kube *k, struct kube_app *ka, struct err *e);
/* kubernetes_files.c: a volume whose files stand in the manifest. */
bool kube_is_inside(const char *path);
[[nodiscard]] int kube_add_files(struct kube *k, const struct kube_volume *v, struct err *e);
/* kube_volume.c */
[[nodiscard]] int kube_add_volumes(struct kube *k, struct err *e);
[[nodiscard]] int kube_add_mounts(struct kube *k, struct kube_app *ka, struct err *e);
