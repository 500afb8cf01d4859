/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a policy.json, and as the records of trust: what is accepted keeps its promises. */
#include <stdint.h>
#include <stdlib.h>

#include "base/record.h"
#include "trust/policy.h"
#include "trust/rules.h"
#include "trust/verdict.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_scope(const struct policy_scope *s)
{
	must(s->all.n > 0);
	for (size_t i = 0; i < s->all.n; i++)
		must(s->all.v[i].type != POLICY_UNSUPPORTED || s->all.v[i].unsupported);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	autoarena a = {};
	struct policy p;
	struct rule rule;
	struct trust_record record;
	struct err e = {};

	if (policy_parse(&a, "fuzz", (const char *)bytes, n, &p, &e) == 0) {
		check_scope(&p.fallback);
		for (size_t i = 0; i < p.scopes.n; i++)
			check_scope(&p.scopes.v[i]);
		must(policy_find(&p, "docker", "a.io/x:1"));
	} else {
		must(e.code && e.what[0]);
	}
	(void)!record_read(&a, &rule_set, (const char *)bytes, n, &rule, &e);
	if (record_read(&a, &trust_record_set, (const char *)bytes, n, &record, &e) == 0)
		(void)!verdict_for(&record, "a.io/x:1", "d");
	return 0;
}
