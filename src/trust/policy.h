/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /etc/containers/policy.json (containers-policy.json(5)), as podman, skopeo and CRI-O read it: which
 * requirements an image of a name must meet. Read as strictly as they do: unknown keys refuse the whole
 * file. A requirement that Rocket can't check is kept with the reason, and refuses the images that it covers.
 * Pure, but for policy_load().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

enum policy_type {
	POLICY_ACCEPT,      /* insecureAcceptAnything */
	POLICY_REJECT,      /* reject */
	POLICY_SIGNED_BY,   /* signedBy: OpenPGP simple signing */
	POLICY_SIGSTORE,    /* sigstoreSigned, by key */
	POLICY_UNSUPPORTED, /* .unsupported says what is asked for */
};

/* signedIdentity: how the name inside a signature relates to the image's. */
enum policy_match {
	POLICY_MATCH_REPO_DIGEST_OR_EXACT, /* the default: the same name and tag; by digest, the same repository */
	POLICY_MATCH_EXACT,
	POLICY_MATCH_REPOSITORY,
	POLICY_EXACT_REFERENCE,  /* .reference, whatever the image is called */
	POLICY_EXACT_REPOSITORY, /* .reference is a repository */
	POLICY_REMAP_IDENTITY,   /* the image's .reference prefix stands for .signed_prefix */
};

struct policy_identity {
	enum policy_match match;
	char *reference;     /* dockerReference, dockerRepository, or prefix */
	char *signed_prefix;
};

struct policy_key {
	char *path;   /* of a file … */
	char *base64; /* … or the key itself */
};

struct policy_requirement {
	enum policy_type type;
	LIST(struct policy_key) keys; /* any of them will do */
	struct policy_identity identity;
	char *unsupported;
};

struct policy_scope {
	char *transport, *scope; /* scope "" is the transport's default */
	LIST(struct policy_requirement) all; /* every one must be met */
};

struct policy {
	char *path;                     /* for people */
	bool is_there;                  /* else nothing is said about anything */
	struct policy_scope fallback;   /* "default"; transport and scope are NULL */
	LIST(struct policy_scope) scopes;
};

/* ERR_USAGE with file and reason. */
[[nodiscard]] int policy_parse(struct arena *a, const char *file, const char *text, size_t len, struct policy *ret,
			       struct err *e);
/* Where it may lie: the user's own (~/.config/containers/policy.json; not root's), then the host's. NULL-terminated, arena. */
void policy_places(struct arena *a, char ***ret);
/* The first of them that is there; none: .is_there is false. */
[[nodiscard]] int policy_load(struct arena *a, struct policy *ret, struct err *e);
/* The scope that decides about a name of the transport ("docker", "aci"); full: scope_full_name(). Never NULL. */
const struct policy_scope *policy_find(const struct policy *p, const char *transport, const char *full);
