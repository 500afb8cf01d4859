/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which shared objects a program needs, found as ld.so(8) finds them, but from the tree's files alone: no
 * cache, no environment, nothing executed. Per program, breadth first, each name once:
 *
 *   a name with "/"            that path
 *   DT_RPATH of the object and of what loaded it, up to the program, unless the object has a runpath
 *   DT_RUNPATH of the object
 *   the directories of /etc/ld.so.conf and what it includes
 *   /lib/MULTIARCH /usr/lib/MULTIARCH /lib64 /usr/lib64 /lib /usr/lib (and /usr/local/lib for musl)
 *
 * $ORIGIN and $LIB are understood; a path with another $WORD is passed over, as ld.so does for what it
 * does not know. Objects of another machine or class are passed over. glibc-hwcaps/ is not looked at.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "build/elf_file.h"
#include "build/source.h"

struct libs {
	const struct source *source;
	struct arena *arena;
	char **conf_dirs; /* of ld.so.conf */
	LIST(struct libs_object) objects; /* read so far, by path */
};

/* One file that was read. */
struct libs_object {
	const struct source *where;
	char *path; /* without symlinks */
	struct elf elf;
};

/* One thing that a program needs beside itself. */
struct libs_need {
	char *path;       /* as the loader comes to it: may go through symlinks */
	char *shortcut;   /* directory in which a link to path must stand, because the loader finds path only through a cache; or NULL */
	char *name;       /* the DT_NEEDED */
};
struct libs_needs {
	LIST(struct libs_need) list;
};

/* Reads ld.so.conf. All strings lie in the arena, which outlives the libs. */
[[nodiscard]] int libs_open(struct libs *l, const struct source *source, struct arena *a, struct err *e);

/* The object at this path of `where` (may go through links). ret->elf.is_elf is false for other files. */
[[nodiscard]] int libs_read(struct libs *l, const struct source *where, const char *path, struct libs_object *ret,
			    struct err *e);

/*
 * Adds what the program or library at path of `where` needs, its loader included, to *needs; nothing for a
 * file that is no ELF or is static. The libraries themselves come from the tree that l was opened with.
 * ERR_NOT_FOUND: a library is nowhere; says which, who needs it, and where it was looked for.
 */
[[nodiscard]] int libs_find(struct libs *l, const struct source *where, const char *path, struct libs_needs *needs,
			    struct err *e);

/*
 * A library by its bare name in the default directories, for a machine like that of `like`. *ret_path is
 * NULL when there is none.
 */
[[nodiscard]] int libs_find_name(struct libs *l, const struct elf *like, const char *name, char **ret_path,
				 struct err *e);
