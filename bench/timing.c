/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times commands, interleaved: every round runs each row once, so that a machine which drifts drifts for
 * all rows alike. A small static program because the timer must not be part of what it times: the child is
 * made by vfork, wall time runs from before vfork until wait returns.
 *
 *   timing ROUNDS WARM <spec >samples
 *
 * A row runs WARM times untimed before it runs timed, in each round. With 0 each sample is that of a quiet machine,
 * and on cgroup v1 pays an RCU grace period of 10 ms and more for its first move into a group.
 *
 * The spec is one step a line, words separated by tabs:
 *
 *   row NAME [NSFILE]     starts a row; NSFILE is a mount namespace that its commands run in
 *   do CMD ARG…           runs, not timed
 *   time LABEL CMD ARG…   runs, timed
 *   own LABELS CMD ARG…   runs, and prints what it took by itself: whole µs, one a label of A,B,… in one line
 *   hold CMD ARG…         starts and waits for its first line, word $H of later steps in the row (in full or
 *                         inside a word) becomes that line; ends (its stdin closes) with the row
 *
 * Before each row the machine gets 40 ms to settle: the kernel frees a container's network long after the container's
 * end, and the next row must not pay for it.
 *
 * Each sample is a line: NAME, LABEL, µs, separated by tabs. A command that fails ends the run with its row's
 * name; its output goes to stderr.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_WORDS = 160, MAX_STEPS = 1024, LINE_BYTES = 256, SETTLE_US = 40000 };

enum step_kind { STEP_ROW, STEP_DO, STEP_TIME, STEP_OWN, STEP_HOLD };

struct step {
	enum step_kind kind;
	const char *label;       /* of the row, or of the timing */
	char *argv[MAX_WORDS];
};

struct state {
	struct step *steps;
	size_t n_steps;
	const char *row;
	int warm;
	int ns_fd;               /* the row's mount namespace, or -1 */
	pid_t hold_pid;
	int hold_stdin;
	char hold_line[LINE_BYTES];
	bool warming;
};

[[gnu::noreturn]] static void die(const char *what)
{
	fprintf(stderr, "timing: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void parse_step(struct step *s, char *line)
{
	static const char *const kinds[] = {"row", "do", "time", "own", "hold"};
	char *save = NULL, *word = strtok_r(line, "\t", &save);
	size_t n = 0;

	for (s->kind = STEP_ROW; strcmp(word, kinds[s->kind]); s->kind++)
		if (s->kind == STEP_HOLD)
			die(word);
	if (s->kind == STEP_ROW || s->kind == STEP_TIME || s->kind == STEP_OWN)
		s->label = strtok_r(NULL, "\t", &save);
	while (n + 1 < MAX_WORDS && (word = strtok_r(NULL, "\t", &save)))
		s->argv[n++] = word;
}

static void read_spec(struct state *st)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	st->steps = calloc(MAX_STEPS, sizeof *st->steps);
	while ((n = getline(&line, &size, stdin)) > 0) {
		line[n - 1] = '\0';
		if (!*line || *line == '#')
			continue;
		if (st->n_steps == MAX_STEPS)
			die("too many steps");
		parse_step(&st->steps[st->n_steps++], strdup(line));
	}
	free(line);
}

/* Puts the held line where a word has $H. */
static void expand_words(const struct state *st, const struct step *s, char *argv[MAX_WORDS],
			 char buffer[MAX_WORDS][2 * LINE_BYTES])
{
	for (size_t i = 0; i < MAX_WORDS; i++) {
		const char *at = s->argv[i] ? strstr(s->argv[i], "$H") : NULL;

		argv[i] = s->argv[i];
		if (!at)
			continue;
		snprintf(buffer[i], sizeof buffer[i], "%.*s%s%s", (int)(at - s->argv[i]), s->argv[i], st->hold_line,
			 at + 2);
		argv[i] = buffer[i];
	}
}

/* In the child of vfork: only system calls, nothing of the parent's memory is written. */
[[gnu::noreturn]] static void child_exec(int ns_fd, int in, int out, char **argv)
{
	if (ns_fd >= 0 && setns(ns_fd, CLONE_NEWNS))
		_exit(126);
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	execvp(argv[0], argv);
	_exit(127);
}

static void run_step(struct state *st, const struct step *s, int null_in)
{
	char *argv[MAX_WORDS], buffer[MAX_WORDS][2 * LINE_BYTES];
	int status;

	expand_words(st, s, argv, buffer);

	double start = now_us();
	pid_t pid = vfork();

	if (!pid)
		child_exec(st->ns_fd, null_in, STDERR_FILENO, argv);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		die(argv[0]);

	double us = now_us() - start;

	if (status) {
		fprintf(stderr, "timing: %s: %s gave status %x\n", st->row, argv[0], (unsigned)status);
		exit(1);
	}
	if (s->kind == STEP_TIME && !st->warming)
		printf("%s\t%s\t%.1f\n", st->row, s->label, us);
}

/* "12 34" for the labels "up,rm". */
static void print_own(const struct state *st, const char *labels, const char *line)
{
	while (*labels) {
		size_t len = strcspn(labels, ",");
		char *rest;
		long us = strtol(line, &rest, 10);

		if (rest == line)
			die("a command printed fewer figures than it has labels");
		printf("%s\t%.*s\t%ld\n", st->row, (int)len, labels, us);
		line = rest;
		labels += len + (labels[len] == ',');
	}
}

static void run_own(const struct state *st, const struct step *s, int null_in)
{
	char line[LINE_BYTES] = "";
	int out[2], status;

	if (pipe2(out, O_CLOEXEC))
		die("pipe");
	pid_t pid = vfork();

	if (!pid)
		child_exec(st->ns_fd, null_in, out[1], (char **)s->argv);
	close(out[1]);
	FILE *from = fdopen(out[0], "r");
	bool said = from && fgets(line, sizeof line, from);

	if (from)
		fclose(from);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status || !said) {
		fprintf(stderr, "timing: %s: %s failed\n", st->row, s->argv[0]);
		exit(1);
	}
	if (!st->warming)
		print_own(st, s->label, line);
}

