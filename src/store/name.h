/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of images: what is one, how it lies in refs/, and which other spellings mean the same.
 * Pure: no file is touched. store_normalise_name() of store.h lives here too.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

enum { NAME_FILE_MAX = 256, NAME_ALIASES_MAX = 2 };

/*
 * NAME -> file name, without loss for names up to 240 bytes: "/" becomes "!", which no name holds. A longer
 * name is cut and gets its 64-bit FNV-1a hash behind "~~"; the reference's own text then tells collisions apart.
 */
void name_to_file(const char *name, char file[NAME_FILE_MAX]);

/*
 * Other spellings of a normalised name, NULL-terminated: "nginx:1" <-> "docker.io/library/nginx:1",
 * "a/b:1" <-> "docker.io/a/b:1", "nginx:1" <-> "localhost/nginx:1" (podman's and buildah's). Two registries
 * never stand for each other. Arena strings.
 */
void name_aliases(struct arena *a, const char *name, char *ret[NAME_ALIASES_MAX + 1]);

/* Splits "NAME@DIGEST": *ret_name is NULL without a digest. True when there is a well-formed digest. */
bool name_split_digest(struct arena *a, const char *text, char **ret_name, char **ret_digest);
