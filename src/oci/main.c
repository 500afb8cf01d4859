/* SPDX-License-Identifier: Apache-2.0 */
/* rocket-oci: global options, the verb, errors to stderr and to the log that engines read. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"
#include "base/unit.h"
#include "boundary/own_exe.h"
#include "oci/oci.h"
#include "oci/own.h"

static const struct oci_verb *const verbs[] = {
	&oci_verb_create, &oci_verb_delete, &oci_verb_events, &oci_verb_exec, &oci_verb_features, &oci_verb_kill,
	&oci_verb_list,	  &oci_verb_pause,  &oci_verb_ps,     &oci_verb_resume, &oci_verb_run,	  &oci_verb_spec,
	&oci_verb_start,  &oci_verb_state,  &oci_verb_update,
};

enum { OPT_ROOT, OPT_LOG, OPT_LOG_FORMAT, OPT_SYSTEMD, OPT_MANAGER, OPT_DEBUG, OPT_ROOTLESS, OPT_VERSION, OPT_HELP };

static const struct opt global_opts[] = {
	{ "root", 0, "DIR", "where the states of containers lie", OPT_ROOT, "dir" },
	{ "log", 0, "FILE", "errors go to this file, too", OPT_LOG, "file" },
	{ "log-format", 0, "FORMAT", "how they stand there", OPT_LOG_FORMAT, "text|json" },
	{ "systemd-cgroup", 0, NULL, "control groups through systemd", OPT_SYSTEMD, NULL },
	{ "cgroup-manager", 0, "NAME", "who makes control groups", OPT_MANAGER, "cgroupfs|systemd|disabled" },
	{ "debug", 0, NULL, "say more in the log", OPT_DEBUG, NULL },
	{ "rootless", 0, "WORD", "accepted for runc's callers: Rocket looks for itself", OPT_ROOTLESS, "true|false|auto" },
	{ "version", 'v', NULL, "print the version", OPT_VERSION, NULL },
	{ "help", 'h', NULL, "print this help", OPT_HELP, NULL },
	{},
};

static const struct opt help_opts[] = { { "help", 'h', NULL, "print this help", OPT_HELP, NULL }, {} };

/* ---- help ---- */

static void add_opts(struct str *out, const struct opt *o)
{
	for (; o && o->name; o++) {
		char left[64];

		snprintf(left, sizeof(left), "%s%c%s--%s%s%s", o->letter ? "-" : " ", o->letter ? o->letter : ' ',
			 o->letter ? ", " : "  ", o->name, o->arg ? " " : "", o->arg ?: "");
		str_addf(out, "  %-32s %s\n", left, o->help);
	}
}

