/* SPDX-License-Identifier: Apache-2.0 */
/* Which front end a manifest is for. Pure. */
#include "pod/manifest.h"

#include "pod/kubernetes.h"

static int refuse_kind(const struct doc *doc, const char *what, struct err *e)
{
	doc_err(doc, e, "%s is not read yet", what);
	return err_try(e, "write the native manifest: man 5 rocket-pod");
}

int manifest_parse(const struct native_input *in, const char *text, size_t len, struct pod *ret, struct err *e)
{
	struct doc *all, *doc;
	int rc = doc_parse_yaml_all(in->arena, in->file, text, len, &all, e);

	if (rc)
		return rc;
	doc = all->child;
	if (!doc)
		return err_new(e, ERR_USAGE, "%s is empty", in->file ? in->file : "the manifest");
	if (doc_get(doc, "ociVersion"))
		return refuse_kind(doc, "the config of an OCI bundle", e);
	if (doc_get(doc, "acKind"))
		return refuse_kind(doc, "an appc PodManifest", e);
	if (doc_get(doc, "kind"))
		return kubernetes_decode(in, all, ret, e);
	if (doc->next)
		return doc_err(doc->next, e, "a native manifest is one document, and a second one starts here");
	return native_decode(in, doc, ret, e);
}
