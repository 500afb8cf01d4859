/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "trust/rules.h"
#include "trust/verdict.h"

static char dir[64];

static int make_dir(void **state)
{
	memcpy(dir, "/tmp/rules-XXXXXX", 18);
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	struct err e = {};

	return io_remove_tree(AT_FDCWD, dir, &e);
}

static void put_get_remove(void **state)
{
	autoarena a = {};
	struct err e = {};
	struct rules rules;
	bool masked = true;
	const struct rule key = {.kind = RULE_KEY, .id = (char *)"0123456789ab", .prefix = (char *)"a.io/x", .key = (char *)"K", .fingerprint = (char *)"F", .why = (char *)"w"};
	const struct rule pin = {.kind = RULE_PIN, .id = (char *)"0123ffffffff", .name = (char *)"a.io/x:1", .digest = (char *)"sha256:00"};

	assert_int_equal(rules_load(&a, dir, RULES_IN_FORCE, &rules, &e), 0);
	assert_int_equal(rules.list.n, 0);
	assert_int_equal(rules_put(dir, &key, &e), 0);
	assert_int_equal(rules_put(dir, &pin, &e), 0);
	assert_int_equal(rules_load(&a, dir, RULES_IN_FORCE, &rules, &e), 0);
	assert_int_equal(rules.list.n, 2);
	assert_string_equal(rules.list.v[0].prefix, "a.io/x");
	assert_int_equal(rules.list.v[1].kind, RULE_PIN);
	assert_int_equal(rules_remove(&a, dir, "0123", &masked, &e), -ERR_USAGE);
	assert_int_equal(rules_remove(&a, dir, "012", &masked, &e), -ERR_NOT_FOUND);
	assert_int_equal(rules_remove(&a, dir, "9999", &masked, &e), -ERR_NOT_FOUND);
	assert_int_equal(rules_remove(&a, dir, "01234", &masked, &e), 0);
	assert_false(masked);
	assert_int_equal(rules_load(&a, dir, RULES_IN_FORCE, &rules, &e), 0);
	assert_int_equal(rules.list.n, 1);
}

/* A rule that can't be read must not silently widen or narrow what is trusted. */
static void damaged(void **state)
{
	static const char *const texts[] = {"", "{", "[]", "{\"kind\":\"key\"}", "{\"kind\":\"pin\",\"name\":\"x\"}", "{\"kind\":\"what\"}"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		autoarena a = {};
		struct err e = {};
		struct rules rules;
		char *path = arena_printf(&a, "%s/trust/aaaaaaaaaaaa", dir);
		autoclose int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

		assert_true(fd >= 0 && io_write_all(fd, texts[i], strlen(texts[i])) == 0);
		assert_int_equal(rules_load(&a, dir, RULES_IN_FORCE, &rules, &e), -ERR_FAILED);
		assert_non_null(strstr(e.because, "aaaaaaaaaaaa"));
		unlink(path);
	}
}

static void freshness(void **state)
{
	autoarena a = {};
	struct trust_record record = {};
	char *path = arena_printf(&a, "%s/file", dir);

	assert_false(verdict_is_fresh(&record));
	verdict_watch(&a, &record, path); /* not there */
	assert_true(verdict_is_fresh(&record));
	close(open(path, O_WRONLY | O_CREAT, 0600));
	assert_false(verdict_is_fresh(&record));
	record = (struct trust_record){};
	verdict_watch(&a, &record, path);
	assert_true(verdict_is_fresh(&record));
	unlink(path);
	assert_false(verdict_is_fresh(&record));
}

static void which_verdict(void **state)
{
	autoarena a = {};
	struct trust_record r = {};

	*list_add(&a, &r.verdicts) = (struct trust_verdict){.name = (char *)"a.io/x:1", .digest = (char *)"d1", .accepted = false};
	*list_add(&a, &r.verdicts) = (struct trust_verdict){.name = (char *)"b.io/x:1", .digest = (char *)"d1", .accepted = true};
	assert_false(verdict_for(&r, "a.io/x:1", "d1")->accepted);
	assert_true(verdict_for(&r, "b.io/x:1", "d1")->accepted);
	/* A name of this host: whatever accepts the digest. */
	assert_true(verdict_for(&r, "docker.io/library/mine:latest", "d1")->accepted);
	assert_true(verdict_for(&r, NULL, "d1")->accepted);
	assert_null(verdict_for(&r, "b.io/x:1", "d2"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(put_get_remove),
		cmocka_unit_test(damaged),
		cmocka_unit_test(freshness),
		cmocka_unit_test(which_verdict),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
