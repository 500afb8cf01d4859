/* SPDX-License-Identifier: Apache-2.0 */
/* An app's log. See log.h for the format. */
#include "supervise/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { STAMP_MAX = 64 };

void log_init(struct log *l, int pod_fd, const char *app, uint64_t max_bytes, uint32_t files)
{
	*l = (struct log){
		.dirfd = pod_fd, .app = app, .fd = -1, .max_bytes = max_bytes ?: 10 << 20, .files = files ?: 3
	};
}

static void log_name(const struct log *l, uint32_t number, char *ret, size_t cap)
{
	if (number)
		snprintf(ret, cap, "%s.log.%u", l->app, number);
	else
		snprintf(ret, cap, "%s.log", l->app);
}

static int open_file(struct log *l)
{
	char name[128];
	struct stat st;

	log_name(l, 0, name, sizeof(name));
	l->fd = openat(l->dirfd, name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (l->fd < 0)
		return -1;
	l->size = fstat(l->fd, &st) == 0 ? (uint64_t)st.st_size : 0;
	return 0;
}

/* APP.log -> APP.log.1 -> …; the oldest goes. */
static void rotate(struct log *l)
{
	char from[128], to[128];

	cleanup_close(&l->fd);
	l->fd = -1;
	for (uint32_t i = l->files - 1; i > 0; i--) {
		log_name(l, i - 1, from, sizeof(from));
		log_name(l, i, to, sizeof(to));
		(void)!renameat(l->dirfd, from, l->dirfd, to);
	}
	if (l->files == 1) {
		log_name(l, 0, from, sizeof(from));
		(void)!unlinkat(l->dirfd, from, 0);
	}
}

static size_t format_head(char *head, enum log_stream stream, char tag)
{
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	return (size_t)snprintf(head, STAMP_MAX, "%04d-%02d-%02dT%02d:%02d:%02d.%09ldZ %s %c ", tm.tm_year + 1900,
				tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, now.tv_nsec,
				stream == LOG_STDOUT ? "stdout" : "stderr", tag);
}

static void write_line(struct log *l, enum log_stream stream, char tag, const struct iovec *text, int n_text)
{
	char head[STAMP_MAX];
	struct iovec out[4] = { { head, format_head(head, stream, tag) } };
	size_t total = out[0].iov_len + 1;
	int n = 1;

	for (int i = 0; i < n_text; i++) {
		out[n++] = text[i];
		total += text[i].iov_len;
	}
	out[n++] = (struct iovec){ (char *)"\n", 1 };
	if (l->fd >= 0 && l->size + total > l->max_bytes && l->size > 0)
		rotate(l);
	if (l->fd < 0 && open_file(l) < 0) {
		l->dropped++;
		return;
	}
	ssize_t done = writev(l->fd, out, n);
	if (done == (ssize_t)total) {
		l->size += total;
		return;
	}
	l->dropped++;
	/* Half a line would make the next one unreadable: take it back. */
	if (done > 0)
		(void)!ftruncate(l->fd, (off_t)l->size);
}

static void keep_partial(struct log_partial *p, const char *bytes, size_t n)
{
	if (!p->text)
		p->text = malloc(LOG_LINE_MAX);
	if (!p->text)
		return;
	memcpy(p->text + p->len, bytes, n);
	p->len += n;
}

void log_write(struct log *l, enum log_stream stream, const char *bytes, size_t n)
{
	struct log_partial *p = &l->partial[stream];

	while (n) {
		const char *end = memchr(bytes, '\n', n);
		size_t take = end ? (size_t)(end - bytes) : n;
		size_t room = LOG_LINE_MAX - p->len;
		struct iovec text[2] = { { p->text, p->len }, { (char *)bytes, take } };

		if (take > room) {
			text[1].iov_len = room;
			write_line(l, stream, 'P', text, 2);
			p->len = 0;
			bytes += room;
			n -= room;
			continue;
		}
		if (!end) {
			keep_partial(p, bytes, take);
			return;
		}
		write_line(l, stream, 'F', text, 2);
		p->len = 0;
		bytes += take + 1;
		n -= take + 1;
	}
}

void log_close(struct log *l)
{
	for (int i = 0; i < 2; i++) {
		struct log_partial *p = &l->partial[i];
		struct iovec text = { p->text, p->len };

		if (p->len)
			write_line(l, i, 'F', &text, 1);
		free(p->text);
		*p = (struct log_partial){};
	}
	cleanup_close(&l->fd);
	l->fd = -1;
}
