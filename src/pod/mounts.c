/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `mounts:` of the native manifest: target to what is there.
 *
 *   /data: data                      a volume of the pod          /data: data ro
 *   /tmp: tmpfs                      memory                       /tmp: tmpfs 64Mi noexec
 *   /data: {volume: data, read_only: true}                        /tmp: {tmpfs: 64Mi, mode: "0700"}
 *
 * A path of the host is no mount but a hole, and is told so. Pure.
 */
#include "pod/mounts.h"

#include <string.h>

#include "base/decode.h"
#include "base/str.h"
#include "base/unit.h"
#include "pod/names.h"
#include "pod/native_parts.h"
#include "pod/paths.h"
#include "pod/place.h"

int mount_check_target(char *target, struct err *e)
{
	const char *because = path_target_refusal(path_cut_slash(target));

	if (!because)
		return 0;
	err_new(e, ERR_USAGE, "nothing can be mounted at '%.120s'", target);
	return err_because(e, "%s", because);
}

static int mount_option(const char *word, struct pod_mount *m, struct err *e)
{
	bool tmpfs = m->kind == MOUNT_TMPFS;

	if (!strcmp(word, "ro") && !tmpfs)
		m->read_only = true;
	else if (!strcmp(word, "noexec"))
		m->noexec = true;
	else if (tmpfs && !unit_parse_size(word, &m->size_bytes))
		return m->size_bytes ? 0 : err_new(e, ERR_USAGE, "a tmpfs of size 0 holds nothing");
	else if (!strcmp(word, "rw"))
		m->read_only = false;
	else {
		err_new(e, ERR_USAGE, "a mount has no option '%.40s'", word);
		return err_because(e, tmpfs ? "behind tmpfs stands a size such as 64Mi, or noexec"
					    : "behind a volume stands ro, rw or noexec");
	}
	return 0;
}

static int mount_source(struct arena *a, const char *word, struct pod_mount *m, struct err *e)
{
	int rc;

	if (!strcmp(word, "tmpfs")) {
		m->kind = MOUNT_TMPFS;
		return 0;
	}
	m->kind = MOUNT_VOLUME;
	if (*word == '/' || *word == '.' || *word == '~') {
		err_new(e, ERR_USAGE, "'%.120s' is a path of the host, and that is a hole", word);
		err_because(e, "what crosses the pod's boundary is listed among its holes");
		return err_try(e, "holes: [\"path:%.100s:%.80s:rw@APP\"]", word,
			       m->target ? m->target : "DST");
	}
	if ((rc = name_check(NAME_VOLUME, word, e)))
		return rc;
	m->volume = arena_strdup(a, word);
	return 0;
}

int mount_parse(struct arena *a, const char *text, struct pod_mount *ret, struct err *e)
{
	struct pod_mount m = {.target = ret->target};
	char *words = arena_strdup(a, text), *save = NULL;
	char *word = strtok_r(words, " ", &save);
	int rc;

	if (!word) {
		err_new(e, ERR_USAGE, "a mount is a volume's name, or tmpfs with a size");
		return err_because(e, "nothing stands there");
	}
	rc = mount_source(a, word, &m, e);
	while (!rc && (word = strtok_r(NULL, " ", &save)))
		rc = mount_option(word, &m, e);
	if (rc)
		return rc;
	*ret = m;
	return 0;
}

/* ---- the long form ---- */

static int decode_tmpfs(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	struct pod_mount *m = object;

	m->kind = MOUNT_TMPFS;
	if (node->kind == DOC_BOOL && (node->text[0] | 0x20) == 't')
		return 0;
	if (node->text && !unit_parse_size(node->text, &m->size_bytes) && m->size_bytes)
		return 0;
	return place_bad(node, e, "tmpfs must be a size such as 64Mi, or true");
}

static int decode_mount_mode(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	return native_decode_mode(node, &((struct pod_mount *)object)->mode, e);
}

static const struct field mount_fields[] = {
	FIELD(struct pod_mount, volume, "volume", FIELD_STR),
	{.key = "tmpfs", .kind = FIELD_CUSTOM, .decode = decode_tmpfs},
	{.key = "mode", .kind = FIELD_CUSTOM, .decode = decode_mount_mode},
	FIELD(struct pod_mount, read_only, "read_only", FIELD_BOOL),
	FIELD(struct pod_mount, noexec, "noexec", FIELD_BOOL),
};
static const char *const mount_aliases[][2] = {
	{"source", "volume:"},         {"name", "volume:"},
	{"readOnly", "read_only:"},    {"ro", "read_only:"},
	{"size", "tmpfs: 64Mi"},       {"bind", "holes: path:"},
	{"path", "holes: path:"},      {"hostPath", "holes: path:"},
	{"type", "volume: or tmpfs:"}, {NULL, NULL},
};
static const struct field_set mount_set =
	FIELD_SET("mount", struct pod_mount, mount_fields, .aliases = mount_aliases);

static int decode_long(struct arena *a, const struct doc *node, struct pod_mount *m, struct err *e)
{
	struct decode d = {.arena = a};
	char *target = m->target;
	int rc;

	m->kind = MOUNT_VOLUME;
	if ((rc = decode_doc(&d, &mount_set, node, m, e)))
		return rc;
	m->target = target;
	if ((m->kind == MOUNT_TMPFS) == (m->volume != NULL))
		return place_bad(node, e, "a mount has either 'volume' or 'tmpfs'");
	if (m->volume && m->mode)
		return place_bad(node, e,
				 "'mode' belongs to the volume itself, below the pod's 'volumes'");
	if (m->volume && (rc = name_check(NAME_VOLUME, m->volume, e)))
		return place_err(node, e);
	return 0;
}

static int decode_mount(struct arena *a, const struct doc *node, struct pod_mount *m, struct err *e)
{
	int rc;

	m->place = place_of(a, node);
	m->target = arena_strdup(a, node->key);
	if ((rc = mount_check_target(m->target, e)))
		return place_err(node, e);
	if (node->kind == DOC_MAP) {
		rc = decode_long(a, node, m, e);
		m->place = place_of(a, node);
		return rc;
	}
	if (node->kind != DOC_STR)
		return place_bad(node, e, "expected a volume's name or tmpfs at %.80s", node->key);
	if ((rc = mount_parse(a, node->text, m, e)))
		return place_err(node, e);
	m->place = place_of(a, node);
	return 0;
}

int native_decode_mounts(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	struct pod_app *app = object;
	int rc = 0;

	if (node->kind != DOC_MAP) {
		place_bad(node, e, "mounts must be a map from a path in the app to what is there");
		return err_try(e, "mounts: {/data: data, /tmp: tmpfs 64Mi}");
	}
	for (const struct doc *c = node->child; c && !rc; c = c->next)
		rc = decode_mount(a, c, list_add(a, &app->mounts), e);
	return rc;
}
