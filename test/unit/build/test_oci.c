/* SPDX-License-Identifier: Apache-2.0 */
/* Config and manifest, byte for byte. */
#include "build/oci.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/cleanup.h"

static const struct oci_layer layers[] = {
	{.diff_id = "sha256:aa", .digest = "sha256:bb", .media_type = "application/vnd.oci.image.layer.v1.tar+gzip", .size = 7},
	{.diff_id = "sha256:cc", .digest = "sha256:cc", .media_type = OCI_TYPE_LAYER, .size = 1024},
};

static void read_recipe(struct arena *a, const char *text, struct recipe *ret)
{
	struct err e = {};

	if (recipe_read(a, "r", text, strlen(text), ret, &e))
		fail_msg("%s", e.what);
}

static void config_is_canonical(void **state)
{
	autoarena a = {};
	autostr out = {};
	struct recipe r = {};
	struct image_config config;
	struct oci_image img = {.config = &config, .layers = layers + 1, .n_layers = 1};

	read_recipe(&a,
		    "files: [/a]\nuser: joe\nports: [80, 53/udp]\nenv: {B: '2', A: 'say \"x\"'}\nentrypoint: [/a]\ncmd: [-v]\n"
		    "volumes: [/z, /data]\nworkdir: /w\nlabels: {b: '', a.b: c=d}\nstop_signal: quit\nauthor: me",
		    &r);
	oci_make_config(&a, &r, NULL, 86400, &config);
	config.arch = (char *)"arm";
	config.variant = (char *)"v7";
	oci_write_config(&out, &img);
	assert_string_equal(out.text,
			    "{\"created\":\"1970-01-02T00:00:00Z\",\"author\":\"me\",\"architecture\":\"arm\",\"os\":\"linux\","
			    "\"variant\":\"v7\",\"config\":{\"User\":\"joe\",\"ExposedPorts\":{\"53/udp\":{},\"80/tcp\":{}},"
			    "\"Env\":[\"B=2\",\"A=say \\\"x\\\"\"],\"Entrypoint\":[\"/a\"],\"Cmd\":[\"-v\"],"
			    "\"Volumes\":{\"/data\":{},\"/z\":{}},\"WorkingDir\":\"/w\",\"Labels\":{\"a.b\":\"c=d\",\"b\":\"\"},"
			    "\"StopSignal\":\"SIGQUIT\"},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:cc\"]}}");
}

static void the_recipe_comes_over_the_base(void **state)
{
	char *env[] = {(char *)"PATH=/bin", (char *)"A=1", NULL};
	char *entrypoint[] = {(char *)"/base", NULL}, *cmd[] = {(char *)"x", NULL}, *ports[] = {(char *)"80/tcp", NULL};
	struct image_config base = {.env = env, .entrypoint = entrypoint, .cmd = cmd, .ports = ports, .user = (char *)"5"};
	struct image_config config;
	struct oci_image img = {.config = &config, .layers = layers, .n_layers = 2};
	autoarena a = {};
	autostr keeps = {}, replaces = {};
	struct recipe r = {};

	read_recipe(&a, "base: b\nenv: {A: 2, C: 3}\nports: [80, 81]", &r);
	oci_make_config(&a, &r, &base, 0, &config);
	oci_write_config(&keeps, &img);
	assert_non_null(strstr(keeps.text, "\"config\":{\"User\":\"5\",\"ExposedPorts\":{\"80/tcp\":{},\"81/tcp\":{}},"
					   "\"Env\":[\"PATH=/bin\",\"A=2\",\"C=3\"],\"Entrypoint\":[\"/base\"],\"Cmd\":[\"x\"]}"));
	assert_non_null(strstr(keeps.text, "[\"sha256:aa\",\"sha256:cc\"]"));
	r = (struct recipe){};
	read_recipe(&a, "base: b\nentrypoint: [/new]", &r);
	oci_make_config(&a, &r, &base, 0, &config);
	oci_write_config(&replaces, &img);
	assert_non_null(strstr(replaces.text, "\"Entrypoint\":[\"/new\"]}"));
}

static void manifest_is_canonical(void **state)
{
	struct oci_image img = {.layers = layers, .n_layers = 2};
	autostr out = {};

	oci_write_manifest(&out, &img, "sha256:dd", 99);
	assert_string_equal(out.text,
			    "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
			    "\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":\"sha256:dd\",\"size\":99},"
			    "\"layers\":[{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+gzip\",\"digest\":\"sha256:bb\",\"size\":7},"
			    "{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"sha256:cc\",\"size\":1024}]}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(config_is_canonical),
		cmocka_unit_test(the_recipe_comes_over_the_base),
		cmocka_unit_test(manifest_is_canonical),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
