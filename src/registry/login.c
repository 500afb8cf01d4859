/* SPDX-License-Identifier: Apache-2.0 */
/* What a registry answers when it is asked for nothing but itself: who we are there, and whether it is one (registry.h). */
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "registry/client.h"

enum { TRIES = 2, ANSWER_MAX = 1 << 20 };

int registry_check_login(struct registry *r, const char *key, struct err *e)
{
	autoarena a = {};
	struct reference ref = {
		.host = arena_strndup(&a, key, strcspn(key, "/")),
		.repository = arena_strdup(&a, strchr(key, '/') ? strchr(key, '/') + 1 : ""),
	};
	struct http_response answer = {};
	struct endpoint_request q = {.path = "/v2/", .http = {.limit = ANSWER_MAX}};
	struct registry_repo *repo;
	int rc = registry_find(r, &ref, true, &repo, e);

	if (rc)
		return rc;
	/* Whether we are known does not hang on the right to a repository. */
	repo_own(repo)->repository = arena_strdup(&r->arena, "");
	rc = endpoint_send(repo_own(repo), &a, &q, TRIES, &answer, e);
	if (!rc && answer.status == 401) {
		err_new(e, ERR_NETWORK, "%.150s does not take this user name and password", key);
		err_because(e, "it answers 401");
		rc = err_try(e, "rocket login %.150s   (once more)", key);
	} else if (!rc && answer.status / 100 != 2) {
		rc = endpoint_err(repo_own(repo), &answer, "to be asked who we are", e);
	}
	str_free(&answer.body);
	return rc;
}

bool registry_is_one(struct registry_repo *repo)
{
	autoarena a = {};
	struct endpoint *ep = repo_own(repo);
	struct http_response r = {};
	struct http_request q = {
		.url = endpoint_url(ep, &a, "/v2/"),
		.limit = ANSWER_MAX,
		.insecure_tls = ep->insecure_tls,
		.plain_http = ep->speaks_http,
	};
	struct err ignored = {};
	int rc = http_send(ep->registry->http, &a, &q, &r, &ignored);

	str_free(&r.body);
	return rc || r.status == 200 || r.status == 401 || r.version;
}
