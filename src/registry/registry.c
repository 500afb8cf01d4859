/* SPDX-License-Identifier: Apache-2.0 */
/* A registry session opened and closed; names to the places where they are asked for (registry.h). */
#include "registry/registry.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "registry/client.h"

int registry_open(const struct registry_options *options, struct registry **ret, struct err *e)
{
	struct registry *r = calloc(1, sizeof(*r));
	int rc;

	if (!r)
		abort();
	pthread_mutex_init(&r->mutex, NULL);
	r->options = *options;
	rc = conf_load(&r->arena, &r->conf, e);
	if (!rc)
		rc = tls_open(&r->tls, e);
	if (!rc)
		rc = http_open(r->tls, &r->http, e);
	if (rc) {
		registry_close(r);
		return rc;
	}
	*ret = r;
	return 0;
}

void registry_close(struct registry *r)
{
	if (!r)
		return;
	http_close(r->http);
	tls_close(r->tls);
	pthread_mutex_destroy(&r->mutex);
	arena_free(&r->arena);
	free(r);
}

/* ---- short names ---- */

static const char *find_alias(const struct registry *r, const char *name)
{
	size_t n = strlen(name);

	for (char **p = r->conf.aliases; p && *p; p++)
		if (!strncmp(*p, name, n) && (*p)[n] == '=' && (*p)[n + 1])
			return *p + n + 1;
	return NULL;
}

static int err_short(const struct reference *ref, struct err *e)
{
	err_new(e, ERR_USAGE, "%.100s is a short name, and nothing says what it stands for", ref->repository);
	err_because(e, "registries.conf has neither an alias of it nor unqualified-search-registries");
	return err_try(e, "rocket fetch docker.io/%s%.100s:%.60s", strchr(ref->repository, '/') ? "" : "library/",
		       ref->repository, ref->tag ? ref->tag : "latest");
}

int registry_complete(struct registry *r, struct arena *a, const struct reference *ref, struct reference **ret,
		      size_t *ret_n, struct err *e)
{
	const char *alias = ref->host ? NULL : find_alias(r, ref->repository);
	size_t n = strv_len(r->conf.search), done = 0;
	int rc = 0;

	*ret = arena_alloc(a, (n + 1) * sizeof(**ret));
	if (ref->host) {
		(*ret)[done++] = *ref;
	} else if (alias) {
		struct reference whole = *ref, place;

		rc = reference_parse(a, alias, &place, e);
		if (!rc && (place.transport != REFERENCE_REGISTRY || !place.host))
			rc = err_new(e, ERR_USAGE, "registries.conf: the alias of %.100s is no full name", ref->repository);
		if (!rc) {
			whole.host = place.host;
			whole.repository = place.repository;
			(*ret)[done++] = whole;
		}
	}
	for (size_t i = 0; !rc && !ref->host && !alias && i < n; i++)
		rc = reference_complete(a, ref, r->conf.search[i], &(*ret)[done++], e);
	if (!rc && !done)
		rc = err_short(ref, e);
	*ret_n = done;
	return rc;
}

/* ---- repositories ---- */

/* docker.io is a name; its registry is another host. */
static const char *api_host(const char *host)
{
	return str_equal(host, "docker.io") ? "registry-1.docker.io" : host;
}

