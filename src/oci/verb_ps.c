/* SPDX-License-Identifier: Apache-2.0 */
/* ps: the processes of a container, as pids or as ps(1) shows them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "oci/container.h"

enum { OPT_FORMAT };
enum { OUTPUT_MAX = 16 << 20 };

static const struct opt opts[] = {
	{ "format", 'f', "FORMAT", "table or json", OPT_FORMAT, "table|json" },
	{},
};

static int take(void *to, const struct opt *opt, const char *value, struct err *e)
{
	bool json = strcmp(value, "json") == 0;

	if (!json && strcmp(value, "table") != 0)
		return err_new(e, ERR_USAGE, "--format is table or json, not %.40s", value);
	*(bool *)to = json;
	return 0;
}

static int print_json(const struct str *pids, struct err *e)
{
	autostr out = {};

	str_add_char(&out, '[');
	for (const char *at = str_text(pids); *at; at += strcspn(at, "\n") + 1)
		str_addf(&out, "%s%ld", out.len > 1 ? "," : "", strtol(at, NULL, 10));
	str_add(&out, "]\n");
	return oci_print(out.text, e);
}

/* ps(1) with its own options, its output whole. */
static int run_ps(char **words, char **ret, struct err *e)
{
	char *plain[] = { (char *)"ps", (char *)"-ef", NULL };
	int out[2], status = 0;
	size_t n;

	if (pipe2(out, O_CLOEXEC) < 0)
		return err_errno(e, "can't make a pipe");
	pid_t pid = fork();
	if (pid == 0) {
		if (dup2(out[1], 1) >= 0)
			execvp("ps", words ?: plain);
		_exit(127);
	}
	close(out[1]);
	int r = pid < 0 ? err_errno(e, "can't run ps") : io_read_fd(out[0], OUTPUT_MAX, ret, &n, e);
	close(out[0]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (r == 0 && status != 0) {
		err_new(e, ERR_FAILED, "ps failed");
		return err_try(e, "apt install procps");
	}
	return r;
}

static bool has_pid(const struct str *pids, long pid)
{
	for (const char *at = str_text(pids); *at; at += strcspn(at, "\n") + 1)
		if (strtol(at, NULL, 10) == pid)
			return true;
	return false;
}

/* Which column of the heading says PID. */
static int pid_column(const char *line)
{
	int column = 0;

	for (const char *at = line + strspn(line, " "); *at && *at != '\n'; column++) {
		size_t n = strcspn(at, " \n");

		if (n == 3 && memcmp(at, "PID", 3) == 0)
			return column;
		at += n;
		at += strspn(at, " ");
	}
	return -1;
}

static long pid_at(const char *line, int column)
{
	const char *at = line + strspn(line, " ");

	for (; column > 0; column--) {
		at += strcspn(at, " \n");
		at += strspn(at, " ");
	}
	return strtol(at, NULL, 10);
}

static int print_table(const struct str *pids, char **words, struct err *e)
{
	autofree char *text = NULL;
	autostr out = {};
	char **args = words && *words ? words : NULL;

	if (run_ps(args, &text, e) < 0)
		return -e->code;
	int column = pid_column(text);
	if (column < 0)
		return err_new(e, ERR_USAGE, "ps printed no column PID");
	for (const char *line = text; *line;) {
		size_t n = strcspn(line, "\n") + (line[strcspn(line, "\n")] == '\n');

		if (line == text || has_pid(pids, pid_at(line, column)))
			str_add_bytes(&out, line, n);
		line += n;
	}
	return oci_print(out.text, e);
}

static int run(struct oci *o, int argc, char **argv, int *ret_code, struct err *e)
{
	autocontainer c = CONTAINER_NONE;
	autostr pids = {};
	char **words = NULL, **args = NULL;
	bool json = false;
	int r = oci_parse_before(o, argc, argv, 1, -1, take, &json, &words, e);

	if (r != 0)
		return r < 0 ? r : 0;
	if (container_open(o, words[0], CONTAINER_LOOK, &c, e) < 0 || oci_cgroup_pids(&c.cgroup, &pids, e) < 0)
		return -e->code;
	/* Options may stand behind the container, too. */
	for (char **w = words + 1; *w; w++) {
		if (strcmp(*w, "--format") == 0 && w[1] && take(&json, opts, *++w, e) < 0)
			return -e->code;
		else if (strcmp(w[-1], "--format") != 0 && strcmp(*w, "--format") != 0)
			arena_strv_add(o->arena, &args, *w);
	}
	if (json)
		return print_json(&pids, e);
	if (args) {
		char **with_name = NULL;

		arena_strv_add(o->arena, &with_name, "ps");
		for (char **w = args; *w; w++)
			arena_strv_add(o->arena, &with_name, *w);
		args = with_name;
	}
	return print_table(&pids, args, e);
}

const struct oci_verb oci_verb_ps = {
	.name = "ps", .words = "CONTAINER [PS OPTION…]", .what = "List the processes of a container", .opts = opts,
	.example = "ps --format json web", .run = run,
};
