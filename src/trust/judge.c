/* SPDX-License-Identifier: Apache-2.0 */
/* The order of what decides (trust/judge.h): rejection, pin, rule, policy. */
#include "trust/judge.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "trust/evidence.h"
#include "trust/scope.h"

struct judging {
	const struct judge_case *c;
	struct arena *a;
	struct evidence evidence;
	struct trust_verdict *v;
	const struct policy_scope *scope; /* of the policy; NULL without a name */
	bool wants_signature;             /* a rule of `rocket trust` covers the name, with a key */
};

static const char *scope_text(struct judging *j)
{
	const struct policy_scope *s = j->scope;

	if (!s->transport)
		return arena_printf(j->a, "%s, default", j->c->policy->path);
	return arena_printf(j->a, "%s, %s:%s", j->c->policy->path, s->transport, s->scope);
}

static void accept(struct judging *j, const char *how, const char *rule, const struct evidence_found *found)
{
	j->v->accepted = true;
	j->v->how = arena_strdup(j->a, how);
	j->v->rule = arena_strdup(j->a, rule);
	j->v->because = j->v->hint = NULL;
	if (!found)
		return;
	j->v->key = found->key;
	j->v->layout = arena_strdup(j->a, found->layout);
	j->v->signature = found->signature;
}

static void refuse(struct judging *j, const char *rule, const char *because)
{
	j->v->rule = arena_strdup(j->a, rule);
	j->v->because = arena_strdup(j->a, because);
}

/* "docker.io/library" of "docker.io/library/nginx:1.27": what a rule could cover. */
static char *parent_of(struct arena *a, const char *name)
{
	char *repo = scope_repository(a, name), *slash = strrchr(repo, '/');

	if (slash)
		*slash = 0;
	return repo;
}

/* ---- pins ---- */

/* Pins name what people saw: the manifest's digest, or that of the index which led to it. */
static bool is_pinned_digest(const struct judging *j, const char *digest)
{
	for (size_t i = 0; i < j->evidence.digests.n; i++)
		if (str_equal(j->evidence.digests.v[i], digest))
			return true;
	return false;
}

static bool try_pins(struct judging *j)
{
	char *repo = j->c->name ? scope_repository(j->a, j->c->name) : NULL;

	for (size_t i = 0; i < j->c->rules->list.n; i++) {
		const struct rule *rule = &j->c->rules->list.v[i];

		if (rule->kind != RULE_PIN || !is_pinned_digest(j, rule->digest))
			continue;
		if (repo && !str_equal(scope_repository(j->a, rule->name), repo))
			continue;
		accept(j, "pinned", arena_printf(j->a, "pin %s of %s", rule->id, rule->name), NULL);
		return true;
	}
	return false;
}

/* ---- rules ---- */

/* The longest prefix that covers the name. */
static size_t best_prefix(const struct judging *j)
{
	size_t best = 0;

	for (size_t i = 0; i < j->c->rules->list.n; i++) {
		const struct rule *rule = &j->c->rules->list.v[i];
		bool covers = rule->prefix && (rule->kind == RULE_KEY || rule->kind == RULE_ANY) &&
			      scope_covers(rule->prefix, j->c->name);

		if (covers && strlen(rule->prefix) > best)
			best = strlen(rule->prefix);
	}
	return best;
}

static int try_key(struct judging *j, size_t i, struct err *e)
{
	/* The key is bound to the prefix already; the signature must name the repository, if it names anything. */
	const struct policy_identity same = {.match = POLICY_MATCH_REPOSITORY};
	const struct rule *rule = &j->c->rules->list.v[i];
	const struct judge_key *key = &j->c->rule_keys.v[i];
	struct evidence_found found = {};
	int r = rule->key_kind == RULE_OPENPGP ?
			evidence_openpgp(&j->evidence, key, &same, &found, e) :
			evidence_sigstore(&j->evidence, key, &same, EVIDENCE_UNNAMED_TOO, &found, e);

	if (r > 0)
		accept(j, "signed", arena_printf(j->a, "rule %s for %s", rule->id, rule->prefix), &found);
	return r;
}

/* 1 decided for it, 0 not. */
static int try_rules(struct judging *j, struct err *e)
{
	size_t best = j->c->name ? best_prefix(j) : 0;
	const struct rule *covering = NULL;
	int r = 0;

	for (size_t i = 0; best && r == 0 && i < j->c->rules->list.n; i++) {
		const struct rule *rule = &j->c->rules->list.v[i];

		if (!rule->prefix || strlen(rule->prefix) != best || !scope_covers(rule->prefix, j->c->name))
			continue;
		covering = rule;
		if (rule->kind == RULE_KEY) {
			j->wants_signature = true;
			r = try_key(j, i, e);
		} else if (rule->kind == RULE_ANY) {
			accept(j, "accepted", arena_printf(j->a, "rule %s for %s", rule->id, rule->prefix), NULL);
			r = 1;
		}
	}
	if (r == 0 && covering)
		refuse(j, arena_printf(j->a, "rule %s for %s", covering->id, covering->prefix),
		       arena_printf(j->a, "%s (rule %s for %s)", j->evidence.because, covering->id, covering->prefix));
	return r;
}

