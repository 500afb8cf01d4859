/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Rocket writes for a pod into memory: hosts, hostname and resolv.conf, and the plan's secrets and config files. The
 * bytes of a secret are read when the pod comes up, from where the plan says, and forgotten when they lie in the
 * pod's tmpfs; what is inside them is nobody's business here. They never reach a disk by us.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "net/files.h"
#include "supervise/supervisor.h"

enum { GENERATED = 3, FILE_MAX = 1 << 20 };

/* ---- where the bytes come from ---- */

static int missing(const struct plan_file *f, struct err *e, const char *because)
{
	err_new(e, ERR_ROCKET, "the %s %s is not there", f->secret ? "secret" : "config file", f->name);
	return err_because(e, "%s", because);
}

static int too_large(const struct plan_file *f, struct err *e)
{
	return missing(f, e, "it has more than 1 MiB");
}

static int take_bytes(struct supervisor *s, const char *bytes, size_t n, struct pod_text *ret)
{
	char *copy = arena_alloc(&s->arena, n + 1);

	memcpy(copy, bytes, n);
	ret->text = copy;
	ret->len = n;
	return 0;
}

static int read_path(struct supervisor *s, const struct plan_file *f, int dirfd, const char *path, struct pod_text *ret,
		     struct err *e)
{
	autofree char *text = NULL;
	size_t n;

	struct err why = {};

	if (io_read_file(dirfd, path, FILE_MAX, &text, &n, &why) < 0) {
		err_new(e, ERR_ROCKET, "can't read the %s %s", f->secret ? "secret" : "config file", f->name);
		err_because(e, "%s: %s", path, why.because);
		return err_try(e, "ls -l %s   (at most 1 MiB)", path);
	}
	take_bytes(s, text, n, ret);
	explicit_bzero(text, n);
	return 0;
}

static int from_host(struct supervisor *s, const struct plan_file *f, struct pod_text *ret, struct err *e)
{
	return read_path(s, f, AT_FDCWD, f->source, ret, e);
}

static int from_env(struct supervisor *s, const struct plan_file *f, struct pod_text *ret, struct err *e)
{
	const char *value = getenv(f->source);

	if (!value) {
		missing(f, e, "the environment variable that holds it is not set");
		return err_try(e, "%s=… rocket run …", f->source);
	}
	if (strlen(value) > FILE_MAX)
		return too_large(f, e);
	return take_bytes(s, value, strlen(value), ret);
}

static int from_stdin(struct supervisor *s, const struct plan_file *f, struct pod_text *ret, struct err *e)
{
	autofree char *text = NULL;
	size_t n;

	if (s->options->secret_fd < 0) {
		missing(f, e, "it comes from standard input, which was not handed on");
		return err_try(e, "rocket run … < FILE");
	}
	if (lseek(s->options->secret_fd, 0, SEEK_SET) < 0 ||
	    io_read_fd(s->options->secret_fd, FILE_MAX, &text, &n, e) < 0)
		return too_large(f, e);
	take_bytes(s, text, n, ret);
	explicit_bzero(text, n);
	return 0;
}

/* systemd.exec(5), "Credentials": a folder that only we can read. */
static int from_credential(struct supervisor *s, const struct plan_file *f, struct pod_text *ret, struct err *e)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	autoclose int dir = folder ? open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;

	if (dir < 0) {
		missing(f, e, "this process has no credentials of systemd (CREDENTIALS_DIRECTORY)");
		return err_try(e, "LoadCredential=%s:PATH in the unit, or systemd-run -p LoadCredential=…", f->source);
	}
	return read_path(s, f, dir, f->source, ret, e);
}

static int digit64(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *p = c ? strchr(digits, c) : NULL;

	return p ? (int)(p - digits) : -1;
}

