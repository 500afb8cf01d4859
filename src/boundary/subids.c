/* SPDX-License-Identifier: Apache-2.0 */
/* "NAME-OR-UID:FIRST:COUNT" lines. See subids.h. The files are the administrator's, but read with care all the same. */
#include "boundary/subids.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A decimal number that ends at `end`, below 2^32. */
static bool read_number(const char *at, const char *end, uint32_t *ret)
{
	uint64_t n = 0;

	if (at == end || end - at > 10)
		return false;
	for (; at < end; at++) {
		if (*at < '0' || *at > '9')
			return false;
		n = n * 10 + (uint64_t)(*at - '0');
	}
	*ret = (uint32_t)n;
	return n <= UINT32_MAX;
}

static bool is_word(const char *at, const char *end, const char *word)
{
	size_t n = strlen(word);

	return n && (size_t)(end - at) == n && memcmp(at, word, n) == 0;
}

static const char *end_of(const char *at, int c)
{
	while (*at && *at != '\n' && *at != c)
		at++;
	return at;
}

static struct subids read_line(const char *line, const char *name, const char *number)
{
	const char *owner_end = end_of(line, ':');
	const char *first = *owner_end == ':' ? owner_end + 1 : owner_end, *first_end = end_of(first, ':');
	const char *count = *first_end == ':' ? first_end + 1 : first_end, *count_end = end_of(count, ':');
	struct subids s;

	if (!is_word(line, owner_end, name) && !is_word(line, owner_end, number))
		return (struct subids){};
	if (!read_number(first, first_end, &s.first) || !read_number(count, count_end, &s.count) || *count_end == ':')
		return (struct subids){};
	/* Id 0 is never anybody's to give, and a range ends before the last id there is. */
	if (s.first == 0 || s.count > UINT32_MAX - s.first)
		return (struct subids){};
	return s;
}

struct subids subids_largest(const char *text, const char *name, uint32_t uid)
{
	struct subids best = {};
	char number[16];

	snprintf(number, sizeof(number), "%u", uid);
	while (*text) {
		struct subids s = read_line(text, name, number);

		if (s.count > best.count)
			best = s;
		text = end_of(text, 0);
		text += *text == '\n';
	}
	return best;
}

const char *subids_user_name(const char *passwd, uint32_t uid, int *ret_len)
{
	while (*passwd) {
		const char *name_end = end_of(passwd, ':');
		const char *word = *name_end == ':' ? end_of(name_end + 1, ':') : name_end;
		const char *id = *word == ':' ? word + 1 : word;
		uint32_t found;

		if (name_end > passwd && read_number(id, end_of(id, ':'), &found) && found == uid) {
			*ret_len = (int)(name_end - passwd);
			return passwd;
		}
		passwd = end_of(passwd, 0);
		passwd += *passwd == '\n';
	}
	return NULL;
}
