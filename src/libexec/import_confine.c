/* SPDX-License-Identifier: Apache-2.0 */
/* Layers, each of its own kernel facility, from the one that every kernel has to the ones that may be missing. */
#include "libexec/import_confine.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Beyond this an image is refused by its own limits; it stands against their failing. */
#define MEMORY_MAX (8ULL << 30)

static int limit(struct err *e)
{
	struct rlimit none = {}, memory = {MEMORY_MAX, MEMORY_MAX}, files;

	if (setrlimit(RLIMIT_CORE, &none) < 0)
		return err_errno(e, "can't switch off core dumps");
	/* Each layer is an open file until the image is complete. */
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &files) < 0)
			return err_errno(e, "can't open as many files as are allowed");
	}
	if (!IMPORT_SANITIZED && setrlimit(RLIMIT_AS, &memory) < 0 && errno != EPERM)
		return err_errno(e, "can't bound the memory");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_errno(e, "can't give up gaining privileges");
	return 0;
}

/* root in its own store owns all files there; in a user's store it needs to pass the permissions, and no more. */
static int drop_capabilities(const struct store *s, struct err *e)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {};
	struct stat st;

	if (fstat(s->dirfd, &st) < 0)
		return err_errno(e, "can't look at the store %s", s->path);
	if (syscall(SYS_capget, &head, data) < 0)
		return err_errno(e, "can't read the capabilities");
	uint32_t kept = st.st_uid == geteuid() ? 0 : data[0].permitted & (1U << CAP_DAC_OVERRIDE);

	memset(data, 0, sizeof(data));
	data[0].permitted = data[0].effective = kept;
	if (syscall(SYS_capset, &head, data) < 0)
		return err_errno(e, "can't give up the capabilities");
	return 0;
}

int import_confine_privileges(const struct store *s, struct err *e)
{
	int r = limit(e);

	return r ? r : drop_capabilities(s, e);
}

int import_confine(const struct store *s, int source_fd, struct err *e)
{
	int r = import_confine_privileges(s, e);

	if (!r)
		r = import_confine_files(s, source_fd, e);
	return r ? r : import_confine_calls(e);
}
