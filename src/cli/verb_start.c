/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rocket start: an exited pod again, with its id, its plan, its volumes and its writable layers.
 * rocket run-prepared: a prepared pod, in the foreground unless -d.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"
#include "cli/pod_make.h"
#include "cli/user_half.h"
#include "supervise/status.h"

enum { OPT_DETACH = 1, OPT_ATTACH };

struct request {
	bool detach, attach;
};

static const struct opt run_prepared_options[] = {
	{ "detach", 'd', .id = OPT_DETACH, .help = "leave the pod running and print its id" },
	{},
};

static const struct opt start_options[] = {
	{ "attach", 'a', .id = OPT_ATTACH, .help = "stay in the foreground" },
	{},
};

static int take(void *context, const struct opt *o, const char *value, struct err *e)
{
	struct request *r = context;

	r->detach |= o->id == OPT_DETACH;
	r->attach |= o->id == OPT_ATTACH;
	return 0;
}

static int need_phase(const struct pod_dir *p, const char *word, enum pod_phase phase, struct err *e)
{
	if (p->phase == phase)
		return 0;
	err_new(e, ERR_STATE, "the pod %s is not %s", word, pod_phase_names[phase]);
	err_because(e, "it is %s", pod_phase_names[p->phase]);
	return err_try(e, "rocket status %s", word);
}

static bool is_this_boot(const char *boot_id)
{
	char now[64] = "";
	autoclose int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	return fd >= 0 && read(fd, now, sizeof(now) - 1) > 0 && strncmp(now, boot_id ?: "", 36) == 0;
}

/* A layer is mounted without syncing (`volatile`): after a crash of the host it can't be trusted (design, section 8). */
static int check_layers(const struct pod_dir *p, const struct plan *plan, const char *word, struct err *e)
{
	for (size_t i = 0; i < plan->apps.n; i++) {
		char marker[256];

		snprintf(marker, sizeof(marker), "%s.work/work/incompat/volatile", plan->apps.v[i].name);
		if (is_this_boot(plan->boot_id) || faccessat(p->fd, marker, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		err_new(e, ERR_STATE, "the pod %s has lost its root", word);
		err_because(e, "it ran when the host went down, and what %s wrote to its root was not synced",
			    plan->apps.v[i].name);
		return err_try(e, "rocket manifest %s >pod.yaml; rocket rm %s; rocket run -f pod.yaml", word, word);
	}
	return 0;
}

static int start(struct cli *cli, const char *word, enum pod_phase from, bool detach, struct err *e)
{
	struct timing untimed = {};
	autostate s = { -1, -1 };
	autopod p = POD_DIR_NONE;
	struct plan plan;
	int r = user_half_enter(cli, e);

	if (r == 0)
		r = state_open(cli->dir, cli->run_dir, &s, e);
	if (r == 0)
		r = state_find_pod(&s, word, &p, e);
	if (r == 0)
		r = need_phase(&p, word, from, e);
	if (r == 0)
		r = state_lock_pod(&p, e);
	if (r == 0)
		r = state_read_plan(&p, cli->arena, &plan, e);
	if (r == 0 && from == POD_EXITED)
		r = check_layers(&p, &plan, word, e);
	if (r == 0)
		r = state_claim_name(&s, plan.name, p.id, e);
	if (r == 0 && from == POD_PREPARED)
		r = state_move_pod(&s, &p, POD_RUNNING, e);
	p.phase = POD_RUNNING;
	return r < 0 ? r : pod_make_launch(cli, &s, &p, &plan, detach, false, &untimed, e);
}

static int run(struct cli *cli, int argc, char **argv, enum pod_phase from)
{
	struct request request = {};
	struct err e = {};
	char **words;
	int n;

	if (cli_parse(cli, argc, argv, take, &request, &words, &n, &e) < 0 || cli_check_words(cli, n, 1, 1, &e) < 0)
		return cli_fail(cli, &e);
	int r = start(cli, words[0], from, from == POD_PREPARED ? request.detach : !request.attach, &e);
	if (r >= 0)
		return r;
	return from == POD_PREPARED ? cli_fail_run(cli, &e) : cli_fail(cli, &e);
}

static int run_start(struct cli *cli, int argc, char **argv)
{
	return run(cli, argc, argv, POD_EXITED);
}

static int run_run_prepared(struct cli *cli, int argc, char **argv)
{
	return run(cli, argc, argv, POD_PREPARED);
}

const struct verb cli_verb_start = {
	.name = "start",
	.summary = "run an exited pod again, with the same id and what it wrote",
	.usage = "[-a] POD",
	.words = (const char *const[]){ "pod", NULL },
	.options = (const struct opt *const[]){ start_options, NULL },
	.example = "rocket start shop",
	.exits = "3: it is not exited, or has lost its root\n4: no such pod",
	.run = run_start,
};

const struct verb cli_verb_run_prepared = {
	.name = "run-prepared",
	.summary = "start a prepared pod",
	.usage = "[-d] POD",
	.words = (const char *const[]){ "pod", NULL },
	.options = (const struct opt *const[]){ run_prepared_options, NULL },
	.example = "rocket run-prepared -d shop",
	.exits = "3: it is not prepared\n4: no such pod",
	.run = run_run_prepared,
};
