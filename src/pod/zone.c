/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The footer of a TZif file. A pod's app gets TZ as a rule and no file: its image need not carry
 * zone files, and no path of the host is opened. What is lost is the zone's past. Pure.
 */
#include "pod/zone.h"

#include <string.h>

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

bool zone_name_is_good(const char *name)
{
	size_t n = strlen(name);

	return n && n < 128 && strspn(name, LETTERS "_+-/") == n && name[0] != '/' &&
	       name[n - 1] != '/' && !strstr(name, "//");
}

char *zone_rule(struct arena *a, const void *bytes, size_t n)
{
	const char *text = bytes;
	size_t start = n;
	char *rule;

	/* Version 2 and later end in "\nRULE\n". */
	if (n < 46 || memcmp(text, "TZif", 4) || text[4] < '2' || text[n - 1] != '\n')
		return NULL;
	start = n - 1;
	while (start > 44 && text[start - 1] != '\n')
		start--;
	if (text[start - 1] != '\n' || n - 1 - start == 0 || n - 1 - start > 128)
		return NULL;
	rule = arena_strndup(a, text + start, n - 1 - start);
	return strspn(rule, LETTERS "<>+-,./:") == n - 1 - start ? rule : NULL;
}
