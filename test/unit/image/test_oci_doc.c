/* SPDX-License-Identifier: Apache-2.0 */
/* The documents of an image: what is read from them, and every way of being two things at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "image/aci.h"
#include "image/oci_doc.h"

#define HEX  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define D    "\"digest\":\"sha256:" HEX "\",\"size\":5"
#define CONF "\"config\":{\"mediaType\":\"" OCI_TYPE_CONFIG "\"," D "}"
#define LAY  "{\"mediaType\":\"" OCI_TYPE_LAYER "+gzip\"," D "}"

static int index_of(struct arena *a, const char *type, const char *text, struct oci_index *x, struct err *e)
{
	return oci_parse_index(a, "index.json", type, text, strlen(text), x, e);
}

static int manifest_of(struct arena *a, const char *type, const char *text, struct oci_manifest *x, struct err *e)
{
	return oci_parse_manifest(a, "manifest", type, text, strlen(text), x, e);
}

static void test_index(void **state)
{
	autoarena a = {};
	struct oci_index x;
	struct err e = {};

	assert_int_equal(index_of(&a, NULL,
				  "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"" OCI_TYPE_MANIFEST "\"," D
				  ",\"platform\":{\"os\":\"linux\",\"architecture\":\"arm\",\"variant\":\"v7\"},\"annotations\":{"
				  "\"org.opencontainers.image.ref.name\":\"v1\",\"io.containerd.image.name\":\"x/y:v1\"}},"
				  "{\"mediaType\":\"" OCI_TYPE_MANIFEST "\"," D ",\"annotations\":{\"vnd.docker.reference.type\":"
				  "\"attestation-manifest\"}}]}",
				  &x, &e),
			 0);
	assert_int_equal(x.manifests.n, 2);
	assert_string_equal(x.manifests.v[0].ref_name, "v1");
	assert_string_equal(x.manifests.v[0].full_name, "x/y:v1");
	assert_string_equal(x.manifests.v[0].variant, "v7");
	assert_int_equal(x.manifests.v[0].size, 5);
	assert_true(x.manifests.v[1].is_attestation);
}

static void test_manifest(void **state)
{
	autoarena a = {};
	struct oci_manifest x;
	struct err e = {};

	assert_int_equal(manifest_of(&a, NULL, "{\"schemaVersion\":2," CONF ",\"layers\":[" LAY "," LAY "]}", &x, &e), 0);
	assert_string_equal(x.media_type, OCI_TYPE_MANIFEST);
	assert_int_equal(x.layers.n, 2);
	assert_string_equal(x.config.digest, "sha256:" HEX);
	assert_int_equal(manifest_of(&a, NULL, "{\"schemaVersion\":2," CONF ",\"layers\":null}", &x, &e), 0);
	assert_int_equal(x.layers.n, 0);
}

static void test_config(void **state)
{
	static const char text[] =
		"{\"os\":\"linux\",\"architecture\":\"amd64\",\"config\":{\"Env\":[\"A=b\",\"SECRET\",\"=x\",\"C=\"],\"User\":\"1:2\","
		"\"Cmd\":[\"a\",\"b\"],\"Entrypoint\":\"/one\",\"Volumes\":{\"/v\":{}},\"ExposedPorts\":{\"80/tcp\":{}},"
		"\"Labels\":{\"k\":\"v\",\"n\":null},\"WorkingDir\":\"\",\"StopSignal\":\"SIGINT\"},"
		"\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:" HEX "\"]},\"history\":[{}]}";
	autoarena a = {};
	struct oci_config x;
	struct err e = {};

	assert_int_equal(oci_parse_config(&a, "config", text, strlen(text), &x, &e), 0);
	assert_int_equal(strv_len(x.config.env), 2); /* those without a name or "=" are dropped */
	assert_string_equal(x.config.env[1], "C=");
	assert_string_equal(x.config.entrypoint[0], "/one");
	assert_int_equal(strv_len(x.config.cmd), 2);
	assert_string_equal(x.config.user, "1:2");
	assert_string_equal(x.config.volumes[0], "/v");
	assert_string_equal(x.config.ports[0], "80/tcp");
	assert_string_equal(x.config.labels[1], "n=");
	assert_null(x.config.workdir);
	assert_int_equal(x.diff_ids.n, 1);
}

