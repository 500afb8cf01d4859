/* SPDX-License-Identifier: Apache-2.0 */
/* features: what this runtime can, as features.md of the runtime-spec has it. */
#include <linux/capability.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "boundary/hooks.h"
#include "oci/oci.h"
#include "pod/caps.h"
#include "pod/oci_plan.h"

static int take(void *to, const struct opt *opt, const char *value, struct err *e)
{
	return 0;
}

static void add_words(struct str *out, const char *key, const char *const *words, size_t n)
{
	str_addf(out, "\"%s\": [", key);
	for (size_t i = 0; i < n && words[i]; i++) {
		str_add(out, i ? ", " : "");
		str_add_json(out, words[i]);
	}
	str_add_char(out, ']');
}

static void add_capabilities(struct str *out)
{
	str_add(out, "\"capabilities\": [");
	for (unsigned n = 0; caps_name(n); n++)
		str_addf(out, "%s\"CAP_%s\"", n ? ", " : "", caps_name(n));
	str_add_char(out, ']');
}

static const char *const actions[] = {
	"SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_LOG",
	"SCMP_ACT_NOTIFY", "SCMP_ACT_TRACE", "SCMP_ACT_TRAP",
};
static const char *const operators[] = {
	"SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_LE", "SCMP_CMP_LT", "SCMP_CMP_MASKED_EQ", "SCMP_CMP_NE",
};
static const char *const archs[] = {
	"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM", "SCMP_ARCH_X32", "SCMP_ARCH_X86", "SCMP_ARCH_X86_64",
};
static const char *const known_flags[] = {
	"SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_TSYNC",
	"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
};

static void add_seccomp(struct str *out)
{
	str_add(out, "    \"seccomp\": {\n      \"enabled\": true,\n      ");
	add_words(out, "actions", actions, ARRAY_SIZE(actions));
	str_add(out, ",\n      ");
	add_words(out, "operators", operators, ARRAY_SIZE(operators));
	str_add(out, ",\n      ");
	add_words(out, "archs", archs, ARRAY_SIZE(archs));
	str_add(out, ",\n      ");
	add_words(out, "knownFlags", known_flags, ARRAY_SIZE(known_flags));
	str_add(out, ",\n      ");
	add_words(out, "supportedFlags", known_flags, ARRAY_SIZE(known_flags));
	str_add(out, "\n    },\n");
}

static int run(struct oci *o, int argc, char **argv, int *ret_code, struct err *e)
{
	autostr out = {};
	char **words = NULL;
	int r = oci_parse(o, argc, argv, 0, 0, take, NULL, &words, e);

	if (r != 0)
		return r < 0 ? r : 0;
	str_add(&out, "{\n  \"ociVersionMin\": \"1.0.0\",\n  \"ociVersionMax\": \"1.3.0\",\n  ");
	add_words(&out, "hooks", hook_kind_names, OCI_HOOKS);
	str_add(&out, ",\n  ");
	add_words(&out, "mountOptions", oci_mount_words, 200);
	str_add(&out, ",\n  \"linux\": {\n    ");
	add_words(&out, "namespaces", oci_namespace_types, 20);
	str_add(&out, ",\n    ");
	add_capabilities(&out);
	str_add(&out, ",\n    \"cgroup\": {\"v1\": true, \"v2\": true, \"systemd\": false, \"systemdUser\": false, \"rdma\": true},\n");
	add_seccomp(&out);
	str_add(&out, "    \"apparmor\": {\"enabled\": true},\n    \"selinux\": {\"enabled\": true},\n"
		      "    \"intelRdt\": {\"enabled\": false},\n"
		      "    \"mountExtensions\": {\"idmap\": {\"enabled\": true}},\n"
		      "    \"netDevices\": {\"enabled\": false},\n    \"memoryPolicy\": {\"modes\": [], \"flags\": []}\n  },\n"
		      "  \"annotations\": {\"dev.rocket.version\": \"" ROCKET_VERSION "\"}\n}\n");
	return oci_print(out.text, e);
}

const struct oci_verb oci_verb_features = {
	.name = "features", .words = "", .what = "Print what this runtime can", .example = "features", .run = run,
};
