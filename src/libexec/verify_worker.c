/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two processes. The worker judges: it parses what came from outside, with nothing left to lose
 * (verify_confine.c). The parent keeps the privilege to write the store and to start gpgv, and looks at no hostile
 * byte: it hands gpgv what the worker points at, and takes one record back.
 *
 *   worker ──ask: case, key, item──▶ parent ──▶ gpgv        worker ──done: the verdicts, a record──▶ parent
 *          ◀──struct answer────────
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/record.h"
#include "base/str.h"
#include "libexec/verify_tool.h"
#include "trust/openpgp.h"

enum { MESSAGE_ASK, MESSAGE_DONE, MESSAGE_FAILED, RESULT_MAX = 1 << 20, ASKS_MAX = 4096, WORKER_FD = 3 };

struct message {
	uint32_t kind;
	uint32_t n;      /* DONE: bytes of the record that follow */
	uint32_t a_case, key, item;
	bool is_rule;    /* the key: of a rule, or of the policy */
	struct err err;  /* FAILED */
};

struct answer {
	int code;
	struct err err;
	struct openpgp_result result;
};

/* ---- the worker ---- */

struct worker {
	struct verify_cases *cases;
	size_t at; /* the case that is judged */
};

static int ask_parent(void *ctx, const struct judge_key *key, const struct judge_item *item, struct openpgp_result *ret,
		      struct err *e)
{
	const struct worker *w = ctx;
	const struct judge_case *c = &w->cases->list.v[w->at];
	struct message m = {.kind = MESSAGE_ASK, .a_case = (uint32_t)w->at, .item = (uint32_t)(item - c->items.v)};
	struct answer *answer = malloc(sizeof(*answer));

	if (!answer)
		abort();
	m.is_rule = c->rule_keys.n && key >= c->rule_keys.v && key < c->rule_keys.v + c->rule_keys.n;
	m.key = (uint32_t)(key - (m.is_rule ? c->rule_keys.v : c->policy_keys.v));
	if (io_write_all(WORKER_FD, &m, sizeof(m)) < 0 ||
	    io_read_full(WORKER_FD, answer, sizeof(*answer)) != (ssize_t)sizeof(*answer))
		_exit(1);
	int code = answer->code;

	if (code < 0)
		*e = answer->err;
	else
		*ret = answer->result;
	free(answer);
	return code;
}

static int judge_all(struct verify_tool *t, struct verify_cases *cases, struct trust_record *record, struct err *e)
{
	struct worker w = {.cases = cases};
	int r = 0;

	for (; r == 0 && w.at < cases->list.n; w.at++) {
		struct trust_verdict v;

		cases->list.v[w.at].openpgp = (struct judge_openpgp){ask_parent, &w};
		r = judge(&cases->list.v[w.at], &t->arena, &v, e);
		if (r == 0)
			*list_add(&t->arena, &record->verdicts) = v;
	}
	return r;
}

[[gnu::noreturn]] static void worker_main(struct verify_tool *t, struct verify_cases *cases, int fd)
{
	struct message m = {.kind = MESSAGE_FAILED};
	struct trust_record record = {};
	autostr text = {};
	int r = prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ? err_errno(&m.err, "can't be bound to the parent") : 0;

	if (r == 0)
		r = verify_confine(fd, &m.err);
	if (r == 0)
		r = judge_all(t, cases, &record, &m.err);
	if (r == 0) {
		record_write(&text, &trust_record_set, &record, RECORD_COMPACT);
		m = (struct message){.kind = MESSAGE_DONE, .n = (uint32_t)text.len};
	}
	if (io_write_all(WORKER_FD, &m, sizeof(m)) < 0 || io_write_all(WORKER_FD, str_text(&text), text.len) < 0)
		_exit(1);
	_exit(0);
}

/* ---- the parent ---- */

/* The worker may have been taken over: nothing that it says is taken for granted. */
static int run_gpgv(struct verify_tool *t, const struct verify_cases *cases, const struct message *m,
		    struct openpgp_result *ret, struct err *e)
{
	const struct judge_case *c = m->a_case < cases->list.n ? &cases->list.v[m->a_case] : NULL;
	const size_t n_keys = !c ? 0 : m->is_rule ? c->rule_keys.n : c->policy_keys.n;
	struct openpgp_keyring ring;
	struct openpgp_job job = {.signed_fd = -1};

