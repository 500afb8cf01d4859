/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 by hand: no locale, no wide characters. Strict as RFC 3629: no overlong forms, no surrogates. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * The length of the character at s (at most `left` bytes may be read), its code point in *ret_cp; 0 when
 * the bytes there are no UTF-8. s[0] == 0 is a character of length 1.
 */
size_t utf8_step(const char *s, size_t left, uint32_t *ret_cp);
/* Writes a code point that is no surrogate, at most 4 bytes; gives the count. */
size_t utf8_put(char out[4], uint32_t cp);
/* True for what must not reach a terminal as it is: C0, DEL, C1, and the marks that reorder text. */
int utf8_is_control(uint32_t cp);
/* Columns that the 0-terminated text takes on a terminal: wide East Asian characters count two. */
size_t utf8_width(const char *s);
