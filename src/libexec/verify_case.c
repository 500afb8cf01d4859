/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a judgement depends on, gathered while files may still be opened: rules, policy, the keys that they
 * name, and the image's signatures as bytes. None of the hostile bytes is looked at here. What is watched is looked at
 * first, so that a change in between makes the judgement stale and never fresh.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"
#include "libexec/verify_tool.h"
#include "trust/base64.h"
#include "trust/scope.h"

enum { KEY_FILE_MAX = 256 << 10, EVIDENCE_MAX = 64 << 20 };

static int load_items(struct verify_tool *t, const char *digest, struct judge_case *c, struct err *e)
{
	struct artifacts all;
	uint64_t total = 0;
	int r = artifact_list(&t->store, &t->arena, digest, &all, e);

	for (size_t i = 0; r == 0 && i < all.list.n; i++) {
		struct judge_item item = {.artifact = all.list.v[i]};
		struct err gone = {};
		autofree char *text = NULL;

		total += item.artifact.size;
		if (total > EVIDENCE_MAX)
			return err_new(e, ERR_POLICY, "the signatures and attestations of %.80s are larger than 64 MiB", digest);
		/* What was removed or damaged vouches for nothing. */
		if (artifact_read(&t->store, &item.artifact, &text, &item.n, &gone) < 0)
			continue;
		item.bytes = memcpy(arena_alloc(&t->arena, item.n + 1), text, item.n);
		*list_add(&t->arena, &c->items) = item;
	}
	return r;
}

/* One key a rule, so that the indices agree. */
static void load_rule_keys(struct verify_tool *t, const struct rules *rules, struct judge_case *c)
{
	for (size_t i = 0; i < rules->list.n; i++) {
		const struct rule *rule = &rules->list.v[i];

		*list_add(&t->arena, &c->rule_keys) = (struct judge_key){
			.source = arena_printf(&t->arena, "rule %s", rule->id),
			.bytes = rule->key,
			.n = rule->key ? strlen(rule->key) : 0,
		};
	}
}

static struct judge_key load_policy_key(struct verify_tool *t, struct verify_cases *cases, const struct policy_key *key)
{
	struct judge_key k = {.source = key->path ? key->path : "in the policy's keyData"};
	struct err ignored = {};
	uint8_t *bytes = NULL;
	char *text = NULL;
	size_t n;

	if (key->path) {
		verdict_watch(&t->arena, &cases->record, key->path);
		if (verify_read_file(t, key->path, KEY_FILE_MAX, &text, &n, &ignored) == 0)
			k = (struct judge_key){k.source, text, n};
	} else if (base64_decode(&t->arena, key->base64, strlen(key->base64), BASE64_SKIP_SPACE, &bytes, &n)) {
		k = (struct judge_key){k.source, (char *)bytes, n};
	}
	return k;
}

static void load_policy_keys(struct verify_tool *t, struct verify_cases *cases, struct judge_case *c)
{
	const struct policy_scope *scope = c->name ? policy_find(&cases->policy, c->transport, c->name) : NULL;

	for (size_t i = 0; scope && i < scope->all.n; i++)
		for (size_t k = 0; k < scope->all.v[i].keys.n; k++)
			*list_add(&t->arena, &c->policy_keys) = load_policy_key(t, cases, &scope->all.v[i].keys.v[k]);
}

static void add_case(struct verify_tool *t, struct verify_cases *cases, const struct judge_case *like, const char *name)
{
	struct judge_case c = *like;

	for (size_t i = 0; i < cases->list.n; i++)
		if (str_equal(cases->list.v[i].name, name))
			return;
	c.name = name;
	load_policy_keys(t, cases, &c);
	*list_add(&t->arena, &cases->list) = c;
}

/* The names that it was fetched under are known from earlier; before that it is judged as it is called. */
static void add_cases(struct verify_tool *t, const struct store_image *found, const char *extra,
		      struct verify_cases *cases, const struct judge_case *like)
{
	struct trust_record old = {};
	struct err ignored = {};

	if (extra)
		add_case(t, cases, like, scope_full_name(&t->arena, extra));
	if (verdict_read(&t->store, &t->arena, found->image.manifest_digest, &old, &ignored) == 0)
		for (size_t i = 0; i < old.verdicts.n; i++)
			add_case(t, cases, like, old.verdicts.v[i].name);
	if (!cases->list.n)
		add_case(t, cases, like, scope_full_name(&t->arena, found->name));
}

int verify_load(struct verify_tool *t, const struct store_image *found, const char *extra, struct verify_cases *ret,
		struct err *e)
{
	const char *digest = found->image.manifest_digest;
	struct verify_cases *cases = ret;
	char **places = NULL;
	struct policy none = {};
	int r;

	*cases = (struct verify_cases){};
	verdict_watch(&t->arena, &cases->record, artifact_list_path(&t->store, &t->arena, digest));
	verdict_watch(&t->arena, &cases->record, RULES_VENDOR_DIR);
	verdict_watch(&t->arena, &cases->record, RULES_HOST_DIR);
	verdict_watch(&t->arena, &cases->record, arena_printf(&t->arena, "%s/trust", t->dir));
	policy_places(&t->arena, &places);
	for (char **p = places; p && *p; p++)
		verdict_watch(&t->arena, &cases->record, *p);
	cases->policy = none;
	r = policy_load(&t->arena, &cases->policy, e);
	if (r == 0)
		r = rules_load(&t->arena, t->dir, RULES_IN_FORCE, &cases->rules, e);
	if (r < 0)
		return r;
	struct judge_case like = {
		.transport = found->image.format == IMAGE_ACI ? "aci" : "docker",
		.digest = digest,
		.rules = &cases->rules,
		.policy = &cases->policy,
	};

	load_rule_keys(t, &cases->rules, &like);
	r = load_items(t, digest, &like, e);
	if (r == 0)
		add_cases(t, found, extra, cases, &like);
	return r;
}
