/* SPDX-License-Identifier: Apache-2.0 */
/* The record of judgements (trust/verdict.h). On the path of a start, but only of what was fetched. */
#include "trust/verdict.h"

#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/record.h"
#include "base/str.h"
#include "store/artifact.h"

static const struct field watch_fields[] = {
	FIELD(struct trust_watch, path, "path", FIELD_STR),
	FIELD(struct trust_watch, mtime_ns, "mtime_ns", FIELD_INT),
	FIELD(struct trust_watch, ctime_ns, "ctime_ns", FIELD_INT),
	FIELD(struct trust_watch, inode, "inode", FIELD_U64),
	FIELD(struct trust_watch, size, "size", FIELD_U64),
};
static const struct field_set watch_set = FIELD_SET("watched file", struct trust_watch, watch_fields);

static const struct field verdict_fields[] = {
	FIELD(struct trust_verdict, name, "name", FIELD_STR),
	FIELD(struct trust_verdict, digest, "digest", FIELD_STR),
	FIELD(struct trust_verdict, accepted, "accepted", FIELD_BOOL),
	FIELD(struct trust_verdict, how, "how", FIELD_STR),
	FIELD(struct trust_verdict, rule, "rule", FIELD_STR),
	FIELD(struct trust_verdict, key, "key", FIELD_STR),
	FIELD(struct trust_verdict, layout, "layout", FIELD_STR),
	FIELD(struct trust_verdict, signature, "signature", FIELD_STR),
	FIELD(struct trust_verdict, because, "because", FIELD_STR),
	FIELD(struct trust_verdict, hint, "hint", FIELD_STR),
	FIELD(struct trust_verdict, judged_ns, "judged_ns", FIELD_INT),
};
const struct field_set trust_verdict_set = FIELD_SET("verdict", struct trust_verdict, verdict_fields);

static const struct field record_fields[] = {
	FIELD(struct trust_record, watched, "watched", FIELD_LIST, .sub = &watch_set),
	FIELD(struct trust_record, verdicts, "verdicts", FIELD_LIST, .sub = &trust_verdict_set),
};
const struct field_set trust_record_set = FIELD_SET("trust record", struct trust_record, record_fields);

int verdict_read(const struct store *s, struct arena *a, const char *digest, struct trust_record *ret, struct err *e)
{
	autofree char *text = NULL;
	size_t n;
	int r = artifact_read_verdicts(s, digest, &text, &n, e);

	return r < 0 ? r : record_read(a, &trust_record_set, text, n, ret, e);
}

int verdict_write(const struct store *s, const char *digest, const struct trust_record *record, struct err *e)
{
	autostr text = {};

	record_write(&text, &trust_record_set, record, RECORD_COMPACT);
	return artifact_put_verdicts(s, digest, str_text(&text), text.len, e);
}

static int64_t ns_of(struct timespec t)
{
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* A folder's size means nothing; its times change with its entries. */
static struct trust_watch look(const char *path)
{
	struct trust_watch w = {.path = (char *)path};
	struct stat st;

	if (stat(path, &st) < 0)
		return w;
	w.mtime_ns = ns_of(st.st_mtim);
	w.ctime_ns = ns_of(st.st_ctim);
	w.inode = st.st_ino;
	w.size = S_ISDIR(st.st_mode) ? 0 : (uint64_t)st.st_size;
	return w;
}

void verdict_watch(struct arena *a, struct trust_record *record, const char *path)
{
	for (size_t i = 0; i < record->watched.n; i++)
		if (str_equal(record->watched.v[i].path, path))
			return;
	*list_add(a, &record->watched) = look(arena_strdup(a, path));
}

bool verdict_is_fresh(const struct trust_record *record)
{
	for (size_t i = 0; i < record->watched.n; i++) {
		const struct trust_watch *was = &record->watched.v[i];

		if (!was->path)
			return false;
		const struct trust_watch is = look(was->path);

		if (is.mtime_ns != was->mtime_ns || is.ctime_ns != was->ctime_ns || is.inode != was->inode ||
		    is.size != was->size)
			return false;
	}
	return record->watched.n > 0;
}

const struct trust_verdict *verdict_for(const struct trust_record *record, const char *full_name, const char *digest)
{
	const struct trust_verdict *best = NULL;

	for (size_t i = 0; i < record->verdicts.n; i++) {
		const struct trust_verdict *v = &record->verdicts.v[i];

		if (!str_equal(v->digest, digest))
			continue;
		if (full_name && str_equal(v->name, full_name))
			return v;
		if (!best || (v->accepted && !best->accepted))
			best = v;
	}
	return best;
}
