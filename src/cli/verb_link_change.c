/* SPDX-License-Identifier: Apache-2.0 */
/* rocket link add, rm: channels between the apps of a running pod, made and removed by its supervisor at once. */
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/pod_look.h"
#include "cli/verb_link.h"

enum { OPT_BOTH = 1, OPT_KEEP };

static const struct opt options[] = {
	{"both", 0, NULL, "both ways, as <-> in a manifest", OPT_BOTH, NULL},
	{"keep", 0, NULL, "for the pod's next start too", OPT_KEEP, NULL},
	{},
};

struct change {
	struct control_request request;
	bool both;
};

static int take(void *context, const struct opt *o, const char *value, struct err *e)
{
	struct change *c = context;

	if (o->id == OPT_KEEP)
		c->request.keep = true;
	else
		c->both = true;
	return 0;
}

/* FROM TO KIND ARGS…, or one word in either spelling. */
static int read_link(struct cli *cli, char **words, bool both, struct link *ret, struct err *e)
{
	if (words[0] && !words[1])
		return link_parse(cli->arena, words[0], ret, e);
	return link_from_words(cli->arena, words, both, ret, e);
}

static int need_running(const struct pod_look *p, struct err *e)
{
	if (p->dir.phase == POD_RUNNING)
		return 0;
	err_new(e, ERR_STATE, "can't change the links of %s while it does not run", p->word);
	err_because(e, "the pod is %s", pod_phase_names[p->dir.phase]);
	return err_try(e, p->dir.phase == POD_PREPARED ? "rocket run-prepared %s" : "rocket start %s", p->word);
}

static int ask(struct cli *cli, const struct state *s, const struct pod_look *p, const struct control_request *r,
	       struct err *e)
{
	struct control_reply reply;
	autoclose int sock = -1;

	if (control_connect(s, &p->dir, &sock, e) < 0 ||
	    control_call(sock, cli->arena, r, &reply, NULL, NULL, e) < 0)
		return -e->code;
	char *rest = reply.text, *line;

	while (rest && (line = strsep(&rest, "\n")))
		if (*line)
			cli_say(cli, "%s", line);
	return 0;
}

static int change_link(struct cli *cli, struct change *c, char **words, struct err *e)
{
	autostate s = {-1, -1};
	autolook p = POD_LOOK_NONE;
	struct link l;
	int code = read_link(cli, words + 1, c->both, &l, e);

	if (code == 0)
		code = pod_look_state(cli, &s, e);
	if (code == 0)
		code = pod_look_open_pod(cli, &s, words[0], &p, e);
	if (code == 0)
		code = need_running(&p, e);
	if (code < 0)
		return code;
	c->request.text = l.text;
	return ask(cli, &s, &p, &c->request, e);
}

static int run(struct cli *cli, int argc, char **argv, const char *verb)
{
	struct change c = {.request.verb = arena_strdup(cli->arena, verb)};
	struct err e = {};
	char **words;
	int n;

	if (cli_parse(cli, argc, argv, take, &c, &words, &n, &e) < 0 || cli_check_words(cli, n, 2, -1, &e) < 0 ||
	    change_link(cli, &c, words, &e) < 0)
		return cli_fail(cli, &e);
	return 0;
}

static int run_add(struct cli *cli, int argc, char **argv)
{
	return run(cli, argc, argv, "link-add");
}

static int run_rm(struct cli *cli, int argc, char **argv)
{
	return run(cli, argc, argv, "link-rm");
}

const struct verb cli_verb_link_add = {
	.name = "add",
	.summary = "make a link between two apps of a running pod",
	.usage = "[--both] [--keep] POD FROM TO KIND [ARG…]",
	.words = (const char *const[]){"pod", NULL},
	.options = (const struct opt *const[]){options, NULL},
	.example = "rocket link add shop web cache tcp 6379\nrocket link add --keep shop web php unix @fpm\n"
		   "rocket link add shop web:cache:tcp:6379",
	.exits = "3: the pod does not run\n4: no such pod or app\n7: the port is taken in FROM's network",
	.run = run_add,
};

const struct verb cli_verb_link_rm = {
	.name = "rm",
	.summary = "remove a link of a running pod and cut its connections",
	.usage = "[--both] [--keep] POD FROM TO KIND [ARG…]",
	.words = (const char *const[]){"pod", NULL},
	.options = (const struct opt *const[]){options, NULL},
	.example = "rocket link rm shop web cache tcp 6379\nrocket link rm shop 'web -> cache: tcp 6379'",
	.exits = "3: the pod does not run\n4: no such pod or link",
	.run = run_rm,
};
