/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rocket-seccomp PROFILE CAPS [oci]: compiles a seccomp profile (the JSON of Docker, podman and the OCI runtime spec, section
 * "seccomp") into a program for the kernel, on stdout. CAPS are the app's capabilities in hex: Docker's profiles
 * open calls by them ("includes", "excludes"). With `oci` it is linux.seccomp of a config.json: actions for a tracer or a listener
 * work, and its architectures count. Once a pod is made, never at a start: libseccomp takes milliseconds.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/doc.h"
#include "base/io.h"
#include "base/str.h"
#include "base/unit.h"
#include "pod/caps.h"
#include "seccomp_ranges.h"

enum { PROFILE_MAX = 4 << 20 };

struct compiler {
	struct ranges *filter;
	uint64_t caps;
	bool oci;
};

/* ---- words ---- */

static const struct {
	const char *name;
	uint32_t action;
} actions[] = {
	{"SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW},
	{"SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD},
	{"SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS},
	{"SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD},
	{"SCMP_ACT_LOG", SECCOMP_RET_LOG},
	{"SCMP_ACT_TRAP", SECCOMP_RET_TRAP},
	{"SCMP_ACT_NOTIFY", SECCOMP_RET_USER_NOTIF}, /* the last two: oci alone */
	{"SCMP_ACT_TRACE", SECCOMP_RET_TRACE},
};

static const struct {
	const char *name;
	enum scmp_compare op;
} operators[] = {
	{"SCMP_CMP_NE", SCMP_CMP_NE}, {"SCMP_CMP_LT", SCMP_CMP_LT}, {"SCMP_CMP_LE", SCMP_CMP_LE},
	{"SCMP_CMP_EQ", SCMP_CMP_EQ}, {"SCMP_CMP_GE", SCMP_CMP_GE}, {"SCMP_CMP_GT", SCMP_CMP_GT},
	{"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ},
};

static int get_number(const struct doc *d, const char *key, uint64_t otherwise, uint64_t *ret, struct err *e)
{
	const struct doc *node = doc_get(d, key);

	*ret = otherwise;
	if (!node || node->kind == DOC_NULL)
		return 0;
	if (node->kind == DOC_INT && unit_parse_u64(node->text, 0, UINT64_MAX, ret) == 0)
		return 0;
	return doc_err(node, e, "%s must be a whole number", key);
}

static int parse_action(const struct compiler *c, const struct doc *d, const char *key, uint64_t errno_ret, uint32_t *ret,
			struct err *e)
{
	const size_t n = ARRAY_SIZE(actions) - (c->oci ? 0 : 2);

	const char *name = doc_get_str(d, key);

	if (!name)
		return doc_err(d, e, "the profile lacks %s", key);
	if (strcmp(name, "SCMP_ACT_ERRNO") == 0) {
		*ret = SECCOMP_RET_ERRNO | (errno_ret & 0xffff);
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		if (strcmp(actions[i].name, name) == 0) {
			*ret = actions[i].action | (actions[i].action == SECCOMP_RET_TRACE ? errno_ret & 0xffff : 0);
			return 0;
		}
	doc_err(doc_get(d, key), e, "%s can't be %.60s", key, name);
	if (c->oci)
		return err_because(e, "the specification has no such action");
	return err_because(e, "Rocket has no tracer and no listener for it: ALLOW, ERRNO, KILL, KILL_PROCESS, LOG and TRAP work");
}

/* ---- rules ---- */

static int parse_arg(const struct doc *node, struct scmp_arg_cmp *ret, struct err *e)
{
	const char *op = doc_get_str(node, "op");
	uint64_t index, value, second;

	if (get_number(node, "index", 0, &index, e) < 0 || get_number(node, "value", 0, &value, e) < 0 ||
	    get_number(node, "valueTwo", 0, &second, e) < 0)
		return -e->code;
	if (index > 5)
		return doc_err(node, e, "a system call has arguments 0 to 5, not %llu", (unsigned long long)index);
	for (size_t i = 0; op && i < ARRAY_SIZE(operators); i++)
		if (strcmp(operators[i].name, op) == 0) {
			*ret = (struct scmp_arg_cmp){(unsigned int)index, operators[i].op, value, second};
			return 0;
		}
	return doc_err(node, e, "op can't be %.60s", op ?: "missing");
}

static int add_calls(struct compiler *c, const struct doc *rule, uint32_t action, const struct scmp_arg_cmp *args,
		     unsigned int n, struct err *e)
{
	for (const struct doc *name = doc_get(rule, "names")->child; name; name = name->next)
		if (ranges_add(c->filter, action, name->text, args, n, e) < 0)
			return -e->code;
	return 0;
}

/* Several conditions on one argument can't stand in one rule: then each becomes a rule, as runc has it. */
static int add_rule(struct compiler *c, const struct doc *rule, uint32_t action, struct err *e)
{
	struct scmp_arg_cmp args[6];
	unsigned int n = 0, seen = 0;
	bool repeated = false;
	const struct doc *list = doc_get(rule, "args");

	for (const struct doc *node = list ? list->child : NULL; node; node = node->next) {
		if (n == ARRAY_SIZE(args))
			return doc_err(node, e, "a rule has at most six conditions");
		if (parse_arg(node, &args[n], e) < 0)
			return -e->code;
		repeated |= seen >> args[n].arg & 1;
		seen |= 1u << args[n++].arg;
	}
	if (!repeated)
		return add_calls(c, rule, action, args, n, e);
	for (unsigned int i = 0; i < n; i++)
		if (add_calls(c, rule, action, &args[i], 1, e) < 0)
			return -e->code;
	return 0;
}

/* A capability that we do not know is one that the app does not have. */
static uint64_t cap_set(const char *name)
{
	uint64_t set = 0;
	struct err unknown = {};

	return caps_parse(name, &set, &unknown) < 0 ? 0 : set;
}

static bool has_all_caps(const struct compiler *c, const struct doc *list)
{
	for (const struct doc *cap = list ? list->child : NULL; cap; cap = cap->next) {
		uint64_t set = cap_set(cap->text);

		if (!set || (c->caps & set) != set)
			return false;
	}
	return true;
}

static bool has_any_cap(const struct compiler *c, const struct doc *list)
{
	for (const struct doc *cap = list ? list->child : NULL; cap; cap = cap->next)
		if (c->caps & cap_set(cap->text))
			return true;
	return false;
}

static bool names_our_arch(const struct doc *list)
{
	for (const struct doc *arch = list ? list->child : NULL; arch; arch = arch->next)
		if (seccomp_arch_native() == seccomp_arch_resolve_name(arch->text) || strcmp(arch->text, "amd64") == 0)
			return true;
	return false;
}

/* Docker's conditions: "includes" must hold, "excludes" must not. */
static bool applies(const struct compiler *c, const struct doc *rule)
{
	const struct doc *in = doc_get(rule, "includes"), *out = doc_get(rule, "excludes");

	if (!has_all_caps(c, doc_get(in, "caps")) || has_any_cap(c, doc_get(out, "caps")))
		return false;
	if (doc_get(in, "arches") && !names_our_arch(doc_get(in, "arches")))
		return false;
	return !doc_get(out, "arches") || !names_our_arch(doc_get(out, "arches"));
}

static int compile_rule(struct compiler *c, const struct doc *rule, struct err *e)
{
	uint64_t errno_ret;
	uint32_t action;
	const struct doc *names = doc_get(rule, "names");

	if (!names || names->kind != DOC_LIST)
		return doc_err(rule, e, "a rule lacks its names");
	if (!applies(c, rule))
		return 0;
	if (get_number(rule, "errnoRet", EPERM, &errno_ret, e) < 0 ||
	    parse_action(c, rule, "action", errno_ret, &action, e) < 0)
		return -e->code;
	return add_rule(c, rule, action, e);
}

/* A call that nobody listens for would hang its caller. */
static int check_listener(const struct doc *profile, struct err *e)
{
	const struct doc *rules = doc_get(profile, "syscalls");
	const char *path = doc_get_str(profile, "listenerPath");

	for (const struct doc *rule = rules ? rules->child : NULL; rule && (!path || !*path); rule = rule->next) {
		const char *action = doc_get_str(rule, "action");

		if (!action || strcmp(action, "SCMP_ACT_NOTIFY") != 0)
			continue;
		doc_err(rule, e, "SCMP_ACT_NOTIFY needs a listenerPath");
		return err_because(e, "nobody would answer the calls that it stops");
	}
	return 0;
}

static int add_archs(struct compiler *c, const struct doc *profile, struct err *e)
{
	const struct doc *list = c->oci ? doc_get(profile, "architectures") : NULL;

	for (const struct doc *arch = list ? list->child : NULL; arch; arch = arch->next) {
		char name[24] = "";
		const char *from = strncmp(arch->text, "SCMP_ARCH_", 10) == 0 ? arch->text + 10 : arch->text;

		for (size_t i = 0; from[i] && i < sizeof(name) - 1; i++)
			name[i] = (char)(from[i] >= 'A' && from[i] <= 'Z' ? from[i] + 32 : from[i]);
		if (seccomp_arch_resolve_name(name) == 0)
			return doc_err(arch, e, "there is no architecture %.40s", arch->text);
		ranges_add_arch(c->filter, seccomp_arch_resolve_name(name));
	}
	return c->oci ? check_listener(profile, e) : 0;
}

static int compile(struct compiler *c, struct arena *arena, const struct doc *profile, struct err *e)
{
	uint64_t errno_ret;
	uint32_t action;
	const struct doc *rules = doc_get(profile, "syscalls");

	if (get_number(profile, "defaultErrnoRet", EPERM, &errno_ret, e) < 0 ||
	    parse_action(c, profile, "defaultAction", errno_ret, &action, e) < 0)
		return -e->code;
	c->filter = ranges_new(arena, action);
	if (add_archs(c, profile, e) < 0)
		return -e->code;
	for (const struct doc *rule = rules ? rules->child : NULL; rule; rule = rule->next)
		if (compile_rule(c, rule, e) < 0)
			return -e->code;
	return ranges_write(c->filter, STDOUT_FILENO, e);
}

static int run(int argc, char **argv, struct err *e)
{
	autoarena a = {};
	autofree char *text = NULL;
	struct compiler c = {};
	struct doc *profile;
	size_t n;

	if (argc != 3 && (argc != 4 || strcmp(argv[3], "oci") != 0)) {
		err_new(e, ERR_USAGE, "rocket-seccomp is started by rocket alone");
		return err_try(e, "rocket run --help");
	}
	c.oci = argc == 4;
	c.caps = strtoull(argv[2], NULL, 16);
	if (io_read_file(AT_FDCWD, argv[1], PROFILE_MAX, &text, &n, e) < 0)
		return -e->code;
	/* Somebody else's bytes from here on: nothing that they could win is left. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_errno(e, "can't drop privileges");
	if (doc_parse_json(&a, argv[1], text, n, &profile, e) < 0)
		return -e->code;
	return compile(&c, &a, profile, e);
}

int main(int argc, char **argv)
{
	struct err e = {};

	if (run(argc, argv, &e) == 0)
		return 0;
	err_print(stderr, &e);
	return e.code;
}
