/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rocket cp: files and trees between the host and an app, both ways, or as a tar stream. The app's side
 * is opened through openat2(2) inside its root, so that no link of the app leads out of it; what is read there is
 * an archive like any other, and is written on the host as such (tar_out.h, tar_in.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/path.h"
#include "base/str.h"
#include "cli/pod_root.h"
#include "cli/tar_in.h"
#include "cli/tar_out.h"
#include "cli/verbs.h"

enum { OPT_ARCHIVE = 1, CHUNK = 65536 };

static const struct opt options[] = {
	{"archive", 'a', NULL, "keep owners, setuid bits and extended attributes", OPT_ARCHIVE, NULL},
	{},
};

/* One side: a path of the host, "-", or POD[/APP]:PATH. */
struct side {
	const char *word;
	const char *pod; /* NULL: the host */
	const char *path;
	bool stream;
};

/* A path, parted: the directory that is open, and the name in it. */
struct spot {
	int dirfd;
	const char *name;   /* "." for the directory itself */
};

struct copy {
	struct cli *cli;
	bool archive;
	struct side from, to;
	struct pod_root root;
};

static int take(void *context, const struct opt *o, const char *value, struct err *e)
{
	struct copy *c = context;

	c->archive = true;
	return 0;
}

/* "shop/web:/etc" names a pod; "./a:b" and "/a:b" are the host's. */
static struct side parse_side(struct arena *a, const char *word)
{
	const char *colon = strchr(word, ':');

	if (strcmp(word, "-") == 0)
		return (struct side){.word = word, .path = word, .stream = true};
	if (!colon || colon == word || word[0] == '.' || word[0] == '/')
		return (struct side){.word = word, .path = word};
	return (struct side){
		.word = word, .pod = arena_strndup(a, word, (size_t)(colon - word)), .path = colon[1] ? colon + 1 : "/"};
}

static int check_sides(const struct copy *c, struct err *e)
{
	if ((c->from.pod == NULL) != (c->to.pod == NULL))
		return 0;
	err_new(e, ERR_USAGE, "cp copies between the host and one app");
	err_because(e, c->from.pod ? "both sides are apps" : "neither side is an app (POD[/APP]:PATH)");
	return err_try(e, "rocket cp %s %s", c->from.pod ? c->from.word : "FILE", c->from.pod ? "-" : "POD:/PATH");
}

/* Opens a directory of the host or inside the app's root. */
static int open_dir(const struct copy *c, bool in_pod, const char *path, int flags)
{
	if (in_pod)
		return path_open_in_root(c->root.fd, path, flags | O_DIRECTORY, 0);
	return open(path, flags | O_DIRECTORY | O_CLOEXEC);
}

/* Parts the path at its last component; one that ends in "/.", ".." or is "/" is the directory itself. */
static int open_spot(const struct copy *c, bool in_pod, const char *path, struct spot *ret, struct err *e)
{
	char *parent = arena_strdup(c->cli->arena, path);
	size_t len = strlen(parent);

	while (len > 1 && parent[len - 1] == '/')
		parent[--len] = 0;
	const char *name = path_base(parent);
	bool whole = strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || !*name;
	char *slash = strrchr(parent, '/');

	if (whole) {
		*ret = (struct spot){open_dir(c, in_pod, parent, O_RDONLY), "."};
	} else {
		const char *dir = !slash ? "." : slash == parent ? "/" : parent;

		ret->name = arena_strdup(c->cli->arena, name);
		if (slash)
			slash[slash == parent] = 0;
		ret->dirfd = open_dir(c, in_pod, in_pod && !slash ? "/" : dir, O_RDONLY);
	}
	if (ret->dirfd >= 0)
		return 0;
	int code = errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_FAILED;

	err_errno(e, "cannot open the directory of %s", path);
	return err_recode(e, code);
}

/* The source must be there. */
static int open_source(const struct copy *c, struct spot *ret, struct err *e)
{
	struct stat st;

	if (open_spot(c, c->from.pod, c->from.path, ret, e) < 0)
		return -e->code;
	if (fstatat(ret->dirfd, ret->name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	int code = errno == ENOENT ? ERR_NOT_FOUND : ERR_FAILED;

	err_errno(e, "cannot copy %s", c->from.word);
	cleanup_close(&ret->dirfd);
	return err_recode(e, code);
}

/* A directory does not take the place of a file. */
static int check_kinds(const struct copy *c, const struct spot *source, struct spot *target, struct err *e)
{
	struct stat from, to;

	if (fstatat(source->dirfd, source->name, &from, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(from.st_mode) ||
	    fstatat(target->dirfd, target->name, &to, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	cleanup_close(&target->dirfd);
	err_new(e, ERR_FAILED, "cannot copy the directory %s to %s", c->from.word, c->to.word);
	err_because(e, "something that is no directory stands there");
	return err_try(e, "rm it first");
}

/*
 * Where it goes: into a directory that is there, under the source's name, else under the name that was
 * given, in a directory that is there. What is copied as "." brings its content alone.
 */
static int open_target(const struct copy *c, const struct spot *source, struct spot *ret, struct err *e)
{
	int dir = open_dir(c, c->to.pod, c->to.path, O_RDONLY);

	if (dir >= 0) {
		*ret = (struct spot){dir, source ? source->name : "."};
		return 0;
	}
	size_t len = strlen(c->to.path);

	if (c->from.stream || (len && c->to.path[len - 1] == '/')) {
		err_errno(e, "cannot copy into %s", c->to.word);
		return err_recode(e, ERR_NOT_FOUND);
	}
	if (open_spot(c, c->to.pod, c->to.path, ret, e) < 0)
		return -e->code;
	return check_kinds(c, source, ret, e);
}

static int pump(int from, struct tar_in *to, struct err *e)
{
	autofree char *bytes = malloc(CHUNK);

	for (;;) {
		ssize_t n = bytes ? read(from, bytes, CHUNK) : -1;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, "cannot read the archive");
		if (n == 0)
			return 0;
		if (tar_in_push(to, bytes, (size_t)n, e) < 0)
			return -e->code;
	}
}

static struct tar_out reader_of(const struct copy *c, tar_sink_fn *sink, void *context)
{
	const struct plan_ids *ids = &c->root.ref.plan.ids;

	return (struct tar_out){
		.sink = sink,
		.context = context,
		.id_base = c->from.pod ? ids->base : 0,
		.id_count = c->from.pod ? ids->count : 0,
		.xattrs = c->archive,
		.keep_privileges = c->archive,
	};
}

/* Into an app all is its root's, out of it the caller's, unless owners are kept. */
static struct tar_in_options writer_of(const struct copy *c, int dirfd)
{
	const struct plan_ids *ids = &c->root.ref.plan.ids;
	bool in = c->to.pod;

	return (struct tar_in_options){
		.dirfd = dirfd,
		.id_base = in ? ids->base : 0,
		.id_count = in ? ids->count : 0,
		.one_owner = !c->archive && !c->from.stream,
		.owner_uid = in ? ids->base : geteuid(),
		.owner_gid = in ? ids->base : getegid(),
		.keep_privileges = c->archive,
		.keep_root = true,
	};
}

static int to_stdout(const struct copy *c, struct err *e)
{
	int out = STDOUT_FILENO;
	struct tar_out t = reader_of(c, tar_sink_fd, &out);
	struct spot source = {-1, NULL};

	if (isatty(out)) {
		err_new(e, ERR_USAGE, "an archive does not go to a terminal");
		err_because(e, "standard output is one");
		return err_try(e, "rocket cp %s - > files.tar", c->from.word);
	}
	if (open_source(c, &source, e) < 0)
		return -e->code;
	autoclose int dirfd = source.dirfd;
	int r = tar_out_add(&t, dirfd, source.name, source.name, e);

	if (r == 0)
		return tar_out_finish(&t, e);
	tar_out_free(&t);
	return r;
}

static int from_stdin(const struct copy *c, struct err *e)
{
	struct spot target = {-1, NULL};

	if (open_target(c, NULL, &target, e) < 0)
		return -e->code;
	autoclose int dirfd = target.dirfd;
	const struct tar_in_options how = writer_of(c, dirfd);
	autotarin *in = NULL;

	if (tar_in_open(c->cli->arena, &how, &in, e) < 0 || pump(STDIN_FILENO, in, e) < 0)
		return -e->code;
	return tar_in_finish(in, e);
}

static void say_left_out(const struct copy *c, uint64_t n)
{
	if (n)
		cli_say(c->cli, "left out: %llu sockets and devices", (unsigned long long)n);
}

static int copy_tree(const struct copy *c, const struct spot *source, const struct spot *target, struct err *e)
{
	const struct tar_in_options how = writer_of(c, target->dirfd);
	autotarin *in = NULL;

	if (tar_in_open(c->cli->arena, &how, &in, e) < 0)
		return -e->code;
	struct tar_out out = reader_of(c, tar_in_push, in);
	int r = tar_out_add(&out, source->dirfd, source->name, target->name, e);

	if (r == 0)
		r = tar_out_finish(&out, e);
	else
		tar_out_free(&out);
	if (r < 0 || tar_in_finish(in, e) < 0)
		return -e->code;
	say_left_out(c, out.left_out + tar_in_left_out(in));
	return 0;
}

static int copy(struct copy *c, struct err *e)
{
	struct spot source = {-1, NULL}, target = {-1, NULL};

	if (check_sides(c, e) < 0 || pod_root_open(c->cli, c->from.pod ? c->from.pod : c->to.pod, POD_ROOT_MOUNTED, &c->root, e) < 0)
		return -e->code;
	if (c->to.pod && pod_root_become(&c->root, e) < 0)
		return -e->code;
	if (c->to.stream)
		return to_stdout(c, e);
	if (c->from.stream)
		return from_stdin(c, e);
	if (open_source(c, &source, e) < 0)
		return -e->code;
	autoclose int from = source.dirfd;

	if (open_target(c, &source, &target, e) < 0)
		return -e->code;
	autoclose int to = target.dirfd;

	return copy_tree(c, &source, &target, e);
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct copy c = {.cli = cli, .root = POD_ROOT_NONE};
	struct err e = {};
	char **words;
	int n;

	if (cli_parse(cli, argc, argv, take, &c, &words, &n, &e) < 0 || cli_check_words(cli, n, 2, 2, &e) < 0)
		return cli_fail(cli, &e);
	c.from = parse_side(cli->arena, words[0]);
	c.to = parse_side(cli->arena, words[1]);
	int r = copy(&c, &e);

	pod_root_close(&c.root);
	return r < 0 ? cli_fail(cli, &e) : 0;
}

const struct verb cli_verb_cp = {
	.name = "cp",
	.summary = "copy files between the host and an app, running or not",
	.usage = "[-a] FILE|DIR|- POD[/APP]:PATH | POD[/APP]:PATH FILE|DIR|-",
	.words = (const char *const[]){"file", NULL},
	.options = (const struct opt *const[]){options, NULL},
	.example = "rocket cp site shop/web:/usr/share/nginx/html\nrocket cp shop/web:/var/log - | tar -t",
	.exits = "4: no such pod, app or file\n7: the pod is being started or removed",
	.run = run,
};
