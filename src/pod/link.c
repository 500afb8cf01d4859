/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grammar of links. Data in: a line of a manifest or a word of the command line. Out: struct link with its
 * normal spelling. Everything is bounded: names by names.h, paths by sockets' 107 bytes or 4095, words here. Pure.
 */
#include "pod/link.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "base/unit.h"
#include "pod/names.h"
#include "pod/paths.h"
#include "pod/signals.h"

enum { WORDS_MAX = 80, TEXT_MAX = 8192, SOCKET_PATH_MAX = 107 };

const char *const link_kind_names[] = { "tcp", "udp", "unix", "stdout", "stderr", "output", "fifo", "files", "ipc",
					"signal", NULL };
const char *const link_way_names[] = { "none", "shared", "relay", "folder", "pipe", "volume", "namespace", "signals",
				       NULL };

static const struct field link_fields[] = {
	FIELD(struct link, kind, "kind", FIELD_ENUM, .names = link_kind_names),
	FIELD(struct link, text, "text", FIELD_STR),
	FIELD(struct link, from, "from", FIELD_STR),
	FIELD(struct link, to, "to", FIELD_STR),
	FIELD(struct link, both, "both", FIELD_BOOL),
	FIELD(struct link, port, "port", FIELD_U32),
	FIELD(struct link, to_port, "to_port", FIELD_U32),
	FIELD(struct link, path, "path", FIELD_STR),
	FIELD(struct link, to_path, "to_path", FIELD_STR),
	FIELD(struct link, volume, "volume", FIELD_STR),
	FIELD(struct link, signals, "signals", FIELD_STRV),
	FIELD(struct link, way, "way", FIELD_ENUM, .names = link_way_names),
	FIELD(struct link, loopback, "loopback", FIELD_BOOL),
	FIELD(struct link, origin, "origin", FIELD_STR),
};
const struct field_set link_set = FIELD_SET("link", struct link, link_fields);

bool link_is_open(const struct link *l)
{
	return l->text && *l->text;
}

bool link_is_relayed(const struct link *l)
{
	return l->way == LINK_WAY_RELAY;
}

bool link_is_stream(const struct link *l)
{
	return l->kind == LINK_STDOUT || l->kind == LINK_STDERR || l->kind == LINK_OUTPUT;
}

/* FNV-1a, 64 bits. */
char *link_file(struct arena *a, const struct link *l)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (const char *c = l->text; *c; c++)
		h = (h ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
	return arena_printf(a, "%016llx", (unsigned long long)h);
}

/* ---- the words behind the kind ---- */

static int bad(const struct link *l, struct err *e, const char *because, const char *example)
{
	err_new(e, ERR_USAGE, "the link %s -> %s: %s can't be read", l->from, l->to, link_kind_names[l->kind]);
	err_because(e, "%s", because);
	return err_try(e, "%s -> %s: %s", l->from, l->to, example);
}

static int parse_port(const char *text, uint32_t *ret)
{
	uint64_t n;

	if (unit_parse_u64(text, 1, 65535, &n) < 0)
		return -1;
	*ret = (uint32_t)n;
	return 0;
}

static int parse_ports(struct arena *a, struct link *l, char *const *words, struct err *e)
{
	const char *example = l->kind == LINK_TCP ? "tcp 5432, or tcp 8080:80" : "udp 53, or udp 5353:53";
	const char *colon = words[0] ? strchr(words[0], ':') : NULL;
	char *first;

	if (!words[0] || words[1])
		return bad(l, e, "it takes one word: PORT, or PORT:TOPORT", example);
	first = colon ? arena_strndup(a, words[0], (size_t)(colon - words[0])) : words[0];
	if (parse_port(first, &l->port) < 0 || parse_port(colon ? colon + 1 : first, &l->to_port) < 0)
		return bad(l, e, "a port is a number from 1 to 65535", example);
	return 0;
}

/* Blanks part the words of a link, and what a terminal hides has no place in a ledger. */
static bool has_blanks(const char *word)
{
	for (const unsigned char *c = (const unsigned char *)word; *c; c++)
		if (*c <= ' ' || *c == 0x7f)
			return true;
	return false;
}

static int parse_path(struct arena *a, struct link *l, const char *word, char **ret, struct err *e)
{
	static const char *const examples[] = {
		[LINK_UNIX] = "unix /run/php/php.sock",
		[LINK_FIFO] = "fifo /run/events",
		[LINK_FILES] = "files uploads /var/uploads",
	};
	const char *refusal = *word == '/' ? NULL : "a path begins with /";
	char *clean = path_clean(a, NULL, word);

	if (!refusal && has_blanks(word))
		refusal = "the path holds a blank or a control character";
	if (!refusal && !clean)
		refusal = "the path is longer than 4095 characters";
	if (!refusal)
		refusal = path_target_refusal(clean);
	if (!refusal && l->kind != LINK_FILES && strlen(clean) > SOCKET_PATH_MAX)
		refusal = "the path of a socket or named pipe has at most 107 characters";
	if (refusal)
		return bad(l, e, refusal, examples[l->kind]);
	*ret = clean;
	return 0;
}

