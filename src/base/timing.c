/* SPDX-License-Identifier: Apache-2.0 */
/* Moments of a start. See timing.h. */
#include "base/timing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"

void timing_mark(struct timing *t, const char *step, const char *who)
{
	if (!t->on || t->n == TIMING_MAX)
		return;
	snprintf(t->marks[t->n].name, TIMING_NAME, "%s%s%s", who ?: "", who ? ": " : "", step);
	t->marks[t->n++].at_ns = io_monotonic_ns();
}

void timing_pack(const struct timing *t, struct str *out)
{
	for (size_t i = 0; i < t->n; i++)
		str_addf(out, "%lld %s\n", (long long)t->marks[i].at_ns, t->marks[i].name);
}

void timing_unpack(struct timing *t, const char *text)
{
	for (; *text && t->n < TIMING_MAX; t->n++) {
		char *name;
		int64_t at_ns = strtoll(text, &name, 10);
		size_t len = strcspn(name, "\n");

		if (name == text || *name != ' ' || name[len] != '\n')
			return;
		snprintf(t->marks[t->n].name, TIMING_NAME, "%.*s", (int)len - 1, name + 1);
		t->marks[t->n].at_ns = at_ns;
		text = name + len + 1;
	}
}

void timing_add_table(const struct timing *t, struct str *out)
{
	str_add(out, "    step      sum  µs\n");
	for (size_t i = 1; i < t->n; i++)
		str_addf(out, "%8.0f %8.0f  %s\n", (double)(t->marks[i].at_ns - t->marks[i - 1].at_ns) / 1000,
			 (double)(t->marks[i].at_ns - t->marks[0].at_ns) / 1000, t->marks[i].name);
}
