/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers that bound an app, from the manifest: `limits`, `rlimits`, `sysctls`, file modes. Every
 * number is held against the range that the kernel takes, so that a start does not fail half-way.
 * Pure.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/decode.h"
#include "base/str.h"
#include "base/unit.h"
#include "pod/limits.h"
#include "pod/limits_more.h"
#include "pod/native_parts.h"
#include "pod/place.h"
#include "pod/pod.h"

int native_word_index(const struct doc *node, const char *const *words, int *ret, struct err *e)
{
	const char *text = node->text ? node->text : "";
	const char *near;
	autostr list = {};

	for (int i = 0; words[i]; i++) {
		if (node->kind == DOC_STR && !strcmp(words[i], text)) {
			*ret = i;
			return 0;
		}
		str_addf(&list, "%s%s", i ? ", " : "", words[i]);
	}
	near = node->text ? str_nearest(text, words) : NULL;
	place_bad(node, e, "%.60s can't be '%.60s'", node->key ? node->key : "this", text);
	err_because(e, "it is one of: %s", str_text(&list));
	return near ? err_try(e, "%s", near) : -ERR_USAGE;
}

int native_decode_mode(const struct doc *node, uint32_t *ret, struct err *e)
{
	uint32_t mode;

	if (!node->text || limits_parse_mode(node->text, &mode))
		return place_bad(node, e, "mode must be an octal file mode such as \"0750\"");
	*ret = mode;
	return 0;
}

/* ---- limits ---- */

static int decode_swap(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	struct plan_limits *l = object;

	if (node->text && !strcmp(node->text, "unlimited")) {
		l->swap_unlimited = true;
		return 0;
	}
	if (node->text && !unit_parse_size(node->text, &l->swap_bytes))
		return 0;
	return place_bad(node, e,
			 "swap must be a size such as 64Mi (on top of memory), or unlimited");
}

/* "/dev/sda: {read: 10Mi, write: 1Mi, read_ops: 100, write_ops: 100}", each a second */
static int decode_io_device(struct arena *a, const struct doc *node, struct plan_limits *l, struct err *e)
{
	static const struct {
		const char *key;
		bool bytes;
		enum limits_io what;
	} rates[] = {
		{"read", true, LIMITS_READ_BPS},
		{"write", true, LIMITS_WRITE_BPS},
		{"read_ops", false, LIMITS_READ_IOPS},
		{"write_ops", false, LIMITS_WRITE_IOPS},
	};

	for (const struct doc *c = node->kind == DOC_MAP ? node->child : NULL; c; c = c->next) {
		uint64_t value;
		size_t i = 0;

		while (i < ARRAY_SIZE(rates) && strcmp(rates[i].key, c->key) != 0)
			i++;
		if (i == ARRAY_SIZE(rates))
			return place_bad(c, e, "a device is limited by read, write (bytes a second), read_ops and write_ops");
		if (!c->text || (rates[i].bytes ? unit_parse_size(c->text, &value) :
						  unit_parse_u64(c->text, 1, INT64_MAX, &value)))
			return place_bad(c, e, "%s must be %s", c->key,
					 rates[i].bytes ? "a size such as 10Mi" : "a number of operations");
		if (limits_set_io(a, l, node->key, rates[i].what, value, e))
			return place_err(c, e);
	}
	return node->child && node->kind == DOC_MAP ? 0 : place_bad(node, e, "expected limits such as {read: 10Mi}");
}

static int decode_io(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	int rc = 0;

	if (node->kind != DOC_MAP)
		return place_bad(node, e, "io must be a map of devices, such as {/dev/sda: {read: 10Mi}}");
	for (const struct doc *c = node->child; c && !rc; c = c->next)
		rc = decode_io_device(a, c, object, e);
	return rc;
}

static int decode_hugepages(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	uint64_t bytes;

	if (node->kind != DOC_MAP)
		return place_bad(node, e, "hugepages must be a map of sizes, such as {2Mi: 64Mi}");
	for (const struct doc *c = node->child; c; c = c->next) {
		if (!c->text || unit_parse_size(c->text, &bytes))
			return place_bad(c, e, "expected a size such as 64Mi");
		if (limits_set_hugepages(a, object, c->key, bytes, e))
			return place_err(c, e);
	}
	return 0;
}

static int decode_files(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	if (node->kind != DOC_MAP)
		return place_bad(node, e, "files must be a map of control files, such as {memory.high: 100000000}");
	for (const struct doc *c = node->child; c; c = c->next) {
		if (!c->text || c->kind == DOC_NULL)
			return place_bad(c, e, "expected what is written to %.60s", c->key);
		if (limits_set_file(a, object, c->key, c->text, e))
			return place_err(c, e);
	}
	return 0;
}

