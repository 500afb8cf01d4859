/* SPDX-License-Identifier: Apache-2.0 */
/* Tables for people: columns as wide as their widest cell, two blanks between, nothing after the last. */
#include <stdarg.h>

#include "base/utf8.h"
#include "cli/emit.h"

#define GAP 2

void table_add(struct table *t, const char *text)
{
	autostr visible = {};

	str_add_visible(&visible, text ? text : "");
	list_add(t->arena, &t->cells)->text = arena_strdup(t->arena, visible.len ? visible.text : "-");
}

void table_addf(struct table *t, const char *fmt, ...)
{
	autostr text = {};
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(&text, fmt, ap);
	va_end(ap);
	table_add(t, str_text(&text));
}

static size_t column_width(const struct table *t, size_t column)
{
	size_t width = utf8_width(t->columns[column].title);

	for (size_t i = column; i < t->cells.n; i += t->n_columns) {
		size_t w = utf8_width(t->cells.v[i].text);

		width = w > width ? w : width;
	}
	return width;
}

static void add_blanks(struct str *out, size_t n)
{
	while (n--)
		str_add_char(out, ' ');
}

static bool is_shown(const struct table *t, size_t column, bool wide)
{
	return column < t->n_columns && (wide || !t->columns[column].wide);
}

static bool is_last(const struct table *t, size_t column, bool wide)
{
	for (column++; column < t->n_columns; column++) {
		if (is_shown(t, column, wide))
			return false;
	}
	return true;
}

static void add_cell(struct str *out, const struct column *c, const char *text, size_t width, bool last)
{
	size_t pad = width - utf8_width(text);

	if (c->right)
		add_blanks(out, pad);
	str_add(out, text);
	if (last)
		str_add_char(out, '\n');
	else
		add_blanks(out, (c->right ? 0 : pad) + GAP);
}

/* row 0 is the titles. */
static void add_row(struct str *out, const struct table *t, size_t row, const size_t *widths, bool wide)
{
	for (size_t i = 0; i < t->n_columns; i++) {
		const char *text = row ? t->cells.v[(row - 1) * t->n_columns + i].text : t->columns[i].title;

		if (is_shown(t, i, wide))
			add_cell(out, &t->columns[i], text, widths[i], is_last(t, i, wide));
	}
}

void table_format(const struct table *t, const struct cli *cli, struct str *out)
{
	size_t rows = t->cells.n / t->n_columns;

	if (cli->output == CLI_NAME || cli->quiet) {
		for (size_t i = 0; i < rows; i++)
			str_addf(out, "%s\n", t->cells.v[i * t->n_columns].text);
		return;
	}
	size_t *widths = arena_alloc(t->arena, t->n_columns * sizeof(*widths));

	for (size_t i = 0; i < t->n_columns; i++)
		widths[i] = column_width(t, i);
	for (size_t row = 0; row <= rows; row++)
		add_row(out, t, row, widths, cli->output == CLI_WIDE);
}

int table_print(const struct table *t, const struct cli *cli)
{
	autostr out = {};

	table_format(t, cli, &out);
	return cli_print(cli, str_text(&out), out.len);
}
