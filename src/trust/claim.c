/* SPDX-License-Identifier: Apache-2.0 */
/* Documents of signatures to structs (trust/claim.h). */
#include "trust/claim.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/doc.h"
#include "base/str.h"
#include "image/oci_doc.h"
#include "trust/base64.h"

static int refuse(struct err *e, const char *what, const char *because)
{
	err_new(e, ERR_FAILED, "%s is no good", what);
	return err_because(e, "%s", because);
}

static int parse(struct arena *a, const char *what, const char *text, size_t n, size_t max, struct doc **ret,
		 struct err *e)
{
	struct err inner = {};

	if (n > max)
		return refuse(e, what, "it is too large");
	if (doc_parse_json(a, what, text, n, ret, &inner) < 0)
		return refuse(e, what, inner.what);
	return (*ret)->kind == DOC_MAP ? 0 : refuse(e, what, "it is no map");
}

/* Exactly these keys, all of them. */
static bool has_exactly(const struct doc *map, const char *const *keys)
{
	size_t n = 0;

	for (; keys[n]; n++)
		if (!doc_get(map, keys[n]))
			return false;
	return map->kind == DOC_MAP && map->n == n;
}

/* ---- simple signing ---- */

/* Only "critical" binds, so nothing may stand in it that we would pass over. */
int claim_parse_simple(struct arena *a, const char *text, size_t n, struct claim_simple *ret, struct err *e)
{
	static const char what[] = "the signature's payload";
	struct doc *root = NULL;
	int r = parse(a, what, text, n, CLAIM_SIMPLE_MAX, &root, e);

	if (r < 0)
		return r;
	const struct doc *critical = doc_get(root, "critical"), *image = doc_get(critical, "image"),
			 *identity = doc_get(critical, "identity");

	if (!critical || !image || !identity || root->n > 2 || (root->n == 2 && !doc_get(root, "optional")) ||
	    !has_exactly(critical, (const char *const[]){"type", "image", "identity", NULL}) ||
	    !has_exactly(image, (const char *const[]){"docker-manifest-digest", NULL}) ||
	    !has_exactly(identity, (const char *const[]){"docker-reference", NULL}))
		return refuse(e, what, "it has not exactly the parts of a simple signing payload");
	const char *type = doc_get_str(critical, "type"), *digest = doc_get_str(image, "docker-manifest-digest"),
		   *reference = doc_get_str(identity, "docker-reference");

	if (!type || !reference || !digest || !oci_is_digest(digest))
		return refuse(e, what, "its type, digest or reference is none");
	*ret = (struct claim_simple){arena_strdup(a, type), arena_strdup(a, digest), arena_strdup(a, reference)};
	return 0;
}

/* ---- DSSE ---- */

static int get_base64(struct arena *a, const struct doc *map, const char *key, uint8_t **ret, size_t *ret_n,
		      const char *what, struct err *e)
{
	const char *text = doc_get_str(map, key);

	if (text && base64_decode(a, text, strlen(text), BASE64_STRICT, ret, ret_n))
		return 0;
	err_new(e, ERR_FAILED, "%s is no good", what);
	return err_because(e, "its '%s' is no base64", key);
}

static int read_envelope(struct arena *a, const struct doc *node, const char *what, struct claim_envelope *ret,
			 struct err *e)
{
	const struct doc *signatures = doc_get(node, "signatures");
	const char *type = doc_get_str(node, "payloadType");
	struct claim_envelope env = {.type = arena_strdup(a, type)};
	int r = get_base64(a, node, "payload", (uint8_t **)&env.payload, &env.payload_n, what, e);

	if (r < 0)
		return r;
	if (!type || !signatures || signatures->kind != DOC_LIST || !signatures->n ||
	    signatures->n > CLAIM_SIGNATURES_MAX)
		return refuse(e, what, "it has no payload type, no signature, or too many of them");
	for (const struct doc *s = signatures->child; r == 0 && s; s = s->next) {
		struct claim_signature *sig = list_add(a, &env.signatures);

		r = get_base64(a, s, "sig", &sig->bytes, &sig->n, what, e);
	}
	if (r == 0)
		*ret = env;
	return r;
}

int claim_parse_envelope(struct arena *a, const char *text, size_t n, struct claim_envelope *ret, struct err *e)
{
	static const char what[] = "the attestation's envelope";
	struct doc *root = NULL;
	int r = parse(a, what, text, n, CLAIM_BUNDLE_MAX, &root, e);

	return r < 0 ? r : read_envelope(a, root, what, ret, e);
}

char *claim_signed_bytes(struct arena *a, const struct claim_envelope *env, size_t *ret_n)
{
	char *head = arena_printf(a, "DSSEv1 %zu %s %zu ", strlen(env->type), env->type, env->payload_n);
	size_t n = strlen(head);
	char *bytes = arena_alloc(a, n + env->payload_n + 1);

	memcpy(bytes, head, n);
	memcpy(bytes + n, env->payload, env->payload_n);
	*ret_n = n + env->payload_n;
	return bytes;
}

/* ---- bundles ---- */