static const struct field limits_fields[] = {
	FIELD(struct plan_limits, memory_bytes, "memory", FIELD_SIZE),
	FIELD(struct plan_limits, memory_request_bytes, "memory_request", FIELD_SIZE),
	{.key = "swap", .kind = FIELD_CUSTOM, .decode = decode_swap},
	FIELD(struct plan_limits, cpus_milli, "cpus", FIELD_CPUS),
	FIELD(struct plan_limits, cpu_shares, "cpu_shares", FIELD_U32),
	FIELD(struct plan_limits, cpuset, "cpuset", FIELD_STR),
	FIELD(struct plan_limits, pids, "pids", FIELD_U32),
	FIELD(struct plan_limits, io_weight, "io_weight", FIELD_U32),
	FIELD(struct plan_limits, cpuset_mems, "cpuset_mems", FIELD_STR),
	{.key = "io", .kind = FIELD_CUSTOM, .decode = decode_io},
	{.key = "hugepages", .kind = FIELD_CUSTOM, .decode = decode_hugepages},
	{.key = "files", .kind = FIELD_CUSTOM, .decode = decode_files},
};
static const char *const limits_aliases[][2] = {
	{"cpu", "cpus:"},
	{"mem", "memory:"},
	{"mem_limit", "memory:"},
	{"pids_limit", "pids:"},
	{"memswap", "swap:"},
	{"cgroup", "files:"},
	{"blkio_weight", "io_weight:"},
	{"hugetlb", "hugepages:"},
	{"request", "memory_request:"},
	{"requests", "memory_request:"},
	{"limits", "memory:"},
	{"nofile", "rlimits: {nofile: …} of the app"},
	{NULL, NULL},
};
static const struct field_set limits_set =
	FIELD_SET("limits", struct plan_limits, limits_fields, .aliases = limits_aliases);

/* "memory: 0" would read like "none at all" and mean "no limit". */
static int check_no_zero(const struct doc *node, struct err *e)
{
	static const char *const keys[] = {"memory",     "memory_request", "cpus",
					   "cpu_shares", "pids",           "io_weight"};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const struct doc *c = doc_get(node, keys[i]);

		if (!c || !c->text || strspn(c->text, "0.") != strlen(c->text))
			continue;
		place_bad(c, e, "%s can't be limited to nothing", keys[i]);
		return err_try(e, "leave '%s' out for no limit", keys[i]);
	}
	return 0;
}

int native_decode_limits(struct arena *a, const struct doc *node, struct plan_limits *ret,
			 struct err *e)
{
	struct decode d = {.arena = a};
	struct plan_limits l = {};
	int rc = decode_doc(&d, &limits_set, node, &l, e);

	if (rc)
		return rc;
	if ((rc = check_no_zero(node, e)))
		return rc;
	if ((rc = limits_check(&l, e)))
		return place_err(node, e);
	*ret = l;
	return 0;
}

/* ---- rlimits ---- */

struct soft_hard {
	char *soft, *hard;
};
static const struct field soft_hard_fields[] = {
	FIELD(struct soft_hard, soft, "soft", FIELD_STR, .required = true),
	FIELD(struct soft_hard, hard, "hard", FIELD_STR, .required = true),
};
static const struct field_set soft_hard_set =
	FIELD_SET("rlimit", struct soft_hard, soft_hard_fields);

static int decode_rlimit(struct arena *a, const struct doc *node, struct plan_rlimit *r,
			 struct err *e)
{
	struct decode d = {.arena = a};
	struct soft_hard sh = {};
	const char *text = node->text;
	int rc;

	if (node->kind == DOC_MAP) {
		if ((rc = decode_doc(&d, &soft_hard_set, node, &sh, e)))
			return rc;
		text = arena_printf(a, "%s:%s", sh.soft, sh.hard);
	}
	if (!text)
		return place_bad(node, e, "expected a number, SOFT:HARD, or unlimited");
	rc = limits_parse_rlimit(a, node->key, text, r, e);
	return rc ? place_err(node, e) : 0;
}

int native_decode_rlimits(struct arena *a, const struct doc *node, void *object, struct err *e)
{
	struct pod_app *app = object;
	int rc = 0;

	if (node->kind != DOC_MAP)
		return place_bad(node, e, "rlimits must be a map, such as {nofile: \"1024:4096\"}");
	for (const struct doc *c = node->child; c && !rc; c = c->next)
		rc = decode_rlimit(a, c, list_add(a, &app->rlimits), e);
	return rc;
}

/* ---- sysctls ---- */

int native_decode_sysctls(struct arena *a, const struct doc *node, char ***ret, struct err *e)
{
	int rc;

	if (node->kind != DOC_MAP)
		return place_bad(node, e,
				 "sysctls must be a map, such as {net.core.somaxconn: 1024}");
	for (const struct doc *c = node->child; c; c = c->next) {
		if (!c->text || c->kind == DOC_NULL)
			return place_bad(c, e, "expected a value for the sysctl '%.80s'", c->key);
		if ((rc = limits_check_sysctl(c->key, c->text, e)))
			return place_err(c, e);
		arena_strv_add(a, ret, arena_printf(a, "%s=%s", c->key, c->text));
	}
	return 0;
}
