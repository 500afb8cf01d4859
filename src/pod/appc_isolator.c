/* SPDX-License-Identifier: Apache-2.0 */
/*
 * appc's isolators (specification 0.8, "ac isolators") as one table: name, where it may stand, what
 * it does. One that is not in the table, or can't be enforced, is refused by name. Pure.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "base/unit.h"
#include "pod/appc_parts.h"
#include "pod/caps.h"
#include "pod/limits.h"
#include "pod/native_parts.h"
#include "pod/place.h"

/* One isolator's value; app NULL: the whole pod's. */
typedef int isolate_fn(struct appc *k, const struct doc *value, struct pod_app *app, struct err *e);

static struct plan_limits *limits_of(struct appc *k, struct pod_app *app)
{
	return app ? &app->limits : &k->pod.limits;
}

/* ---- capabilities ---- */

static int read_set(const struct doc *value, uint64_t *ret, struct err *e)
{
	const struct doc *set = doc_get(value, "set");
	uint64_t all = 0, one;

	if (!set || set->kind != DOC_LIST || !set->n)
		return place_bad(value, e, "expected {\"set\": [\"CAP_…\"]} that is not empty");
	for (const struct doc *c = set->child; c; c = c->next) {
		if (!c->text)
			return place_bad(c, e, "expected a capability such as CAP_NET_ADMIN");
		if (caps_parse(c->text, &one, e))
			return place_err(c, e);
		all |= one;
	}
	*ret = all;
	return 0;
}

static int caps_remove(struct appc *k, const struct doc *value, struct pod_app *app, struct err *e)
{
	uint64_t set;
	int rc = read_set(value, &set, e);

	if (!rc)
		app->cap_drop |= set;
	return rc;
}

/* What is kept beyond the standard ones is a hole. */
static int caps_retain(struct appc *k, const struct doc *value, struct pod_app *app, struct err *e)
{
	uint64_t set;
	int rc = read_set(value, &set, e);

	if (rc)
		return rc;
	app->cap_drop |= caps_all & ~set;
	for (unsigned n = 0; caps_name(n) && !rc; n++)
		if (set & ~caps_default & (UINT64_C(1) << n))
			rc = front_add_hole(k->in, &k->pod, value,
					    arena_printf(k->arena, "cap:%s", caps_name(n)),
					    app->name, "os/linux/capabilities-retain-set", e);
	return rc;
}

/* True is what every app has; false opens a hole. */
static int no_new_privs(struct appc *k, const struct doc *value, struct pod_app *app, struct err *e)
{
	if (value->kind != DOC_BOOL)
		return place_bad(value, e, "expected true or false");
	if ((value->text[0] | 0x20) == 't')
		return 0;
	return front_add_hole(k->in, &k->pod, value, "newprivs", app->name,
			      "os/linux/no-new-privileges: false", e);
}

/* ---- numbers ---- */

static int oom_score(struct appc *k, const struct doc *value, struct pod_app *app, struct err *e)
{
	bool minus = value->text && value->text[0] == '-';
	uint64_t score;

	if (!value->text || unit_parse_u64(value->text + minus, 0, 1000, &score))
		return place_bad(value, e, "expected a number from -1000 to 1000");
	app->oom_score = minus ? -(int64_t)score : (int64_t)score;
	return 0;
}

static int cpu_shares(struct appc *k, const struct doc *value, struct pod_app *app, struct err *e)
{
	uint64_t shares;

	if (!value->text || unit_parse_u64(value->text, 2, 262144, &shares))
		return place_bad(value, e, "expected a number from 2 to 262144");
	limits_of(k, app)->cpu_shares = (uint32_t)shares;
	return 0;
}

/* {"request": …, "limit": …}; anything else in it is refused. */
static int request_and_limit(const struct doc *value, const struct doc **ret_request,
			     const struct doc **ret_limit, struct err *e)
{
	*ret_request = *ret_limit = NULL;
	for (const struct doc *c = value->kind == DOC_MAP ? value->child : NULL; c; c = c->next) {
		if (!strcmp(c->key, "request"))
			*ret_request = c;
		else if (!strcmp(c->key, "limit"))
			*ret_limit = c;
		else if (strcmp(c->key, "default"))
			return doc_key_err(c, e,
					   "expected request and limit, and '%.40s' stands there",
					   c->key);
		else if (c->kind != DOC_BOOL || (c->text[0] | 0x20) != 'f')
			return place_bad(c, e, "default can only be false here");
	}
	return *ret_request || *ret_limit ? 0 : place_bad(value, e, "expected request or limit");
}

