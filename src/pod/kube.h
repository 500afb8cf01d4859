/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of kubernetes_decode(): the Pod's document becomes struct pod part by part. */
#pragma once

#include "pod/kube_doc.h"
#include "pod/kubernetes.h"

struct kube {
	const struct native_input *in;
	struct arena *arena;
	const struct doc *node; /* the Pod's document … */
	struct kube_pod doc;    /* … decoded */
	LIST(struct kube_values) values;
	struct pod pod;         /* being made */
};

/* One container with its node, while it becomes an app. */
struct kube_app {
	const struct kube_container *from;
	const struct doc *node;
	struct pod_app app;
};

/*
 * A value that can't be honoured: an error at the node, or a warning and 0 with --ignore-unknown. The node of a
 * value that stands nowhere is its parent's.
 */
[[gnu::format(printf, 4, 5)]] [[nodiscard]] int kube_refuse(struct kube *k, const struct doc *node, struct err *e,
							    const char *fmt, ...);
/* The node at a path of keys parted by '.', or the nearest one above it that is there. */
const struct doc *kube_at(const struct doc *node, const char *path);

/* Opens a hole in its short form because of `origin`, at the node. app NULL: the whole pod. */
[[nodiscard]] int kube_hole(struct kube *k, const struct doc *node, const char *text, const char *app,
			    const char *origin, struct err *e);

/* kube_container.c */
[[nodiscard]] int kube_add_container(struct kube *k, const struct kube_container *c, const struct doc *node,
				     enum app_kind kind, struct err *e);
/* kube_env.c: envFrom and env, with $(NAME) expanded; and the same expansion for command and args. */
[[nodiscard]] int kube_add_env(struct kube *k, struct kube_app *ka, struct err *e);
char **kube_expand_words(struct kube *k, char **words, char **env);
/* kube_volume.c */
[[nodiscard]] int kube_add_volumes(struct kube *k, struct err *e);
[[nodiscard]] int kube_add_mounts(struct kube *k, struct kube_app *ka, struct err *e);
