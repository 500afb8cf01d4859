/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where auth files lie, and the helper programs they name (docker's protocol: docker-credential-NAME get|store|erase, the
 * host on stdin, JSON on stdout). Everything here runs before privileges are given up, and reads no registry's bytes.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/doc.h"
#include "base/io.h"
#include "base/path.h"
#include "base/str.h"
#include "registry/auth_file.h"

enum { AUTH_FILE_MAX = 1 << 20, HELPER_OUTPUT_MAX = 64 << 10, NAMESPACES_MAX = 32 };

/* ---- places ---- */

static char *runtime_file(struct arena *a)
{
	const char *xdg = getenv("XDG_RUNTIME_DIR");

	if (xdg && *xdg == '/')
		return arena_printf(a, "%s/containers/auth.json", xdg);
	return arena_printf(a, "/run/containers/%u/auth.json", geteuid());
}

/* The first is the one that is written. */
static char **auth_places(struct arena *a, const char *given)
{
	const char *env = getenv("REGISTRY_AUTH_FILE"), *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	const char *docker = getenv("DOCKER_CONFIG");
	char **v = NULL;

	if (given || (env && *env)) {
		arena_strv_add(a, &v, given ? given : env);
		return v;
	}
	arena_strv_add(a, &v, runtime_file(a));
	if (xdg && *xdg == '/')
		arena_strv_add(a, &v, arena_printf(a, "%s/containers/auth.json", xdg));
	else if (home && *home == '/')
		arena_strv_add(a, &v, arena_printf(a, "%s/.config/containers/auth.json", home));
	if (docker && *docker == '/')
		arena_strv_add(a, &v, arena_printf(a, "%s/config.json", docker));
	else if (home && *home == '/')
		arena_strv_add(a, &v, arena_printf(a, "%s/.docker/config.json", home));
	return v;
}

static int read_place(struct arena *a, const char *path, bool *ret_there, char **ret_text, size_t *ret_len, struct err *e)
{
	autofree char *text = NULL;
	struct err why = {};
	int r = io_read_file(AT_FDCWD, path, AUTH_FILE_MAX, &text, ret_len, &why);

	*ret_there = r == 0;
	if (r && (why.errnum == ENOENT || why.errnum == ENOTDIR))
		return 0;
	if (r) {
		*e = why;
		return err_try(e, "ls -l %.150s   (credentials are kept there)", path);
	}
	*ret_text = arena_strndup(a, text, *ret_len);
	return 0;
}

/* ---- helpers ---- */

struct helper {
	char *program;
	pid_t pid;
	int in, out;
};

static void helper_child(const struct helper *h, int in, int out, const char *action)
{
	char *argv[] = {h->program, (char *)action, NULL};

	if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
		_exit(127);
	execvp(h->program, argv);
	_exit(127);
}

static int helper_start(struct helper *h, const char *action, struct err *e)
{
	int in[2], out[2];

	if (pipe2(in, O_CLOEXEC) < 0)
		return err_errno(e, "can't start %s", h->program);
	if (pipe2(out, O_CLOEXEC) < 0) {
		close(in[0]);
		close(in[1]);
		return err_errno(e, "can't start %s", h->program);
	}
	h->pid = fork();
	if (h->pid == 0)
		helper_child(h, in[0], out[1], action);
	close(in[0]);
	close(out[1]);
	h->in = in[1];
	h->out = out[0];
	return h->pid < 0 ? err_errno(e, "can't start %s", h->program) : 0;
}

/* Its answer, and whether it was content. */
static int helper_run(struct arena *a, const char *name, const char *action, const char *input, char **ret_text,
		      bool *ret_good, struct err *e)
{
	struct helper h = {.program = arena_printf(a, "docker-credential-%s", name), .in = -1, .out = -1};
	struct sigaction ignore = {.sa_handler = SIG_IGN}, old;
	char buf[4096];
	autostr text = {};
	ssize_t n;
	int status = 0, r;

	sigaction(SIGPIPE, &ignore, &old);
	r = helper_start(&h, action, e);
	if (!r) {
		(void)!io_write_all(h.in, input, strlen(input));
		close(h.in);
		while ((n = read(h.out, buf, sizeof(buf))) > 0 && text.len < HELPER_OUTPUT_MAX)
			str_add_bytes(&text, buf, (size_t)n);
	}
	if (h.out >= 0)
		close(h.out);
	while (h.pid > 0 && waitpid(h.pid, &status, 0) < 0 && errno == EINTR)
		;
	sigaction(SIGPIPE, &old, NULL);
	if (r)
		return r;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
		err_new(e, ERR_FAILED, "the credential helper %.100s can't be run", h.program);
		err_because(e, "an auth file names it, and it is not on the PATH");
		return err_try(e, "install %.100s, or take its name out of the auth file", h.program);
	}
	*ret_good = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	*ret_text = arena_strdup(a, str_text(&text));
	return 0;
}

/* docker.io is kept by docker under its old name. */
static const char *helper_host(const char *host)
{
	return str_equal(host, "docker.io") ? "https://index.docker.io/v1/" : host;
}

static int helper_get(struct arena *a, const char *name, const char *host, struct credentials *ret, struct err *e)
{
	struct doc *root;
	bool good = false;
	char *text;
	int r = helper_run(a, name, "get", helper_host(host), &text, &good, e);

	if (r || !good)
		return r; /* none there */
	r = doc_parse_json(a, name, text, strlen(text), &root, e);
	if (r) {
		err_new(e, ERR_FAILED, "the credential helper docker-credential-%.80s gave no credentials", name);
		err_because(e, "what it printed is no JSON");
		return err_try(e, "echo %.80s | docker-credential-%.60s get", helper_host(host), name);
	}
	const char *user = doc_get_str(root, "Username"), *secret = doc_get_str(root, "Secret");

	if (!user || !secret)
		return 0;
	*ret = (struct credentials){.origin = arena_printf(a, "docker-credential-%s", name)};
	if (str_equal(user, "<token>")) {
		ret->identity_token = arena_strdup(a, secret);
	} else {
		ret->user = arena_strdup(a, user);
		ret->password = arena_strdup(a, secret);
	}
	return 0;
}