/* ---- the policy ---- */

/* Any of a requirement's keys; 1, 0 or -code. *inout_key walks over policy_keys. */
static int try_requirement_keys(struct judging *j, const struct policy_requirement *q, size_t *inout_key,
				struct evidence_found *found, struct err *e)
{
	size_t end = *inout_key + q->keys.n;
	int r = 0;

	for (; r == 0 && *inout_key < end; (*inout_key)++) {
		const struct judge_key *key = &j->c->policy_keys.v[*inout_key];

		r = q->type == POLICY_SIGNED_BY ?
			    evidence_openpgp(&j->evidence, key, &q->identity, found, e) :
			    evidence_sigstore(&j->evidence, key, &q->identity, EVIDENCE_NAMED, found, e);
	}
	*inout_key = end;
	return r;
}

/* 1 met, 0 not (refused then), -code. */
static int try_requirement(struct judging *j, const struct policy_requirement *q, size_t *inout_key,
			   struct evidence_found *found, struct err *e)
{
	int r;

	switch (q->type) {
	case POLICY_ACCEPT:
		return 1;
	case POLICY_REJECT:
		refuse(j, scope_text(j), arena_printf(j->a, "the policy rejects it (policy: %s)", scope_text(j)));
		return 0;
	case POLICY_UNSUPPORTED:
		refuse(j, scope_text(j), arena_printf(j->a, "the policy asks for %s, which Rocket can't check (policy: %s)",
						      q->unsupported, scope_text(j)));
		*inout_key += q->keys.n;
		return 0;
	case POLICY_SIGNED_BY:
	case POLICY_SIGSTORE:
		break;
	}
	r = try_requirement_keys(j, q, inout_key, found, e);
	if (r == 0)
		refuse(j, scope_text(j), arena_printf(j->a, "%s (policy: %s)", j->evidence.because, scope_text(j)));
	return r;
}

static void refuse_uncovered(struct judging *j)
{
	const struct policy *p = j->c->policy;

	if (!j->c->name)
		refuse(j, "", "it has no name that a rule could cover");
	else
		refuse(j, "",
		       arena_printf(j->a, p->is_there ? "no rule covers %s (policy: %s, default)" :
							"no rule covers %s (policy: there is no %s)",
				    parent_of(j->a, j->c->name), p->path));
}

/* Nothing but "insecureAcceptAnything", with nobody who meant this name in particular. */
static bool says_nothing(const struct judging *j)
{
	bool accepts_all = true;

	for (size_t i = 0; i < j->scope->all.n; i++)
		accepts_all &= j->scope->all.v[i].type == POLICY_ACCEPT;
	return accepts_all && (!j->scope->transport || j->wants_signature);
}

static int try_policy(struct judging *j, struct err *e)
{
	struct evidence_found found = {};
	size_t key = 0;
	int r = 1;

	if (!j->scope || !j->c->policy->is_there || says_nothing(j)) {
		if (!j->v->because)
			refuse_uncovered(j);
		return 0;
	}
	/* A default that rejects has nothing to add where a rule of ours refused. */
	if (j->wants_signature && !j->scope->transport)
		return 0;
	for (size_t i = 0; r > 0 && i < j->scope->all.n; i++)
		r = try_requirement(j, &j->scope->all.v[i], &key, &found, e);
	if (r > 0)
		accept(j, found.key ? "signed" : "accepted", scope_text(j), found.key ? &found : NULL);
	return r;
}

/* A scope of the name's own with "reject" in it: nobody but who wrote it can undo that. */
static bool is_rejected(struct judging *j)
{
	for (size_t i = 0; j->scope && j->scope->transport && *j->scope->scope && i < j->scope->all.n; i++) {
		if (j->scope->all.v[i].type != POLICY_REJECT)
			continue;
		refuse(j, scope_text(j), arena_printf(j->a, "the policy rejects it (policy: %s)", scope_text(j)));
		j->v->hint = arena_printf(j->a, "rocket trust list   (and what %s says of it)", j->c->policy->path);
		return true;
	}
	return false;
}

int judge(const struct judge_case *c, struct arena *a, struct trust_verdict *ret, struct err *e)
{
	struct trust_verdict v = {.name = arena_strdup(a, c->name), .digest = arena_strdup(a, c->digest)};
	struct judging j = {.c = c, .a = a, .evidence = {.c = c, .a = a}, .v = &v};
	int r = 0;

	j.scope = c->name ? policy_find(c->policy, c->transport, c->name) : NULL;
	evidence_begin(&j.evidence);
	if (!is_rejected(&j) && !try_pins(&j)) {
		r = try_rules(&j, e);
		if (r == 0)
			r = try_policy(&j, e);
	}
	if (r < 0)
		return r;
	*ret = v;
	return 0;
}
