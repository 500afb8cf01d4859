/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rocket-verify sign: signatures of an image of the store, kept beside it until they are pushed or exported.
 *
 *   sign --key FILE [--as NAME] [--layout cosign,bundle] IMAGE         a PEM key, or cosign's
 *   sign --key gpg:KEYID [--as NAME] IMAGE                             gpg's own agent and keys
 *   sign --key … --as NAME --digest DIGEST                             a manifest that a push has made, and is not here
 *
 * What is signed is the manifest's digest and the name, so a signature can't be taken to another repository.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/opt.h"
#include "base/str.h"
#include "image/digest.h"
#include "image/oci_doc.h"
#include "libexec/verify_tool.h"
#include "trust/base64.h"
#include "trust/claim.h"
#include "trust/libcrypto.h"
#include "trust/pubkey.h"
#include "trust/scope.h"

enum { KEY_MAX = 64 << 10, MESSAGE_MAX = 256 << 10 };

struct signing {
	struct verify_tool *t;
	const char *key, *as, *layout, *word, *asked_digest;
	char *digest;
	char *name; /* docker's full form */
	char *repository;
	LIST(struct made {
		const char *layout;
		char *blob;
	}) made;
};

static const struct opt opts[] = {
	{"key", .id = 'k', .arg = "KEY", .help = "…"},
	{"as", .id = 'a', .arg = "NAME", .help = "…"},
	{"layout", .id = 'l', .arg = "LAYOUT", .help = "…"},
	{"digest", .id = 'd', .arg = "DIGEST", .help = "…"},
	{},
};

static int err_usage(struct err *e, const char *because)
{
	err_new(e, ERR_USAGE, "the image can't be signed like this");
	err_because(e, "%s", because);
	return err_try(e, "rocket image sign --key cosign.key registry.example.com/team/app:1.0");
}

static int parse(struct signing *s, int argc, char **argv, struct err *e)
{
	const struct opt *const tables[] = {opts, NULL};
	struct opt_walk w = {.argc = argc, .argv = argv, .tables = tables};
	const struct opt *o;
	const char *value;
	int r;

	while ((r = opt_next(&w, &o, &value, e)) > 0)
		*(o->id == 'k' ? &s->key : o->id == 'a' ? &s->as : o->id == 'd' ? &s->asked_digest : &s->layout) = value;
	if (r < 0)
		return r;
	if (!s->key || argc - w.at != (s->asked_digest ? 0 : 1))
		return err_usage(e, "it takes --key KEY and one image");
	s->word = argv[w.at];
	if (s->asked_digest && (!s->as || !oci_is_digest(s->asked_digest)))
		return err_usage(e, "--digest takes a digest, and --as the name");
	return 0;
}

static int find(struct signing *s, struct err *e)
{
	struct verify_tool *t = s->t;
	struct store_image found = {};
	char *as = NULL;
	int r = 0;

	if (s->asked_digest)
		found.image.manifest_digest = arena_strdup(&t->arena, s->asked_digest);
	else
		r = store_find_image(&t->store, &t->arena, s->word, &found, e);
	if (r == 0 && s->as)
		r = store_normalise_name(&t->arena, s->as, &as, e);
	if (r < 0)
		return r;
	if (found.image.format == IMAGE_ACI)
		return err_usage(e, "an ACI is signed as a file: gpg --armor --detach-sign FILE.aci");
	s->digest = found.image.manifest_digest;
	s->name = scope_full_name(&t->arena, as ? as : found.name);
	if (!s->name)
		return err_usage(e, "a signature is for a name: give the image by its name, or --as NAME");
	s->repository = scope_repository(&t->arena, s->name);
	return 0;
}

static int keep(struct signing *s, struct artifact *a, const char *layout, const void *bytes, size_t n, struct err *e)
{
	char digest[DIGEST_TEXT_MAX];

	digest_text(bytes, n, digest);
	a->blob = arena_strdup(&s->t->arena, digest);
	a->size = n;
	int r = artifact_put(&s->t->store, s->digest, a, bytes, e);

	if (r == 0)
		*list_add(&s->t->arena, &s->made) = (struct made){layout, a->blob};
	return r;
}

/* ---- sigstore ---- */

/* From where cosign takes it, or from the terminal; a key without one is asked for none. */
static int ask_passphrase(void *ctx, char **ret, struct err *e)
{
	const char *given = getenv("COSIGN_PASSWORD");
	char typed[1024] = "";

	if (!given && EVP_read_pw_string(typed, sizeof(typed), "passphrase of the key: ", 0) != 0) {
		err_new(e, ERR_USAGE, "the key has a passphrase");
		err_because(e, "there is no terminal to ask for it, and COSIGN_PASSWORD is not set");
		return err_try(e, "COSIGN_PASSWORD=… rocket image sign …");
	}
	*ret = strdup(given ? given : typed);
	explicit_bzero(typed, sizeof(typed));
	if (!*ret)
		abort();
	return 0;
}

static int sign_cosign(struct signing *s, const struct pubkey *key, struct err *e)
{
	struct arena *a = &s->t->arena;
	char *payload = claim_make_simple(a, "cosign container image signature", s->digest, s->repository, io_now_ns());
	autostr text = {};
	uint8_t *bytes;
	size_t n;
	int r = pubkey_sign(key, a, payload, strlen(payload), &bytes, &n, e);

	if (r < 0)
		return r;
	base64_add(&text, bytes, n);
	struct artifact artifact = {
		.kind = ARTIFACT_COSIGN,
		.media_type = arena_strdup(a, CLAIM_TYPE_SIMPLE),
		.signature = text.text,
	};

	return keep(s, &artifact, "cosign", payload, strlen(payload), e);
}