/* The helper that a file names for this host, or its store. */
static const char *helper_of(const struct auth_file *file, const char *host)
{
	size_t n = strlen(host);

	for (char **h = file->helpers; h && *h; h++)
		if (!strncmp(*h, host, n) && (*h)[n] == '=')
			return *h + n + 1;
	return file->store;
}

/* ---- looking ---- */

static char *host_of(struct arena *a, const char *repository)
{
	return arena_strndup(a, repository, strcspn(repository, "/"));
}

static int find_in(struct arena *a, const char *place, const char *repository, struct credentials *ret, struct err *e)
{
	struct auth_file file = {};
	bool there = false;
	char *text = NULL;
	size_t len = 0;
	int r = read_place(a, place, &there, &text, &len, e);

	if (!r && there)
		r = auth_file_parse(a, place, text, len, &file, e);
	if (r || !there)
		return r;
	const char *host = host_of(a, repository), *helper = helper_of(&file, host);
	const struct credentials *found = auth_file_find(&file, repository);

	if (found)
		*ret = *found;
	return !found && helper ? helper_get(a, helper, host, ret, e) : 0;
}

int auth_find(struct arena *a, const char *auth_file, const char *repository, struct credentials *ret, struct err *e)
{
	struct credentials found = {};
	int r = 0;

	for (char **p = auth_places(a, auth_file); p && *p && !r && !found.user && !found.identity_token; p++)
		r = find_in(a, *p, repository, &found, e);
	if (!r)
		*ret = found;
	return r;
}

/* ---- keeping and forgetting ---- */

static int write_place(const char *path, const char *text, struct err *e)
{
	const char *slash = strrchr(path, '/');
	autofree char *dir = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
	int r = dir && slash ? io_mkdir_p(AT_FDCWD, dir, 0700, e) : 0;
	autoclose int fd = open(dir ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (r)
		return r;
	if (fd < 0)
		return err_errno(e, "can't open %.150s", dir);
	return io_write_file_atomic(fd, path_base(path), text, strlen(text), 0600, IO_SYNC, e);
}

static int helper_store(struct arena *a, const char *helper, const char *key, const struct credentials *c, struct err *e)
{
	autostr in = {};
	bool good = false;
	char *text;

	str_add(&in, "{\"ServerURL\":");
	str_add_json(&in, helper_host(key));
	str_add(&in, ",\"Username\":");
	str_add_json(&in, c->user);
	str_add(&in, ",\"Secret\":");
	str_add_json(&in, c->password);
	str_add_char(&in, '}');
	int r = helper_run(a, helper, "store", in.text, &text, &good, e);

	if (r || good)
		return r;
	err_new(e, ERR_FAILED, "docker-credential-%.80s does not keep the password", helper);
	return err_because(e, "it says: %.200s", *text ? text : "nothing");
}

int auth_keep(struct arena *a, const char *auth_file, const char *key, const struct credentials *c, char **ret_where,
	      struct err *e)
{
	const char *place = auth_places(a, auth_file)[0];
	struct auth_file file = {};
	bool there = false, changed;
	char *text = NULL, *edited;
	size_t len = 0;
	int r = read_place(a, place, &there, &text, &len, e);

	if (!r && there)
		r = auth_file_parse(a, place, text, len, &file, e);
	if (r)
		return r;
	const char *helper = helper_of(&file, host_of(a, key));

	if (helper) {
		*ret_where = arena_printf(a, "docker-credential-%s", helper);
		return helper_store(a, helper, key, c, e);
	}
	*ret_where = arena_strdup(a, place);
	r = auth_file_edit(a, place, text, len, key, c, &edited, &changed, e);
	return r ? r : write_place(place, edited, e);
}

static int forget_in(struct arena *a, const char *place, const char *key, bool *ret_gone, struct err *e)
{
	struct auth_file file = {};
	bool there = false, changed = false;
	char *text = NULL, *edited, *said;
	size_t len = 0;
	int r = read_place(a, place, &there, &text, &len, e);

	if (!r && there)
		r = auth_file_parse(a, place, text, len, &file, e);
	if (r || !there)
		return r;
	const char *helper = helper_of(&file, host_of(a, key));

	if (helper)
		r = helper_run(a, helper, "erase", helper_host(key), &said, ret_gone, e);
	if (!r)
		r = auth_file_edit(a, place, text, len, key, NULL, &edited, &changed, e);
	*ret_gone = *ret_gone || changed;
	return r || !changed ? r : write_place(place, edited, e);
}

int auth_forget(struct arena *a, const char *auth_file, const char *key, char **ret_where, struct err *e)
{
	char **places = auth_places(a, auth_file);
	autostr where = {};
	int r = 0;

	for (; *places && !r; places++) {
		bool gone = false;

		r = forget_in(a, *places, key, &gone, e);
		if (gone)
			str_addf(&where, "%s%s", where.len ? ", " : "", *places);
	}
	if (!r && !where.len) {
		err_new(e, ERR_NOT_FOUND, "there is no login at %.100s", key);
		err_because(e, "none of the auth files has one");
		return err_try(e, "rocket login %.100s", key);
	}
	*ret_where = arena_strdup(a, str_text(&where));
	return r;
}