static int add_endpoint(struct registry *r, struct registry_repo *repo, const char *place, bool insecure,
			const struct conf_mirror *mirror, struct err *e)
{
	size_t n = strcspn(place, "/");
	struct endpoint *ep = arena_new(&r->arena, struct endpoint);
	char *host = arena_strndup(&r->arena, place, n);

	ep->registry = r;
	ep->name = arena_strdup(&r->arena, place);
	ep->host = arena_strdup(&r->arena, api_host(host));
	ep->repository = arena_strdup(&r->arena, place[n] ? place + n + 1 : "");
	ep->insecure_tls = insecure || r->options.insecure_tls;
	ep->plain_http = insecure || r->options.insecure_http;
	ep->is_mirror = mirror != NULL;
	ep->pull = mirror ? mirror->pull : CONF_PULL_ALL;
	*list_add(&r->arena, &repo->endpoints) = ep;
	int rc = tls_prepare(r->tls, host, e);

	if (!rc && strcmp(host, ep->host))
		rc = tls_prepare(r->tls, ep->host, e);
	if (!rc && r->options.user && !mirror) {
		ep->credentials = (struct credentials){
			.user = arena_strdup(&r->arena, r->options.user),
			.password = arena_strdup(&r->arena, r->options.password),
			.origin = (char *)"the command line",
		};
		return 0;
	}
	return rc ? rc : auth_find(&r->arena, r->options.auth_file, place, &ep->credentials, e);
}

static int add_mirrors(struct registry *r, struct registry_repo *repo, const struct conf_registry *entry, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < entry->mirrors.n && !rc; i++) {
		struct conf_mirror mirror = entry->mirrors.v[i];
		char *place = conf_rewrite(&r->arena, entry, mirror.location, repo->name);

		if (entry->by_digest_only && mirror.pull == CONF_PULL_ALL)
			mirror.pull = CONF_PULL_DIGEST;
		if (place)
			rc = add_endpoint(r, repo, place, mirror.insecure, &mirror, e);
	}
	return rc;
}

static int err_blocked(const char *name, const struct conf_registry *entry, struct err *e)
{
	err_new(e, ERR_POLICY, "%.150s is blocked", name);
	err_because(e, "registries.conf says so for %.150s", entry->prefix);
	return err_try(e, "grep -rn blocked /etc/containers/registries.conf /etc/containers/registries.conf.d");
}

static int find_places(struct registry *r, struct registry_repo *repo, bool for_push, struct err *e)
{
	const struct conf_registry *entry = conf_find(&r->conf, repo->name);
	char *place = repo->name;
	int rc = 0;

	if (entry && entry->blocked)
		return err_blocked(repo->name, entry, e);
	if (entry && !for_push)
		rc = add_mirrors(r, repo, entry, e);
	if (entry && entry->location && strcmp(entry->location, entry->prefix))
		place = conf_rewrite(&r->arena, entry, entry->location, repo->name);
	if (!rc && entry && !place)
		rc = err_new(e, ERR_USAGE, "registries.conf sends %.100s to %.100s, which is no place for it", repo->name,
			     entry->location);
	return rc ? rc : add_endpoint(r, repo, place, entry && entry->insecure, NULL, e);
}

int registry_find(struct registry *r, const struct reference *ref, bool for_push, struct registry_repo **ret, struct err *e)
{
	struct registry_repo *repo = arena_new(&r->arena, struct registry_repo);
	int rc;

	repo->registry = r;
	repo->name = reference_repository(&r->arena, ref);
	rc = find_places(r, repo, for_push, e);
	if (rc)
		return rc;
	*list_add(&r->arena, &r->repos) = repo;
	*ret = repo;
	return 0;
}

const char *registry_repo_name(const struct registry_repo *repo)
{
	return repo->name;
}

struct endpoint *repo_own(struct registry_repo *repo)
{
	return repo->endpoints.v[repo->endpoints.n - 1];
}

static bool serves(const struct endpoint *ep, bool by_digest)
{
	if (ep->is_dead && ep->is_mirror)
		return false;
	return ep->pull == CONF_PULL_ALL || (ep->pull == CONF_PULL_DIGEST) == by_digest;
}

int repo_each(struct registry_repo *repo, bool by_digest, endpoint_ask *ask, void *ctx, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < repo->endpoints.n; i++) {
		struct endpoint *ep = repo->endpoints.v[i];

		if (!serves(ep, by_digest))
			continue;
		*e = (struct err){};
		r = ask(ep, ctx, e);
		if (!r || r == -ERR_BUSY)
			return r;
		if (ep->is_mirror && r == -ERR_NETWORK)
			ep->is_dead = true;
	}
	return r;
}