static void test_bad_index(void **state)
{
	static const struct {
		const char *type, *text, *what;
	} x[] = {
		{NULL, "", ""},
		{NULL, "[]", "no object"},
		{NULL, "{\"manifests\":[]}", "schemaVersion"},
		{NULL, "{\"schemaVersion\":1,\"manifests\":[]}", "obsolete"},
		{NULL, "{\"schemaVersion\":2,\"manifests\":[],\"layers\":[]}", "ambiguous"},
		{NULL, "{\"schemaVersion\":2,\"manifests\":[],\"config\":{}}", "ambiguous"},
		{NULL, "{\"schemaVersion\":2,\"manifests\":[],\"fsLayers\":[]}", "ambiguous"},
		{NULL, "{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"manifests\":[]}", "not what is needed"},
		{OCI_TYPE_INDEX, "{\"schemaVersion\":2,\"mediaType\":\"application/x\",\"manifests\":[]}", "is referred to as"},
		{NULL, "{\"schemaVersion\":2,\"manifests\":{}}", "no list"},
		{NULL, "{\"schemaVersion\":2,\"manifests\":[null]}", "no object"},
		{NULL, "{\"schemaVersion\":2,\"manifests\":[],\"manifests\":[]}", ""},
		{NULL, "{\"schemaVersion\":2,\"manifests\":[{\"digest\":\"sha256:../../x\",\"size\":1}]}", "no digest"},
		{NULL, "{\"schemaVersion\":2,\"manifests\":[{\"digest\":\"sha512:" HEX HEX "\",\"size\":1}]}", "no digest"},
		{NULL, "{\"schemaVersion\":2,\"manifests\":[{\"digest\":\"SHA256:" HEX "\",\"size\":1}]}", "no digest"},
		{NULL, "{\"schemaVersion\":2,\"manifests\":[{\"digest\":\"sha256:" HEX "0\",\"size\":1}]}", "no digest"},
		{NULL, "{\"schemaVersion\":2,\"manifests\":[{\"digest\":\"sha256:" HEX "\\u0000\",\"size\":1}]}", ""},
		{NULL, "{\"schemaVersion\":2,\"manifests\":[{\"digest\":\"sha256:" HEX "\",\"size\":-1}]}", "no number of bytes"},
		{NULL, "{\"schemaVersion\":2,\"manifests\":[{\"digest\":\"sha256:" HEX "\",\"size\":\"5\"}]}", "no number of bytes"},
		{NULL, "{\"schemaVersion\":2,\"manifests\":[{\"digest\":\"sha256:" HEX "\"}]}", "no number of bytes"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(x); i++) {
		autoarena a = {};
		struct oci_index index;
		struct err e = {};

		if (index_of(&a, x[i].type, x[i].text, &index, &e) != -ERR_FAILED || !strstr(e.what, x[i].what))
			fail_msg("%s: %s", x[i].text, e.what);
	}
}

static void test_bad_manifest(void **state)
{
	static const struct {
		const char *type, *text, *what;
	} x[] = {
		{NULL, "{\"schemaVersion\":2," CONF ",\"layers\":[],\"manifests\":[]}", "ambiguous"},
		{NULL, "{\"schemaVersion\":2," CONF ",\"layers\":[],\"history\":[]}", "ambiguous"},
		{NULL, "{\"schemaVersion\":2,\"layers\":[]}", "names no config"},
		{NULL, "{\"schemaVersion\":2,\"config\":null,\"layers\":[]}", "names no config"},
		{NULL, "{\"schemaVersion\":2,\"config\":[],\"layers\":[]}", "no object"},
		{NULL, "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"application/vnd.x.chart\"," D "},\"layers\":[]}",
		 "no image to run"},
		{NULL, "{\"schemaVersion\":2," CONF ",\"layers\":[null]}", "no object"},
		{NULL, "{\"schemaVersion\":2," CONF ",\"layers\":[{\"mediaType\":\"" OCI_TYPE_LAYER "+encrypted\"," D "}]}", "encrypted"},
		{NULL, "{\"schemaVersion\":2," CONF ",\"layers\":[{\"mediaType\":\"application/pdf\"," D "}]}", "unknown type"},
		{OCI_TYPE_INDEX, "{\"schemaVersion\":2," CONF ",\"layers\":[]}", "not what is needed"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(x); i++) {
		autoarena a = {};
		struct oci_manifest m;
		struct err e = {};

		if (manifest_of(&a, x[i].type, x[i].text, &m, &e) != -ERR_FAILED || !strstr(e.what, x[i].what))
			fail_msg("%s: %s", x[i].text, e.what);
	}
}

/* null at every place where a value may stand must be refused or mean nothing; never crash (CVE-2021-21285). */
static void test_null_everywhere(void **state)
{
	static const char *const keys[] = {"Env", "Cmd", "Entrypoint", "User", "Volumes", "ExposedPorts", "Labels", "WorkingDir"};
	static const char *const values[] = {"null", "[null]", "{\"a\":null}", "[[]]", "5", "\"\"", "[]", "{}"};

	for (size_t i = 0; i < ARRAY_SIZE(keys) * ARRAY_SIZE(values); i++) {
		autoarena a = {};
		char text[200];
		struct oci_config x;
		struct err e = {};
		const char *value = values[i / ARRAY_SIZE(keys)];

		snprintf(text, sizeof(text), "{\"config\":{\"%s\":%s},\"rootfs\":null}", keys[i % ARRAY_SIZE(keys)], value);
		int r = oci_parse_config(&a, "config", text, strlen(text), &x, &e);

		if (!strcmp(value, "null"))
			assert_int_equal(r, 0);
		if (!strcmp(value, "5"))
			assert_int_not_equal(r, 0);
	}
}

static void test_too_large(void **state)
{
	static char text[OCI_DOCUMENT_MAX + 2];
	autoarena a = {};
	struct oci_index x;
	struct err e = {};

	memset(text, ' ', sizeof(text) - 1);
	assert_int_equal(index_of(&a, NULL, text, &x, &e), -ERR_FAILED);
	assert_non_null(strstr(e.what, "larger than"));
}

static void test_platform(void **state)
{
	struct oci_platform amd64 = {"linux", "amd64", NULL}, arm64 = {"linux", "arm64", "v8"}, armv7 = {"linux", "arm", "v7"};

	assert_true(oci_platform_fit(&amd64, "linux", "amd64", NULL) > oci_platform_fit(&amd64, "linux", "amd64", "v3"));
	assert_int_equal(oci_platform_fit(&amd64, "linux", "arm64", NULL), 0);
	assert_int_equal(oci_platform_fit(&amd64, "windows", "amd64", NULL), 0);
	assert_int_equal(oci_platform_fit(&amd64, NULL, NULL, NULL), 0);
	assert_int_equal(oci_platform_fit(&arm64, "linux", "arm64", NULL), oci_platform_fit(&arm64, "linux", "arm64", "v8"));
	assert_true(oci_platform_fit(&armv7, "linux", "arm", "v7") > oci_platform_fit(&armv7, "linux", "arm", "v6"));
	assert_int_equal(oci_platform_fit(&armv7, "linux", "arm", "v8"), 0);
	assert_string_equal(oci_host_platform().os, "linux");
}

#define AC(rest) "{\"acKind\":\"ImageManifest\",\"acVersion\":\"0.8.11\",\"name\":\"example.com/app\"" rest "}"

static void test_aci(void **state)
{
	static const char text[] =
		AC(",\"labels\":[{\"name\":\"version\",\"value\":\"1.2\"},{\"name\":\"os\",\"value\":\"linux\"},{\"name\":\"arch\","
		   "\"value\":\"aarch64\"}],\"app\":{\"exec\":[\"/a\",\"b\"],\"user\":\"0\",\"group\":\"/etc/x\",\"supplementaryGIDs\":"
		   "[4,5],\"environment\":[{\"name\":\"A\",\"value\":\"b=c\"}],\"mountPoints\":[{\"name\":\"d\",\"path\":\"/d\"}],"
		   "\"ports\":[{\"name\":\"p\",\"protocol\":\"udp\",\"port\":53,\"count\":2}],\"isolators\":[{\"name\":\"i\"}]},"
		   "\"dependencies\":[{\"imageName\":\"example.com/base\",\"imageID\":\"sha512-" HEX HEX "\"}],"
		   "\"pathWhitelist\":[\"/a\"],\"future\":{}");
	autoarena a = {};
	struct aci_manifest m;
	struct err e = {};

	assert_int_equal(aci_parse_manifest(&a, text, strlen(text), &m, &e), 0);
	assert_string_equal(m.version, "1.2");
	assert_string_equal(m.config.arch, "arm64");
	assert_string_equal(m.config.entrypoint[1], "b");
	assert_string_equal(m.config.env[0], "A=b=c");
	assert_string_equal(m.config.groups[1], "5");
	assert_string_equal(m.config.ports[1], "54/udp");
	assert_string_equal(m.group, "/etc/x");
	assert_string_equal(m.unused[0], "i");
	assert_int_equal(m.dependencies.n, 1);
	assert_string_equal(m.whitelist[0], "/a");
}

static void test_bad_aci(void **state)
{
	static const struct {
		const char *text, *what;
	} x[] = {
		{"{}", "acKind"},
		{"{\"acKind\":\"PodManifest\",\"acVersion\":\"0.8.0\",\"name\":\"a\"}", "PodManifest"},
		{"{\"acKind\":\"ImageManifest\",\"acVersion\":\"2.0.0\",\"name\":\"a\"}", "acVersion"},
		{"{\"acKind\":\"ImageManifest\",\"acVersion\":\"0.8.0\",\"name\":\"../a\"}", "no image name"},
		{"{\"acKind\":\"ImageManifest\",\"acVersion\":\"0.8.0\",\"name\":\"A\"}", "no image name"},
		{AC(",\"app\":{}"), "user is missing"},
		{AC(",\"app\":[]"), "no object"},
		{AC(",\"labels\":[{\"name\":\"a\",\"value\":\"1\"},{\"name\":\"a\",\"value\":\"2\"}]"), "twice"},
		{AC(",\"labels\":[{\"name\":\"name\",\"value\":\"1\"}]"), "reserved"},
		{AC(",\"labels\":[{\"name\":\"arch\",\"value\":\"amd64\"}]"), "arch without os"},
		{AC(",\"dependencies\":[{\"imageName\":\"b\",\"imageID\":\"sha512-abc\"}]"), "no image ID"},
		{AC(",\"dependencies\":[{}]"), "imageName is missing"},
		{AC(",\"pathWhitelist\":[\"a\"]"), "no absolute path"},
		{AC(",\"app\":{\"user\":\"0\",\"group\":\"0\",\"ports\":[{\"name\":\"a\",\"protocol\":\"tcp\",\"port\":0}]}"), "port is no number"},
		{AC(",\"app\":{\"user\":\"0\",\"group\":\"0\",\"ports\":[{\"name\":\"a\",\"protocol\":\"tcp\",\"port\":65535,\"count\":2}]}"),
		 "behind 65535"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(x); i++) {
		autoarena a = {};
		struct aci_manifest m;
		struct err e = {};

		if (aci_parse_manifest(&a, x[i].text, strlen(x[i].text), &m, &e) != -ERR_FAILED || !strstr(e.what, x[i].what))
			fail_msg("%s: %s", x[i].text, e.what);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_index),        cmocka_unit_test(test_manifest),     cmocka_unit_test(test_config),
		cmocka_unit_test(test_bad_index),    cmocka_unit_test(test_bad_manifest), cmocka_unit_test(test_null_everywhere),
		cmocka_unit_test(test_too_large),    cmocka_unit_test(test_platform),     cmocka_unit_test(test_aci),
		cmocka_unit_test(test_bad_aci),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
