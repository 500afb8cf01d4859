/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials where docker and podman keep them: auth.json and docker's config.json, which have one format
 * (containers-auth.json(5)), and the helper programs that such files name.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

struct credentials {
	char *user, *password; /* NULL: none */
	char *identity_token;  /* OAuth2: instead of a password, or NULL */
	char *origin;          /* where they were found, for messages */
};

struct auth_entry {
	char *key; /* "HOST", "HOST/PATH" */
	struct credentials credentials;
};

struct auth_file {
	LIST(struct auth_entry) entries;
	char **helpers; /* "HOST=HELPER" */
	char *store;    /* the helper for all hosts, or NULL */
};

/* One file's text; strict about what is used, the rest is passed over. Pure. */
[[nodiscard]] int auth_file_parse(struct arena *a, const char *file, const char *text, size_t len, struct auth_file *ret,
				  struct err *e);
/* The entry for "HOST/REPOSITORY": the longest key that is it or above it. NULL when there is none. */
const struct credentials *auth_file_find(const struct auth_file *file, const char *repository);

/* The text of a file with one entry changed (credentials) or taken away (NULL); the rest stays as it is. text NULL: a new file. */
[[nodiscard]] int auth_file_edit(struct arena *a, const char *file, const char *text, size_t len, const char *key,
				 const struct credentials *credentials, char **ret_text, bool *ret_changed, struct err *e);

/*
 * For "HOST/REPOSITORY": the first file that has some, in the order of containers-auth.json(5); a helper that a file
 * names is run. Runs on the host, before any privilege is given up. No credentials are no error: *ret is empty.
 */
[[nodiscard]] int auth_find(struct arena *a, const char *auth_file, const char *repository, struct credentials *ret,
			    struct err *e);
/* Keeps or forgets what is known of KEY; *ret_where says where, for people. ERR_NOT_FOUND: there was nothing to forget. */
[[nodiscard]] int auth_keep(struct arena *a, const char *auth_file, const char *key, const struct credentials *c,
			    char **ret_where, struct err *e);
[[nodiscard]] int auth_forget(struct arena *a, const char *auth_file, const char *key, char **ret_where, struct err *e);