static int memory(struct appc *k, const struct doc *value, struct pod_app *app, struct err *e)
{
	struct plan_limits *l = limits_of(k, app);
	const struct doc *request, *limit;
	int rc = request_and_limit(value, &request, &limit, e);

	if (rc)
		return rc;
	if (limit && (!limit->text || unit_parse_size(limit->text, &l->memory_bytes)))
		return place_bad(limit, e, "expected a quantity such as 64Mi");
	if (request && (!request->text || unit_parse_size(request->text, &l->memory_request_bytes)))
		return place_bad(request, e, "expected a quantity such as 64Mi");
	return 0;
}

static int cpu(struct appc *k, const struct doc *value, struct pod_app *app, struct err *e)
{
	struct plan_limits *l = limits_of(k, app);
	const struct doc *request, *limit;
	uint32_t milli;
	int rc = request_and_limit(value, &request, &limit, e);

	if (rc)
		return rc;
	if (limit && (!limit->text || unit_parse_cpus(limit->text, &l->cpus_milli)))
		return place_bad(limit, e, "expected a quantity of CPUs such as 500m");
	if (!request)
		return 0;
	if (!request->text || unit_parse_cpus(request->text, &milli) || milli > 256000)
		return place_bad(request, e, "expected a quantity of CPUs such as 500m");
	l->cpu_shares = milli * 1024 / 1000 < 2 ? 2 : milli * 1024 / 1000;
	return 0;
}

static int sysctl(struct appc *k, const struct doc *value, struct pod_app *app, struct err *e)
{
	return native_decode_sysctls(k->arena, value, app ? &app->sysctls : &k->pod.sysctls, e);
}

static const struct isolator {
	const char *name;
	isolate_fn *apply; /* NULL: known, can't be enforced yet */
	bool app, pod;     /* where it may stand */
} isolators[] = {
	{"os/linux/capabilities-remove-set", caps_remove, .app = true},
	{"os/linux/capabilities-retain-set", caps_retain, .app = true},
	{"os/linux/no-new-privileges", no_new_privs, .app = true},
	{"os/linux/oom-score-adj", oom_score, .app = true},
	{"os/linux/cpu-shares", cpu_shares, .app = true, .pod = true},
	{"os/linux/seccomp-remove-set", NULL, .app = true},
	{"os/linux/seccomp-retain-set", NULL, .app = true},
	{"os/linux/selinux-context", NULL, .app = true, .pod = true},
	{"os/linux/apparmor-profile", NULL, .app = true},
	{"os/unix/sysctl", sysctl, .app = true, .pod = true},
	{"resource/cpu", cpu, .app = true, .pod = true},
	{"resource/memory", memory, .app = true, .pod = true},
	{"resource/block-bandwidth", NULL, .app = true, .pod = true},
	{"resource/block-iops", NULL, .app = true, .pod = true},
	{"resource/network-bandwidth", NULL, .app = true, .pod = true},
};

static const struct isolator *find_isolator(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(isolators); i++)
		if (!strcmp(isolators[i].name, name))
			return &isolators[i];
	return NULL;
}

static int check_unique(const struct doc *first, const struct doc *node, const char *name,
			struct err *e)
{
	for (const struct doc *c = first; c != node; c = c->next)
		if (str_equal(doc_get_str(c, "name"), name))
			return place_bad(node, e, "the isolator %.60s is given twice", name);
	return 0;
}

static int add_isolator(struct appc *k, const struct doc *node, struct pod_app *app, struct err *e)
{
	const char *name = doc_get_str(node, "name");
	const struct doc *value = doc_get(node, "value");
	const struct isolator *i = name ? find_isolator(name) : NULL;

	if (!name || !value || node->n != 2)
		return place_bad(node, e, "an isolator has a name and a value");
	if (!i)
		return front_refuse(k->in, node, e, "the isolator %.80s, which nobody knows", name);
	if (app ? !i->app : !i->pod)
		return place_bad(node, e, "the isolator %s does not belong to %s", name,
				 app ? "an app" : "a pod");
	if (!i->apply)
		return front_refuse(k->in, node, e, "the isolator %s", name);
	return i->apply(k, value, app, e);
}

int appc_add_isolators(struct appc *k, const struct doc *list, struct pod_app *app, struct err *e)
{
	int rc = 0;

	if (!list)
		return 0;
	if (list->kind != DOC_LIST)
		return place_bad(list, e, "isolators must be a list");
	for (const struct doc *c = list->child; c && !rc; c = c->next) {
		const char *name = doc_get_str(c, "name");

		rc = name ? check_unique(list->child, c, name, e) : 0;
		if (!rc)
			rc = add_isolator(k, c, app, e);
	}
	if (!rc && limits_check(limits_of(k, app), e))
		return place_err(list, e);
	return rc;
}
