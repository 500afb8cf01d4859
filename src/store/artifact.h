/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What came with an image and speaks about it: signatures, attestations, the index that led to it. Each
 * is a blob as it came; images/HEX.artifacts lists them, and the sweep keeps them as long as the image. Who
 * fetches, imports or signs adds them; trust/ judges by them. Nothing here looks into their bytes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "store/store.h"

/* How many an image may have, and how large one may be: an image with endless signatures is refused. */
enum { ARTIFACTS_MAX = 128, ARTIFACT_SIZE_MAX = 4 << 20 };

enum artifact_kind {
	ARTIFACT_INDEX,       /* the OCI index or manifest list that names the image's manifest: signed instead of it */
	ARTIFACT_COSIGN,      /* a simple signing payload; its signature stood in the layer's annotation (cosign's .sig tag) */
	ARTIFACT_BUNDLE,      /* a sigstore bundle: a signature or an attestation (a referrer of the image) */
	ARTIFACT_DSSE,        /* a DSSE envelope with an attestation (cosign's .att tag) */
	ARTIFACT_STATEMENT,   /* an in-toto statement that nobody signed (BuildKit's attestation manifest) */
	ARTIFACT_DOCUMENT,    /* an SBOM or the like as it is (a referrer of its media type, or cosign's .sbom tag) */
	ARTIFACT_OPENPGP,     /* an OpenPGP message with a simple signing payload (lookaside, `dir:` layouts) */
	ARTIFACT_ACI,         /* a detached OpenPGP signature over the ACI's file as it was shipped (.aci.asc) */
};
extern const char *const artifact_kind_names[];

struct artifact {
	enum artifact_kind kind;
	char *blob;       /* "sha256:HEX" of its bytes */
	uint64_t size;
	char *media_type; /* or NULL */
	char *signature;  /* ARTIFACT_COSIGN: base64, as it stood in the annotation */
	char *key;        /* ARTIFACT_ACI: fingerprint of the key that had signed the shipped file, whose bytes are not kept */
};

struct artifacts {
	LIST(struct artifact) list;
};

/*
 * What a part of that media type is: simple signing payloads, sigstore bundles, DSSE envelopes, in-toto statements, SBOMs.
 * False for everything else.
 */
bool artifact_kind_of(const char *media_type, enum artifact_kind *ret);

/*
 * One more of an image, which must be in the store: blob and list, synced. The same once more is success.
 * The caller knows the digest of the bytes (a->blob) and holds the store's lock shared. ERR_POLICY beyond ARTIFACTS_MAX,
 * ERR_USAGE for what is larger than ARTIFACT_SIZE_MAX.
 */
[[nodiscard]] int artifact_put(const struct store *s, const char *manifest_digest, const struct artifact *a,
			       const void *bytes, struct err *e);
/* All that are known of the image; an empty list when there are none. Arena strings. */
[[nodiscard]] int artifact_list(const struct store *s, struct arena *a, const char *manifest_digest,
				struct artifacts *ret, struct err *e);
/* The list as text, as exports carry it, and back; strict about kinds and digests, and never more than ARTIFACTS_MAX. */
struct str;
void artifact_write_list(struct str *out, const struct artifacts *list);
[[nodiscard]] int artifact_parse_list(struct arena *a, const char *text, size_t n, struct artifacts *ret, struct err *e);
/* The bytes, at most ARTIFACT_SIZE_MAX, 0-terminated, the caller's to free. */
[[nodiscard]] int artifact_read(const struct store *s, const struct artifact *a, char **ret_text, size_t *ret_n,
				struct err *e);

/*
 * images/HEX.trust, how the image was judged: written and read by trust/ alone. ERR_NOT_FOUND when there is none.
 * The text is the caller's to free.
 */
[[nodiscard]] int artifact_read_verdicts(const struct store *s, const char *manifest_digest, char **ret_text,
					 size_t *ret_n, struct err *e);
[[nodiscard]] int artifact_put_verdicts(const struct store *s, const char *manifest_digest, const char *text, size_t n,
					struct err *e);

/* The path of the list, for who watches whether it changed. Arena. */
char *artifact_list_path(const struct store *s, struct arena *a, const char *manifest_digest);
