/* SPDX-License-Identifier: Apache-2.0 */
/* rocket-fetch login and logout. The password comes from stdin or a terminal, never from the command line, which others see. */
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include <fcntl.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/opt.h"
#include "base/str.h"
#include "libexec/fetch_tool.h"
#include "registry/auth_file.h"

enum { OPT_USER, OPT_STDIN, SECRET_MAX = 64 << 10, LINE_MAX_LEN = 4096 };

static const struct opt opts[] = {
	{"username", .id = OPT_USER, .arg = "NAME", .help = "who we are there"},
	{"password-stdin", .id = OPT_STDIN, .help = "read the password from stdin"},
	{},
};

/* One line from the terminal; without echo when it is secret. */
static int ask(struct arena *a, const char *question, bool secret, char **ret, struct err *e)
{
	autoclose int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
	struct termios old, quiet;
	char line[LINE_MAX_LEN] = "";
	ssize_t n;

	if (tty < 0) {
		err_new(e, ERR_USAGE, "there is no terminal to ask for the %s", secret ? "password" : "user name");
		err_because(e, "this command runs without one");
		return err_try(e, "rocket login -u NAME --password-stdin HOST <FILE");
	}
	(void)!io_write_all(tty, question, strlen(question));
	if (secret && tcgetattr(tty, &old) == 0) {
		quiet = old;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(tty, TCSAFLUSH, &quiet);
	}
	n = read(tty, line, sizeof(line) - 1);
	if (secret) {
		tcsetattr(tty, TCSAFLUSH, &old);
		(void)!io_write_all(tty, "\n", 1);
	}
	line[n > 0 ? n : 0] = 0;
	line[strcspn(line, "\r\n")] = 0;
	if (!*line)
		return err_new(e, ERR_USAGE, "no %s was given", secret ? "password" : "user name");
	*ret = arena_strdup(a, line);
	return 0;
}

static int read_secret(struct arena *a, char **ret, struct err *e)
{
	autofree char *text = NULL;
	size_t n;
	int r = io_read_fd(STDIN_FILENO, SECRET_MAX, &text, &n, e);

	if (r)
		return r;
	text[strcspn(text, "\r\n")] = 0;
	if (!*text)
		return err_new(e, ERR_USAGE, "the password on stdin is empty");
	*ret = arena_strdup(a, text);
	return 0;
}

/* "HOST", "HOST/PATH", and what people write before it. */
static int key_of(struct arena *a, const char *typed, char **ret, struct err *e)
{
	struct reference ref;
	const char *rest = typed;

	if (str_has_prefix(rest, "https://"))
		rest += strlen("https://");
	char *key = arena_strdup(a, rest);
	size_t n = strlen(key);

	while (n && key[n - 1] == '/')
		key[--n] = 0;
	/* Any repository of that host or path is a good name, then this is a good place. */
	if (reference_parse(a, arena_printf(a, "docker://%s/x", key), &ref, e) || !ref.host) {
		err_new(e, ERR_USAGE, "'%.100s' is no registry", typed);
		err_because(e, "a registry is HOST or HOST:PORT, with a dot or a colon in it, or localhost");
		return err_try(e, "rocket login registry.example.com");
	}
	const char *slash = strchr(key, '/');

	*ret = slash ? arena_printf(a, "%s%s", ref.host, slash) : ref.host;
	return 0;
}

static void print_kept(const struct fetch_tool *t, const char *key, const char *user, const char *what, const char *where)
{
	autostr s = {};

	if (!t->json) {
		if (!t->quiet)
			fprintf(stderr, "%s: %s %s\n", key, user ? "the login is kept in" : "the login is forgotten in", where);
		return;
	}
	str_add(&s, "{\"host\":");
	str_add_json(&s, key);
	if (user) {
		str_add(&s, ",\"user\":");
		str_add_json(&s, user);
	}
	str_addf(&s, ",\"%s\":", what);
	str_add_json(&s, where);
	str_add(&s, "}\n");
	fputs(s.text, stdout);
}

static int login(struct fetch_tool *t, const char *typed, const char *user, bool from_stdin, struct err *e)
{
	struct credentials c = {.user = arena_strdup(&t->arena, user)};
	char *key, *where = NULL;
	int r = key_of(&t->arena, typed, &key, e);

	if (!r && from_stdin && !user)
		r = err_new(e, ERR_USAGE, "--password-stdin needs -u NAME");
	if (!r && !c.user)
		r = ask(&t->arena, "User name: ", false, &c.user, e);
	if (!r)
		r = from_stdin ? read_secret(&t->arena, &c.password, e) : ask(&t->arena, "Password: ", true, &c.password, e);
	if (!r && strchr(c.user, ':'))
		r = err_new(e, ERR_USAGE, "a user name has no colon");
	if (r)
		return r;
	t->options.user = c.user;
	t->options.password = c.password;
	r = fetch_open_registry(t, e);
	if (!r)
		r = registry_check_login(t->registry, key, e);
	if (!r)
		r = auth_keep(&t->arena, t->options.auth_file, key, &c, &where, e);
	if (!r)
		print_kept(t, key, c.user, "kept_in", where);
	return r;
}

int fetch_verb_login(struct fetch_tool *t, int argc, char **argv, struct err *e)
{
	const struct opt *const tables[] = {opts, NULL};
	struct opt_walk w = {.argc = argc, .argv = argv, .tables = tables};
	const char *value, *user = NULL;
	bool from_stdin = false;
	const struct opt *o;
	int r;

	while ((r = opt_next(&w, &o, &value, e)) > 0) {
		if (o->id == OPT_USER)
			user = value;
		else
			from_stdin = true;
	}
	if (!r && w.argc - w.at != 1)
		r = err_new(e, ERR_USAGE, "login needs one registry");
	return r ? r : login(t, w.argv[w.at], user, from_stdin, e);
}

int fetch_verb_logout(struct fetch_tool *t, int argc, char **argv, struct err *e)
{
	char *key, *where = NULL;
	int r;

	if (argc && !strcmp(argv[0], "--")) {
		argc--;
		argv++;
	}
	if (argc != 1)
		return err_new(e, ERR_USAGE, "logout needs one registry");
	r = key_of(&t->arena, argv[0], &key, e);
	if (!r)
		r = auth_forget(&t->arena, t->options.auth_file, key, &where, e);
	if (!r)
		print_kept(t, key, NULL, "forgotten_in", where);
	return r;
}
