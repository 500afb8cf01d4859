/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files beside an image's record (artifact.h): HEX.artifacts and HEX.trust. Both are whole files that appear
 * at once; two writers of the same list hold its lock in turn, so that neither's entry is lost.
 */
#include "store/artifact.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/record.h"
#include "base/str.h"
#include "store/blob.h"
#include "store/layout.h"

const char *const artifact_kind_names[] = {"index",     "cosign",   "bundle",  "dsse",
					   "statement", "document", "openpgp", "aci", NULL};

static const struct field artifact_fields[] = {
	FIELD(struct artifact, kind, "kind", FIELD_ENUM, .names = artifact_kind_names),
	FIELD(struct artifact, blob, "blob", FIELD_STR),
	FIELD(struct artifact, size, "size", FIELD_U64),
	FIELD(struct artifact, media_type, "media_type", FIELD_STR),
	FIELD(struct artifact, signature, "signature", FIELD_STR),
	FIELD(struct artifact, key, "key", FIELD_STR),
};
static const struct field_set artifact_set = FIELD_SET("artifact", struct artifact, artifact_fields);
static const struct field artifacts_fields[] = {
	FIELD(struct artifacts, list, "artifacts", FIELD_LIST, .sub = &artifact_set),
};
static const struct field_set artifacts_set = FIELD_SET("artifacts", struct artifacts, artifacts_fields);

/* What media types begin with. */
static const struct {
	const char *prefix;
	enum artifact_kind kind;
} part_types[] = {
	{"application/vnd.dev.cosign.simplesigning.v1+json", ARTIFACT_COSIGN},
	{"application/vnd.dev.sigstore.bundle", ARTIFACT_BUNDLE},
	{"application/vnd.dsse.envelope.v1+json", ARTIFACT_DSSE},
	{"application/vnd.in-toto+json", ARTIFACT_STATEMENT},
	{"application/spdx", ARTIFACT_DOCUMENT},
	{"text/spdx", ARTIFACT_DOCUMENT},
	{"application/vnd.cyclonedx", ARTIFACT_DOCUMENT},
	{"application/vnd.syft", ARTIFACT_DOCUMENT},
};

bool artifact_kind_of(const char *media_type, enum artifact_kind *ret)
{
	for (size_t i = 0; media_type && i < ARRAY_SIZE(part_types); i++) {
		if (!str_has_prefix(media_type, part_types[i].prefix))
			continue;
		*ret = part_types[i].kind;
		return true;
	}
	return false;
}

void artifact_write_list(struct str *out, const struct artifacts *list)
{
	record_write(out, &artifacts_set, list, RECORD_COMPACT);
}

int artifact_parse_list(struct arena *a, const char *text, size_t n, struct artifacts *ret, struct err *e)
{
	struct artifacts list = {};
	int r = record_read(a, &artifacts_set, text, n, &list, e);

	for (size_t i = 0; i < list.list.n && !r; i++) {
		const char *hex = layout_digest_hex(list.list.v[i].blob);

		if (list.list.n > ARTIFACTS_MAX || !hex || strlen(hex) != 64 || list.list.v[i].size > ARTIFACT_SIZE_MAX)
			r = err_new(e, ERR_FAILED, "the list of signatures that came with an image is none");
	}
	if (!r)
		*ret = list;
	return r;
}

static int beside_path(const char *digest, const char *what, char *path, size_t n, struct err *e)
{
	const char *hex = layout_digest_hex(digest);

	if (!hex)
		return err_new(e, ERR_NOT_FOUND, "'%.140s' is no digest of an image", digest ? digest : "");
	snprintf(path, n, "images/%.128s.%s", hex, what);
	return 0;
}

static int read_beside(const struct store *s, const char *digest, const char *what, char **ret_text, size_t *ret_n,
		       struct err *e)
{
	char path[176];
	int r = beside_path(digest, what, path, sizeof(path), e);

	if (r == 0)
		r = io_read_file(s->dirfd, path, LAYOUT_RECORD_MAX, ret_text, ret_n, e);
	return r < 0 && e->errnum == ENOENT ? err_recode(e, ERR_NOT_FOUND) : r;
}

