/* SPDX-License-Identifier: Apache-2.0 */
/* See seccomp_ranges.h. seccomp(2), Documentation/userspace-api/seccomp_filter.rst, linux/filter.h. */
#include "seccomp_ranges.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"

enum { CALLS = 1024, ARCHS_MAX = 16, INSNS_MAX = 4096, X32_BIT = 0x40000000, NO_SUCH_CALL = SECCOMP_RET_ERRNO | ENOSYS };

struct rule {
	uint32_t action;
	unsigned n;
	struct scmp_arg_cmp args[6];
	struct rule *next;
};

struct arch {
	uint32_t scmp, audit;
	bool x32;                       /* the numbers with bit 30 set of the same AUDIT_ARCH */
	bool big_endian;
	uint32_t verdict[CALLS];        /* without conditions */
	bool given[CALLS];
	struct rule *rules[CALLS];      /* with */
};

struct ranges {
	struct arena *arena;
	uint32_t default_action;
	struct arch *archs[ARCHS_MAX];
	size_t n;
};

static const struct {
	uint32_t scmp, audit;
	bool big_endian;
} known[] = {
	{ SCMP_ARCH_X86_64, AUDIT_ARCH_X86_64, false },	  { SCMP_ARCH_X86, AUDIT_ARCH_I386, false },
	{ SCMP_ARCH_X32, AUDIT_ARCH_X86_64, false },	  { SCMP_ARCH_AARCH64, AUDIT_ARCH_AARCH64, false },
	{ SCMP_ARCH_ARM, AUDIT_ARCH_ARM, false },	  { SCMP_ARCH_RISCV64, AUDIT_ARCH_RISCV64, false },
	{ SCMP_ARCH_PPC64LE, AUDIT_ARCH_PPC64LE, false }, { SCMP_ARCH_S390X, AUDIT_ARCH_S390X, true },
	{ SCMP_ARCH_S390, AUDIT_ARCH_S390, true },
};

void ranges_add_arch(struct ranges *r, uint32_t arch)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->archs[i]->scmp == arch)
			return;
	for (size_t i = 0; i < ARRAY_SIZE(known) && r->n < ARCHS_MAX; i++) {
		struct arch *x;

		if (known[i].scmp != arch)
			continue;
		x = arena_new(r->arena, struct arch);
		x->scmp = arch;
		x->audit = known[i].audit;
		x->x32 = arch == SCMP_ARCH_X32;
		x->big_endian = known[i].big_endian;
		for (size_t nr = 0; nr < CALLS; nr++)
			x->verdict[nr] = r->default_action;
		r->archs[r->n++] = x;
	}
}

struct ranges *ranges_new(struct arena *a, uint32_t default_action)
{
	struct ranges *r = arena_new(a, struct ranges);

	r->arena = a;
	r->default_action = default_action;
	ranges_add_arch(r, seccomp_arch_native());
	return r;
}

static void add_rule(struct ranges *r, struct arch *x, int nr, uint32_t action, const struct scmp_arg_cmp *args, unsigned n)
{
	struct rule **last = &x->rules[nr];

	if (n == 0) {
		/* The first that says something holds, as with libseccomp. */
		if (!x->given[nr])
			x->verdict[nr] = action;
		x->given[nr] = true;
		return;
	}
	while (*last)
		last = &(*last)->next;
	*last = arena_new(r->arena, struct rule);
	**last = (struct rule){ .action = action, .n = n };
	memcpy((*last)->args, args, n * sizeof(*args));
}

int ranges_add(struct ranges *r, uint32_t action, const char *name, const struct scmp_arg_cmp *args, unsigned n, struct err *e)
{
	for (size_t i = 0; i < r->n; i++) {
		struct arch *x = r->archs[i];
		int nr = seccomp_syscall_resolve_name_arch(x->scmp, name);

		if (nr >= 0 && x->x32)
			nr &= ~X32_BIT;
		/* Negative: a name of another architecture or a newer kernel. */
		if (nr < 0)
			continue;
		if (nr >= CALLS)
			return err_new(e, ERR_FAILED, "the number %d of %.60s is larger than any that Rocket knows", nr, name);
		add_rule(r, x, nr, action, args, n);
	}
	return 0;
}

/* ---- code ---- */

struct code {
	struct sock_filter insns[INSNS_MAX];
	size_t n;
	bool full;
};

