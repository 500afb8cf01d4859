/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rocket-verify add: what `rocket trust add` says, as a rule in DIR/trust. A key is read and named by its
 * fingerprint; a pin's digest is taken from the image that is here, and shown.
 *
 *   add KEY --prefix NAME      add --any --prefix NAME      add --digest NAME[@DIGEST]
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/opt.h"
#include "base/str.h"
#include "image/digest.h"
#include "image/oci_doc.h"
#include "libexec/verify_tool.h"
#include "trust/libcrypto.h"
#include "trust/openpgp.h"
#include "trust/pubkey.h"
#include "trust/scope.h"

enum { KEY_MAX = 256 << 10 };

struct asked {
	const char *prefix, *digest, *why, *key;
	bool any;
};

static const struct opt opts[] = {
	{"prefix", .id = 'p', .arg = "NAME", .help = "…"},
	{"digest", .id = 'd', .arg = "NAME[@DIGEST]", .help = "…"},
	{"why", .id = 'w', .arg = "TEXT", .help = "…"},
	{"any", .id = 'a', .help = "…"},
	{},
};

static int err_usage(struct err *e, const char *because)
{
	err_new(e, ERR_USAGE, "this is not clear enough to trust anything");
	err_because(e, "%s", because);
	return err_try(e, "rocket trust add KEY --prefix example.com/team");
}

static int parse(int argc, char **argv, struct asked *a, struct err *e)
{
	const struct opt *const tables[] = {opts, NULL};
	struct opt_walk w = {.argc = argc, .argv = argv, .tables = tables};
	const struct opt *o;
	const char *value;
	int r;

	while ((r = opt_next(&w, &o, &value, e)) > 0) {
		const char **text = o->id == 'p' ? &a->prefix : o->id == 'd' ? &a->digest : &a->why;

		if (o->id == 'a')
			a->any = true;
		else
			*text = value;
	}
	if (r < 0)
		return r;
	a->key = w.at < argc ? argv[w.at] : NULL;
	if (argc - w.at > 1)
		return err_usage(e, "more than one key was given");
	if (!!a->key + a->any + !!a->digest != 1)
		return err_usage(e, "give one of: a KEY, --any, --digest NAME[@DIGEST]");
	if (!a->digest == !a->prefix)
		return err_usage(e, a->digest ? "a digest is trusted as itself, without --prefix" :
						"--prefix says which names it is trusted for");
	return 0;
}

/* Rules that say the same have the same id. */
static void make_id(struct verify_tool *t, struct rule *rule)
{
	char hex[DIGEST_HEX_MAX];
	autodigest *d = digest_new(DIGEST_SHA256);
	const char *parts[] = {rule_kind_names[rule->kind], rule->prefix, rule->name, rule->digest, rule->fingerprint};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		digest_add(d, parts[i] ? parts[i] : "", parts[i] ? strlen(parts[i]) + 1 : 1);
	digest_hex(d, hex);
	rule->id = arena_strndup(&t->arena, hex, RULE_ID_LEN);
}

static int read_key(struct verify_tool *t, const char *path, char **ret, size_t *ret_n, struct err *e)
{
	autofree char *text = NULL;
	int r;

	if (strcmp(path, "-") != 0)
		return verify_read_file(t, path, KEY_MAX, ret, ret_n, e);
	r = io_read_fd(STDIN_FILENO, KEY_MAX, &text, ret_n, e);
	if (r == 0)
		*ret = memcpy(arena_alloc(&t->arena, *ret_n + 1), text, *ret_n);
	return r;
}

static char *armored(struct verify_tool *t, const struct openpgp_keyring *ring)
{
	autostr text = {};

	str_add(&text, "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n");
	for (size_t i = 0; i < ring->n; i += 48) {
		size_t n = ring->n - i < 48 ? ring->n - i : 48;
		unsigned char line[72];

		str_add_bytes(&text, line, (size_t)EVP_EncodeBlock(line, ring->bytes + i, (int)n));
		str_add_char(&text, '\n');
	}
	str_add(&text, "-----END PGP PUBLIC KEY BLOCK-----\n");
	return arena_strndup(&t->arena, text.text, text.len);
}

/* PEM says so itself; anything else has to be OpenPGP. */
static int fill_key(struct verify_tool *t, const struct asked *a, struct rule *rule, const char **ret_algorithm,
		    struct err *e)
{
	struct openpgp_keyring ring;
	autopubkey *pub = NULL;
	char fingerprint[PUBKEY_FINGERPRINT_MAX], *text = NULL;
	size_t n = 0;
	int r = read_key(t, a->key, &text, &n, e);

