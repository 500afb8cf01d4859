/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's record (net/record.h) holds whatever the apps tried; what a hole lets through now is left out here, by asking
 * the uplink, so that the log is what would still be refused. Names come from the pod's resolver.
 */
#include "supervise/wall_log.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "net/record.h"
#include "net/resolve_wire.h"
#include "supervise/ledger.h"
#include "supervise/supervisor.h"

static const int64_t tell_every_ns = 1000000000;
/* A reply of the control socket holds it. */
enum { LOG_TEXT_MAX = 48000 };

void wall_log_open(struct supervisor *s)
{
	if (!s->plan.host_net)
		record_open(&s->record, s->cgroup.fd[CGROUP_UNIFIED]);
}

/* ---- words ---- */

static const char *app_of(const struct supervisor *s, uint64_t group)
{
	struct stat st;

	for (size_t i = 0; i < s->plan.apps.n; i++) {
		int fd = s->apps[i].has_cgroup ? s->apps[i].cgroup.fd[CGROUP_UNIFIED] : -1;

		if (fd >= 0 && fstat(fd, &st) == 0 && st.st_ino == group)
			return s->plan.apps.v[i].name;
	}
	return s->plan.apps.n == 1 ? s->plan.apps.v[0].name : "?";
}

static const char *protocol_word(uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return "icmp";
	default:
		return "tcp";
	}
}

static void add_hole(struct str *out, const char *host, uint16_t port, const char *protocol)
{
	bool bracket = strchr(host, ':');

	str_addf(out, "out:%s%s%s:", bracket ? "[" : "", host, bracket ? "]" : "");
	if (strcmp(protocol, "icmp") == 0)
		str_add(out, "*/icmp");
	else
		str_addf(out, "%u%s", port, strcmp(protocol, "udp") == 0 ? "/udp" : "");
}

/* ---- names ---- */

/* One line of uplink_log(): NAME COUNT FIRST LAST VERDICT ADDRESSES. */
struct name_line {
	char *name, *count, *first, *last, *verdict, *addrs;
};

static bool split_name(char *line, struct name_line *ret)
{
	char **fields[] = { &ret->name, &ret->count, &ret->first, &ret->last, &ret->verdict, &ret->addrs };

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		*fields[i] = strsep(&line, "\t");
		if (!*fields[i])
			return false;
	}
	return true;
}

static bool has_address(const char *list, const char *addr)
{
	size_t n = strlen(addr);

	for (const char *at = strstr(list, addr); at; at = strstr(at + 1, addr))
		if ((at == list || at[-1] == ',') && (at[n] == 0 || at[n] == ','))
			return true;
	return false;
}

/* The name that the pod asked for when it got this address; "" when none is known. */
static void name_of(const char *names, const char *addr, char *ret, size_t cap)
{
	autoarena a = {};
	char *rest = arena_strdup(&a, names), *line;
	struct name_line n = {};

	*ret = 0;
	while (rest && (line = strsep(&rest, "\n")))
		if (split_name(line, &n) && has_address(n.addrs, addr))
			snprintf(ret, cap, "%s", n.name);
}

static void add_refused_names(struct supervisor *s, const char *names, struct str *out)
{
	autoarena a = {};
	const char *app = s->plan.apps.n == 1 ? s->plan.apps.v[0].name : "?";
	char *rest = arena_strdup(&a, names), *line;
	struct name_line n = {};

	while (rest && out->len < LOG_TEXT_MAX && (line = strsep(&rest, "\n")))
		if (split_name(line, &n) && strcmp(n.verdict, "refused") == 0)
			str_addf(out, "%s\t\t0\t%s\t0\tname\t%s\t%s\t%s\tout:%s:PORT\t%s\n", app, n.name, n.count, n.first,
				 n.last, n.name, n.name);
}

/* ---- destinations ---- */

static bool is_resolver(const struct record_entry *r)
{
	struct in_addr at;

	inet_pton(AF_INET, RESOLVE_ADDRESS, &at);
	return r->addr.family == AF_INET && memcmp(r->addr.bytes, &at, sizeof(at)) == 0;
}

static bool passes(struct supervisor *s, const struct record_entry *r)
{
	struct err ignored = {};
	bool open = false;

	if (is_resolver(r))
		return s->resolver.pidfd >= 0;
	return s->has_uplink && uplink_judge(&s->uplink, &r->addr, r->protocol, r->port, &open, &ignored) == 0 && open;
}

static void add_entry(struct supervisor *s, const struct record_entry *r, const char *names, struct str *out)
{
	int64_t day = io_now_ns() - io_monotonic_ns();
	const char *protocol = protocol_word(r->protocol);
	char addr[INET6_ADDRSTRLEN], name[DNS_NAME_MAX];
	autostr program = {};
	autostr hole = {};

	inet_ntop(r->addr.family, r->addr.bytes, addr, sizeof(addr));
	name_of(names, addr, name, sizeof(name));
	str_add_visible(&program, r->program);
	if (is_resolver(r))
		str_add(&hole, "out:NAME:PORT");
	else
		add_hole(&hole, *name ? name : addr, r->port, protocol);
	str_addf(out, "%s\t%s\t%lld\t%s\t%u\t%s\t%llu\t%lld\t%lld\t%s\t%s\n", app_of(s, r->group), str_text(&program),
		 (long long)r->pid, is_resolver(r) ? "names" : addr, is_resolver(r) ? 0 : r->port, is_resolver(r) ? "name" : protocol,
		 (unsigned long long)r->count, (long long)(r->first_ns + day), (long long)(r->last_ns + day), str_text(&hole),
		 name);
}

