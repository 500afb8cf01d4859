/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of `rocket run` and `rocket prepare` into struct pod (design, section 7):
 *
 *   run [POD FLAGS] IMAGE [APP FLAGS] [--] [ARG…] [--- IMAGE …]      run -f pod.yaml [POD FLAGS]
 *
 * Before the first image a hole is the pod's, behind an image that app's. With one image any order
 * works; with several, an app flag before the first and a pod flag behind one are refused with the
 * fix. Behind an image, words that start with '-' are app flags up to "--" or the first word that
 * is none; from there on they are the app's arguments.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/opt.h"
#include "pod/pod.h"

enum flags_pull { PULL_MISSING, PULL_ALWAYS, PULL_NEVER };

/* What concerns the run and is no part of the pod. */
struct run_flags {
	bool detach;
	bool wait; /* with detach: until every app is ready */
	bool timing;
	enum flags_pull pull;
	const char *file; /* -f, or NULL */
};

extern const struct opt flags_pod_options[], flags_app_options[];

struct flags_input {
	struct arena *arena;
	int argc;
	char **argv;               /* argv[0] is the verb */
	char *const *environ;      /* for -e KEY */
	const char *base_dir;      /* absolute: where relative paths start */
	const struct opt *globals; /* options of every verb, or NULL … */
	int (*take_global)(void *context, const struct opt *o, const char *value,
			   struct err *e); /* … go here */
	/* A file that -f or --env-file names, "-" is standard input; the text lives as long as the
	 * arena. */
	int (*read_file)(void *context, const char *path, const char **ret_text, size_t *ret_len,
			 struct err *e);
	void (*warn)(const struct err *warning); /* --ignore-unknown */
	void *context;
};

/* ERR_USAGE, and what read_file gives. */
[[nodiscard]] int flags_parse(const struct flags_input *in, struct pod *ret_pod,
			      struct run_flags *ret_run, struct err *e);
