/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers with units. Everything is whole-number arithmetic: a decimal becomes digits and a power of ten
 * in 128 bits, so that nothing is lost and overflow is seen.
 */
#include "base/unit.h"

#include <string.h>

#include "base/cleanup.h"

#define NS_PER_S 1000000000LL

/* mantissa / 10^scale */
struct decimal {
	uint64_t mantissa;
	unsigned scale;
};

struct multiple {
	const char *suffix;
	uint64_t factor;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "12", "1.5", ".5"; the digits must fit into 64 bits. The text moves behind it. */
static int take_decimal(const char **text, struct decimal *ret)
{
	struct decimal d = {};
	unsigned digits = 0;
	bool fraction = false;

	for (;; (*text)++) {
		if (**text == '.' && !fraction) {
			fraction = true;
			continue;
		}
		if (!is_digit(**text))
			break;
		if (++digits > 20 || __builtin_mul_overflow(d.mantissa, 10, &d.mantissa) ||
		    __builtin_add_overflow(d.mantissa, (uint64_t)(**text - '0'), &d.mantissa))
			return -1;
		d.scale += fraction;
	}
	if (digits == 0)
		return -1;
	*ret = d;
	return 0;
}

/* d * factor, rounded up to a whole number; -1 when larger than max. */
static int decimal_times(struct decimal d, uint64_t factor, uint64_t max, uint64_t *ret)
{
	unsigned __int128 value = (unsigned __int128)d.mantissa * factor, divisor = 1;

	for (unsigned i = 0; i < d.scale; i++)
		divisor *= 10;
	value = (value + divisor - 1) / divisor;
	if (value > max)
		return -1;
	*ret = (uint64_t)value;
	return 0;
}

static const struct multiple size_multiples[] = {
	{"", 1},
	{"k", 1000ULL}, {"K", 1000ULL}, {"M", 1000000ULL}, {"G", 1000000000ULL}, {"T", 1000000000000ULL},
	{"P", 1000000000000000ULL}, {"E", 1000000000000000000ULL},
	{"Ki", 1ULL << 10}, {"Mi", 1ULL << 20}, {"Gi", 1ULL << 30}, {"Ti", 1ULL << 40}, {"Pi", 1ULL << 50},
	{"Ei", 1ULL << 60},
};

/* docker's, in small letters; a trailing "b" or "ib" is cut off before. */
static const struct multiple docker_multiples[] = {
	{"", 1}, {"k", 1ULL << 10}, {"m", 1ULL << 20}, {"g", 1ULL << 30}, {"t", 1ULL << 40}, {"p", 1ULL << 50},
};

static const struct multiple time_multiples[] = {
	{"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", NS_PER_S}, {"m", 60 * NS_PER_S}, {"h", 3600 * NS_PER_S},
	{"d", 86400 * NS_PER_S},
};

static const struct multiple *find_multiple(const struct multiple *m, size_t n, const char *suffix, size_t len)
{
	for (size_t i = 0; i < n; i++) {
		if (strlen(m[i].suffix) == len && memcmp(m[i].suffix, suffix, len) == 0)
			return &m[i];
	}
	return NULL;
}

/* Kubernetes' "12e6": the exponent becomes zeros of the mantissa. */
static int take_exponent(const char **text, struct decimal *d)
{
	if ((**text != 'e' && **text != 'E') || !is_digit((*text)[1]))
		return 0;
	unsigned exponent = 0;

	for ((*text)++; is_digit(**text); (*text)++) {
		exponent = exponent * 10 + (unsigned)(**text - '0');
		if (exponent > 18)
			return -1;
	}
	for (; exponent; exponent--) {
		if (d->scale)
			d->scale--;
		else if (__builtin_mul_overflow(d->mantissa, 10, &d->mantissa))
			return -1;
	}
	return **text ? -1 : 0;
}

int unit_parse_size(const char *text, uint64_t *ret_bytes)
{
	struct decimal d;

	if (take_decimal(&text, &d) < 0 || take_exponent(&text, &d) < 0)
		return -1;
	const struct multiple *m = find_multiple(size_multiples, ARRAY_SIZE(size_multiples), text, strlen(text));

	return m ? decimal_times(d, m->factor, UINT64_MAX, ret_bytes) : -1;
}

int unit_parse_docker_size(const char *text, uint64_t *ret_bytes)
{
	struct decimal d;
	char suffix[4] = {};

	if (take_decimal(&text, &d) < 0 || strlen(text) >= sizeof(suffix))
		return -1;
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++)
		suffix[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] | 0x20) : text[i];
	if (n && suffix[n - 1] == 'b')
		n -= n == 3 && suffix[1] == 'i' ? 2 : 1;
	const struct multiple *m = find_multiple(docker_multiples, ARRAY_SIZE(docker_multiples), suffix, n);

	return m ? decimal_times(d, m->factor, UINT64_MAX, ret_bytes) : -1;
}

