/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents in a program that has no document library: `rocket` as most commands need it is small and starts in half
 * the time (docs/decisions/0005). Where it meets a document after all (a manifest, a configuration file), it becomes
 * rocket-full, the same program with the libraries, which begins the same command again from its start.
 * Nothing was changed by then: documents are read before anything is made. What came from standard input is
 * handed on as standard input.
 *
 * Linked instead of doc_json.c and doc_yaml.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/doc.h"
#include "base/io.h"

enum { ARGV_MAX = 4 << 20 };

/* Our own words, as the kernel has them: "WORD\0WORD\0…" (proc(5)). */
static char **read_argv(struct arena *a, struct err *e)
{
	autofree char *text = NULL;
	char **argv = NULL;
	size_t n, at = 0;
	autoclose int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || io_read_fd(fd, ARGV_MAX, &text, &n, e) < 0)
		return NULL;
	while (at < n) {
		arena_strv_add(a, &argv, text + at);
		at += strlen(text + at) + 1;
	}
	return argv;
}

static int hand_on_stdin(const char *text, size_t len)
{
	autoclose int fd = io_memfd("stdin", text, len);

	return fd < 0 || dup2(fd, STDIN_FILENO) < 0 ? -1 : 0;
}

/* In libexec, or beside us in a build folder or bundle: what the caller of libexec_find() knows too. */
static void try_places(struct arena *a, char **argv)
{
	static const char *const places[] = { "rocket-full", "../libexec/rocket-full" };
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	self[n > 0 ? n : 0] = 0;
	slash = strrchr(self, '/');
	for (size_t i = 0; slash && i < ARRAY_SIZE(places); i++)
		execv(arena_printf(a, "%.*s/%s", (int)(slash - self), self, places[i]), argv);
	execv(ROCKET_LIBEXECDIR "/rocket-full", argv);
}

static int become_full(const char *file, const char *text, size_t len, struct err *e)
{
	autoarena a = {};
	char **argv = read_argv(&a, e);
	bool from_stdin = file && strcmp(file, "-") == 0;

	if (!argv || (from_stdin && hand_on_stdin(text, len) < 0))
		return err_errno(e, "can't hand %s on", file ?: "a document");
	try_places(&a, argv);
	err_errno(e, "can't read %s: the program rocket-full is not installed", file ?: "a document");
	return err_try(e, "make install   (Rocket's programs belong together)");
}

int doc_parse_yaml(struct arena *a, const char *file, const char *text, size_t len, struct doc **ret, struct err *e)
{
	return become_full(file, text, len, e);
}

int doc_parse_yaml_all(struct arena *a, const char *file, const char *text, size_t len, struct doc **ret,
		       struct err *e)
{
	return become_full(file, text, len, e);
}

int doc_parse_json(struct arena *a, const char *file, const char *text, size_t len, struct doc **ret, struct err *e)
{
	return become_full(file, text, len, e);
}
