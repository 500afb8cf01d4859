/* SPDX-License-Identifier: Apache-2.0 */
/* events: what a container uses, now or again and again, and when the kernel killed for want of memory. runc's JSON. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/unit.h"
#include "oci/container.h"

enum { OPT_STATS, OPT_INTERVAL };

static const struct opt opts[] = {
	{ "stats", 0, NULL, "print once what it uses, and end", OPT_STATS, NULL },
	{ "interval", 0, "TIME", "how often (5s unless given)", OPT_INTERVAL, NULL },
	{},
};

struct asked {
	bool once;
	int64_t interval_ns;
};

static int take(void *to, const struct opt *opt, const char *value, struct err *e)
{
	struct asked *x = to;

	if (opt->id == OPT_STATS) {
		x->once = true;
		return 0;
	}
	if (unit_parse_time(value, &x->interval_ns) == 0 && x->interval_ns > 0)
		return 0;
	return err_new(e, ERR_USAGE, "--interval takes a time like 5s, not %.40s", value);
}

/* ---- reading ---- */

static uint64_t number(const char *text)
{
	return strtoull(text, NULL, 10);
}

static bool read_text(const struct container *c, const char *controller, const char *file, char *text, size_t cap)
{
	int dir = oci_cgroup_fd(&c->cgroup, controller);
	autoclose int fd = dir < 0 ? -1 : openat(dir, file, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, cap - 1);

	text[n < 0 ? 0 : n] = 0;
	return n >= 0;
}

static uint64_t read_number(const struct container *c, const char *controller, const char *file)
{
	char text[64];

	return read_text(c, controller, file, text, sizeof(text)) ? number(text) : 0;
}

/* The value behind "key " at a line's start. */
static uint64_t read_keyed(const struct container *c, const char *controller, const char *file, const char *key)
{
	char text[8192];
	const size_t len = strlen(key);

	if (!read_text(c, controller, file, text, sizeof(text)))
		return 0;
	for (const char *line = text; *line; line += strcspn(line, "\n") + (line[strcspn(line, "\n")] == '\n'))
		if (strncmp(line, key, len) == 0 && line[len] == ' ')
			return number(line + len + 1);
	return 0;
}

/* ---- the document ---- */

static void add_cpu(const struct container *c, struct str *out)
{
	const bool v2 = c->cgroup.v2;
	const uint64_t us = v2 ? 1000 : 1;
	const uint64_t total = v2 ? read_keyed(c, "", "cpu.stat", "usage_usec") * 1000 : read_number(c, "cpuacct", "cpuacct.usage");
	const uint64_t user = v2 ? read_keyed(c, "", "cpu.stat", "user_usec") * 1000 :
				   read_number(c, "cpuacct", "cpuacct.usage_user");
	const uint64_t kernel = v2 ? read_keyed(c, "", "cpu.stat", "system_usec") * 1000 :
				     read_number(c, "cpuacct", "cpuacct.usage_sys");

	str_addf(out, "\"cpu\":{\"usage\":{\"total\":%" PRIu64 ",\"kernel\":%" PRIu64 ",\"user\":%" PRIu64 "},", total, kernel,
		 user);
	str_addf(out, "\"throttling\":{\"periods\":%" PRIu64 ",\"throttledPeriods\":%" PRIu64 ",\"throttledTime\":%" PRIu64 "}}",
		 read_keyed(c, "cpu", "cpu.stat", "nr_periods"), read_keyed(c, "cpu", "cpu.stat", "nr_throttled"),
		 read_keyed(c, "cpu", "cpu.stat", v2 ? "throttled_usec" : "throttled_time") * us);
}

static void add_raw_memory(const struct container *c, struct str *out)
{
	char text[8192];
	bool first = true;

	str_add(out, ",\"raw\":{");
	read_text(c, "memory", "memory.stat", text, sizeof(text));
	for (const char *line = text; *line; line += strcspn(line, "\n") + (line[strcspn(line, "\n")] == '\n')) {
		size_t n = strcspn(line, " \n");

		if (line[n] != ' ')
			continue;
		str_addf(out, "%s\"%.*s\":%" PRIu64, first ? "" : ",", (int)n, line, number(line + n + 1));
		first = false;
	}
	str_add_char(out, '}');
}

static void add_memory(const struct container *c, struct str *out)
{
	const bool v2 = c->cgroup.v2;
	char limit[64];

	read_text(c, "memory", v2 ? "memory.max" : "memory.limit_in_bytes", limit, sizeof(limit));
	str_addf(out, ",\"memory\":{\"cache\":%" PRIu64 ",\"usage\":{\"limit\":%" PRIu64 ",\"usage\":%" PRIu64 ",\"max\":%" PRIu64
		      ",\"failcnt\":%" PRIu64 "}",
		 read_keyed(c, "memory", "memory.stat", v2 ? "file" : "cache"),
		 strncmp(limit, "max", 3) == 0 ? UINT64_MAX : number(limit),
		 read_number(c, "memory", v2 ? "memory.current" : "memory.usage_in_bytes"),
		 read_number(c, "memory", v2 ? "memory.peak" : "memory.max_usage_in_bytes"),
		 v2 ? read_keyed(c, "memory", "memory.events", "max") : read_number(c, "memory", "memory.failcnt"));
	add_raw_memory(c, out);
	str_add_char(out, '}');
}