static int parse_abstract(struct arena *a, struct link *l, const char *word, char **ret, struct err *e)
{
	size_t n = strlen(word);

	if (*word != '@')
		return bad(l, e, "one side is abstract (@NAME) and the other is a path", "unix @bus");
	if (has_blanks(word))
		return bad(l, e, "the name holds a blank or a control character", "unix @bus");
	if (n < 2 || n > SOCKET_PATH_MAX)
		return bad(l, e, "an abstract name has 1 to 106 characters", "unix @bus");
	*ret = arena_strdup(a, word);
	return 0;
}

static int parse_unix(struct arena *a, struct link *l, char *const *words, struct err *e)
{
	const char *to = words[0] && words[1] ? words[1] : words[0];
	int r;

	if (!words[0] || (words[1] && words[2]))
		return bad(l, e, "it takes the path of a socket, and where TO has it elsewhere a second one",
			   "unix /run/php/php.sock");
	if (*words[0] == '@' || *to == '@') {
		r = parse_abstract(a, l, words[0], &l->path, e);
		return r < 0 ? r : parse_abstract(a, l, to, &l->to_path, e);
	}
	r = parse_path(a, l, words[0], &l->path, e);
	return r < 0 ? r : parse_path(a, l, to, &l->to_path, e);
}

static int parse_fifo(struct arena *a, struct link *l, char *const *words, struct err *e)
{
	const char *to = words[0] && words[1] ? words[1] : words[0];

	if (!words[0] || (words[1] && words[2]))
		return bad(l, e, "it takes the path of the named pipe, and where TO has it elsewhere a second one",
			   "fifo /run/events");
	int r = parse_path(a, l, words[0], &l->path, e);
	return r < 0 ? r : parse_path(a, l, to, &l->to_path, e);
}

static int parse_files(struct arena *a, struct link *l, char *const *words, struct err *e)
{
	const char *to;
	int r;

	if (!words[0] || !words[1] || (words[2] && words[3]))
		return bad(l, e, "it takes a volume, its path in FROM, and where TO has it elsewhere a second path",
			   "files uploads /var/uploads");
	to = words[2] ? words[2] : words[1];
	r = name_check(NAME_VOLUME, words[0], e);
	if (r == 0)
		r = parse_path(a, l, words[1], &l->path, e);
	if (r == 0)
		r = parse_path(a, l, to, &l->to_path, e);
	l->volume = arena_strdup(a, words[0]);
	return r;
}

static int parse_nothing(struct arena *a, struct link *l, char *const *words, struct err *e)
{
	return words[0] ? bad(l, e, "nothing comes behind this kind", link_kind_names[l->kind]) : 0;
}

static int parse_signals(struct arena *a, struct link *l, char *const *words, struct err *e)
{
	uint32_t number;

	if (!words[0])
		return bad(l, e, "it takes the names of the signals that FROM may send", "signal HUP USR1");
	for (; *words; words++) {
		if (signal_parse(*words, &number, e) < 0)
			return -e->code;
		arena_strv_add(a, &l->signals, signal_format(a, number));
	}
	return 0;
}

static int (*const parsers[])(struct arena *a, struct link *l, char *const *words, struct err *e) = {
	[LINK_TCP] = parse_ports,     [LINK_UDP] = parse_ports,      [LINK_UNIX] = parse_unix,
	[LINK_STDOUT] = parse_nothing, [LINK_STDERR] = parse_nothing, [LINK_OUTPUT] = parse_nothing,
	[LINK_FIFO] = parse_fifo,     [LINK_FILES] = parse_files,    [LINK_IPC] = parse_nothing,
	[LINK_SIGNAL] = parse_signals,
};

/* ---- the normal spelling ---- */

static void add_pair(struct str *out, const char *a, const char *b)
{
	str_addf(out, " %s", a);
	if (b && strcmp(a, b) != 0)
		str_addf(out, " %s", b);
}

char *link_format(struct arena *a, const struct link *l)
{
	autostr out = {};

	str_addf(&out, "%s %s %s: %s", l->from, l->both ? "<->" : "->", l->to, link_kind_names[l->kind]);
	if (l->port)
		str_addf(&out, " %u", l->port);
	if (l->to_port != l->port)
		str_addf(&out, ":%u", l->to_port);
	if (l->volume)
		str_addf(&out, " %s", l->volume);
	if (l->path)
		add_pair(&out, l->path, l->to_path);
	for (char **s = l->signals; s && *s; s++)
		str_addf(&out, " %s", *s);
	return arena_strdup(a, str_text(&out));
}

/* ---- a whole link ---- */

