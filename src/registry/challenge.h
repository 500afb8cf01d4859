/* SPDX-License-Identifier: Apache-2.0 */
/* What a server wants to see before it answers: WWW-Authenticate (RFC 9110, 11.6.1) from a text to its parts. Pure. */
#pragma once

#include <stddef.h>

#include "base/arena.h"

enum challenge_scheme { CHALLENGE_NONE, CHALLENGE_BASIC, CHALLENGE_BEARER };
enum { CHALLENGE_TEXT_MAX = 16 << 10 };

struct challenge {
	enum challenge_scheme scheme;
	char *realm, *service, *scope; /* NULL when not given */
	char *error;                   /* what the registry says was wrong with a token, or NULL */
};

/*
 * The best that is known of several challenges (Bearer before Basic), from the values of all such headers. What can't be
 * read ends that header; CHALLENGE_NONE when nothing is left.
 */
struct challenge challenge_parse(struct arena *a, char *const *headers);
