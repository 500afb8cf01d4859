/* SPDX-License-Identifier: Apache-2.0 */
/* Archives for the tests, good and hostile: headers by hand, field by field, so that nothing corrects them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct tarmake {
	const char *name; /* NULL: "f" */
	char type;        /* 0: '0' */
	const char *link;
	const char *data; /* the payload; its length is the size, unless: */
	uint64_t size;    /* … not 0: what the header says instead */
	uint32_t mode;    /* 0: 0644 */
	uint32_t uid, gid;
	uint64_t mtime;
	uint32_t major, minor;
	bool gnu, v7;     /* else ustar */
	const char *prefix;
	const char *size_text, *uid_text; /* fields as they stand, 12 and 8 bytes */
	bool bad_sum;
};

/* One header and its payload, padded. */
void tarmake_add(struct str *s, const struct tarmake *m);
/* An x or g header: records as "key=value", NULL-terminated. */
void tarmake_pax(struct str *s, char type, const char *const *records);
/* L or K with this string. */
void tarmake_gnu(struct str *s, char type, const char *text);
void tarmake_end(struct str *s);
