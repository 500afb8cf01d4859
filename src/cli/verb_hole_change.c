/* SPDX-License-Identifier: Apache-2.0 */
/* rocket hole add, rm: openings of a running pod, made and shut by its supervisor at once. */
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/unit.h"
#include "cli/pod_look.h"
#include "cli/verb_hole.h"
#include "supervise/ledger.h"

enum { OPT_FOR = 1, OPT_KEEP, OPT_WHY };

static const struct opt add_options[] = {
	{"for", 0, "TIME", "close it again after this time: 10m, 1h30m", OPT_FOR, NULL},
	{"keep", 0, NULL, "for the pod's next start too", OPT_KEEP, NULL},
	{"why", 0, "TEXT", "a reason, shown in the ledger", OPT_WHY, NULL},
	{},
};

static const struct opt rm_options[] = {
	{"keep", 0, NULL, "for the pod's next start too", OPT_KEEP, NULL},
	{},
};

static int parse_for(const char *value, int64_t *ret, struct err *e)
{
	int64_t ns;

	if (unit_parse_time(value, &ns) < 0 || ns <= 0) {
		err_new(e, ERR_USAGE, "--for takes a time, not \"%.60s\"", value);
		err_because(e, "a time is a number with a unit: s, m, h or d");
		return err_try(e, "--for 10m");
	}
	*ret = ns;
	return 0;
}

static int take(void *context, const struct opt *o, const char *value, struct err *e)
{
	struct control_request *r = context;

	if (o->id == OPT_FOR)
		return parse_for(value, &r->for_ns, e);
	if (o->id == OPT_KEEP)
		r->keep = true;
	else
		r->why = (char *)(uintptr_t)value;
	return 0;
}

/* One hole, asked of the supervisor; its answer is for people. */
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

/* ---- add ---- */

static int add_one(struct cli *cli, const struct state *s, const struct pod_look *p, struct control_request *r,
		   const char *word, struct err *e)
{
	char *base = getcwd(NULL, 0);
	struct hole h;
	int code = hole_parse(cli->arena, word, base, &h, e);

	free(base);
	if (code == 0)
		code = hole_check_supported(&h, e);
	if (code < 0)
		return code;
	r->text = h.text;
	return ask(cli, s, p, r, e);
}

/* ---- rm ---- */

/* "in:8080" for "in:8080:80@web": the beginning of one hole, cut at a colon, a slash or an at. */
static bool is_beginning(const char *hole, const char *word)
{
	size_t n = strlen(word);

	return n && strncmp(hole, word, n) == 0 && strchr(":/@", hole[n]);
}

static int several(const struct pod_look *p, const char *word, struct err *e)
{
	autostr names = {};

	for (size_t i = 0; i < p->plan.holes.n; i++)
		if (is_beginning(p->plan.holes.v[i].text, word))
			str_addf(&names, "%s%s", names.len ? ", " : "", p->plan.holes.v[i].text);
	err_new(e, ERR_USAGE, "%.100s is the beginning of several holes of %s", word, p->word);
	err_because(e, "one of them is meant: %s", str_text(&names));
	return err_try(e, "rocket hole list %s", p->word);
}

static int find_hole(struct cli *cli, const struct pod_look *p, const char *word, const char **ret, struct err *e)
{
	struct err ignored = {};
	struct hole h = {};
	const char *found = NULL;

	if (hole_parse(cli->arena, word, NULL, &h, &ignored) < 0)
		h.text = NULL;
	for (size_t i = 0; i < p->plan.holes.n; i++) {
		const char *text = p->plan.holes.v[i].text;

		if (str_equal(text, word) || str_equal(text, h.text)) {
			*ret = text;
			return 0;
		}
		if (!is_beginning(text, word))
			continue;
		if (found)
			return several(p, word, e);
		found = text;
	}
	if (!found) {
		err_new(e, ERR_NOT_FOUND, "the pod %s has no hole %.100s", p->word, word);
		err_because(e, "it was never opened, or is closed already");
		return err_try(e, "rocket hole list %s", p->word);
	}
	*ret = found;
	return 0;
}

static int rm_one(struct cli *cli, const struct state *s, const struct pod_look *p, struct control_request *r,
		  const char *word, struct err *e)
{
	const char *text = NULL;
	int code = find_hole(cli, p, word, &text, e);

	if (code < 0)
		return code;
	r->text = (char *)(uintptr_t)text;
	return ask(cli, s, p, r, e);
}

/* ---- both ---- */

typedef int change_fn(struct cli *cli, const struct state *s, const struct pod_look *p, struct control_request *r,
		      const char *word, struct err *e);

static int need_running(const struct pod_look *p, struct err *e)
{
	if (p->dir.phase == POD_RUNNING)
		return 0;
	err_new(e, ERR_STATE, "can't change the holes of %s while it does not run", p->word);
	err_because(e, "the pod is %s", pod_phase_names[p->dir.phase]);
	return err_try(e, p->dir.phase == POD_PREPARED ? "rocket run-prepared %s" : "rocket start %s", p->word);
}

static int change_all(struct cli *cli, struct control_request *r, char **words, change_fn *change, struct err *e)
{
	autostate s = {-1, -1};
	autolook p = POD_LOOK_NONE;
	int code = pod_look_state(cli, &s, e);

	if (code == 0)
		code = pod_look_open_pod(cli, &s, words[0], &p, e);
	if (code == 0)
		code = need_running(&p, e);
	for (char **w = words + 1; code == 0 && *w; w++)
		code = change(cli, &s, &p, r, *w, e);
	return code;
}

static int run(struct cli *cli, int argc, char **argv, const char *verb, change_fn *change)
{
	struct control_request r = {.verb = arena_strdup(cli->arena, verb)};
	struct err e = {};
	char **words;
	int n;

	if (cli_parse(cli, argc, argv, take, &r, &words, &n, &e) < 0 || cli_check_words(cli, n, 2, -1, &e) < 0 ||
	    change_all(cli, &r, words, change, &e) < 0)
		return cli_fail(cli, &e);
	return 0;
}

static int run_add(struct cli *cli, int argc, char **argv)
{
	return run(cli, argc, argv, "hole-add", add_one);
}

static int run_rm(struct cli *cli, int argc, char **argv)
{
	return run(cli, argc, argv, "hole-rm", rm_one);
}

const struct verb cli_verb_hole_add = {
	.name = "add",
	.summary = "open holes in the wall of a running pod",
	.usage = "[--for TIME] [--keep] [--why TEXT] POD HOLE…",
	.words = (const char *const[]){"pod", NULL},
	.options = (const struct opt *const[]){add_options, NULL},
	.example = "rocket hole add shop in:8081:80@web\nrocket hole add --for 10m --why debugging shop in:0:6379@cache",
	.exits = "3: the pod does not run\n4: no such pod or app\n5: the host does not allow it\n7: the port is taken",
	.run = run_add,
};

const struct verb cli_verb_hole_rm = {
	.name = "rm",
	.summary = "close holes of a running pod and cut their connections",
	.usage = "[--keep] POD HOLE…",
	.words = (const char *const[]){"pod", NULL},
	.options = (const struct opt *const[]){rm_options, NULL},
	.example = "rocket hole rm shop in:8081:80@web\nrocket hole rm shop in:8081   (the beginning is enough where it is the only one)",
	.exits = "3: the pod does not run\n4: no such pod or hole",
	.run = run_rm,
};
