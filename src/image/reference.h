/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people write to say where an image lies, from a text to its parts. Pure. Rules, the first that fits:
 *
 *   docker://NAME               a registry:  [HOST[:PORT]/]PATH[:TAG][@DIGEST]
 *   oci:DIR[:REF]               an OCI layout in a directory          oci-archive:FILE[:REF]   its tar
 *   docker-archive:FILE[:REF]   what `docker save` wrote
 *   dir:DIR                     a directory with any of these in it
 *   aci:NAME[:VERSION][,K=V…]   appc discovery                        aci:https://… or aci:FILE   one ACI
 *   NAME with a comma           appc discovery: only appc names have labels
 *   NAME                        a registry
 *
 * A registry's host is the part before the first slash when it holds a dot or a colon or is localhost
 * (docker's rule); without one the name is short, and registries.conf says what it stands for.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"

enum reference_transport {
	REFERENCE_REGISTRY,
	REFERENCE_OCI,
	REFERENCE_OCI_ARCHIVE,
	REFERENCE_DOCKER_ARCHIVE,
	REFERENCE_DIR,
	REFERENCE_ACI,
};

enum { REFERENCE_MAX = 1024 };

struct reference {
	enum reference_transport transport;
	bool is_explicit; /* a prefix said so */
	char *host;       /* registry: "docker.io", "localhost:5000"; NULL: a short name */
	char *repository; /* registry: "library/nginx" */
	char *tag;        /* registry: NULL when a digest alone was given */
	char *digest;     /* registry: "sha256:HEX" or NULL */
	char *path;       /* oci, archives, dir, aci: a path of the host or an https URL */
	char *ref;        /* oci, archives: which image inside, or NULL */
	char *app;        /* aci: the name without version and labels */
	char **labels;    /* aci: "K=V", the version first */
};

/* ERR_USAGE says what is wrong with it. */
[[nodiscard]] int reference_parse(struct arena *a, const char *text, struct reference *ret, struct err *e);
/* Gives a short name its registry: a host, with a path before the name or without ("docker.io", "quay.io/team"). */
[[nodiscard]] int reference_complete(struct arena *a, const struct reference *shorted, const char *registry,
				     struct reference *ret, struct err *e);
/* "HOST/REPOSITORY:TAG", "HOST/REPOSITORY@DIGEST" without a tag: how the store names it. */
char *reference_name(struct arena *a, const struct reference *r);
/* "HOST/REPOSITORY". */
char *reference_repository(struct arena *a, const struct reference *r);