static int print_help(const struct oci_verb *v, struct err *e)
{
	autostr out = {};

	if (v) {
		str_addf(&out, "usage: rocket-oci [GLOBAL OPTIONS] %s [OPTIONS] %s\n\n%s.\n\n", v->name, v->words, v->what);
		add_opts(&out, v->opts);
		add_opts(&out, help_opts);
		str_addf(&out, "\nExample:\n  rocket-oci %s\n", v->example);
		return oci_print(str_text(&out), e);
	}
	str_add(&out, "usage: rocket-oci [GLOBAL OPTIONS] VERB …\n\nRuns containers of OCI bundles.\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		str_addf(&out, "  %-10s %s\n", verbs[i]->name, verbs[i]->what);
	str_add(&out, "\nGlobal options:\n");
	add_opts(&out, global_opts);
	str_add(&out, "\nExample:\n  podman --runtime /usr/local/bin/rocket-oci run --rm IMAGE true\n");
	return oci_print(str_text(&out), e);
}

int oci_print(const char *text, struct err *e)
{
	return io_write_all(STDOUT_FILENO, text, strlen(text)) < 0 ? err_errno(e, "can't write the output") : 0;
}

/* ---- a verb's own options ---- */

static int check_words(const struct oci *o, int n, int min, int max, struct err *e)
{
	if (n >= min && (max < 0 || n <= max))
		return 0;
	err_new(e, ERR_USAGE, "%s takes %s", o->verb->name, o->verb->words);
	err_because(e, "%d words were given", n);
	return err_try(e, "rocket-oci %s --help", o->verb->name);
}

static int parse(const struct oci *o, int argc, char **argv, bool mixed,
		 int (*take)(void *to, const struct opt *opt, const char *value, struct err *e), void *to, char ***ret_words,
		 struct err *e)
{
	const struct opt *const tables[] = { help_opts, o->verb->opts, NULL };
	struct opt_walk w = { .argc = argc, .argv = argv, .at = 1, .tables = tables };
	const struct opt *opt;
	const char *value;

	for (;;) {
		int r = opt_next(&w, &opt, &value, e);

		if (r < 0)
			return r;
		if (r == 0 && (w.at >= argc || !mixed || w.ended))
			break;
		if (r == 0) {
			arena_strv_add(o->arena, ret_words, argv[w.at++]);
			continue;
		}
		if (opt->id == OPT_HELP && opt == help_opts)
			return print_help(o->verb, e) < 0 ? -e->code : 1;
		if (take(to, opt, value, e) < 0)
			return -e->code;
	}
	for (; w.at < argc; w.at++)
		arena_strv_add(o->arena, ret_words, argv[w.at]);
	return 0;
}

int oci_parse(const struct oci *o, int argc, char **argv, int min, int max,
	      int (*take)(void *to, const struct opt *opt, const char *value, struct err *e), void *to, char ***ret_words,
	      struct err *e)
{
	int r = parse(o, argc, argv, true, take, to, ret_words, e);

	return r != 0 ? r : check_words(o, (int)strv_len(*ret_words), min, max, e);
}

int oci_parse_before(const struct oci *o, int argc, char **argv, int min, int max,
		     int (*take)(void *to, const struct opt *opt, const char *value, struct err *e), void *to, char ***ret_words,
		     struct err *e)
{
	int r = parse(o, argc, argv, false, take, to, ret_words, e);

	return r != 0 ? r : check_words(o, (int)strv_len(*ret_words), min, max, e);
}

/* ---- errors ---- */

/* Engines read the reason from these words (podman: exit codes 126 and 127). */
static void say_as_engines_know(struct err *e)
{
	size_t n = strlen(e->because);

	if (e->code == ERR_NO_PROGRAM)
		snprintf(e->because + n, sizeof(e->because) - n, "%s", " (executable file not found: No such file or directory)");
	if (e->code == ERR_NOT_INVOKABLE)
		snprintf(e->because + n, sizeof(e->because) - n, "%s", " (permission denied)");
	if (e->code == ERR_NO_PROGRAM || e->code == ERR_NOT_INVOKABLE)
		e->hint[0] = 0;
}

/* Engines show one line of what they read: where nobody sits before a terminal, what and because are one. */
static void print_error(const struct err *e)
{
	autostr line = {};

	if (isatty(STDERR_FILENO) || !*e->because) {
		err_print(stderr, e);
		return;
	}
	str_add(&line, "error: ");
	str_add_visible(&line, e->what);
	str_add(&line, ": ");
	str_add_visible(&line, e->because);
	str_add_char(&line, '\n');
	if (*e->hint) {
		str_add(&line, "try: ");
		str_add_visible(&line, e->hint);
		str_add_char(&line, '\n');
	}
	(void)!io_write_all(STDERR_FILENO, line.text, line.len);
}

static void write_log(const struct oci *o, const struct err *e)
{
	autostr line = {};
	autostr msg = {};
	autoclose int fd = o->log ? open(o->log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644) : -1;

	if (fd < 0)
		return;
	str_addf(&msg, "%s%s%s", e->what, *e->because ? ": " : "", e->because);
	if (o->log_json) {
		str_add(&line, "{\"level\":\"error\",\"msg\":");
		str_add_json(&line, str_text(&msg));
		str_add(&line, ",\"time\":\"");
		unit_add_timestamp(&line, io_now_ns());
		str_add(&line, "\"}\n");
	} else {
		str_add(&line, "time=\"");
		unit_add_timestamp(&line, io_now_ns());
		str_add(&line, "\" level=error msg=");
		str_add_json(&line, str_text(&msg));
		str_add_char(&line, '\n');
	}
	(void)!io_write_all(fd, line.text, line.len);
}

/* ---- main ---- */

static int take_global(struct oci *o, const struct opt *opt, const char *value, struct err *e)
{
	switch (opt->id) {
	case OPT_ROOT:
		o->root = value;
		return 0;
	case OPT_LOG:
		o->log = value;
		return 0;
	case OPT_LOG_FORMAT:
		o->log_json = strcmp(value, "json") == 0;
		if (o->log_json || strcmp(value, "text") == 0)
			return 0;
		return err_new(e, ERR_USAGE, "--log-format is text or json, not %.40s", value);
	case OPT_SYSTEMD:
		o->systemd_cgroup = true;
		return 0;
	case OPT_MANAGER:
		o->systemd_cgroup = strcmp(value, "systemd") == 0;
		if (o->systemd_cgroup || strcmp(value, "cgroupfs") == 0)
			return 0;
		err_new(e, ERR_USAGE, "--cgroup-manager %.40s is not supported", value);
		return err_because(e, "cgroupfs and systemd are: a container always has control groups");
	case OPT_DEBUG:
		o->debug = true;
		return 0;
	default:
		return 0;
	}
}

static int print_version(struct err *e)
{
	return oci_print("rocket-oci version " ROCKET_VERSION "\nspec: 1.3.0\n", e);
}

static const char *default_root(struct arena *a)
{
	const char *run = getenv("XDG_RUNTIME_DIR");

	return geteuid() == 0 || !run || *run != '/' ? "/run/rocket-oci" : arena_printf(a, "%s/rocket-oci", run);
}

static const struct oci_verb *find_verb(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (strcmp(verbs[i]->name, name) == 0)
			return verbs[i];
	return NULL;
}

static int unknown_verb(const char *name, struct err *e)
{
	const char *names[ARRAY_SIZE(verbs) + 1] = {};

	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		names[i] = verbs[i]->name;
	const char *near = str_nearest(name, names);
	err_new(e, ERR_USAGE, "there is no verb %.40s", name);
	return err_try(e, "rocket-oci %s", near ?: "--help");
}

/* 1: something was printed, and there is no verb. */
static int take_globals(struct oci *o, struct opt_walk *w, struct err *e)
{
	const struct opt *opt;
	const char *value;
	int r;

	while ((r = opt_next(w, &opt, &value, e)) > 0) {
		if (opt->id == OPT_HELP)
			return print_help(NULL, e) < 0 ? -e->code : 1;
		if (opt->id == OPT_VERSION)
			return print_version(e) < 0 ? -e->code : 1;
		if (take_global(o, opt, value, e) < 0)
			return -e->code;
	}
	if (r < 0)
		return r;
	if (w->at < w->argc)
		return strcmp(w->argv[w->at], "help") == 0 ? (print_help(NULL, e) < 0 ? -e->code : 1) : 0;
	err_new(e, ERR_USAGE, "rocket-oci needs a verb");
	return err_try(e, "rocket-oci --help");
}

static int run(struct oci *o, int argc, char **argv, int *ret_code, struct err *e)
{
	const struct opt *const tables[] = { global_opts, NULL };
	struct opt_walk w = { .argc = argc, .argv = argv, .at = 1, .tables = tables };
	int r = take_globals(o, &w, e);

	if (r != 0)
		return r < 0 ? r : 0;
	if (o->systemd_cgroup) {
		err_new(e, ERR_USAGE, "control groups through systemd are not supported");
		err_because(e, "%s", access("/run/systemd/system", F_OK) == 0 ? "this runtime makes them in the file system itself" :
										"systemd does not run on this host");
		return err_try(e, "--cgroup-manager cgroupfs   (podman and buildah have the same option)");
	}
	o->verb = find_verb(argv[w.at]);
	if (!o->verb)
		return unknown_verb(argv[w.at], e);
	if (own_begin(o, argv, o->verb->spawns, e) < 0)
		return -e->code;
	return o->verb->run(o, argc - w.at, argv + w.at, ret_code, e);
}

/* A program started with one of 0, 1, 2 closed would open its files there. */
static void fill_standard_fds(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			(void)!open("/dev/null", O_RDWR);
}

int main(int argc, char **argv)
{
	autoarena arena = {};
	struct oci o = { .arena = &arena };
	struct err e = {};
	int code = 0;

	fill_standard_fds();
	o.root = default_root(&arena);
	if (run(&o, argc, argv, &code, &e) >= 0)
		return code;
	say_as_engines_know(&e);
	print_error(&e);
	write_log(&o, &e);
	return code ?: 1;
}