static void add_blind(const struct supervisor *s, struct str *out)
{
	if (s->plan.host_net)
		str_add(out, "!the pod has the host's network (ns:net): nothing of it is recorded\n");
	else if (s->record.map_fd < 0)
		str_addf(out, "!this host does not record who tries what: BPF on the pod's control group gave: %s\n",
			 s->record.why ? strerror(s->record.why) : "no cgroup2 hierarchy");
}

void wall_log_read(struct supervisor *s, struct str *out)
{
	struct record_key key, *after = NULL;
	struct record_entry entry;
	struct err ignored = {};
	autostr names = {};

	add_blind(s, out);
	if (s->has_uplink)
		(void)!uplink_log(&s->uplink, &names, &ignored);
	for (int i = 0; i < RECORD_MAX && out->len < LOG_TEXT_MAX && record_next(&s->record, after, &key, &entry); i++) {
		after = &key;
		if (entry.count && !passes(s, &entry))
			add_entry(s, &entry, str_text(&names), out);
	}
	add_refused_names(s, str_text(&names), out);
}

/* What passes now is no refusal, also when its hole is closed later. */
void wall_log_forget_open(struct supervisor *s)
{
	struct record_key key, before, *after = NULL;
	struct record_entry entry;

	for (int i = 0; i < RECORD_MAX && record_next(&s->record, after, &key, &entry); i++) {
		if (passes(s, &entry)) {
			record_forget(&s->record, &key);
			continue;
		}
		before = key;
		after = &before;
	}
}

/* ---- told in the foreground ---- */

static bool was_told(struct supervisor *s, const char *key)
{
	for (size_t i = 0; i < s->told.n; i++)
		if (strcmp(s->told.v[i], key) == 0)
			return true;
	if (s->told.n < RECORD_MAX)
		*list_add(&s->arena, &s->told) = arena_strdup(&s->arena, key);
	return false;
}

static void tell_line(struct supervisor *s, char *line, struct str *text)
{
	char *field[11];

	for (size_t i = 0; i < ARRAY_SIZE(field); i++) {
		field[i] = strsep(&line, "\t");
		if (!field[i])
			return;
	}
	if (was_told(s, field[9]))
		return;
	str_addf(text, "wall: %s%s%s%s tried to reach ", field[0], *field[1] ? " (" : "", field[1], *field[1] ? ")" : "");
	if (strcmp(field[5], "name") == 0)
		str_addf(text, "%s", strcmp(field[3], "names") == 0 ? "a name, and the pod answers none" : field[3]);
	else
		str_addf(text, "%s%s%s%s port %s/%s", *field[10] ? field[10] : "", *field[10] ? " (" : "", field[3],
			 *field[10] ? ")" : "", field[4], field[5]);
	str_addf(text, "   rocket hole add %s %s\n", s->plan.name, field[9]);
}

void wall_log_tell(struct supervisor *s)
{
	int64_t now = io_monotonic_ns();
	struct record_key key;
	struct record_entry entry;
	autostr lines = {};
	autostr text = {};
	char *rest, *line;

	if (!s->options->foreground || s->options->quiet || s->plan.learn || now - s->told_ns < tell_every_ns)
		return;
	s->told_ns = now;
	if (!s->has_uplink && !record_next(&s->record, NULL, &key, &entry))
		return; /* the usual case: one system call */
	wall_log_read(s, &lines);
	rest = lines.text;
	while (rest && (line = strsep(&rest, "\n")))
		if (*line && *line != '!')
			tell_line(s, line, &text);
	if (text.len)
		(void)!io_write_all(STDERR_FILENO, text.text, text.len);
}

/* ---- learning ---- */

static void suggest(struct supervisor *s)
{
	autostr lines = {};
	autostr text = {};
	char *rest, *line, *field;

	wall_log_read(s, &lines);
	s->told.n = 0;
	rest = lines.text;
	while (rest && (line = strsep(&rest, "\n"))) {
		for (int i = 0; i < 9 && line; i++)
			(void)!strsep(&line, "\t");
		field = strsep(&line, "\t");
		if (field && !str_has_suffix(field, ":PORT") && !was_told(s, field))
			str_addf(&text, " --hole '%s'", field);
	}
	supervisor_event(s, "learned", NULL, text.len ? str_text(&text) : "nothing went out");
	if (s->options->foreground)
		dprintf(STDERR_FILENO, "learned: %s\n", text.len ? str_text(&text) + 1 : "nothing went out");
}

void wall_log_end(struct supervisor *s)
{
	s->told_ns = 0;
	if (s->plan.learn && s->has_uplink)
		suggest(s);
	else
		wall_log_tell(s);
}
