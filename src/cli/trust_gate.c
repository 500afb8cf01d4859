/* SPDX-License-Identifier: Apache-2.0 */
/* The way past the gate for images that were fetched (cli/trust_gate.h). */
#include "cli/trust_gate.h"

#include <errno.h>
#include <fcntl.h>
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

static int read_fresh(struct cli *cli, const struct store *s, const struct store_image *found, struct trust_record *ret,
		      struct err *e)
{
	const char *digest = found->image.manifest_digest;
	struct err none = {};
	int r = verdict_read(s, cli->arena, digest, ret, &none);

	if (r == 0 && verdict_is_fresh(ret))
		return 0;
	/* Never judged: under the name that it has, unless it is asked for by its digest. */
	r = judge_again(cli, digest, r == 0 ? NULL : found->name, e);
	return r < 0 ? r : verdict_read(s, cli->arena, digest, ret, e);
}

static int decide(struct cli *cli, const struct trust_record *record, const struct store_image *found, const char *name,
		  const char *typed, struct err *e)
{
	const struct trust_verdict *v =
		verdict_for(record, scope_full_name(cli->arena, name), found->image.manifest_digest);

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

	return r < 0 ? r : decide(cli, &record, found, found->name, typed, e);
}

int trust_judge_fetched(struct cli *cli, const struct store *s, const struct store_image *found, const char *name,
			bool *ret_accepted, struct err *e)
{
	struct trust_record record;
	int r = judge_again(cli, found->image.manifest_digest, name, e);

	if (r == 0)
		r = verdict_read(s, cli->arena, found->image.manifest_digest, &record, e);
	if (r < 0)
		return r;
	*ret_accepted = trust_is_own(&found->image) || decide(cli, &record, found, name, name, e) == 0;
	return 0;
}

int trust_pin(struct cli *cli, const char *name, const char *digest, struct err *e)
{
	char **words = NULL;

	arena_strv_add(cli->arena, &words, "add");
	arena_strv_add(cli->arena, &words, "--digest");
	arena_strv_add(cli->arena, &words, arena_printf(cli->arena, "%s@%s", name, digest));
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
