/* SPDX-License-Identifier: Apache-2.0 */
/* The name inside a signature beside the image's own: the rules of signedIdentity (trust/evidence.h). */
#include <string.h>

#include "base/str.h"
#include "trust/evidence.h"
#include "trust/scope.h"

struct name {
	char *repository;
	const char *tag;    /* NULL: none was written */
	bool is_digest;
};

/* Unlike an image's own name, a reference without tag stays without. */
static struct name parse_name(struct arena *a, const char *text)
{
	char *full = scope_full_name(a, text);
	const char *slash = strrchr(text, '/');
	bool tagged = strchr(slash ? slash : text, ':') != NULL;

	if (!full)
		return (struct name){.repository = arena_strdup(a, "")};
	return (struct name){
		.repository = scope_repository(a, full),
		.tag = tagged ? scope_tag(full) : NULL,
		.is_digest = strchr(full, '@') != NULL,
	};
}

static bool same_name(const struct name *x, const struct name *y)
{
	return str_equal(x->repository, y->repository) && x->tag && str_equal(x->tag, y->tag);
}

static bool match_default(const struct name *image, const struct name *claimed)
{
	if (image->is_digest)
		return str_equal(image->repository, claimed->repository);
	return same_name(image, claimed);
}

/* The image's name with the prefix replaced, when it is below the prefix; else as it is. */
static char *remap(struct arena *a, const struct policy_identity *id, const char *full)
{
	size_t n = strlen(id->reference);

	if (strncmp(full, id->reference, n) != 0 || (full[n] && !strchr("/:@", full[n])))
		return arena_strdup(a, full);
	return arena_printf(a, "%s%s", id->signed_prefix, full + n);
}

bool identity_matches(struct arena *a, const struct policy_identity *id, const char *full_name, const char *reference)
{
	struct name claimed = parse_name(a, reference), image, asked;

	if (!full_name && id->match != POLICY_EXACT_REFERENCE && id->match != POLICY_EXACT_REPOSITORY)
		return false;
	image = parse_name(a, full_name ? full_name : "");
	switch (id->match) {
	case POLICY_MATCH_REPO_DIGEST_OR_EXACT:
		return match_default(&image, &claimed);
	case POLICY_MATCH_EXACT:
		return same_name(&image, &claimed);
	case POLICY_MATCH_REPOSITORY:
		return str_equal(image.repository, claimed.repository);
	case POLICY_EXACT_REFERENCE:
		asked = parse_name(a, id->reference);
		return same_name(&asked, &claimed);
	case POLICY_EXACT_REPOSITORY:
		asked = parse_name(a, id->reference);
		return str_equal(asked.repository, claimed.repository);
	case POLICY_REMAP_IDENTITY:
		asked = parse_name(a, remap(a, id, full_name));
		return match_default(&asked, &claimed);
	}
	return false;
}
