/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rocket-verify aci --as NAME --signature FILE.asc FILE.aci: the detached OpenPGP signature of an ACI
 * (appc specification, "Image Archives"), over the file as it was shipped. Those bytes are not kept, so this
 * happens before the import; the fingerprint that it prints goes into the artifact (ARTIFACT_ACI, .key), and whether that
 * key is trusted for the name is judged at every change of the rules as for every other signature.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/opt.h"
#include "base/str.h"
#include "libexec/verify_tool.h"
#include "trust/openpgp.h"
#include "trust/scope.h"

enum { SIGNATURE_MAX = 64 << 10 };

struct asked {
	const char *name, *signature, *file;
};

static int parse(int argc, char **argv, struct asked *a, struct err *e)
{
	static const struct opt opts[] = {
		{"as", .id = 'a', .arg = "NAME", .help = "…"},
		{"signature", .id = 's', .arg = "FILE", .help = "…"},
		{},
	};
	const struct opt *const tables[] = {opts, NULL};
	struct opt_walk w = {.argc = argc, .argv = argv, .tables = tables};
	const struct opt *o;
	const char *value;
	int r;

	while ((r = opt_next(&w, &o, &value, e)) > 0)
		*(o->id == 'a' ? &a->name : &a->signature) = value;
	if (r < 0)
		return r;
	if (!a->name || !a->signature || argc - w.at != 1)
		return err_new(e, ERR_USAGE, "aci takes --as NAME, --signature FILE and the ACI's file");
	a->file = argv[w.at];
	return 0;
}

/* The key of a rule for this name that signed the file; 1, 0 (result->because says why), or -code. */
static int try_rule(struct verify_tool *t, const struct rule *rule, const uint8_t *signature, size_t n, int fd,
		    struct openpgp_result *result, struct err *e)
{
	struct openpgp_keyring ring;
	int r = openpgp_parse_keys(&t->arena, rule->key, strlen(rule->key), &ring, e);

	if (r < 0)
		return r;
	struct openpgp_job job = {ring.bytes, signature, ring.n, n, fd};

	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_errno(e, "the ACI must be a file");
	r = openpgp_check(&job, result, e);
	return r < 0 ? r : result->good;
}

static int err_refused(const struct asked *a, const char *because, struct err *e)
{
	err_new(e, ERR_POLICY, "%.150s is not signed by anyone you trust", a->name);
	err_because(e, "%s", because);
	return err_try(e, "rocket trust add KEY --prefix %.120s", a->name);
}

int verify_aci(struct verify_tool *t, int argc, char **argv, struct err *e)
{
	struct openpgp_result *result = arena_new(&t->arena, struct openpgp_result);
	struct asked asked = {};
	struct rules rules = {};
	char *text = NULL;
	uint8_t *signature = NULL;
	unsigned tried = 0;
	size_t n = 0, text_n = 0;
	int r = parse(argc, argv, &asked, e);

	if (r == 0)
		r = verify_read_file(t, asked.signature, SIGNATURE_MAX, &text, &text_n, e);
	if (r == 0)
		r = rules_load(&t->arena, t->dir, RULES_IN_FORCE, &rules, e);
	if (r < 0)
		return r;
	if (!openpgp_dearmor(&t->arena, text, text_n, &signature, &n))
		return err_refused(&asked, "the signature is damaged", e);
	autoclose int fd = open(asked.file, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return err_errno(e, "can't open %.200s", asked.file);
	const char *full = scope_full_name(&t->arena, asked.name);

	for (size_t i = 0; r == 0 && full && i < rules.list.n; i++) {
		const struct rule *rule = &rules.list.v[i];

		if (rule->kind != RULE_KEY || rule->key_kind != RULE_OPENPGP || !scope_covers(rule->prefix, full))
			continue;
		tried++;
		r = try_rule(t, rule, signature, n, fd, result, e);
	}
	if (r < 0)
		return r;
	if (r == 0)
		return err_refused(&asked, tried ? result->because : "no OpenPGP key is trusted for this name", e);
	const char *line = arena_printf(&t->arena, "%s\n", result->fingerprint);

	return verify_print(line, strlen(line), e);
}
