/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signal names to numbers and back. Real-time signals count from 34, as the C libraries in the
 * images do (they keep 32 and 33 to themselves). Pure.
 */
#include "pod/signals.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "base/unit.h"

enum { RT_MIN = 34, RT_MAX = 64 };

static const char *const names[] = {
	[SIGHUP] = "HUP",   [SIGINT] = "INT",       [SIGQUIT] = "QUIT", [SIGILL] = "ILL",
	[SIGTRAP] = "TRAP", [SIGABRT] = "ABRT",     [SIGBUS] = "BUS",   [SIGFPE] = "FPE",
	[SIGKILL] = "KILL", [SIGUSR1] = "USR1",     [SIGSEGV] = "SEGV", [SIGUSR2] = "USR2",
	[SIGPIPE] = "PIPE", [SIGALRM] = "ALRM",     [SIGTERM] = "TERM", [16] = "STKFLT",
	[SIGCHLD] = "CHLD", [SIGCONT] = "CONT",     [SIGSTOP] = "STOP", [SIGTSTP] = "TSTP",
	[SIGTTIN] = "TTIN", [SIGTTOU] = "TTOU",     [SIGURG] = "URG",   [SIGXCPU] = "XCPU",
	[SIGXFSZ] = "XFSZ", [SIGVTALRM] = "VTALRM", [SIGPROF] = "PROF", [SIGWINCH] = "WINCH",
	[SIGIO] = "IO",     [SIGPWR] = "PWR",       [SIGSYS] = "SYS",
};

static int signal_unknown(const char *text, const char *word, struct err *e)
{
	const char *list[ARRAY_SIZE(names) + 2] = {};
	const char *near;
	char upper[16] = {};
	size_t n = 0;

	for (size_t i = 1; i < ARRAY_SIZE(names); i++)
		if (names[i])
			list[n++] = names[i];
	list[n++] = "RTMIN";
	for (size_t i = 0; word[i] && i < sizeof(upper) - 1; i++)
		upper[i] = word[i] >= 'a' && word[i] <= 'z' ? (char)(word[i] - 'a' + 'A') : word[i];
	near = str_nearest(upper, list);
	err_new(e, ERR_USAGE, "there is no signal '%.64s'", text);
	err_because(e, "a signal is a name such as TERM, a number from 1 to 64, or RTMIN+N");
	return near ? err_try(e, "%s", near) : err_try(e, "man 7 signal");
}

/* "RTMIN", "RTMIN+3", "RTMAX-2" */
static int parse_real_time(const char *word, uint32_t *ret)
{
	bool low = !strncasecmp(word, "RTMIN", 5);
	uint64_t offset = 0;

	if (!low && strncasecmp(word, "RTMAX", 5))
		return -1;
	word += 5;
	if (*word &&
	    (*word != (low ? '+' : '-') || unit_parse_u64(word + 1, 0, RT_MAX - RT_MIN, &offset)))
		return -1;
	*ret = low ? RT_MIN + (uint32_t)offset : RT_MAX - (uint32_t)offset;
	return 0;
}

int signal_parse(const char *text, uint32_t *ret_signal, struct err *e)
{
	const char *word = strncasecmp(text, "SIG", 3) ? text : text + 3;
	uint64_t number;

	if (unit_parse_u64(text, 1, RT_MAX, &number) == 0) {
		*ret_signal = (uint32_t)number;
		return 0;
	}
	for (size_t i = 1; i < ARRAY_SIZE(names); i++) {
		if (!names[i] || strcasecmp(names[i], word))
			continue;
		*ret_signal = (uint32_t)i;
		return 0;
	}
	return parse_real_time(word, ret_signal) ? signal_unknown(text, word, e) : 0;
}

char *signal_format(struct arena *a, uint32_t signal)
{
	if (signal < ARRAY_SIZE(names) && names[signal])
		return arena_strdup(a, names[signal]);
	if (signal == RT_MIN)
		return arena_strdup(a, "RTMIN");
	if (signal > RT_MIN && signal <= RT_MAX)
		return arena_printf(a, "RTMIN+%u", signal - RT_MIN);
	return arena_printf(a, "%u", signal);
}
