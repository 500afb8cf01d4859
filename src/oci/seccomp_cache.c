/* SPDX-License-Identifier: Apache-2.0 */
/* See seccomp_cache.h. At most 256 files: the hash's last byte is their name. */
#include "oci/seccomp_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/record.h"
#include "oci/own.h"

enum { ENTRY_MAX = 16 << 20 };

/* What a file begins with; the profile and the program follow. */
struct entry {
	char magic[8];
	char version[24];
	uint64_t profile_bytes, program_bytes;
};

static const char magic[8] = "rktscmp1";

static uint64_t hash(const char *text, size_t n)
{
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)text[i]) * 0x100000001b3;
	return h;
}

static struct entry entry_of(size_t profile_bytes, size_t program_bytes)
{
	struct entry x = { .profile_bytes = profile_bytes, .program_bytes = program_bytes };

	memcpy(x.magic, magic, sizeof(magic));
	snprintf(x.version, sizeof(x.version), "%s", ROCKET_VERSION);
	return x;
}

static bool take_program(const void *bytes, size_t n, struct seccomp_program *ret)
{
	if (n == 0 || n > sizeof(ret->insns) || n % sizeof(ret->insns[0]))
		return false;
	memcpy(ret->insns, bytes, n);
	ret->len = (unsigned short)(n / sizeof(ret->insns[0]));
	return true;
}

static bool find(int dir, const char *name, const char *profile, size_t len, struct seccomp_program *ret)
{
	struct entry want = entry_of(len, 0), have;
	struct stat st;
	autoclose int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size <= (off_t)(sizeof(have) + len) || st.st_size > ENTRY_MAX)
		return false;
	const char *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return false;
	memcpy(&have, map, sizeof(have));
	want.program_bytes = (uint64_t)st.st_size - sizeof(have) - len;
	bool found = memcmp(&have, &want, sizeof(have)) == 0 && memcmp(map + sizeof(have), profile, len) == 0 &&
		     take_program(map + sizeof(have) + len, want.program_bytes, ret);
	munmap((void *)map, (size_t)st.st_size);
	return found;
}

static void keep(int dir, const char *name, const char *profile, size_t len, const struct seccomp_program *p)
{
	const struct entry head = entry_of(len, p->len * sizeof(p->insns[0]));
	autostr bytes = {};
	struct err ignored = {};

	str_add_bytes(&bytes, &head, sizeof(head));
	str_add_bytes(&bytes, profile, len);
	str_add_bytes(&bytes, p->insns, head.program_bytes);
	/* Without a cache it is compiled again: slower, not wrong. */
	(void)!io_write_file_atomic(dir, name, bytes.text, bytes.len, 0600, IO_NO_SYNC, &ignored);
}

/* ---- compiling ---- */

static int run_compiler(const char *program, int profile_fd, int out_fd, int err_fd)
{
	char path[32];
	char *argv[] = { (char *)"rocket-seccomp", path, (char *)"0", (char *)"oci", NULL };
	int status = -1;
	pid_t pid;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", profile_fd);
	pid = vfork();
	if (pid == 0) {
		if (fcntl(profile_fd, F_SETFD, 0) == 0 && dup2(out_fd, 1) >= 0 && dup2(err_fd, 2) >= 0)
			execv(program, argv);
		_exit(126);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

/* The compiler's first two lines are the error. */
static int explain(int err_fd, struct err *e)
{
	char text[512] = "";
	const char *what = text, *because;

	(void)!pread(err_fd, text, sizeof(text) - 1, 0);
	because = strstr(text, "because: ");
	if (str_has_prefix(what, "error: "))
		what += strlen("error: ");
	err_new(e, ERR_USAGE, "config.json: linux.seccomp can't be compiled: %.*s", (int)strcspn(what, "\n"), what);
	if (because)
		err_because(e, "%.*s", (int)strcspn(because + 9, "\n"), because + 9);
	return -e->code;
}

static int compile(const struct oci *o, const char *profile, size_t len, struct seccomp_program *ret, struct err *e)
{
	const char *program;
	autoclose int in = io_memfd("profile", profile, len);
	autoclose int out = memfd_create("filter", MFD_CLOEXEC);
	autoclose int errors = memfd_create("errors", MFD_CLOEXEC);

	if (own_find_program(o, "rocket-seccomp", &program, e) < 0)
		return -e->code;
	if (in < 0 || out < 0 || errors < 0)
		return err_errno(e, "can't compile the system call filter");
	if (run_compiler(program, in, out, errors) != 0)
		return explain(errors, e);
	ssize_t n = pread(out, ret->insns, sizeof(ret->insns), 0);
	if (n <= 0 || lseek(out, 0, SEEK_END) != n || n % (ssize_t)sizeof(ret->insns[0]))
		return err_new(e, ERR_USAGE, "config.json: linux.seccomp becomes too long a filter: the kernel takes 4096 steps");
	ret->len = (unsigned short)(n / (ssize_t)sizeof(ret->insns[0]));
	return 0;
}

/* ---- how it is loaded ---- */

struct loading {
	char **flags;
	char *listener_path, *listener_metadata;
};

static const struct field loading_fields[] = {
	FIELD(struct loading, flags, "flags", FIELD_STRV),
	FIELD(struct loading, listener_path, "listenerPath", FIELD_STR),
	FIELD(struct loading, listener_metadata, "listenerMetadata", FIELD_STR),
};
static const struct field_set loading_set = FIELD_SET("seccomp", struct loading, loading_fields);

static const struct {
	const char *name;
	uint32_t flag;
} flags[] = {
	{ "SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC },
	{ "SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG },
	{ "SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW },
	{ "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", 1 << 5 },
};

static int read_how(const struct oci *o, const char *profile, size_t len, struct seccomp_how *ret, struct err *e)
{
	struct loading l = {};

	if (record_read_foreign(o->arena, &loading_set, "config.json: linux.seccomp", profile, len, &l, e) < 0)
		return -e->code;
	for (char **f = l.flags; f && *f; f++) {
		uint32_t found = 0;

		for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
			found |= strcmp(flags[i].name, *f) == 0 ? flags[i].flag : 0;
		if (!found)
			return err_new(e, ERR_USAGE, "config.json: linux.seccomp.flags: there is no %.60s", *f);
		ret->flags |= found;
	}
	/* The process has one thread: there is nothing to bring in line, and a listener excludes it (seccomp(2)). */
	ret->flags &= ~(uint32_t)SECCOMP_FILTER_FLAG_TSYNC;
	ret->listener_path = l.listener_path && *l.listener_path ? l.listener_path : NULL;
	ret->listener_metadata = l.listener_metadata;
	return 0;
}

int seccomp_cache_get(const struct oci *o, const char *profile, struct seccomp_program *ret, struct seccomp_how *ret_how,
		      struct err *e)
{
	const size_t len = strlen(profile);
	char name[8];

	if (read_how(o, profile, len, ret_how, e) < 0)
		return -e->code;
	snprintf(name, sizeof(name), "%02x", (unsigned)(hash(profile, len) & 0xff));
	autoclose int root = open(o->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root >= 0 && mkdirat(root, ".seccomp", 0700) < 0 && errno != EEXIST)
		return err_errno(e, "can't make %.160s/.seccomp", o->root);
	autoclose int dir = root < 0 ? -1 : openat(root, ".seccomp", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dir >= 0 && find(dir, name, profile, len, ret))
		return 0;
	if (compile(o, profile, len, ret, e) < 0)
		return -e->code;
	if (dir >= 0)
		keep(dir, name, profile, len, ret);
	return 0;
}
