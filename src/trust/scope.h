/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names as policies see them: docker's full form, the repository in it, and what covers what
 * (containers-policy.json(5)). Pure.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"

/*
 * "nginx" -> "docker.io/library/nginx:latest", "a/b" -> "docker.io/a/b:latest", "index.docker.io/…" -> "docker.io/…";
 * NAME@DIGEST keeps its digest and loses its tag. A bare digest and NULL give NULL: it names nothing.
 */
char *scope_full_name(struct arena *a, const char *name);
/* The name without tag and digest. */
char *scope_repository(struct arena *a, const char *full);
/* The tag, or NULL when there is none (a digest instead). Points into full. */
const char *scope_tag(const char *full);
/* What is typed as --prefix, in docker's full form; a tag stays. "" and what ends with a slash lose it. */
char *scope_prefix(struct arena *a, const char *typed);
/* Is the name the prefix, or below it? A prefix ends at a part's end: "a.io/x" covers "a.io/x:1" and "a.io/x/y:1", not "a.io/xy:1". */
bool scope_covers(const char *prefix, const char *full);
/*
 * The scopes of the transport "docker" in which a policy looks a name up, from the narrowest: with tag or digest, the
 * repository, its parents, the host, wildcards of the host's domains; NULL-terminated.
 */
char **scope_lookups(struct arena *a, const char *full);
