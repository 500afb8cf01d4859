/* SPDX-License-Identifier: Apache-2.0 */
/* DNS questions and replies, and where an out: hole leads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "net/dns.h"

static const uint8_t question[] = "\x12\x34\1\0\0\1\0\0\0\0\0\0\3Api\7example\0\0\1\0\1";
enum { QUESTION_LEN = sizeof(question) - 1 };

static struct dns_question read_question(void)
{
	struct dns_question q;
	enum dns_rcode rcode;

	assert_true(dns_read_question(question, QUESTION_LEN, &q, &rcode));
	assert_int_equal(rcode, DNS_OK);
	return q;
}

static void a_question_is_read(void **state)
{
	struct dns_question q = read_question();

	assert_string_equal(q.name, "api.example");
	assert_int_equal(q.type, DNS_A);
	assert_int_equal(q.id, 0x1234);
}

static void a_cut_question_is_none(void **state)
{
	struct dns_question q;
	enum dns_rcode rcode;

	for (size_t n = 0; n < QUESTION_LEN; n++)
		if (dns_read_question(question, n, &q, &rcode))
			assert_int_equal(rcode, DNS_BAD);
}

/* A reply to the question: its head, then records. */
static size_t make_reply(uint8_t *out, uint8_t records, const void *bytes, size_t n)
{
	memcpy(out, question, QUESTION_LEN);
	out[2] = 0x81;
	out[3] = 0x80;
	out[7] = records;
	memcpy(out + QUESTION_LEN, bytes, n);
	return QUESTION_LEN + n;
}

static void a_chain_is_followed_in_any_order(void **state)
{
	static const uint8_t records[] =
		"\1z\0\0\1\0\1\0\0\0\x0a\0\4\xc6\x33\x64\1"  /* z A 198.51.100.1 */
		"\1y\0\0\5\0\1\0\0\0\x14\0\3\1z\0"           /* y CNAME z */
		"\xc0\x0c\0\5\0\1\0\0\0\x1e\0\3\1y\0"        /* api.example CNAME y */
		"\1q\0\0\1\0\1\0\0\0\1\0\4\1\2\3\4";         /* q A 1.2.3.4: of nobody */
	struct dns_question q = read_question();
	struct dns_answer a;
	uint8_t out[512];
	size_t n = make_reply(out, 4, records, sizeof(records) - 1);

	assert_true(dns_read_reply(out, n, &q, 0x1234, &a));
	assert_int_equal(a.n, 1);
	assert_memory_equal(a.addrs[0].bytes, "\xc6\x33\x64\1", 4);
	assert_int_equal(a.ttl_s, 10);
	assert_false(dns_read_reply(out, n, &q, 0x1235, &a));
}

static void a_loop_ends(void **state)
{
	static const uint8_t records[] = "\xc0\x0c\0\5\0\1\0\0\0\1\0\2\xc0\x0c"
					 "\xc0\x31\0\1\0\1\0\0\0\1\0\4\1\2\3\4";
	struct dns_question q = read_question();
	struct dns_answer a;
	uint8_t out[512];

	assert_true(dns_read_reply(out, make_reply(out, 2, records, sizeof(records) - 1), &q, 0x1234, &a));
	assert_int_equal(a.n, 0);
}

static void an_answer_fits(void **state)
{
	struct dns_question q = read_question();
	struct dns_answer a = { .ttl_s = 5, .n = DNS_ADDRS_MAX }, again;
	uint8_t out[DNS_PACKET_MAX];
	size_t n;

	q.type = DNS_AAAA;
	for (size_t i = 0; i < a.n; i++)
		a.addrs[i].family = AF_INET6;
	q.bytes[q.len - 3] = DNS_AAAA;
	n = dns_write_answer(&q, &a, out);
	assert_in_range(n, 1, 512);
	assert_true(dns_read_reply(out, n, &q, q.id, &again));
	assert_in_range(again.n, 10, DNS_ADDRS_MAX);
}

static struct out_addr v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	return (struct out_addr){ AF_INET, { a, b, c, d } };
}

static void what_never_and_private_are(void **state)
{
	const struct out_addr never[] = { v4(127, 0, 0, 1), v4(169, 254, 169, 254), v4(0, 0, 0, 0), v4(224, 0, 0, 1),
					  v4(255, 255, 255, 255), v4(198, 19, 1, 1), { AF_INET6, { [15] = 1 } },
					  { AF_INET6, { 0xfe, 0x80 } }, { AF_INET6, { [10] = 0xff, 0xff, 127, 0, 0, 1 } } };
	const struct out_addr private[] = { v4(10, 1, 2, 3), v4(172, 31, 0, 1), v4(192, 168, 1, 1), v4(100, 127, 0, 1),
					    { AF_INET6, { 0xfd, 1 } } };
	const struct out_addr public[] = { v4(1, 1, 1, 1), v4(172, 32, 0, 1), v4(203, 0, 113, 2),
					   { AF_INET6, { 0x20, 1, 0xd, 0xb8 } } };

	for (size_t i = 0; i < sizeof(never) / sizeof(*never); i++)
		assert_true(out_is_never(&never[i]));
	for (size_t i = 0; i < sizeof(private) / sizeof(*private); i++)
		assert_true(!out_is_never(&private[i]) && out_is_private(&private[i]));
	for (size_t i = 0; i < sizeof(public) / sizeof(*public); i++)
		assert_true(!out_is_never(&public[i]) && !out_is_private(&public[i]));
}

static void names_and_suffixes(void **state)
{
	const struct out_dest name = { .kind = OUT_NAME, .name = "a.b" }, suffix = { .kind = OUT_NAME, .name = "a.b", .suffix = true };

	assert_true(out_dest_names(&name, "a.b"));
	assert_false(out_dest_names(&name, "x.a.b"));
	assert_true(out_dest_names(&suffix, "x.a.b"));
	assert_false(out_dest_names(&suffix, "a.b"));
	assert_false(out_dest_names(&suffix, "xa.b"));
	assert_false(out_dest_names(&suffix, ".a.b"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_question_is_read),
		cmocka_unit_test(a_cut_question_is_none),
		cmocka_unit_test(a_chain_is_followed_in_any_order),
		cmocka_unit_test(a_loop_ends),
		cmocka_unit_test(an_answer_fits),
		cmocka_unit_test(what_never_and_private_are),
		cmocka_unit_test(names_and_suffixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
