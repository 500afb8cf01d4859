/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device rules on cgroup v2, as a program of the kernel's (BPF_PROG_TYPE_CGROUP_DEVICE). Rules are tried from the last to the
 * first: the first that covers a request decides, as v1's list has it.
 *
 *   r2 = type, r3 = access, r4 = major, r5 = minor       of the request
 *   a rule: each condition that does not hold jumps behind it; then r0 = allow; exit
 *   the end: r0 = 0; exit
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "boundary/oci_cgroup.h"

enum { MAX_RULES = 1000, RULE_INSNS = 10 };

struct code {
	struct bpf_insn *insns;
	size_t n;
};

static void emit(struct code *c, uint8_t code, uint8_t dst, uint8_t src, int16_t off, int32_t imm)
{
	c->insns[c->n++] = (struct bpf_insn){ .code = code, .dst_reg = dst & 15, .src_reg = src & 15, .off = off, .imm = imm };
}

static void emit_exit(struct code *c, int value)
{
	emit(c, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, value);
	emit(c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static void emit_request(struct code *c)
{
	const int access_type = offsetof(struct bpf_cgroup_dev_ctx, access_type);

	emit(c, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_2, BPF_REG_1, access_type, 0);
	emit(c, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_3, BPF_REG_2, 0, 0);
	emit(c, BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_2, 0, 0, 0xffff);
	emit(c, BPF_ALU64 | BPF_RSH | BPF_K, BPF_REG_3, 0, 0, 16);
	emit(c, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_4, BPF_REG_1, offsetof(struct bpf_cgroup_dev_ctx, major), 0);
	emit(c, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_5, BPF_REG_1, offsetof(struct bpf_cgroup_dev_ctx, minor), 0);
}

static int access_bits(const char *access)
{
	int bits = 0;

	for (; access && *access; access++)
		bits |= *access == 'r' ? BPF_DEVCG_ACC_READ : *access == 'w' ? BPF_DEVCG_ACC_WRITE :
			*access == 'm' ? BPF_DEVCG_ACC_MKNOD : 0;
	return bits ? bits : BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE | BPF_DEVCG_ACC_MKNOD;
}

/* A jump out of the rule when reg differs; its distance is filled in at the rule's end. */
static void require(struct code *c, uint8_t reg, int32_t value)
{
	emit(c, BPF_JMP | BPF_JNE | BPF_K, reg, 0, 0, value);
}

static void require_number(struct code *c, uint8_t reg, const char *text)
{
	if (text && *text != '-')
		require(c, reg, (int32_t)strtoul(text, NULL, 10));
}

static void emit_rule(struct code *c, const struct oci_device_rule *r)
{
	const int bits = access_bits(r->access);
	const size_t begin = c->n;

	if (r->type && *r->type && *r->type != 'a')
		require(c, BPF_REG_2, *r->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
	if (bits != 7) {
		/* An allowing rule must cover all that is asked, a denying one any of it. */
		emit(c, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_1, BPF_REG_3, 0, 0);
		emit(c, BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_1, 0, 0, r->allow ? ~bits & 7 : bits);
		emit(c, BPF_JMP | (r->allow ? BPF_JNE : BPF_JEQ) | BPF_K, BPF_REG_1, 0, 0, 0);
	}
	require_number(c, BPF_REG_4, r->major);
	require_number(c, BPF_REG_5, r->minor);
	emit_exit(c, r->allow);
	for (size_t i = begin; i < c->n; i++)
		if (BPF_CLASS(c->insns[i].code) == BPF_JMP && BPF_OP(c->insns[i].code) != BPF_EXIT)
			c->insns[i].off = (int16_t)(c->n - i - 1);
}

static int load(const struct code *c)
{
	static const char license[] = "Apache-2.0";
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
		.insns = (uint64_t)(uintptr_t)c->insns,
		.insn_cnt = (uint32_t)c->n,
		.license = (uint64_t)(uintptr_t)license,
	};

	return (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
}

/* The programs that are attached now: an update replaces them. */
static size_t attached(int group, uint32_t ids[64])
{
	union bpf_attr attr = { .query = { .target_fd = (uint32_t)group, .attach_type = BPF_CGROUP_DEVICE, .prog_cnt = 64,
					   .prog_ids = (uint64_t)(uintptr_t)ids } };

	return syscall(SYS_bpf, BPF_PROG_QUERY, &attr, sizeof(attr)) < 0 ? 0 : attr.query.prog_cnt;
}

static void detach(int group, uint32_t id)
{
	union bpf_attr by_id = { .prog_id = id };
	autoclose int prog = (int)syscall(SYS_bpf, BPF_PROG_GET_FD_BY_ID, &by_id, sizeof(by_id));
	union bpf_attr attr = { .target_fd = (uint32_t)group, .attach_bpf_fd = (uint32_t)prog, .attach_type = BPF_CGROUP_DEVICE };

	if (prog >= 0)
		(void)!syscall(SYS_bpf, BPF_PROG_DETACH, &attr, sizeof(attr));
}

static int attach(int group, int prog)
{
	union bpf_attr attr = {
		.target_fd = (uint32_t)group,
		.attach_bpf_fd = (uint32_t)prog,
		.attach_type = BPF_CGROUP_DEVICE,
		.attach_flags = BPF_F_ALLOW_MULTI,
	};

	return (int)syscall(SYS_bpf, BPF_PROG_ATTACH, &attr, sizeof(attr));
}

int oci_cgroup_load_devices(int group_fd, const struct oci_device_rule *rules, size_t n, struct err *e)
{
	autofree struct bpf_insn *insns = calloc(n * RULE_INSNS + 8, sizeof(*insns));
	struct code c = { .insns = insns };
	uint32_t before[64] = {};

	if (!insns || n > MAX_RULES)
		return err_new(e, ERR_USAGE, "config.json: linux.resources.devices has more than %d rules", MAX_RULES);
	emit_request(&c);
	for (size_t i = n; i > 0; i--)
		emit_rule(&c, &rules[i - 1]);
	emit_exit(&c, 0);
	/* bpf(2) takes no O_PATH descriptor. */
	autoclose int group = openat(group_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclose int prog = load(&c);
	size_t n_before = group < 0 ? 0 : attached(group, before);

	if (prog < 0 || group < 0 || attach(group, prog) < 0) {
		/* In a user namespace nobody may, and no device node can be made or opened there anyway. */
		if (errno == EPERM && geteuid() != 0)
			return 0;
		return err_errno(e, "can't limit the container's devices");
	}
	for (size_t i = 0; i < n_before; i++)
		detach(group, before[i]);
	return 0;
}