	if (m->key >= n_keys || m->item >= c->items.n)
		return err_new(e, ERR_FAILED, "the check of signatures asks for what is not there");
	const struct judge_key *key = &(m->is_rule ? c->rule_keys.v : c->policy_keys.v)[m->key];
	const struct judge_item *item = &c->items.v[m->item];

	/* The key is the user's or the host's own. */
	if (!key->bytes || openpgp_parse_keys(&t->arena, key->bytes, key->n, &ring, e) < 0)
		return err_new(e, ERR_FAILED, "the key %.120s can't be used", key->source);
	job.keyring = ring.bytes;
	job.keyring_n = ring.n;
	job.signature = (const uint8_t *)item->bytes;
	job.signature_n = item->n;
	return openpgp_check(&job, ret, e);
}

static int answer(struct verify_tool *t, const struct verify_cases *cases, int fd, const struct message *m, struct err *e)
{
	struct answer *a = calloc(1, sizeof(*a));

	if (!a)
		abort();
	a->code = run_gpgv(t, cases, m, &a->result, &a->err);
	int r = io_write_all(fd, a, sizeof(*a)) < 0 ? err_errno(e, "can't answer the check of signatures") : 0;

	free(a);
	return r;
}

static int err_died(struct err *e)
{
	err_new(e, ERR_FAILED, "the signatures can't be checked");
	err_because(e, "the process that looks at them ended before it was done");
	return err_try(e, "rocket --insecure-options=image run …   (if you must)");
}

static int take_verdicts(struct verify_tool *t, struct verify_cases *cases, int fd, size_t n, struct err *e)
{
	autofree char *text = n <= RESULT_MAX ? malloc(n + 1) : NULL;
	struct trust_record record;

	if (!text || io_read_full(fd, text, n) != (ssize_t)n)
		return err_died(e);
	int r = record_read(&t->arena, &trust_record_set, text, n, &record, e);

	if (r == 0 && record.verdicts.n != cases->list.n)
		r = err_died(e);
	for (size_t i = 0; r == 0 && i < record.verdicts.n; i++) {
		/* Which name and digest a verdict is about is ours to say. */
		record.verdicts.v[i].name = (char *)cases->list.v[i].name;
		record.verdicts.v[i].digest = (char *)cases->list.v[i].digest;
		record.verdicts.v[i].judged_ns = io_now_ns();
		*list_add(&t->arena, &cases->record.verdicts) = record.verdicts.v[i];
	}
	return r;
}

static int serve(struct verify_tool *t, struct verify_cases *cases, int fd, struct err *e)
{
	for (unsigned asks = 0; asks < ASKS_MAX; asks++) {
		struct message m;

		if (io_read_full(fd, &m, sizeof(m)) != (ssize_t)sizeof(m))
			return err_died(e);
		if (m.kind == MESSAGE_DONE)
			return take_verdicts(t, cases, fd, m.n, e);
		if (m.kind == MESSAGE_FAILED) {
			m.err.what[sizeof(m.err.what) - 1] = m.err.because[sizeof(m.err.because) - 1] =
				m.err.hint[sizeof(m.err.hint) - 1] = 0;
			*e = m.err;
			return err_recode(e, ERR_FAILED);
		}
		if (m.kind != MESSAGE_ASK || answer(t, cases, fd, &m, e) < 0)
			return e->code ? -e->code : err_died(e);
	}
	return err_died(e);
}

int verify_run_worker(struct verify_tool *t, struct verify_cases *cases, struct err *e)
{
	int pair[2], status;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(e, "no socket");
	pid_t pid = fork();

	if (pid == 0)
		worker_main(t, cases, pair[1]);
	close(pair[1]);
	int r = pid < 0 ? err_errno(e, "can't start a process") : serve(t, cases, pair[0], e);

	close(pair[0]);
	if (r < 0 && pid > 0)
		kill(pid, SIGKILL);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return r;
}
