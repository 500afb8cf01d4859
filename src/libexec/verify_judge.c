/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rocket-verify judge [--as NAME] [--keep] IMAGE…: judges images anew and keeps what came out beside them. --as: IMAGE
 * was fetched under this name just now. Exit code 5 when one of them may not run; with --keep that is no failure, since who
 * asked reads what was kept.
 */
#include <string.h>

#include "base/opt.h"
#include "base/record.h"
#include "base/str.h"
#include "libexec/verify_tool.h"
#include "trust/scope.h"

int verify_judge_image(struct verify_tool *t, const struct store_image *found, const char *extra,
		       const struct trust_verdict **ret, struct err *e)
{
	struct verify_cases *cases = arena_new(&t->arena, struct verify_cases);
	const char *digest = found->image.manifest_digest;
	int r = verify_load(t, found, extra, cases, e);

	if (r == 0)
		r = verify_run_worker(t, cases, e);
	if (r == 0)
		r = verdict_write(&t->store, digest, &cases->record, e);
	if (r == 0)
		*ret = verdict_for(&cases->record, scope_full_name(&t->arena, extra ? extra : found->name), digest);
	return r;
}

static int say(struct verify_tool *t, const struct trust_verdict *v, struct err *e)
{
	autostr out = {};

	if (!t->json) {
		verify_say(t, "%s: %s by %s%s%s", v->name ? v->name : v->digest, v->how, v->rule, v->key ? ", key " : "",
			   v->key ? v->key : "");
		return 0;
	}
	record_write(&out, &trust_verdict_set, v, RECORD_COMPACT);
	str_add_char(&out, '\n');
	return verify_print(out.text, out.len, e);
}

static int judge_one(struct verify_tool *t, const char *word, const char *extra, bool keep, struct err *e)
{
	const struct trust_verdict *v = NULL;
	struct store_image found;
	int r = store_find_image(&t->store, &t->arena, word, &found, e);

	if (r == 0)
		r = verify_judge_image(t, &found, extra, &v, e);
	if (r < 0 || keep)
		return r;
	if (!v)
		return err_new(e, ERR_POLICY, "%s can't be judged", word);
	return v->accepted ? say(t, v, e) : verdict_refuse(v, word, e);
}

int verify_judge(struct verify_tool *t, int argc, char **argv, struct err *e)
{
	static const struct opt opts[] = {
		{"as", .id = 'a', .arg = "NAME", .help = "the name that it was fetched under"},
		{"keep", .id = 'k', .help = "only keep the answer"},
		{},
	};
	const struct opt *const tables[] = {opts, NULL};
	struct opt_walk w = {.argc = argc, .argv = argv, .tables = tables};
	const char *extra = NULL, *value;
	const struct opt *o;
	bool keep = false;
	int r;

	while ((r = opt_next(&w, &o, &value, e)) > 0) {
		keep |= o->id == 'k';
		extra = o->id == 'a' ? value : extra;
	}
	if (r == 0 && w.at == argc)
		r = err_new(e, ERR_USAGE, "judge takes images");
	for (int i = w.at; r == 0 && i < argc; i++)
		r = judge_one(t, argv[i], extra, keep, e);
	return r;
}
