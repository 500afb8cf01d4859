/* SPDX-License-Identifier: Apache-2.0 */
/* Durations back from now, dates and times in UTC. */
#include "cli/since.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/io.h"
#include "base/unit.h"

static int parse_date(const char *text, int64_t *ret_ns)
{
	struct tm tm = {};
	int at = 0, more = 0;

	if (sscanf(text, "%4d-%2d-%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &at) != 3 || at != 10)
		return -1;
	if (text[at] == 'T' || text[at] == ' ') {
		if (sscanf(text + at + 1, "%2d:%2d:%2d%n", &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &more) != 3)
			return -1;
		at += 1 + more;
		/* Parts of a second are cut: nobody types them to mean them. */
		if (text[at] == '.')
			at += 1 + (int)strspn(text + at + 1, "0123456789");
		at += text[at] == 'Z';
	}
	if (text[at] || tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour > 23 ||
	    tm.tm_min > 59 || tm.tm_sec > 60)
		return -1;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	*ret_ns = (int64_t)timegm(&tm) * 1000000000;
	return 0;
}

int since_parse(const char *option, const char *text, int64_t *ret_ns, struct err *e)
{
	uint64_t seconds;
	int64_t ago;

	if (unit_parse_time(text, &ago) == 0) {
		*ret_ns = io_now_ns() - ago;
		return 0;
	}
	if (text[0] == '@' && unit_parse_u64(text + 1, 0, INT64_MAX / 1000000000, &seconds) == 0) {
		*ret_ns = (int64_t)seconds * 1000000000;
		return 0;
	}
	if (parse_date(text, ret_ns) == 0)
		return 0;
	err_new(e, ERR_USAGE, "%s is no point in time: %.60s", option, text);
	err_because(e, "it is a time before now (10m), or a date and time in UTC");
	return err_try(e, "%s 10m   (or 2026-01-31T12:00:00Z)", option);
}
