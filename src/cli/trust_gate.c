/* SPDX-License-Identifier: Apache-2.0 */
/* The way past the gate for images that were fetched (cli/trust_gate.h). */
#include "cli/trust_gate.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "cli/libexec.h"
#include "store/artifact.h"
#include "trust/scope.h"

bool trust_is_own(const struct image *img)
{
	return str_equal(img->vouch.how, "built") || str_equal(img->vouch.how, "imported");
}

/* Runs rocket-verify with these words, NULL-terminated. Its exit code, or -code. It says itself what went wrong. */
static int run_verify(struct cli *cli, char *const *words, bool quiet, struct err *e)
{
	char *program = NULL, **argv = NULL;
	int r = libexec_find(cli->arena, "rocket-verify", &program, e);
	autoclose int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (r < 0)
		return r;
	arena_strv_add(cli->arena, &argv, program);
	arena_strv_add(cli->arena, &argv, "--dir");
	arena_strv_add(cli->arena, &argv, cli->dir);
	arena_strv_add(cli->arena, &argv, "--run");
	arena_strv_add(cli->arena, &argv, cli->run_dir);
	if (quiet || cli->quiet)
		arena_strv_add(cli->arena, &argv, "--quiet");
	for (; *words; words++)
		arena_strv_add(cli->arena, &argv, *words);
	return libexec_run(program, argv, nowhere, e);
}

static int err_not_judged(int code, struct err *e)
{
	err_new(e, code > 0 ? code : ERR_FAILED, "it can't be told whether the image may run");
	err_because(e, "the lines above say why");
	return err_try(e, "rocket trust list");
}

/* By digest: a name may have moved meanwhile. */
static int judge_again(struct cli *cli, const char *digest, const char *as, struct err *e)
{
	char **words = NULL;

	arena_strv_add(cli->arena, &words, "judge");
	arena_strv_add(cli->arena, &words, "--keep");
	if (as) {
		arena_strv_add(cli->arena, &words, "--as");
		arena_strv_add(cli->arena, &words, as);
	}
	arena_strv_add(cli->arena, &words, digest);
	int r = run_verify(cli, words, true, e);

	return r <= 0 ? r : err_not_judged(r, e);
}

/* "docker://NAME:TAG@DIGEST" of where it was fetched from, as a name; else what it is called. */
static const char *fetched_name(struct cli *cli, const struct store_image *found)
{
	const char *source = found->image.vouch.source;

	if (!source || !str_has_prefix(source, "docker://"))
		return found->name;
	source += strlen("docker://");
	const char *at = strchr(source, '@'), *slash = strrchr(source, '/');

	if (!at || !slash)
		return found->name;
	bool tagged = memchr(slash, ':', (size_t)(at - slash)) != NULL;

	return tagged ? arena_strndup(cli->arena, source, (size_t)(at - source)) : source;
}

/* A name of a registry's is judged as itself; any other is one that was given here, to what is judged by its digest. */
static char *judged_name(struct cli *cli, const char *name)
{
	const char *slash = name ? strchr(name, '/') : NULL;
	size_t n = slash ? (size_t)(slash - name) : 0;

	if (!slash || !(memchr(name, '.', n) || memchr(name, ':', n) || (n == 9 && !memcmp(name, "localhost", 9))))
		return NULL;
	return scope_full_name(cli->arena, name);
}

static bool has_verdict(const struct trust_record *record, const char *full_name, const char *digest)
{
	for (size_t i = 0; i < record->verdicts.n; i++)
		if (str_equal(record->verdicts.v[i].name, full_name) && str_equal(record->verdicts.v[i].digest, digest))
			return true;
	return false;
}

static int read_fresh(struct cli *cli, const struct store *s, const struct store_image *found, struct trust_record *ret,
		      struct err *e)
{
	const char *digest = found->image.manifest_digest, *full = judged_name(cli, found->name), *as = NULL;
	struct err none = {};
	int r = verdict_read(s, cli->arena, digest, ret, &none);

	if (r < 0)
		as = full ? full : fetched_name(cli, found); /* never judged */
	else if (full && !has_verdict(ret, full, digest))
		as = full;
	else if (verdict_is_fresh(ret))
		return 0;
	r = judge_again(cli, digest, as, e);
	return r < 0 ? r : verdict_read(s, cli->arena, digest, ret, e);
}

static int decide(struct cli *cli, const struct trust_record *record, const struct store_image *found, const char *typed,
		  struct err *e)
{
	const struct trust_verdict *v =
		verdict_for(record, judged_name(cli, found->name), found->image.manifest_digest);

	if (v)
		return v->accepted ? 0 : verdict_refuse(v, typed, e);
	err_new(e, ERR_POLICY, "%.150s is not signed by anyone you trust", typed);
	err_because(e, "nothing is known of how it came here");
	return err_try(e, "rocket trust add --digest %.150s   (this exact image, from now on)", typed);
}

int trust_gate(struct cli *cli, const struct store *s, const struct store_image *found, const char *typed, struct err *e)
{
	struct trust_record record;

	if (trust_is_own(&found->image))
		return 0;
	int r = read_fresh(cli, s, found, &record, e);

	if (r == 0)
		r = decide(cli, &record, found, typed, e);
	cli->image_refused = r == -ERR_POLICY;
	return r;
}

static void say_accepted(const struct cli *cli, const struct trust_record *record, const struct store_image *found)
{
	const struct trust_verdict *v =
		verdict_for(record, judged_name((struct cli *)cli, found->name), found->image.manifest_digest);

	if (v)
		cli_say(cli, "%s: %s by %s%s%s", found->name ? found->name : found->image.manifest_digest, v->how, v->rule,
			v->key ? ", key " : "", v->key ? v->key : "");
}

int trust_after_fetch(struct cli *cli, const struct store *s, const char *name, bool pin, struct err *e)
{
	struct trust_record record;
	struct store_image found;
	struct err refusal = {};
	int r = store_find_image(s, cli->arena, name, &found, e);

	if (r < 0 || trust_is_own(&found.image))
		return r;
	if (pin)
		r = trust_pin(cli, fetched_name(cli, &found), found.image.manifest_digest, e);
	if (r == 0)
		r = read_fresh(cli, s, &found, &record, e);
	if (r < 0)
		return r;
	if (decide(cli, &record, &found, name, &refusal) == 0)
		say_accepted(cli, &record, &found);
	else
		cli_say(cli, "note: %s will not run: %s", name, refusal.because);
	if (refusal.code)
		cli_say(cli, "try: %s", refusal.hint);
	return 0;
}

int trust_pin(struct cli *cli, const char *name, const char *digest, struct err *e)
{
	char **words = NULL;

	arena_strv_add(cli->arena, &words, "add");
	arena_strv_add(cli->arena, &words, "--digest");
	/* A name that is a digest's already has no tag to lose. */
	arena_strv_add(cli->arena, &words,
		       arena_printf(cli->arena, "%.*s@%s", (int)strcspn(name, "@"), name, digest));
	int r = run_verify(cli, words, false, e);

	return r <= 0 ? r : err_not_judged(r, e);
}

int trust_look(struct cli *cli, const struct store *s, const struct store_image *found, struct trust_record *ret,
	       struct err *e)
{
	struct artifacts artifacts;
	int r = artifact_list(s, cli->arena, found->image.manifest_digest, &artifacts, e);

	*ret = (struct trust_record){};
	if (r < 0 || (trust_is_own(&found->image) && !artifacts.list.n))
		return r;
	return read_fresh(cli, s, found, ret, e);
}