static int check_kind(const char *word, enum link_kind *ret, struct err *e)
{
	const char *near;
	autostr list = {};

	for (int i = 0; link_kind_names[i]; i++) {
		if (str_equal(link_kind_names[i], word)) {
			*ret = (enum link_kind)i;
			return 0;
		}
		str_addf(&list, "%s%s", i ? ", " : "", link_kind_names[i]);
	}
	near = str_nearest(word, link_kind_names);
	err_new(e, ERR_USAGE, "'%.40s' is no kind of link", word);
	err_because(e, "a link is one of %s", str_text(&list));
	return near ? err_try(e, "%s", near) : -ERR_USAGE;
}

/* What has one side that listens, writes a named pipe, can't be both ways with the same words. */
static int check_both(const struct link *l, struct err *e)
{
	if (!l->both || (l->kind != LINK_UNIX && l->kind != LINK_FIFO))
		return 0;
	err_new(e, ERR_USAGE, "the link %s <-> %s: %s can't be both ways", l->from, l->to, link_kind_names[l->kind]);
	err_because(e, l->kind == LINK_UNIX ? "of two apps one listens at the socket; it answers all the same"
					    : "a named pipe has one side that writes and one that reads");
	return err_try(e, "%s -> %s: %s %s", l->from, l->to, link_kind_names[l->kind], l->path);
}

int link_from_words(struct arena *a, char *const *words, bool both, struct link *ret, struct err *e)
{
	struct link l = { .both = both };
	int r;

	if (!words[0] || !words[1] || !words[2]) {
		err_new(e, ERR_USAGE, "a link needs FROM, TO and a kind");
		return err_try(e, "web -> php: unix /run/php/php.sock, or web:php:unix:/run/php/php.sock");
	}
	l.from = arena_strdup(a, words[0]);
	l.to = arena_strdup(a, words[1]);
	if (name_check(NAME_APP, l.from, e) < 0 || name_check(NAME_APP, l.to, e) < 0)
		return -e->code;
	r = check_kind(words[2], &l.kind, e);
	if (r == 0)
		r = parsers[l.kind](a, &l, words + 3, e);
	if (r == 0)
		r = check_both(&l, e);
	if (r == 0 && strcmp(l.from, l.to) == 0) {
		err_new(e, ERR_USAGE, "the link %s -> %s leads from an app to itself", l.from, l.to);
		r = err_because(e, "what an app does with itself needs no link");
	}
	if (r < 0)
		return r;
	l.text = link_format(a, &l);
	*ret = l;
	return 0;
}

static int no_link(const char *text, struct err *e)
{
	err_new(e, ERR_USAGE, "'%.80s' is no link", text);
	err_because(e, "it is written FROM -> TO: KIND ARGS, on the command line FROM:TO:KIND:ARGS");
	return err_try(e, "web -> php: unix /run/php/php.sock, or web:php:unix:/run/php/php.sock");
}

/* Cuts `rest` at any of the separators into words behind the first n. False when there are too many. */
static bool cut_words(char *rest, const char *separators, char **words, size_t n)
{
	char *save = NULL;

	for (char *w = strtok_r(rest, separators, &save); w; w = strtok_r(NULL, separators, &save)) {
		if (n == WORDS_MAX)
			return false;
		words[n++] = w;
	}
	words[n] = NULL;
	return true;
}

/* "tcp:8080:80" has one word behind its kind, which holds a colon. */
static void join_ports(struct arena *a, char **words)
{
	bool ports = words[0] && words[1] && words[2] && (!strcmp(words[2], "tcp") || !strcmp(words[2], "udp"));

	if (!ports || !words[3] || !words[4] || words[5])
		return;
	words[3] = arena_printf(a, "%s:%s", words[3], words[4]);
	words[4] = NULL;
}

static int parse_arrow(struct arena *a, char *text, char *arrow, const char *all, struct link *ret, struct err *e)
{
	bool both = str_has_prefix(arrow, " <-> ");
	char *to = arrow + (both ? 5 : 4), *colon = strchr(to, ':'), *words[WORDS_MAX + 1];

	if (!colon)
		return no_link(all, e);
	*arrow = *colon = 0;
	words[0] = text + strspn(text, " \t");
	words[1] = to + strspn(to, " \t");
	for (size_t n = strlen(words[1]); n && words[1][n - 1] == ' '; n--)
		words[1][n - 1] = 0;
	if (!cut_words(colon + 1, " \t", words, 2))
		return no_link(all, e);
	return link_from_words(a, words, both, ret, e);
}

int link_parse(struct arena *a, const char *text, struct link *ret, struct err *e)
{
	char *copy, *arrow, *words[WORDS_MAX + 1];

	if (strlen(text) > TEXT_MAX)
		return no_link(text, e);
	copy = arena_strdup(a, text);
	arrow = strstr(copy, " <-> ");
	if (!arrow)
		arrow = strstr(copy, " -> ");
	if (arrow)
		return parse_arrow(a, copy, arrow, text, ret, e);
	if (!cut_words(copy, ":", words, 0) || !words[0] || !words[1] || !words[2])
		return no_link(text, e);
	join_ports(a, words);
	return link_from_words(a, words, false, ret, e);
}