static void hold_start(struct state *st, const struct step *s)
{
	int in[2], out[2];

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		die("pipe");
	st->hold_pid = vfork();
	if (!st->hold_pid)
		child_exec(st->ns_fd, in[0], out[1], (char **)s->argv);
	close(in[0]);
	close(out[1]);
	st->hold_stdin = in[1];

	FILE *from = fdopen(out[0], "r");

	if (!from || !fgets(st->hold_line, sizeof st->hold_line, from))
		die(s->argv[0]);
	st->hold_line[strcspn(st->hold_line, "\n")] = '\0';
	fclose(from);
}

static void row_end(struct state *st)
{
	if (st->hold_pid > 0) {
		close(st->hold_stdin);
		waitpid(st->hold_pid, NULL, 0);
		st->hold_pid = 0;
	}
	if (st->ns_fd >= 0)
		close(st->ns_fd);
	st->ns_fd = -1;
}

static void row_start(struct state *st, const struct step *s)
{
	st->row = s->label;
	if (!s->argv[0])
		return;
	st->ns_fd = open(s->argv[0], O_RDONLY | O_CLOEXEC);
	if (st->ns_fd < 0)
		die(s->argv[0]);
}

/* The steps of one row, from its first on; gives where the next row begins. */
static size_t run_row(struct state *st, size_t first, int null_in)
{
	size_t i = first + 1;

	row_start(st, &st->steps[first]);
	for (; i < st->n_steps && st->steps[i].kind != STEP_ROW; i++) {
		if (st->steps[i].kind == STEP_HOLD)
			hold_start(st, &st->steps[i]);
		else if (st->steps[i].kind == STEP_OWN)
			run_own(st, &st->steps[i], null_in);
		else
			run_step(st, &st->steps[i], null_in);
	}
	row_end(st);
	return i;
}

static void run_round(struct state *st, int null_in)
{
	size_t next = 0;

	for (size_t i = 0; i < st->n_steps; i = next) {
		usleep(SETTLE_US);
		for (int pass = -st->warm; pass <= 0; pass++) {
			st->warming = pass < 0;
			next = run_row(st, i, null_in);
		}
	}
}

int main(int argc, char **argv)
{
	struct state st = {.ns_fd = -1};
	int null_in = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (argc != 3 || null_in < 0)
		die("usage: timing ROUNDS WARM <spec >samples");
	st.warm = atoi(argv[2]);
	read_spec(&st);
	if (st.n_steps && st.steps[0].kind != STEP_ROW)
		die("the spec starts with a row");
	for (int i = 0; i < atoi(argv[1]); i++)
		run_round(&st, null_in);
	return fflush(stdout) ? 1 : 0;
}
