/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A user of an image against its passwd and group, parted by zero bytes: spec, passwd, group. A number is
 * that number or an error, whatever the files say; groups are bounded.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "pod/accounts.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* The text up to the next zero byte; *inout moves behind it. */
static const char *take(const char **inout, const char *end)
{
	const char *text = *inout;
	const char *zero = memchr(text, 0, (size_t)(end - text));

	*inout = zero ? zero + 1 : end;
	return text;
}

static void check(const char *spec, const struct account *account)
{
	size_t digits = strspn(spec, "0123456789");

	if (digits && (!spec[digits] || spec[digits] == ':') &&
	    strtoull(spec, NULL, 10) != account->uid)
		abort();
	if (account->uid > INT32_MAX || account->gid > INT32_MAX || *account->home != '/' ||
	    strv_len(account->groups) > ACCOUNT_GROUPS_MAX)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct account account = {};
	struct err e = {};
	autoarena a = {};
	char *copy;

	if (n > 1 << 16)
		return 0;
	copy = arena_alloc(&a, n + 1);
	if (n)
		memcpy(copy, bytes, n);
	const char *p = copy, *end = copy + n;
	const char *spec = take(&p, end), *passwd = take(&p, end), *group = take(&p, end);

	if (account_resolve(&a, spec, passwd, group, &account, &e) == 0)
		check(spec, &account);
	else if (!e.what[0] || !e.because[0])
		abort();
	return 0;
}