/* "MAJOR:MINOR OP BYTES" lines of v1, "MAJOR:MINOR rbytes=N wbytes=N …" of v2. */
static void add_block_io(const struct container *c, struct str *out)
{
	static const char *const keys[][2] = { { "rbytes=", "Read" }, { "wbytes=", "Write" } };
	char text[8192];
	bool first = true;

	str_add(out, ",\"blkio\":{\"ioServiceBytesRecursive\":[");
	read_text(c, "blkio", c->cgroup.v2 ? "io.stat" : "blkio.throttle.io_service_bytes_recursive", text, sizeof(text));
	for (char *line = text; *line;) {
		size_t n = strcspn(line, "\n");
		char *next = line + n + (line[n] == '\n');
		unsigned major = 0, minor = 0;
		char op[16];
		unsigned long long value;

		line[n] = 0;
		for (size_t i = 0; c->cgroup.v2 && i < ARRAY_SIZE(keys); i++) {
			const char *at = strstr(line, keys[i][0]);

			if (!at || sscanf(line, "%u:%u", &major, &minor) != 2)
				continue;
			str_addf(out, "%s{\"major\":%u,\"minor\":%u,\"op\":\"%s\",\"value\":%" PRIu64 "}", first ? "" : ",", major, minor,
				 keys[i][1], number(at + strlen(keys[i][0])));
			first = false;
		}
		if (!c->cgroup.v2 && sscanf(line, "%u:%u %15s %llu", &major, &minor, op, &value) == 4) {
			str_addf(out, "%s{\"major\":%u,\"minor\":%u,\"op\":\"%s\",\"value\":%llu}", first ? "" : ",", major, minor, op,
				 value);
			first = false;
		}
		line = next;
	}
	str_add(out, "]}");
}

static void add_stats(const struct container *c, struct str *out)
{
	char limit[32];

	str_add(out, "{\"type\":\"stats\",\"id\":");
	str_add_json(out, c->state.id);
	str_add(out, ",\"data\":{");
	add_cpu(c, out);
	add_memory(c, out);
	read_text(c, "pids", "pids.max", limit, sizeof(limit));
	str_addf(out, ",\"pids\":{\"current\":%" PRIu64 ",\"limit\":%" PRIu64 "}", read_number(c, "pids", "pids.current"),
		 strncmp(limit, "max", 3) == 0 ? 0 : number(limit));
	add_block_io(c, out);
	str_add(out, ",\"hugetlb\":{}}}\n");
}

static uint64_t oom_kills(const struct container *c)
{
	return read_keyed(c, "memory", c->cgroup.v2 ? "memory.events" : "memory.oom_control", "oom_kill");
}

/* Once a second it looks for kills, after each interval it prints, until the container has stopped. */
static int watch(const struct container *c, const struct asked *x, struct err *e)
{
	uint64_t kills = oom_kills(c);
	int64_t next = io_monotonic_ns();

	while (process_started((pid_t)c->state.pid) == c->state.pid_started) {
		autostr out = {};
		uint64_t now_killed = oom_kills(c);

		for (; kills < now_killed; kills++) {
			str_add(&out, "{\"type\":\"oom\",\"id\":");
			str_add_json(&out, c->state.id);
			str_add(&out, "}\n");
		}
		if (io_monotonic_ns() >= next) {
			add_stats(c, &out);
			next += x->interval_ns;
		}
		if (oci_print(str_text(&out), e) < 0)
			return -e->code;
		nanosleep(&(struct timespec){ .tv_nsec = x->interval_ns < 200000000 ? (long)x->interval_ns : 200000000 }, NULL);
	}
	return 0;
}

static int run(struct oci *o, int argc, char **argv, int *ret_code, struct err *e)
{
	struct asked x = { .interval_ns = 5000000000 };
	autocontainer c = CONTAINER_NONE;
	autostr out = {};
	char **words = NULL;
	int r = oci_parse(o, argc, argv, 1, 1, take, &x, &words, e);

	if (r != 0)
		return r < 0 ? r : 0;
	if (container_open(o, words[0], CONTAINER_LOOK, &c, e) < 0)
		return -e->code;
	if (c.status == OCI_STOPPED || c.status == OCI_CREATING) {
		err_new(e, ERR_STATE, "there are no events of %.120s", c.state.id);
		return err_because(e, "it is %s", oci_status_names[c.status]);
	}
	if (!x.once)
		return watch(&c, &x, e);
	add_stats(&c, &out);
	return oci_print(out.text, e);
}

const struct oci_verb oci_verb_events = {
	.name = "events", .words = "CONTAINER", .what = "Print what a container uses, and what befalls it", .opts = opts,
	.example = "events --stats web", .run = run,
};
