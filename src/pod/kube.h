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
/* kube_volume.c */
[[nodiscard]] int kube_add_volumes(struct kube *k, struct err *e);
[[nodiscard]] int kube_add_mounts(struct kube *k, struct kube_app *ka, struct err *e);