	if (r < 0)
		return r;
	if (!text)
		return err_new(e, ERR_FAILED, "the key is empty");
	rule->kind = RULE_KEY;
	if (memmem(text, n, "-----BEGIN ", 11) && !memmem(text, n, "-----BEGIN PGP ", 15)) {
		r = pubkey_parse(text, n, &pub, e);
		if (r < 0)
			return r;
		pubkey_fingerprint(pub, fingerprint);
		rule->key_kind = RULE_SIGSTORE;
		rule->key = pubkey_pem(pub, &t->arena);
		rule->fingerprint = arena_strdup(&t->arena, fingerprint);
		*ret_algorithm = pubkey_algorithm(pub);
		return 0;
	}
	r = openpgp_parse_keys(&t->arena, text, n, &ring, e);
	if (r < 0) {
		err_new(e, ERR_USAGE, "%.150s is no public key", a->key);
		err_because(e, "it is neither PEM (\"-----BEGIN PUBLIC KEY-----\") nor an OpenPGP public key");
		return err_try(e, "cosign public-key --key KEY   or   gpg --armor --export KEY");
	}
	rule->key_kind = RULE_OPENPGP;
	rule->key = armored(t, &ring);
	rule->fingerprint = ring.fingerprints;
	*ret_algorithm = "OpenPGP";
	return 0;
}

/* NAME@DIGEST may be pinned before it is here; NAME alone means the image that is. */
static int fill_pin(struct verify_tool *t, const struct asked *a, struct rule *rule, struct err *e)
{
	const char *at = strchr(a->digest, '@');
	char *name = NULL;
	struct store_image found;
	int r;

	rule->kind = RULE_PIN;
	if (at && oci_is_digest(at + 1)) {
		name = arena_strndup(&t->arena, a->digest, (size_t)(at - a->digest));
		r = store_normalise_name(&t->arena, name, &name, e);
		rule->digest = arena_strdup(&t->arena, at + 1);
		rule->name = scope_full_name(&t->arena, name);
		return r;
	}
	r = store_find_image(&t->store, &t->arena, a->digest, &found, e);
	if (r == -ERR_NOT_FOUND)
		return err_try(e, "rocket fetch %.100s   (or give the digest: NAME@sha256:…)", a->digest);
	if (r < 0)
		return r;
	rule->digest = found.image.manifest_digest;
	rule->name = scope_full_name(&t->arena, found.name ? found.name : a->digest);
	if (!rule->name)
		return err_usage(e, "a digest is pinned under a name: NAME@DIGEST");
	return 0;
}

static int fill(struct verify_tool *t, const struct asked *a, struct rule *rule, const char **ret_algorithm, struct err *e)
{
	if (a->digest)
		return fill_pin(t, a, rule, e);
	rule->prefix = scope_prefix(&t->arena, a->prefix);
	if (!*rule->prefix)
		return err_usage(e, "--prefix is empty");
	if (!a->any)
		return fill_key(t, a, rule, ret_algorithm, e);
	rule->kind = RULE_ANY;
	return 0;
}

static void tell(const struct verify_tool *t, const struct rule *rule, const char *algorithm)
{
	if (rule->kind == RULE_PIN)
		verify_say(t, "trusted from now on: %s, exactly %s", rule->name, rule->digest);
	else if (rule->kind == RULE_ANY)
		verify_say(t, "trusted from now on: everything below %s, signed or not", rule->prefix);
	else
		verify_say(t, "trusted from now on: what this key signs, for %s\n%s key %s", rule->prefix, algorithm,
			   rule->fingerprint);
}

int verify_add(struct verify_tool *t, int argc, char **argv, struct err *e)
{
	struct asked asked = {};
	const char *algorithm = NULL;
	struct rule rule = {};
	autostr out = {};
	int r = parse(argc, argv, &asked, e);

	if (r == 0)
		r = fill(t, &asked, &rule, &algorithm, e);
	if (r < 0)
		return r;
	rule.who = verify_user(t);
	rule.why = arena_strdup(&t->arena, asked.why);
	rule.added_ns = io_now_ns();
	make_id(t, &rule);
	r = rules_put(t->dir, &rule, e);
	if (r < 0)
		return r;
	tell(t, &rule, algorithm);
	if (t->json)
		str_addf(&out, "{\"id\":\"%s\",\"kind\":\"%s\",\"fingerprint\":", rule.id, rule_kind_names[rule.kind]);
	if (t->json && rule.fingerprint)
		str_add_json(&out, rule.fingerprint);
	else if (t->json)
		str_add(&out, "null");
	str_addf(&out, t->json ? ",\"digest\":%s%s%s}\n" : "%s", t->json ? (rule.digest ? "\"" : "null") : rule.id,
		 rule.digest ? rule.digest : "", rule.digest ? "\"" : "");
	if (!t->json) {
		str_reset(&out);
		str_addf(&out, "%s\n", rule.id);
	}
	return verify_print(out.text, out.len, e);
}