/* The front end has checked that it is base64. */
static int from_base64(struct supervisor *s, const struct plan_file *f, struct pod_text *ret)
{
	char *out = arena_alloc(&s->arena, strlen(f->source) / 4 * 3 + 4);
	uint32_t bits = 0;
	unsigned have = 0;
	size_t n = 0;

	for (const char *c = f->source; *c && *c != '='; c++) {
		if (digit64(*c) < 0)
			continue;
		bits = bits << 6 | (uint32_t)digit64(*c);
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		out[n++] = (char)(bits >> have);
	}
	ret->text = out;
	ret->len = n;
	return 0;
}

static int from_text(struct supervisor *s, const struct plan_file *f, struct pod_text *ret, struct err *e)
{
	if (f->base64)
		return from_base64(s, f, ret);
	ret->text = f->source ?: "";
	ret->len = strlen(ret->text);
	return 0;
}

static int read_file(struct supervisor *s, const struct plan_file *f, struct pod_text *ret, struct err *e)
{
	static int (*const readers[])(struct supervisor *s, const struct plan_file *f, struct pod_text *ret,
				      struct err *e) = {
		[FILE_TEXT] = from_text,   [FILE_HOST] = from_host,		 [FILE_ENV] = from_env,
		[FILE_STDIN] = from_stdin, [FILE_CREDENTIAL] = from_credential,
	};

	*ret = (struct pod_text){ .name = f->name, .mode = f->mode, .uid = f->uid, .gid = f->gid };
	return readers[f->from](s, f, ret, e);
}

/* ---- all of them ---- */

static void forget_secrets(const struct supervisor *s, struct pod_text *texts)
{
	for (size_t i = 0; i < s->plan.files.n; i++)
		if (s->plan.files.v[i].secret && texts[i].text && texts[i].text != s->plan.files.v[i].source)
			explicit_bzero((char *)(uintptr_t)texts[i].text, texts[i].len);
}

/* Each circle has copies of its own: apps that stand apart have no inode in common. */
static int make_circle(struct supervisor *s, size_t circle, struct pod_text *texts, struct err *e)
{
	const struct plan_app *app = s->circles[circle].app;
	/* An ordinary user can't map the ids of the host's file systems: files are his pods' as they lie there. */
	int userns = plan_is_rootless(&s->plan) ? -1 : circle_sandbox(s, circle)->userns_fd;
	autostr hosts = {};
	autostr hostname = {};
	autostr resolv = {};
	size_t n = s->plan.files.n;

	files_add_hosts(&hosts, &s->plan, app);
	files_add_hostname(&hostname, &s->plan, app);
	files_add_resolv(&resolv, &s->plan);
	texts[n] = (struct pod_text){ .name = "hosts", .text = str_text(&hosts), .len = hosts.len };
	texts[n + 1] = (struct pod_text){ .name = "hostname", .text = str_text(&hostname), .len = hostname.len };
	texts[n + 2] = (struct pod_text){ .name = "resolv.conf", .text = str_text(&resolv), .len = resolv.len };
	int r = root_make_pod_files(&s->plan, userns, s->attach_fd, texts, n + GENERATED, circle_files(s, circle), e);

	return r < 0 ? r : circle_share_ipc(s, circle, e);
}

int pod_add_files(struct supervisor *s, size_t first, struct err *e)
{
	struct pod_text *texts = arena_alloc(&s->arena, (s->plan.files.n + 1) * sizeof(*texts));
	int r = 0;

	for (size_t i = first; i < s->plan.files.n && r == 0; i++) {
		r = read_file(s, &s->plan.files.v[i], &texts[i], e);
		if (r == 0)
			r = root_add_pod_file(&s->plan, circle_files(s, 0)->etc_fd, &texts[i], e);
	}
	forget_secrets(s, texts);
	return r;
}

int pod_make_files(struct supervisor *s, struct err *e)
{
	size_t n = s->plan.files.n;
	struct pod_text *texts = arena_alloc(&s->arena, (n + GENERATED) * sizeof(*texts));
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = read_file(s, &s->plan.files.v[i], &texts[i], e);
	for (size_t i = 0; i < s->n_circles && r == 0; i++)
		r = make_circle(s, i, texts, e);
	forget_secrets(s, texts);
	return r;
}