static int sign_bundle(struct signing *s, const struct pubkey *key, struct err *e)
{
	struct arena *a = &s->t->arena;
	char *statement = claim_make_statement(a, s->digest, s->repository);
	struct claim_envelope env = {
		.type = arena_strdup(a, CLAIM_TYPE_STATEMENT), .payload = statement, .payload_n = strlen(statement)};
	struct claim_signature signature;
	char fingerprint[PUBKEY_FINGERPRINT_MAX];
	autostr hint = {};
	uint8_t raw[32];
	size_t n;
	const char *bytes = claim_signed_bytes(a, &env, &n);
	int r = pubkey_sign(key, a, bytes, n, &signature.bytes, &signature.n, e);

	if (r < 0)
		return r;
	/* The hint as cosign writes it: base64 of the SHA-256 of the key's DER. */
	pubkey_fingerprint(key, fingerprint);
	for (size_t i = 0; i < sizeof(raw); i++) {
		const char pair[3] = {fingerprint[7 + 2 * i], fingerprint[8 + 2 * i], 0};

		raw[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
	base64_add(&hint, raw, sizeof(raw));
	char *bundle = claim_make_bundle(a, statement, &signature, hint.text);
	struct artifact artifact = {.kind = ARTIFACT_BUNDLE, .media_type = arena_strdup(a, CLAIM_TYPE_BUNDLE)};

	return keep(s, &artifact, "bundle", bundle, strlen(bundle), e);
}

static bool wants(const char *layouts, const char *one)
{
	size_t n = strlen(one);

	for (const char *at = layouts; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
		if (!strncmp(at, one, n) && (!at[n] || at[n] == ','))
			return true;
	return !layouts;
}

static int sign_sigstore(struct signing *s, struct err *e)
{
	autopubkey *key = NULL;
	char *text = NULL;
	size_t n;
	int r = verify_read_file(s->t, s->key, KEY_MAX, &text, &n, e);
	bool cosign = wants(s->layout, "cosign"), bundle = wants(s->layout, "bundle");

	if (r == 0 && !cosign && !bundle)
		return err_usage(e, "the layouts of a PEM key's signatures are cosign and bundle");
	if (r == 0)
		r = pubkey_parse_private(text, n, ask_passphrase, NULL, &key, e);
	if (text)
		explicit_bzero(text, n);
	if (r == 0 && cosign)
		r = sign_cosign(s, key, e);
	return r == 0 && bundle ? sign_bundle(s, key, e) : r;
}

/* ---- OpenPGP ---- */

static int run_gpg(const char *id, int in_fd, int out_fd, struct err *e)
{
	const char *const argv[] = {"gpg", "--batch", "--yes", "--local-user", id, "--output", "-", "--sign", NULL};
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		if (dup2(in_fd, STDIN_FILENO) >= 0 && dup2(out_fd, STDOUT_FILENO) >= 0)
			execvp("gpg", (char *const *)argv);
		_exit(errno == ENOENT ? 127 : 126);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	err_new(e, ERR_FAILED, "gpg did not sign");
	if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 127) {
		err_because(e, "the program gpg is not installed");
		return err_try(e, "apt-get install gpg");
	}
	err_because(e, "what it said stands above");
	return err_try(e, "gpg --list-secret-keys");
}

static int sign_openpgp(struct signing *s, struct err *e)
{
	struct arena *a = &s->t->arena;
	char *payload = claim_make_simple(a, "atomic container signature", s->digest, s->name, io_now_ns());
	autoclose int in = io_memfd("payload", payload, strlen(payload)), out = memfd_create("signature", MFD_CLOEXEC);
	struct artifact artifact = {.kind = ARTIFACT_OPENPGP};
	autofree char *text = NULL;
	size_t n = 0;

	if (s->layout)
		return err_usage(e, "an OpenPGP signature has one layout");
	if (in < 0 || out < 0)
		return err_errno(e, "no memory for a signature");
	int r = run_gpg(s->key + strlen("gpg:"), in, out, e);

	if (r == 0 && lseek(out, 0, SEEK_SET) < 0)
		r = err_errno(e, "can't read the signature");
	if (r == 0)
		r = io_read_fd(out, MESSAGE_MAX, &text, &n, e);
	return r < 0 ? r : keep(s, &artifact, "openpgp", text, n, e);
}

static int tell(const struct signing *s, struct err *e)
{
	autostr out = {};

	for (size_t i = 0; i < s->made.n; i++) {
		verify_say(s->t, "signed %s as %s (%s)", s->digest, s->name, s->made.v[i].layout);
		if (s->t->json)
			str_addf(&out, "{\"digest\":\"%s\",\"layout\":\"%s\",\"signature\":\"%s\"}\n", s->digest,
				 s->made.v[i].layout, s->made.v[i].blob);
	}
	return out.len ? verify_print(out.text, out.len, e) : 0;
}

int verify_sign(struct verify_tool *t, int argc, char **argv, struct err *e)
{
	struct signing s = {.t = t};
	autoclose int lock = -1;
	int r = parse(&s, argc, argv, e);

	if (r == 0)
		r = store_lock_shared(&t->store, &lock, e);
	if (r == 0)
		r = find(&s, e);
	if (r == 0)
		r = str_has_prefix(s.key, "gpg:") ? sign_openpgp(&s, e) : sign_sigstore(&s, e);
	return r < 0 ? r : tell(&s, e);
}
