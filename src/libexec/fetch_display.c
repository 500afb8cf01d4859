/* SPDX-License-Identifier: Apache-2.0 */
/* What people see of layers on their way (fetch_tool.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"
#include "base/unit.h"
#include "libexec/fetch_tool.h"

enum { LINES_MAX = 8, LAYERS_MAX = 512, REDRAW_MS = 100 };

struct fetch_display {
	const char *title;
	bool terminal;
	unsigned lines;          /* drawn, to be drawn over */
	int64_t drawn_ns;
	bool said[LAYERS_MAX];   /* its line was printed */
};

struct fetch_display *fetch_display_begin(const struct fetch_tool *t, const char *title)
{
	struct fetch_display *d = t->quiet ? NULL : calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->title = title;
	d->terminal = isatty(STDERR_FILENO);
	return d;
}

static void add_layer(struct str *s, const struct fetch_layer_view *v, bool over)
{
	int64_t ns = (over ? v->end_ns : io_monotonic_ns()) - v->start_ns;
	uint64_t came = v->moved - v->moved_before;
	double rate = ns > 0 ? (double)came * 1e9 / (double)ns : 0;

	str_addf(s, "%.12s  ", v->digest + strlen("sha256:"));
	unit_add_size(s, v->moved);
	if (!over) {
		str_add(s, " of ");
		unit_add_size(s, v->size);
	}
	if (ns > 100000000 && rate >= 1) {
		str_add(s, "  ");
		unit_add_size(s, (uint64_t)rate);
		str_add(s, "/s");
	}
	if (over) {
		str_addf(s, "  in %.1f s", (double)ns / 1e9);
	} else if (ns > 500000000 && rate >= 1 && v->size > v->moved) {
		str_add(s, "  ");
		unit_add_time(s, (int64_t)((double)(v->size - v->moved) / rate + 1) * 1000000000);
		str_add(s, " left");
	}
}

static void draw(struct fetch_display *d, const struct fetch_layer_view *v, size_t n)
{
	uint64_t moved = 0, size = 0;
	unsigned done = 0, lines = 1;
	autostr s = {};

	for (size_t i = 0; i < n; i++) {
		done += v[i].state == FETCH_DONE;
		moved += v[i].moved;
		size += v[i].start_ns ? v[i].size : 0;
	}
	if (d->lines)
		str_addf(&s, "\033[%uA\r\033[J", d->lines);
	str_addf(&s, "%s: %u layers done, ", d->title, done);
	unit_add_size(&s, moved);
	str_add_char(&s, '\n');
	for (size_t i = 0; i < n && lines <= LINES_MAX; i++) {
		if (v[i].state != FETCH_COMING)
			continue;
		str_add(&s, "  ");
		add_layer(&s, &v[i], false);
		str_add_char(&s, '\n');
		lines++;
	}
	d->lines = lines;
	fputs(s.text, stderr);
}

static void print_lines(struct fetch_display *d, const struct fetch_layer_view *v, size_t n)
{
	for (size_t i = 0; i < n && i < LAYERS_MAX; i++) {
		autostr s = {};

		if (d->said[i] || v[i].state != FETCH_DONE)
			continue;
		d->said[i] = true;
		add_layer(&s, &v[i], true);
		fprintf(stderr, "%s: layer %s\n", d->title, s.text);
	}
}

void fetch_display_show(void *display, const struct fetch_layer_view *layers, size_t n)
{
	struct fetch_display *d = display;
	int64_t now = io_monotonic_ns();

	if (!d->terminal) {
		print_lines(d, layers, n);
		return;
	}
	if (now - d->drawn_ns < REDRAW_MS * 1000000LL)
		return;
	d->drawn_ns = now;
	draw(d, layers, n);
}

void fetch_display_end(struct fetch_display *d)
{
	if (d && d->lines)
		fprintf(stderr, "\033[%uA\r\033[J", d->lines);
	free(d);
}
