/* SPDX-License-Identifier: Apache-2.0 */
/* Which front end a manifest is for. Pure. */
#include "pod/manifest.h"

#include "pod/appc.h"
#include "pod/kubernetes.h"
#include "pod/place.h"

static int refuse_bundle(const struct doc *doc, struct err *e)
{
	place_bad(doc, e, "the config of an OCI bundle is not read yet");
	return err_try(e, "write the native manifest: man 5 rocket-pod");
}

static int one_only(const struct doc *doc, struct err *e)
{
	return place_bad(doc->next, e,
			 "this manifest is one document, and a second one starts here");
}

static int parse(const struct native_input *in, const char *text, size_t len, struct pod *ret,
		 struct err *e)
{
	struct doc *all, *doc;
	int rc = doc_parse_yaml_all(in->arena, in->file, text, len, &all, e);

	if (rc)
		return rc;
	doc = all->child;
	if (!doc) {
		err_new(e, ERR_USAGE, "%s is empty", in->file ? in->file : "the manifest");
		return err_because(e, "a manifest names at least one app and its image");
	}
	if (doc_get(doc, "ociVersion"))
		return refuse_bundle(doc, e);
	if (doc_get(doc, "acKind"))
		return doc->next ? one_only(doc, e) : appc_decode(in, doc, ret, e);
	if (doc_get(doc, "kind"))
		return kubernetes_decode(in, all, ret, e);
	if (doc->next)
		return one_only(doc, e);
	return native_decode(in, doc, ret, e);
}

int manifest_parse(const struct native_input *in, const char *text, size_t len, struct pod *ret,
		   struct err *e)
{
	int rc = parse(in, text, len, ret, e);

	if (rc && !*e->because)
		err_because(e, "a manifest is YAML or JSON in UTF-8, at most 4 MiB, each key once");
	if (rc && !*e->hint)
		err_try(e, "man 5 rocket-pod   (every key, with its default)");
	return rc;
}