static bool is_bundle_type(const char *type)
{
	static const char *const known[] = {
		CLAIM_TYPE_BUNDLE,
		"application/vnd.dev.sigstore.bundle+json;version=0.3",
		"application/vnd.dev.sigstore.bundle+json;version=0.2",
		"application/vnd.dev.sigstore.bundle+json;version=0.1",
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (str_equal(type, known[i]))
			return true;
	return false;
}

int claim_parse_bundle(struct arena *a, const char *text, size_t n, struct claim_bundle *ret, struct err *e)
{
	static const char what[] = "the sigstore bundle";
	struct claim_bundle b = {};
	struct doc *root = NULL;
	int r = parse(a, what, text, n, CLAIM_BUNDLE_MAX, &root, e);

	if (r < 0)
		return r;
	const struct doc *material = doc_get(root, "verificationMaterial"), *envelope = doc_get(root, "dsseEnvelope");
	bool key = doc_get(material, "publicKey");

	b.is_keyless = doc_get(material, "certificate") || doc_get(material, "x509CertificateChain");
	if (!is_bundle_type(doc_get_str(root, "mediaType")))
		return refuse(e, what, "it is of an unknown version");
	if (key == b.is_keyless)
		return refuse(e, what, "it must say either a key or a certificate");
	if (!envelope || doc_get(root, "messageSignature"))
		return refuse(e, what, "it signs a file, not a statement about an image");
	r = read_envelope(a, envelope, what, &b.envelope, e);
	if (r == 0)
		*ret = b;
	return r;
}

/* ---- in-toto ---- */

static int read_subject(struct arena *a, const struct doc *node, struct claim_statement *ret, const char *what,
			struct err *e)
{
	const char *hex = doc_get_str(doc_get(node, "digest"), "sha256"), *name = doc_get_str(node, "name");
	char *digest = hex ? arena_printf(a, "sha256:%s", hex) : NULL;

	if (!digest)
		return 0; /* something else than an image */
	if (!oci_is_digest(digest))
		return refuse(e, what, "a subject's sha256 is none");
	struct claim_subject *s = list_add(a, &ret->subjects);

	s->digest = digest;
	s->name = name && *name ? arena_strdup(a, name) : NULL;
	return 0;
}

int claim_parse_statement(struct arena *a, const char *text, size_t n, struct claim_statement *ret, struct err *e)
{
	static const char what[] = "the in-toto statement";
	struct claim_statement s = {};
	struct doc *root = NULL;
	int r = parse(a, what, text, n, CLAIM_BUNDLE_MAX, &root, e);

	if (r < 0)
		return r;
	const char *type = doc_get_str(root, "_type"), *predicate = doc_get_str(root, "predicateType");
	const struct doc *subjects = doc_get(root, "subject");

	if (!type || !str_has_prefix(type, "https://in-toto.io/Statement/v") || !predicate)
		return refuse(e, what, "it has no type, or an unknown one");
	if (!subjects || subjects->kind != DOC_LIST || !subjects->n || subjects->n > CLAIM_SUBJECTS_MAX)
		return refuse(e, what, "it has no subject, or too many");
	s.predicate_type = arena_strdup(a, predicate);
	for (const struct doc *d = subjects->child; r == 0 && d; d = d->next)
		r = read_subject(a, d, &s, what, e);
	if (r == 0)
		*ret = s;
	return r;
}

/* ---- our own ---- */

char *claim_make_simple(struct arena *a, const char *type, const char *digest, const char *reference, int64_t now_ns)
{
	autostr t = {};

	str_add(&t, "{\"critical\":{\"identity\":{\"docker-reference\":");
	str_add_json(&t, reference);
	str_add(&t, "},\"image\":{\"docker-manifest-digest\":");
	str_add_json(&t, digest);
	str_add(&t, "},\"type\":");
	str_add_json(&t, type);
	str_addf(&t, "},\"optional\":{\"creator\":\"rocket " ROCKET_VERSION "\",\"timestamp\":%lld}}",
		 (long long)(now_ns / 1000000000));
	return arena_strndup(a, t.text, t.len);
}

/* Unlike cosign's it names the repository, so that a copy elsewhere is told from the original. */
char *claim_make_statement(struct arena *a, const char *digest, const char *repository)
{
	autostr t = {};

	str_add(&t, "{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[{\"name\":");
	str_add_json(&t, repository);
	str_addf(&t, ",\"digest\":{\"sha256\":\"%s\"}}],\"predicateType\":\"" CLAIM_PREDICATE_SIGN "\",\"predicate\":{}}",
		 digest + strlen("sha256:"));
	return arena_strndup(a, t.text, t.len);
}

char *claim_make_bundle(struct arena *a, const char *statement, const struct claim_signature *signature,
			const char *key_hint)
{
	autostr t = {};

	str_add(&t, "{\"mediaType\":\"" CLAIM_TYPE_BUNDLE "\",\"verificationMaterial\":{\"publicKey\":{\"hint\":");
	str_add_json(&t, key_hint);
	str_add(&t, "}},\"dsseEnvelope\":{\"payload\":\"");
	base64_add(&t, statement, strlen(statement));
	str_add(&t, "\",\"payloadType\":\"" CLAIM_TYPE_STATEMENT "\",\"signatures\":[{\"sig\":\"");
	base64_add(&t, signature->bytes, signature->n);
	str_add(&t, "\"}]}}");
	return arena_strndup(a, t.text, t.len);
}
