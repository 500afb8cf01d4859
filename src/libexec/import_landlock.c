/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Landlock (landlock(7)): from here on no file can be opened but below the store and, when the image is a
 * directory, below that. Descriptors that are open stay good, so a file or pipe needs no rule. A kernel
 * without Landlock, or one before 5.19 that can't let files be renamed between directories, does without.
 */
#include <errno.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "libexec/import_confine.h"

enum { ABI_WITH_REFER = 2 };

#define READS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITES                                                                                             \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR |       \
	 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REFER)
#define OTHERS                                                                                             \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK |       \
	 LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM)

static int allow(int rules, int dirfd, uint64_t access, struct err *e)
{
	struct landlock_path_beneath_attr beneath = {.allowed_access = access, .parent_fd = dirfd};

	if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) == 0)
		return 0;
	return err_errno(e, "can't confine the import to the store");
}

static int allow_source(int rules, int source_fd, struct err *e)
{
	struct stat st;

	if (fstat(source_fd, &st) < 0)
		return err_errno(e, "can't look at the image");
	return S_ISDIR(st.st_mode) ? allow(rules, source_fd, READS, e) : 0;
}

int import_confine_files(const struct store *s, int source_fd, struct err *e)
{
	struct landlock_ruleset_attr attr = {.handled_access_fs = READS | WRITES | OTHERS};
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	if (abi < ABI_WITH_REFER || IMPORT_SANITIZED)
		return 0;
	autoclose int rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);

	if (rules < 0)
		return err_errno(e, "can't confine the import to the store");
	int r = allow(rules, s->dirfd, READS | WRITES, e);

	if (!r)
		r = allow_source(rules, source_fd, e);
	if (!r && syscall(SYS_landlock_restrict_self, rules, 0) < 0)
		r = err_errno(e, "can't confine the import to the store");
	return r;
}
