/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of the native manifest that this version can't do yet. Their values are checked as strictly
 * as any other, so that a typo stays a typo; what is well written is then refused by name, never
 * dropped. When one of them is built its row leaves this table. Pure.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/decode.h"
#include "base/str.h"
#include "pod/names.h"
#include "pod/native_parts.h"
#include "pod/place.h"

/* ---- plain shapes ---- */

static int check_text(struct arena *a, const struct doc *node, struct err *e)
{
	if (node->kind == DOC_LIST || node->kind == DOC_MAP || node->kind == DOC_NULL)
		return place_bad(node, e, "expected text for '%s'", node->key);
	return 0;
}

static int check_texts(struct arena *a, const struct doc *node, struct err *e)
{
	int rc = 0;

	if (node->kind != DOC_LIST)
		return place_bad(node, e, "expected a list of names for '%s'", node->key);
	for (const struct doc *c = node->child; c && !rc; c = c->next)
		rc = c->kind == DOC_STR ? 0 : place_bad(c, e, "expected a name in '%s'", node->key);
	return rc;
}

static int check_map(struct arena *a, const struct doc *node, struct err *e)
{
	return node->kind == DOC_MAP ? 0
				     : place_bad(node, e, "expected a mapping for '%s'", node->key);
}

static int check_text_or_list(struct arena *a, const struct doc *node, struct err *e)
{
	return node->kind == DOC_LIST ? check_texts(a, node, e) : check_text(a, node, e);
}

static const struct later {
	const char *key, *what;
	int (*check)(struct arena *a, const struct doc *node, struct err *e);
} laters[] = {
	{"grant", "granting what images ask for (grant)", check_text_or_list},
	{"net", "network settings of a pod (net)", check_map},
	{"apparmor", "an AppArmor profile (apparmor)", check_text},
	{"selinux", "an SELinux context (selinux)", check_text},
};

int native_refuse_later(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(laters); i++) {
		int rc;

		if (strcmp(laters[i].key, node->key))
			continue;
		if ((rc = laters[i].check(a, node, e)))
			return rc;
		doc_key_err(node, e, "%s is not built yet", laters[i].what);
		err_because(e,
			    "this version of Rocket understands the key and can't do what it says");
		return err_try(e, "take the key '%s' out", node->key);
	}
	return doc_key_err(node, e, "'%s' is not built yet", node->key);
}
