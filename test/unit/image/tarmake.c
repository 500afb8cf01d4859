/* SPDX-License-Identifier: Apache-2.0 */
/* Writing tar headers without any opinion about them. */
#include "tarmake.h"

#include <stdio.h>
#include <string.h>

static void put(uint8_t *block, size_t at, size_t n, const char *text)
{
	if (text)
		memcpy(block + at, text, strnlen(text, n));
}

static void put_octal(uint8_t *block, size_t at, size_t n, uint64_t v)
{
	for (size_t i = n - 1; i-- > 0; v >>= 3)
		block[at + i] = (uint8_t)('0' + (v & 7));
}

static void put_sum(uint8_t *block, bool bad)
{
	unsigned sum = bad ? 1 : 0;

	memset(block + 148, ' ', 8);
	for (size_t i = 0; i < 512; i++)
		sum += block[i];
	put_octal(block, 148, 7, sum);
	block[154] = 0;
}

static void pad(struct str *s)
{
	static const char zeros[512];

	str_add_bytes(s, zeros, -s->len & 511);
}

void tarmake_add(struct str *s, const struct tarmake *m)
{
	uint8_t block[512] = {};
	size_t len = m->data ? strlen(m->data) : 0;

	put(block, 0, 100, m->name ? m->name : "f");
	put_octal(block, 100, 8, m->mode ? m->mode : 0644);
	put_octal(block, 108, 8, m->uid);
	put_octal(block, 116, 8, m->gid);
	put_octal(block, 124, 12, m->size ? m->size : len);
	put_octal(block, 136, 12, m->mtime);
	block[156] = (uint8_t)(m->type ? m->type : '0');
	if (m->v7 && !m->type)
		block[156] = 0;
	put(block, 157, 100, m->link);
	if (!m->v7)
		memcpy(block + 257, m->gnu ? "ustar  \0" : "ustar\00000", 8);
	if (!m->v7) {
		put_octal(block, 329, 8, m->major);
		put_octal(block, 337, 8, m->minor);
	}
	put(block, 345, 155, m->prefix);
	if (m->size_text)
		memcpy(block + 124, m->size_text, 12);
	if (m->uid_text)
		memcpy(block + 108, m->uid_text, 8);
	put_sum(block, m->bad_sum);
	str_add_bytes(s, block, sizeof(block));
	str_add_bytes(s, m->data, len);
	pad(s);
}

void tarmake_pax(struct str *s, char type, const char *const *records)
{
	autostr body = {};

	for (; *records; records++) {
		size_t n = strlen(*records) + 3, digits = 1;

		while (true) {
			char text[24];

			digits = (size_t)snprintf(text, sizeof(text), "%zu", n);
			if (strlen(*records) + 2 + digits == n)
				break;
			n = strlen(*records) + 2 + digits;
		}
		str_addf(&body, "%zu %s\n", n, *records);
	}
	tarmake_add(s, &(struct tarmake){.name = "pax", .type = type, .data = str_text(&body)});
}

void tarmake_gnu(struct str *s, char type, const char *text)
{
	tarmake_add(s, &(struct tarmake){.name = "././@LongLink", .type = type, .data = text, .gnu = true,
					 .size = strlen(text) + 1});
	if (strlen(text) % 512 == 0) /* the 0 byte behind it needs a block of its own */
		for (int i = 0; i < 512; i++)
			str_add_char(s, 0);
}

void tarmake_end(struct str *s)
{
	for (int i = 0; i < 1024; i++)
		str_add_char(s, 0);
}
