/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index, from the plans of all pods. Two commands that find none both build one; the first rename wins,
 * and nobody makes a pod before an index stands, so that neither misses any.
 */
#include "supervise/index.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"
#include "supervise/ids.h"

static const char *const folders[] = { "pods/embryo", "pods/prepared", "pods/run", "pods/garbage" };

static int add_pod(int index, int pods, const char *id)
{
	autoarena a = {};
	autopod p = POD_DIR_NONE;
	struct plan plan;
	struct err ignored = {};
	char path[160];

	p.fd = openat(pods, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	/* An embryo without a plan has neither name nor ids yet; what is damaged is gc's matter. */
	if (p.fd < 0 || state_read_plan(&p, &a, &plan, &ignored) < 0)
		return 0;
	snprintf(path, sizeof(path), "names/%.100s", plan.name ?: "");
	if (plan.name && symlinkat(id, index, path) < 0 && errno != EEXIST)
		return -1;
	return ids_index(index, id, &plan.ids);
}

static int add_folder(const struct state *s, int index, const char *folder)
{
	autoclose int pods = openat(s->dirfd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclosedir DIR *d = pods < 0 ? NULL : fdopendir(fcntl(pods, F_DUPFD_CLOEXEC, 3));
	struct dirent *entry;

	if (!d)
		return -1;
	while ((entry = readdir(d)))
		if (strlen(entry->d_name) == POD_ID_LEN && add_pod(index, pods, entry->d_name) < 0)
			return -1;
	return 0;
}

static int fill(const struct state *s, int index)
{
	if (mkdirat(index, "names", 0700) < 0 || mkdirat(index, "ids", 0700) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		if (add_folder(s, index, folders[i]) < 0)
			return -1;
	return 0;
}

int state_ensure_index(const struct state *s, struct err *e)
{
	char fresh[32];
	struct err ignored = {};
	bool ok;

	if (faccessat(s->runfd, "index", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	snprintf(fresh, sizeof(fresh), ".index.%d", getpid());
	(void)!io_remove_tree(s->runfd, fresh, &ignored);
	if (mkdirat(s->runfd, fresh, 0700) < 0)
		return err_errno(e, "can't make the index of pods");
	autoclose int index = openat(s->runfd, fresh, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	ok = index >= 0 && fill(s, index) == 0 &&
	     (renameat(s->runfd, fresh, s->runfd, "index") == 0 || errno == ENOTEMPTY || errno == EEXIST);
	if (!ok)
		err_errno(e, "can't make the index of pods");
	(void)!io_remove_tree(s->runfd, fresh, &ignored);
	return ok ? 0 : -e->code;
}