static int put_beside(const struct store *s, const char *digest, const char *what, const void *bytes, size_t n,
		      struct err *e)
{
	char path[176];
	int r = beside_path(digest, what, path, sizeof(path), e);

	if (r == 0)
		r = layout_put_file(s, "images", path + strlen("images/"), bytes, n, e);
	return r < 0 ? r : layout_sync_dir(s, "images", e);
}

int artifact_list(const struct store *s, struct arena *a, const char *digest, struct artifacts *ret, struct err *e)
{
	autofree char *text = NULL;
	struct artifacts found = {};
	struct err none = {};
	size_t n;
	int r = read_beside(s, digest, "artifacts", &text, &n, &none);

	if (r == 0)
		r = record_read(a, &artifacts_set, text, n, &found, e);
	else if (r != -ERR_NOT_FOUND)
		*e = none;
	if (r < 0 && r != -ERR_NOT_FOUND)
		return r;
	*ret = found;
	return 0;
}

static bool is_same(const struct artifact *x, const struct artifact *y)
{
	return x->kind == y->kind && str_equal(x->blob, y->blob) && str_equal(x->signature, y->signature);
}

static int err_too_many(const char *digest, struct err *e)
{
	err_new(e, ERR_POLICY, "the image %.80s has too many signatures", digest);
	err_because(e, "more than %d signatures and attestations came with it", ARTIFACTS_MAX);
	return err_try(e, "rocket image rm NAME   (and fetch it from where it has fewer)");
}

static int add_to_list(const struct store *s, const char *digest, const struct artifact *artifact, struct err *e)
{
	autoarena a = {};
	autostr text = {};
	struct artifacts all = {};
	int r = artifact_list(s, &a, digest, &all, e);

	for (size_t i = 0; r == 0 && i < all.list.n; i++)
		if (is_same(&all.list.v[i], artifact))
			return 0;
	if (r == 0 && all.list.n >= ARTIFACTS_MAX)
		r = err_too_many(digest, e);
	if (r < 0)
		return r;
	*list_add(&a, &all.list) = *artifact;
	record_write(&text, &artifacts_set, &all, RECORD_COMPACT);
	return put_beside(s, digest, "artifacts", text.text, text.len, e);
}

int artifact_put(const struct store *s, const char *digest, const struct artifact *a, const void *bytes, struct err *e)
{
	/* images/ itself is the lock of its lists: they are short, and written rarely. */
	autoclose int lock = openat(s->dirfd, "images", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum blob_place place;
	const char *hex;

	if (a->size > ARTIFACT_SIZE_MAX)
		return err_new(e, ERR_USAGE, "a signature or attestation of %.80s is larger than %d bytes", digest,
			       ARTIFACT_SIZE_MAX);
	if (!blob_parse_digest(a->blob, &place, &hex) || place != BLOB_SHA256)
		return err_new(e, ERR_USAGE, "'%.80s' is no digest", a->blob ? a->blob : "");
	if (lock < 0 || flock(lock, LOCK_EX) < 0)
		return layout_err(e, "can't lock %s/images", s->path);
	int r = blob_put(s, place, hex, bytes, a->size, e);

	if (r == 0)
		r = layout_sync_dir(s, "blobs/sha256", e);
	return r < 0 ? r : add_to_list(s, digest, a, e);
}

int artifact_read(const struct store *s, const struct artifact *a, char **ret_text, size_t *ret_n, struct err *e)
{
	autoclose int fd = -1;
	int r = blob_open(s, a->blob, &fd, e);

	return r < 0 ? r : io_read_fd(fd, ARTIFACT_SIZE_MAX, ret_text, ret_n, e);
}

int artifact_read_verdicts(const struct store *s, const char *digest, char **ret_text, size_t *ret_n, struct err *e)
{
	return read_beside(s, digest, "trust", ret_text, ret_n, e);
}

int artifact_put_verdicts(const struct store *s, const char *digest, const char *text, size_t n, struct err *e)
{
	return put_beside(s, digest, "trust", text, n, e);
}

char *artifact_list_path(const struct store *s, struct arena *a, const char *digest)
{
	const char *hex = layout_digest_hex(digest);

	return arena_printf(a, "%s/images/%s.artifacts", s->path, hex ? hex : "none");
}
