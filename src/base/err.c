/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filling and printing the error record. The arguments may point into the very record that is being
 * filled (a message built from an earlier one), so every line is formatted aside and copied.
 */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"

/* Cuts at `cap`, never inside a UTF-8 character. */
static void format_line(char *line, size_t cap, const char *fmt, va_list ap)
{
	char text[512];
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	size_t len = n < 0 ? 0 : (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1;

	if (len >= cap) {
		len = cap - 1;
		while (len && ((unsigned char)text[len] & 0xc0) == 0x80)
			len--;
	}
	memcpy(line, text, len);
	line[len] = 0;
}

int err_new(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	format_line(e->what, sizeof(e->what), fmt, ap);
	va_end(ap);
	e->code = code;
	e->errnum = 0;
	e->because[0] = 0;
	e->hint[0] = 0;
	return -code;
}

int err_errno(struct err *e, const char *fmt, ...)
{
	int errnum = errno;
	const char *text = strerrordesc_np(errnum);
	va_list ap;

	va_start(ap, fmt);
	format_line(e->what, sizeof(e->what), fmt, ap);
	va_end(ap);
	e->code = ERR_FAILED;
	e->errnum = errnum;
	e->hint[0] = 0;
	if (text)
		snprintf(e->because, sizeof(e->because), "%s", text);
	else
		snprintf(e->because, sizeof(e->because), "error number %d", errnum);
	return -ERR_FAILED;
}

int err_because(struct err *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	format_line(e->because, sizeof(e->because), fmt, ap);
	va_end(ap);
	return -e->code;
}

int err_try(struct err *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	format_line(e->hint, sizeof(e->hint), fmt, ap);
	va_end(ap);
	return -e->code;
}

int err_recode(struct err *e, int code)
{
	e->code = code;
	return -code;
}

struct line {
	const char *word;
	const char *text;
};

void err_print(FILE *to, const struct err *e)
{
	const struct line lines[] = {{"error", e->what}, {"because", e->because}, {"try", e->hint}};
	autostr out = {};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		if (!lines[i].text[0])
			continue;
		str_addf(&out, "%s: ", lines[i].word);
		str_add_visible(&out, lines[i].text);
		str_add_char(&out, '\n');
	}
	fwrite(str_text(&out), 1, out.len, to);
	fflush(to);
}

void err_print_json(FILE *to, const struct err *e)
{
	const struct line lines[] = {{"error", e->what}, {"because", e->because}, {"try", e->hint}};
	autostr out = {};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		str_addf(&out, "%s\"%s\":", i ? "," : "{", lines[i].word);
		str_add_json(&out, lines[i].text);
	}
	str_addf(&out, ",\"code\":%d}\n", e->code);
	fwrite(str_text(&out), 1, out.len, to);
	fflush(to);
}