int unit_parse_time(const char *text, int64_t *ret_ns)
{
	int64_t total = 0;

	if (strcmp(text, "0") == 0) {
		*ret_ns = 0;
		return 0;
	}
	do {
		struct decimal d;
		uint64_t part;

		if (take_decimal(&text, &d) < 0)
			return -1;
		size_t len = strcspn(text, "0123456789.");
		const struct multiple *m = find_multiple(time_multiples, ARRAY_SIZE(time_multiples), text, len);

		if (!m || decimal_times(d, m->factor, INT64_MAX, &part) < 0 ||
		    __builtin_add_overflow(total, (int64_t)part, &total))
			return -1;
		text += len;
	} while (*text);
	*ret_ns = total;
	return 0;
}

int unit_parse_cpus(const char *text, uint32_t *ret_milli)
{
	struct decimal d;
	uint64_t milli;

	if (take_decimal(&text, &d) < 0)
		return -1;
	bool is_milli = strcmp(text, "m") == 0;

	if ((*text && !is_milli) || decimal_times(d, is_milli ? 1 : 1000, 1000000000, &milli) < 0)
		return -1;
	*ret_milli = (uint32_t)milli;
	return 0;
}

int unit_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;

	if (!*text)
		return -1;
	for (; *text; text++) {
		if (!is_digit(*text) || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
			return -1;
	}
	if (value < min || value > max)
		return -1;
	*ret = value;
	return 0;
}

void unit_add_size(struct str *out, uint64_t bytes)
{
	static const char *const names[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	uint64_t unit = 1024;
	size_t i = 0;

	if (bytes < 1024) {
		str_addf(out, "%llu B", (unsigned long long)bytes);
		return;
	}
	/* 1023.95 KiB would be printed as 1024.0: step up from there. */
	while (i + 1 < ARRAY_SIZE(names) && bytes / unit >= 1024 - (bytes % unit >= unit / 20 * 19)) {
		unit *= 1024;
		i++;
	}
	unsigned __int128 tenths = ((unsigned __int128)bytes * 10 + unit / 2) / unit;

	str_addf(out, "%llu.%u %s", (unsigned long long)(tenths / 10), (unsigned)(tenths % 10), names[i]);
}

void unit_add_time(struct str *out, int64_t ns)
{
	/* From the largest, days left to people who write them. */
	static const size_t order[] = {5, 4, 3, 2, 1, 0};
	uint64_t left = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;

	if (left == 0) {
		str_add(out, "0s");
		return;
	}
	if (ns < 0)
		str_add_char(out, '-');
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		const struct multiple *m = &time_multiples[order[i]];

		if (left >= m->factor)
			str_addf(out, "%llu%s", (unsigned long long)(left / m->factor), m->suffix);
		left %= m->factor;
	}
}

struct age {
	int64_t below_s; /* an age below this is told in … */
	int64_t unit_s;  /* … these … */
	const char *name;
};

void unit_add_age(struct str *out, int64_t ns)
{
	static const struct age ages[] = {
		{120, 1, "second"},          {7200, 60, "minute"},         {172800, 3600, "hour"},
		{5184000, 86400, "day"},     {63072000, 2592000, "month"}, {INT64_MAX, 31536000, "year"},
	};
	int64_t s = ns < 0 ? 0 : ns / NS_PER_S;
	const struct age *a = ages;

	while (s >= a->below_s)
		a++;
	int64_t n = s / a->unit_s;

	str_addf(out, "%lld %s%s", (long long)n, a->name, n == 1 ? "" : "s");
}

/* Days since 1970-01-01 to year, month, day in the Gregorian calendar; a year starts in March here. */
static void civil_date(int64_t days, int64_t *ret_year, int *ret_month, int *ret_day)
{
	const int64_t era_days = 146097; /* 400 years */
	int64_t shifted = days + 719468; /* from 0000-03-01 */
	int64_t era = (shifted >= 0 ? shifted : shifted - era_days + 1) / era_days;
	int64_t day = shifted - era * era_days;
	int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	int64_t of_year = day - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * of_year + 2) / 153;

	*ret_day = (int)(of_year - (153 * month + 2) / 5 + 1);
	*ret_month = (int)(month < 10 ? month + 3 : month - 9);
	*ret_year = year + era * 400 + (*ret_month <= 2);
}

void unit_add_timestamp(struct str *out, int64_t realtime_ns)
{
	int64_t s = realtime_ns / NS_PER_S, ns = realtime_ns % NS_PER_S, year;
	int month, day;

	if (ns < 0) {
		ns += NS_PER_S;
		s--;
	}
	int64_t days = (s >= 0 ? s : s - 86399) / 86400, of_day = s - days * 86400;

	civil_date(days, &year, &month, &day);
	str_addf(out, "%04lld-%02d-%02dT%02d:%02d:%02d.%09lldZ", (long long)year, month, day, (int)(of_day / 3600),
		 (int)(of_day / 60 % 60), (int)(of_day % 60), (long long)ns);
}
