/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The four programs are one text, put together here: a key from the address that connect() or sendmsg() was given, then
 * count it. They are short enough to be written by hand, so that the supervisor needs no library and no file.
 *
 *   r6 context    fp-32 key (struct record_key)    fp-96 value (struct value)
 */
#include "net/record.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

struct value {
	uint64_t count, first_ns, last_ns, pid_tgid;
	char program[16];
	uint64_t unused[2];
};

enum { KEY = -32, VALUE = -96, PROGRAM_MAX = 96 };
/* 127.77.255.53 as it lies in memory: the pod's resolver, the one loopback address that counts. */
static const uint8_t resolver[4] = { 127, 77, 255, 53 };

static long bpf(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

/* ---- instructions ---- */

struct text {
	struct bpf_insn v[PROGRAM_MAX];
	uint32_t n;
	uint32_t to_end[16]; /* jumps whose target is the end */
	uint32_t n_to_end;
};

static void add(struct text *t, uint8_t code, uint8_t dst, uint8_t src, int16_t off, int32_t imm)
{
	t->v[t->n++] = (struct bpf_insn){ .code = code, .dst_reg = dst & 15, .src_reg = src & 15, .off = off, .imm = imm };
}

static void move(struct text *t, uint8_t dst, uint8_t src)
{
	add(t, BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
}

static void set(struct text *t, uint8_t dst, int32_t imm)
{
	add(t, BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm);
}

static void point(struct text *t, uint8_t dst, int32_t at)
{
	move(t, dst, BPF_REG_10);
	add(t, BPF_ALU64 | BPF_ADD | BPF_K, dst, 0, 0, at);
}

static void load(struct text *t, uint8_t size, uint8_t dst, uint8_t src, size_t off)
{
	add(t, BPF_LDX | BPF_MEM | size, dst, src, (int16_t)off, 0);
}

static void store(struct text *t, uint8_t size, uint8_t dst, int off, uint8_t src)
{
	add(t, BPF_STX | BPF_MEM | size, dst, src, (int16_t)off, 0);
}

static void store_imm(struct text *t, uint8_t size, int off, int32_t imm)
{
	add(t, BPF_ST | BPF_MEM | size, BPF_REG_10, 0, (int16_t)off, imm);
}

static void call(struct text *t, int32_t helper)
{
	add(t, BPF_JMP | BPF_CALL, 0, 0, 0, helper);
}

static void load_map(struct text *t, uint8_t dst, int fd)
{
	add(t, BPF_LD | BPF_DW | BPF_IMM, dst, BPF_PSEUDO_MAP_FD, 0, fd);
	add(t, 0, 0, 0, 0, 0);
}

static void jump_to_end(struct text *t, uint8_t op, uint8_t dst, int32_t imm)
{
	t->to_end[t->n_to_end++] = t->n;
	add(t, BPF_JMP32 | op | BPF_K, dst, 0, 0, imm);
}

/* Over the next `n` instructions when the register is not imm. */
static void skip_unless(struct text *t, uint8_t dst, int32_t imm, int16_t n)
{
	add(t, BPF_JMP32 | BPF_JNE | BPF_K, dst, 0, n, imm);
}

/* ---- the program ---- */

static void key_ip4(struct text *t)
{
	int32_t names;

	memcpy(&names, resolver, sizeof(names));
	load(t, BPF_W, BPF_REG_1, BPF_REG_6, offsetof(struct bpf_sock_addr, user_ip4));
	jump_to_end(t, BPF_JEQ, BPF_REG_1, 0);
	store(t, BPF_W, BPF_REG_10, KEY + 8, BPF_REG_1);
	load(t, BPF_B, BPF_REG_2, BPF_REG_10, (size_t)(KEY + 8));
	/* Loopback is the pod's own; its resolver's address is asked where none answers. */
	skip_unless(t, BPF_REG_2, 127, 1);
	jump_to_end(t, BPF_JNE, BPF_REG_1, names);
}

static void key_ip6(struct text *t)
{
	for (int i = 0; i < 4; i++) {
		load(t, BPF_W, BPF_REG_1, BPF_REG_6, offsetof(struct bpf_sock_addr, user_ip6) + 4 * (size_t)i);
		store(t, BPF_W, BPF_REG_10, KEY + 8 + 4 * i, BPF_REG_1);
	}
	/* ::, ::1 and mapped loopback: the first eight bytes are nothing, and the last four say it. */
	load(t, BPF_DW, BPF_REG_2, BPF_REG_10, (size_t)(KEY + 8));
	add(t, BPF_JMP | BPF_JNE | BPF_K, BPF_REG_2, 0, 4, 0);
	jump_to_end(t, BPF_JEQ, BPF_REG_1, 0);
	jump_to_end(t, BPF_JEQ, BPF_REG_1, (int32_t)htonl(1));
	load(t, BPF_B, BPF_REG_2, BPF_REG_10, (size_t)(KEY + 20));
	jump_to_end(t, BPF_JEQ, BPF_REG_2, 127);
}

static void make_key(struct text *t, bool v6)
{
	move(t, BPF_REG_6, BPF_REG_1);
	for (int at = KEY; at < 0; at += 8)
		store_imm(t, BPF_DW, at, 0);
	if (v6)
		key_ip6(t);
	else
		key_ip4(t);
	load(t, BPF_W, BPF_REG_1, BPF_REG_6, offsetof(struct bpf_sock_addr, user_port));
	store(t, BPF_H, BPF_REG_10, KEY + 24, BPF_REG_1);
	load(t, BPF_W, BPF_REG_1, BPF_REG_6, offsetof(struct bpf_sock_addr, protocol));
	store(t, BPF_B, BPF_REG_10, KEY + 26, BPF_REG_1);
	store_imm(t, BPF_B, KEY + 27, v6 ? AF_INET6 : AF_INET);
	call(t, BPF_FUNC_get_current_cgroup_id);
	store(t, BPF_DW, BPF_REG_10, KEY, BPF_REG_0);
}

static void make_value(struct text *t)
{
	for (int at = VALUE; at < KEY; at += 8)
		store_imm(t, BPF_DW, at, at == VALUE);
	call(t, BPF_FUNC_ktime_get_ns);
	store(t, BPF_DW, BPF_REG_10, VALUE + 8, BPF_REG_0);
	store(t, BPF_DW, BPF_REG_10, VALUE + 16, BPF_REG_0);
	call(t, BPF_FUNC_get_current_pid_tgid);
	store(t, BPF_DW, BPF_REG_10, VALUE + 24, BPF_REG_0);
	point(t, BPF_REG_1, VALUE + 32);
	set(t, BPF_REG_2, 16);
	call(t, BPF_FUNC_get_current_comm);
}

static void make_text(struct text *t, bool v6, int map_fd)
{
	uint32_t unknown;

	make_key(t, v6);
	load_map(t, BPF_REG_1, map_fd);
	point(t, BPF_REG_2, KEY);
	call(t, BPF_FUNC_map_lookup_elem);
	unknown = t->n;
	add(t, BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, 0, 0);
	move(t, BPF_REG_7, BPF_REG_0);
	set(t, BPF_REG_1, 1);
	add(t, BPF_STX | BPF_ATOMIC | BPF_DW, BPF_REG_7, BPF_REG_1, 0, BPF_ADD);
	call(t, BPF_FUNC_ktime_get_ns);
	store(t, BPF_DW, BPF_REG_7, 16, BPF_REG_0);
	t->to_end[t->n_to_end++] = t->n;
	add(t, BPF_JMP | BPF_JA, 0, 0, 0, 0);
	t->v[unknown].off = (int16_t)(t->n - unknown - 1);
	make_value(t);
	load_map(t, BPF_REG_1, map_fd);
	point(t, BPF_REG_2, KEY);
	point(t, BPF_REG_3, VALUE);
	set(t, BPF_REG_4, BPF_NOEXIST);
	call(t, BPF_FUNC_map_update_elem);
	for (uint32_t i = 0; i < t->n_to_end; i++)
		t->v[t->to_end[i]].off = (int16_t)(t->n - t->to_end[i] - 1);
	set(t, BPF_REG_0, 1);
	add(t, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* ---- loading ---- */

static int make_map(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_HASH,
		.key_size = sizeof(struct record_key),
		.value_size = sizeof(struct value),
		.max_entries = RECORD_MAX,
		.map_flags = BPF_F_NO_PREALLOC,
		.map_name = "rocket_record",
	};

	return (int)bpf(BPF_MAP_CREATE, &attr);
}

static int attach_one(int group_fd, int map_fd, enum bpf_attach_type type, bool v6)
{
	static const char license[] = "Apache-2.0";
	struct text t = { .n = 0 };
	union bpf_attr load_attr = {
		.prog_type = BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
		.expected_attach_type = type,
		.insns = (uint64_t)(uintptr_t)t.v,
		.license = (uint64_t)(uintptr_t)license,
		.prog_name = "rocket_record",
	};
	union bpf_attr attach = { .target_fd = (uint32_t)group_fd, .attach_type = type, .attach_flags = BPF_F_ALLOW_MULTI };
	autoclose int fd = -1;

	make_text(&t, v6, map_fd);
	load_attr.insn_cnt = t.n;
	fd = (int)bpf(BPF_PROG_LOAD, &load_attr);
	if (fd < 0)
		return -errno;
	attach.attach_bpf_fd = (uint32_t)fd;
	return bpf(BPF_PROG_ATTACH, &attach) < 0 ? -errno : 0;
}

void record_open(struct record *r, int group_fd)
{
	static const struct {
		enum bpf_attach_type type;
		bool v6;
	} places[] = {
		{ BPF_CGROUP_INET4_CONNECT, false },
		{ BPF_CGROUP_INET6_CONNECT, true },
		{ BPF_CGROUP_UDP4_SENDMSG, false },
		{ BPF_CGROUP_UDP6_SENDMSG, true },
	};
	/* The caller's was opened as a place only. */
	autoclose int group = group_fd < 0 ? -1 : openat(group_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int map = group < 0 ? -1 : make_map(), failed = map < 0 ? -errno : 0;

	for (size_t i = 0; !failed && i < ARRAY_SIZE(places); i++)
		failed = attach_one(group, map, places[i].type, places[i].v6);
	if (failed && map >= 0)
		close(map);
	*r = (struct record){ .map_fd = failed ? -1 : map, .why = -failed };
}

/* ---- reading ---- */

static void read_address(const struct record_key *k, struct out_addr *ret)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	*ret = (struct out_addr){ .family = k->family };
	memcpy(ret->bytes, k->addr, sizeof(ret->bytes));
	if (k->family == AF_INET6 && memcmp(k->addr, mapped, sizeof(mapped)) == 0) {
		*ret = (struct out_addr){ .family = AF_INET };
		memcpy(ret->bytes, k->addr + sizeof(mapped), 4);
	}
}

bool record_next(const struct record *r, const struct record_key *after, struct record_key *ret_key,
		 struct record_entry *ret)
{
	struct record_key key = {};
	struct value v = {};
	union bpf_attr next = { .map_fd = (uint32_t)r->map_fd, .key = (uint64_t)(uintptr_t)after,
				.next_key = (uint64_t)(uintptr_t)&key };
	union bpf_attr look = { .map_fd = (uint32_t)r->map_fd, .key = (uint64_t)(uintptr_t)&key,
				.value = (uint64_t)(uintptr_t)&v };

	if (r->map_fd < 0 || bpf(BPF_MAP_GET_NEXT_KEY, &next) < 0)
		return false;
	(void)!bpf(BPF_MAP_LOOKUP_ELEM, &look); /* gone meanwhile: a count of 0 */
	*ret = (struct record_entry){
		.group = key.group,
		.port = ntohs(key.port),
		.protocol = key.protocol,
		.count = v.count,
		.first_ns = (int64_t)v.first_ns,
		.last_ns = (int64_t)v.last_ns,
		.pid = (int64_t)(v.pid_tgid >> 32),
	};
	snprintf(ret->program, sizeof(ret->program), "%.15s", v.program);
	read_address(&key, &ret->addr);
	*ret_key = key;
	return true;
}

void record_forget(const struct record *r, const struct record_key *key)
{
	union bpf_attr attr = { .map_fd = (uint32_t)r->map_fd, .key = (uint64_t)(uintptr_t)key };

	(void)!bpf(BPF_MAP_DELETE_ELEM, &attr);
}

void record_close(struct record *r)
{
	cleanup_close(&r->map_fd);
	*r = (struct record)RECORD_NONE;
}
