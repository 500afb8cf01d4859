/* SPDX-License-Identifier: Apache-2.0 */
/* What rocket-probe makes of answers, good, bad and hostile. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "net/probe_check.h"

static const struct {
	const char *answer;
	bool good;
	const char *says;
} http[] = {
	{ "HTTP/1.1 200 OK\r\n", true, "200" },	     { "HTTP/1.0 204 No\r\n", true, "204" },
	{ "HTTP/1.1 302 Found\r\n", true, "302" },   { "HTTP/1.1 400 Bad\r\n", false, "400" },
	{ "HTTP/1.1 503 Busy\r\n", false, "503" },   { "HTTP/1.1 199 \r\n", false, "199" },
	{ "HTTP/1.1 2", false, "no HTTP" },	     { "HTTP/1.1 2x0 OK\r\n", false, "no status" },
	{ "SSH-2.0-OpenSSH_9.2\r\n", false, "no HTTP" }, { "", false, "without an answer" },
	{ "HTTP/2 200 OK and more", false, "no HTTP" },
};

static void http_is_judged_by_its_status(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(http); i++) {
		char says[PROBE_SAYS_MAX] = "";

		if (probe_judge_http(http[i].answer, strlen(http[i].answer), says) != http[i].good ||
		    !strstr(says, http[i].says))
			fail_msg("%s: %s", http[i].answer, says);
	}
}

#define FRAME(n, type, flags, stream) 0, 0, (n), (type), (flags), 0, 0, 0, (stream)

static int judge(const uint8_t *bytes, size_t n, const char *expected)
{
	char says[PROBE_SAYS_MAX] = "";
	size_t used = 0;
	int r = probe_judge_grpc(bytes, n, &used, says);

	assert_true(used <= n);
	if (r >= 0 && !strstr(says, expected))
		fail_msg("%s, not %s", says, expected);
	return r;
}

static void grpc_is_judged_by_its_message(void **state)
{
	static const uint8_t serving[] = { FRAME(0, 4, 0, 0), FRAME(1, 1, 4, 1), 0x88, FRAME(7, 0, 0, 1),
					   0, 0, 0, 0, 2, 8, 1 };
	static const uint8_t not_serving[] = { FRAME(7, 0, 0, 1), 0, 0, 0, 0, 2, 8, 2 };
	static const uint8_t padded[] = { FRAME(10, 0, 8, 1), 2, 0, 0, 0, 0, 2, 8, 1, 0, 0 };
	static const uint8_t unknown[] = { FRAME(5, 0, 0, 1), 0, 0, 0, 0, 0 };
	static const uint8_t refused[] = { FRAME(1, 1, 5, 1), 0x88 };

	assert_int_equal(judge(serving, sizeof(serving), "SERVING"), 1);
	assert_int_equal(judge(padded, sizeof(padded), "SERVING"), 1);
	assert_int_equal(judge(not_serving, sizeof(not_serving), "NOT_SERVING"), 0);
	assert_int_equal(judge(unknown, sizeof(unknown), "UNKNOWN"), 0);
	assert_int_equal(judge(refused, sizeof(refused), "refused"), 0);
	for (size_t n = 0; n < sizeof(serving); n++)
		assert_int_equal(judge(serving, n, ""), -1);
}

static void hostile_grpc_is_no_answer(void **state)
{
	static const uint8_t text[] = "HTTP/1.1 400 Bad Request\r\n";
	static const uint8_t long_message[] = { FRAME(7, 0, 0, 1), 0, 0xff, 0xff, 0xff, 0xff, 8, 1 };
	static const uint8_t pads[] = { FRAME(7, 0, 8, 1), 0xff, 0, 0, 0, 2, 8, 1 };
	static const uint8_t squeezed[] = { FRAME(7, 0, 0, 1), 1, 0, 0, 0, 2, 8, 1 };
	static const uint8_t other_stream[] = { FRAME(7, 0, 0, 3), 0, 0, 0, 0, 2, 8, 1 };
	static const uint8_t away[] = { FRAME(8, 7, 0, 0), 0, 0, 0, 0, 0, 0, 0, 0 };

	assert_int_equal(judge(text, sizeof(text), "no HTTP/2"), 0);
	assert_int_equal(judge(long_message, sizeof(long_message), "no plain message"), 0);
	assert_int_equal(judge(pads, sizeof(pads), "no whole message"), 0);
	assert_int_equal(judge(squeezed, sizeof(squeezed), "no plain message"), 0);
	assert_int_equal(judge(other_stream, sizeof(other_stream), ""), -1);
	assert_int_equal(judge(away, sizeof(away), "refused"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(http_is_judged_by_its_status),
		cmocka_unit_test(grpc_is_judged_by_its_message),
		cmocka_unit_test(hostile_grpc_is_no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
