/* SPDX-License-Identifier: Apache-2.0 */
/* Resource limits by name (setrlimit(2)). No allocation: runs between clone and exec. */
#include "boundary/rlimit.h"

#include <string.h>
#include <sys/resource.h>

#include "base/cleanup.h"

static const struct {
	const char *name;
	int resource;
} rlimit_names[] = {
	{ "as", RLIMIT_AS },	     { "core", RLIMIT_CORE },	      { "cpu", RLIMIT_CPU },
	{ "data", RLIMIT_DATA },     { "fsize", RLIMIT_FSIZE },	      { "locks", RLIMIT_LOCKS },
	{ "memlock", RLIMIT_MEMLOCK }, { "msgqueue", RLIMIT_MSGQUEUE }, { "nice", RLIMIT_NICE },
	{ "nofile", RLIMIT_NOFILE }, { "nproc", RLIMIT_NPROC },	      { "rss", RLIMIT_RSS },
	{ "rtprio", RLIMIT_RTPRIO }, { "rttime", RLIMIT_RTTIME },     { "sigpending", RLIMIT_SIGPENDING },
	{ "stack", RLIMIT_STACK },
};

int rlimit_set(const struct plan_rlimit *l, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(rlimit_names); i++) {
		struct rlimit value = { .rlim_cur = l->soft, .rlim_max = l->hard };

		if (strcmp(rlimit_names[i].name, l->name) != 0)
			continue;
		if (setrlimit(rlimit_names[i].resource, &value) == 0)
			return 0;
		err_errno(e, "can't set the resource limit %s", l->name);
		return err_try(e, "ulimit -H -a   (a higher hard limit needs CAP_SYS_RESOURCE)");
	}
	return err_new(e, ERR_FAILED, "there is no resource limit %s", l->name);
}

int rlimit_raise(const struct plan_rlimit *l, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(rlimit_names); i++) {
		struct rlimit have;

		if (strcmp(rlimit_names[i].name, l->name) != 0)
			continue;
		if (getrlimit(rlimit_names[i].resource, &have) == 0 && have.rlim_max >= l->hard)
			return 0;
		return rlimit_set(&(struct plan_rlimit){ .name = l->name, .soft = have.rlim_cur, .hard = l->hard }, e);
	}
	return err_new(e, ERR_FAILED, "there is no resource limit %s", l->name);
}