static void emit(struct code *c, struct sock_filter insn)
{
	if (c->n >= INSNS_MAX) {
		c->full = true;
		return;
	}
	c->insns[c->n++] = insn;
}

static void emit_return(struct code *c, uint32_t action)
{
	emit(c, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

static void emit_load(struct code *c, size_t offset)
{
	emit(c, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void emit_jump(struct code *c, uint16_t op, uint32_t k, uint8_t yes, uint8_t no)
{
	emit(c, (struct sock_filter)BPF_JUMP(BPF_JMP | op | BPF_K, k, yes, no));
}

/* Jumps that leave a rule are marked, and get their distance when it ends. */
enum { OUT = 255 };

static void emit_half(struct code *c, const struct arch *x, unsigned arg, bool high)
{
	emit_load(c, offsetof(struct seccomp_data, args) + arg * 8 + (high != x->big_endian ? 4 : 0));
}

/* Equal: both halves are. */
static void emit_equal(struct code *c, const struct arch *x, const struct scmp_arg_cmp *a)
{
	emit_half(c, x, a->arg, true);
	emit_jump(c, BPF_JEQ, (uint32_t)(a->datum_a >> 32), 0, OUT);
	emit_half(c, x, a->arg, false);
	emit_jump(c, BPF_JEQ, (uint32_t)a->datum_a, 0, OUT);
}

static void emit_unequal(struct code *c, const struct arch *x, const struct scmp_arg_cmp *a)
{
	emit_half(c, x, a->arg, true);
	emit_jump(c, BPF_JEQ, (uint32_t)(a->datum_a >> 32), 0, 2);
	emit_half(c, x, a->arg, false);
	emit_jump(c, BPF_JEQ, (uint32_t)a->datum_a, OUT, 0);
}

static void emit_masked(struct code *c, const struct arch *x, const struct scmp_arg_cmp *a)
{
	for (int high = 1; high >= 0; high--) {
		emit_half(c, x, a->arg, high);
		emit(c, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, (uint32_t)(a->datum_a >> (high ? 32 : 0))));
		emit_jump(c, BPF_JEQ, (uint32_t)(a->datum_b >> (high ? 32 : 0)), 0, OUT);
	}
}

/* Above (or, with JGE, not below): by the high half when that differs, else by the low one. */
static void emit_above(struct code *c, const struct arch *x, const struct scmp_arg_cmp *a, uint16_t low_op)
{
	emit_half(c, x, a->arg, true);
	emit_jump(c, BPF_JGT, (uint32_t)(a->datum_a >> 32), 3, 0);
	emit_jump(c, BPF_JEQ, (uint32_t)(a->datum_a >> 32), 0, OUT);
	emit_half(c, x, a->arg, false);
	emit_jump(c, low_op, (uint32_t)a->datum_a, 0, OUT);
}

static void emit_below(struct code *c, const struct arch *x, const struct scmp_arg_cmp *a, uint16_t low_op)
{
	emit_half(c, x, a->arg, true);
	emit_jump(c, BPF_JGT, (uint32_t)(a->datum_a >> 32), OUT, 0);
	emit_jump(c, BPF_JEQ, (uint32_t)(a->datum_a >> 32), 0, 2);
	emit_half(c, x, a->arg, false);
	emit_jump(c, low_op, (uint32_t)a->datum_a, OUT, 0);
}

static void emit_condition(struct code *c, const struct arch *x, const struct scmp_arg_cmp *a)
{
	switch (a->op) {
	case SCMP_CMP_EQ:
		return emit_equal(c, x, a);
	case SCMP_CMP_NE:
		return emit_unequal(c, x, a);
	case SCMP_CMP_MASKED_EQ:
		return emit_masked(c, x, a);
	case SCMP_CMP_GT:
		return emit_above(c, x, a, BPF_JGT);
	case SCMP_CMP_GE:
		return emit_above(c, x, a, BPF_JGE);
	case SCMP_CMP_LT:
		return emit_below(c, x, a, BPF_JGE);
	case SCMP_CMP_LE:
		return emit_below(c, x, a, BPF_JGT);
	default:
		return;
	}
}

static void emit_rule(struct code *c, const struct arch *x, const struct rule *rule)
{
	const size_t begin = c->n;

	for (unsigned i = 0; i < rule->n; i++)
		emit_condition(c, x, &rule->args[i]);
	emit_return(c, rule->action);
	for (size_t i = begin; i < c->n; i++) {
		struct sock_filter *j = &c->insns[i];
		const uint8_t out = (uint8_t)(c->n - i - 1);

		if (BPF_CLASS(j->code) != BPF_JMP)
			continue;
		j->jt = j->jt == OUT ? out : j->jt;
		j->jf = j->jf == OUT ? out : j->jf;
	}
}

static void emit_call(struct code *c, const struct arch *x, size_t nr)
{
	for (const struct rule *rule = x->rules[nr]; rule; rule = rule->next)
		emit_rule(c, x, rule);
	emit_return(c, x->verdict[nr]);
}

/* "Not below end? Then jump over what follows"; a short jump where it reaches. */
static void emit_range(struct code *c, const struct arch *x, size_t from, size_t end)
{
	const size_t at = c->n;

	emit_jump(c, BPF_JGE, (uint32_t)end | (x->x32 ? X32_BIT : 0), 0, 1);
	emit(c, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JA, 0, 0, 0));
	emit_call(c, x, from);
	if (c->full)
		return;
	if (c->n - at - 2 < 200) {
		memmove(&c->insns[at + 1], &c->insns[at + 2], (c->n - at - 2) * sizeof(c->insns[0]));
		c->n--;
		c->insns[at].jt = (uint8_t)(c->n - at - 1);
		c->insns[at].jf = 0;
		return;
	}
	c->insns[at + 1].k = (uint32_t)(c->n - at - 2);
}

static void emit_ranges(struct code *c, const struct arch *x, uint32_t default_action)
{
	for (size_t from = 0; from < CALLS;) {
		size_t end = from + 1;

		while (end < CALLS && !x->rules[from] && !x->rules[end] && x->verdict[end] == x->verdict[from])
			end++;
		/* The last range and what lies above it are one. */
		if (end == CALLS && !x->rules[from] && x->verdict[from] == default_action)
			break;
		emit_range(c, x, from, end);
		from = end;
	}
	emit_return(c, default_action);
}

static bool has_x32(const struct ranges *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->archs[i]->x32)
			return true;
	return false;
}

static void emit_arch(struct code *c, const struct ranges *r, const struct arch *x)
{
	const size_t at = c->n;

	/* The architecture is in the accumulator here, and again behind this list. */
	emit_jump(c, BPF_JEQ, x->audit, 1, 0);
	emit(c, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JA, 0, 0, 0));
	emit_load(c, offsetof(struct seccomp_data, nr));
	if (x->x32) {
		/* Below bit 30 the call is x86-64's, whose list comes later. */
		emit_jump(c, BPF_JGE, X32_BIT, 2, 0);
		emit_load(c, offsetof(struct seccomp_data, arch));
		emit(c, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JA, 0, 0, 0));
	} else if (x->scmp == SCMP_ARCH_X86_64 && !has_x32(r)) {
		emit_jump(c, BPF_JGE, X32_BIT, 0, 1);
		emit_return(c, NO_SUCH_CALL);
	}
	emit_ranges(c, x, r->default_action);
	if (c->full)
		return;
	c->insns[at + 1].k = (uint32_t)(c->n - at - 2);
	if (x->x32)
		c->insns[at + 5].k = (uint32_t)(c->n - at - 6);
}

int ranges_write(const struct ranges *r, int fd, struct err *e)
{
	struct code *c = arena_new(r->arena, struct code);

	emit_load(c, offsetof(struct seccomp_data, arch));
	/* x32 first: it shares its architecture with x86-64. */
	for (size_t i = 0; i < r->n; i++)
		if (r->archs[i]->x32)
			emit_arch(c, r, r->archs[i]);
	for (size_t i = 0; i < r->n; i++)
		if (!r->archs[i]->x32)
			emit_arch(c, r, r->archs[i]);
	emit_return(c, NO_SUCH_CALL);
	if (c->full) {
		err_new(e, ERR_USAGE, "the profile becomes too long a filter");
		return err_because(e, "the kernel takes %d steps", INSNS_MAX);
	}
	return io_write_all(fd, c->insns, c->n * sizeof(c->insns[0])) < 0 ? err_errno(e, "can't write the compiled filter") : 0;
}
