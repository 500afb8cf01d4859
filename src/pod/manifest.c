/* SPDX-License-Identifier: Apache-2.0 */
/* Which front end a manifest is for. Pure. */
#include "pod/manifest.h"

#include "pod/appc.h"
#include "pod/kubernetes.h"

static int refuse_bundle(const struct doc *doc, struct err *e)
{
	doc_err(doc, e, "the config of an OCI bundle is not read yet");
	return err_try(e, "write the native manifest: man 5 rocket-pod");
}

static int one_only(const struct doc *doc, struct err *e)
{
	return doc_err(doc->next, e, "this manifest is one document, and a second one starts here");
}

int manifest_parse(const struct native_input *in, const char *text, size_t len, struct pod *ret,
		   struct err *e)
{
	struct doc *all, *doc;
	int rc = doc_parse_yaml_all(in->arena, in->file, text, len, &all, e);

	if (rc)
		return rc;
	doc = all->child;
	if (!doc)
		return err_new(e, ERR_USAGE, "%s is empty", in->file ? in->file : "the manifest");
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
