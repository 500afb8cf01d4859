/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as what signatures are made of: payloads, envelopes, bundles, statements, keys. */
#include <stdint.h>
#include <stdlib.h>

#include "base/str.h"
#include "image/oci_doc.h"
#include "trust/claim.h"
#include "trust/openpgp.h"
#include "trust/pubkey.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void try_documents(struct arena *a, const char *text, size_t n)
{
	struct claim_simple simple;
	struct claim_envelope envelope;
	struct claim_bundle bundle;
	struct claim_statement statement;
	struct err e = {};

	if (claim_parse_simple(a, text, n, &simple, &e) == 0)
		must(simple.type && simple.reference && oci_is_digest(simple.digest));
	if (claim_parse_envelope(a, text, n, &envelope, &e) == 0)
		must(envelope.type && envelope.signatures.n);
	if (claim_parse_bundle(a, text, n, &bundle, &e) == 0)
		must(bundle.envelope.type && bundle.envelope.signatures.n);
	if (claim_parse_statement(a, text, n, &statement, &e) < 0)
		return;
	for (size_t i = 0; i < statement.subjects.n; i++)
		must(oci_is_digest(statement.subjects.v[i].digest));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	autoarena a = {};
	struct openpgp_keyring ring;
	autopubkey *key = NULL;
	struct err e = {};

	try_documents(&a, (const char *)bytes, n);
	if (openpgp_parse_keys(&a, (const char *)bytes, n, &ring, &e) == 0)
		must(ring.n && ring.fingerprints && *ring.fingerprints);
	if (pubkey_parse((const char *)bytes, n, &key, &e) == 0)
		must(pubkey_algorithm(key));
	return 0;
}
