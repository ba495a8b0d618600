/* SPDX-License-Identifier: MIT */
/* Puts queries into the kernel's receive path without a system call per packet */
#include "inject.h"

#include <errno.h>
#include <error.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CODE_MAX    2000
#define TCX_INGRESS 46 /* BPF_TCX_INGRESS, which Linux 6.6 added to its headers */
#define LOOPBACK    1  /* index of lo in every network namespace */
#define BURST	    64 /* frames the kernel makes at once: what a network card's poll hands over */

/* Registers: the frame, the map's value, the ClientID or what is left of it, and two for work */
enum { FRAME = BPF_REG_6, STATE = BPF_REG_7, BITS = BPF_REG_8, SUM = BPF_REG_9 };

struct code {
	struct bpf_insn instructions[CODE_MAX];
	unsigned count;
};

static void emit(struct code *code, uint8_t opcode, unsigned destination, unsigned source,
		 int16_t offset, int32_t value)
{
	if (code->count == CODE_MAX)
		error(1, 0, "program too long");
	code->instructions[code->count++] = (struct bpf_insn){
		.code = opcode,
		.dst_reg = destination & 15,
		.src_reg = source & 15,
		.off = offset,
		.imm = value,
	};
}

static void operate(struct code *code, uint8_t operation, unsigned destination, int32_t value)
{
	emit(code, BPF_ALU64 | BPF_K | operation, destination, 0, 0, value);
}

static void operate_on(struct code *code, uint8_t operation, unsigned destination, unsigned source)
{
	emit(code, BPF_ALU64 | BPF_X | operation, destination, source, 0, 0);
}

static void constant(struct code *code, unsigned destination, uint64_t value)
{
	emit(code, BPF_LD | BPF_DW | BPF_IMM, destination, 0, 0, (int32_t)value);
	emit(code, 0, 0, 0, 0, (int32_t)(value >> 32));
}

static void load(struct code *code, uint8_t size, unsigned destination, unsigned base,
		 size_t offset)
{
	emit(code, (uint8_t)(BPF_LDX | BPF_MEM | size), destination, base, (int16_t)offset, 0);
}

static void store(struct code *code, uint8_t size, unsigned base, size_t offset, unsigned source)
{
	emit(code, (uint8_t)(BPF_STX | BPF_MEM | size), base, source, (int16_t)offset, 0);
}

/* frame_mix(), one step: register 3 is for work */
static void mix(struct code *code, int32_t shift, uint64_t factor)
{
	operate_on(code, BPF_MOV, BPF_REG_3, BITS);
	operate(code, BPF_RSH, BPF_REG_3, shift);
	operate_on(code, BPF_XOR, BITS, BPF_REG_3);
	if (!factor)
		return;
	constant(code, BPF_REG_3, factor);
	operate_on(code, BPF_MUL, BITS, BPF_REG_3);
}

/* Five bits as a base32 character: 'a' to 'z', '2' to '7' */
static void put_character(struct code *code, size_t offset, int32_t shift)
{
	operate_on(code, BPF_MOV, BPF_REG_2, BITS);
	operate(code, BPF_RSH, BPF_REG_2, shift);
	operate(code, BPF_AND, BPF_REG_2, 31);
	operate_on(code, BPF_MOV, BPF_REG_3, BPF_REG_2);
	operate(code, BPF_ADD, BPF_REG_3, 'a');
	emit(code, BPF_JMP | BPF_JLE | BPF_K, BPF_REG_2, 0, 1, 25);
	operate(code, BPF_SUB, BPF_REG_3, 'a' - ('2' - 26));
	store(code, BPF_B, FRAME, offset, BPF_REG_3);
}

static void add_words(struct code *code, size_t offset, size_t bytes)
{
	for (size_t i = 0; i < bytes; i += 2) {
		load(code, BPF_H, BPF_REG_2, FRAME, offset + i);
		operate_on(code, BPF_ADD, SUM, BPF_REG_2);
	}
}

/* Registers 4 and 5: which turn of the clients this is, and a number for the DNS ID */
static void make_client(struct code *code)
{
	load(code, BPF_DW, BPF_REG_5, STATE, offsetof(struct inject_state, number));
	operate_on(code, BPF_MOV, BPF_REG_2, BPF_REG_5);
	operate(code, BPF_ADD, BPF_REG_2, 1);
	store(code, BPF_DW, STATE, offsetof(struct inject_state, number), BPF_REG_2);
	load(code, BPF_DW, BPF_REG_2, STATE, offsetof(struct inject_state, clients));
	operate_on(code, BPF_MOV, BPF_REG_4, BPF_REG_5);
	operate_on(code, BPF_DIV, BPF_REG_4, BPF_REG_2);
	operate_on(code, BPF_MOV, BITS, BPF_REG_5);
	operate_on(code, BPF_MOD, BITS, BPF_REG_2);
	load(code, BPF_DW, BPF_REG_2, STATE, offsetof(struct inject_state, stride));
	operate_on(code, BPF_MUL, BITS, BPF_REG_2);
	load(code, BPF_DW, BPF_REG_2, STATE, offsetof(struct inject_state, first));
	operate_on(code, BPF_ADD, BITS, BPF_REG_2);
	load(code, BPF_DW, BPF_REG_2, STATE, offsetof(struct inject_state, key));
	operate_on(code, BPF_XOR, BITS, BPF_REG_2);
	mix(code, 30, 0xbf58476d1ce4e5b9u);
	mix(code, 27, 0x94d049bb133111ebu);
	mix(code, 31, 0);
	operate(code, BPF_MUL, BPF_REG_5, 40503);
	operate_on(code, BPF_XOR, BPF_REG_5, BITS);
	operate(code, BPF_AND, BPF_REG_5, 0xffff);
}

/* Everything after the frame and the state are known, for one shape of frame */
static void make_shape(struct code *code, bool ipv6, bool poll)
{
	const size_t udp = 14 + (ipv6 ? 40 : 20);
	const size_t serial = udp + (poll ? FRAME_POLL_AT : FRAME_SERIAL_AT);

	/* the verifier wants to see that what follows is inside the frame */
	operate_on(code, BPF_MOV, BPF_REG_2, FRAME);
	operate(code, BPF_ADD, BPF_REG_2, (int32_t)(serial + FRAME_SERIAL_BYTES));
	emit(code, BPF_JMP | BPF_JLE | BPF_X, BPF_REG_2, BPF_REG_3, 2, 0);
	operate(code, BPF_MOV, BPF_REG_0, XDP_ABORTED);
	emit(code, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);

	make_client(code);
	store(code, BPF_H, FRAME, udp + sizeof(struct udphdr), BPF_REG_5);
	load(code, BPF_DW, SUM, STATE, offsetof(struct inject_state, udp_sum));
	operate_on(code, BPF_ADD, SUM, BPF_REG_5);
	for (int i = 0; i < 12; i++)
		put_character(code, udp + FRAME_ID_AT + 1 + (size_t)i, 59 - 5 * i);
	operate(code, BPF_LSH, BITS, 1);
	operate(code, BPF_OR, BITS, 1);
	put_character(code, udp + FRAME_ID_AT + 13, 0);
	add_words(code, udp + FRAME_ID_AT, FRAME_ID_BYTES);
	operate_on(code, BPF_MOV, BITS, BPF_REG_4);
	emit(code, BPF_ALU | BPF_END | BPF_TO_BE, BITS, 0, 0, 32);
	operate(code, BPF_LSH, BITS, 8);
	for (int i = 0; i < 8; i++)
		put_character(code, serial + 1 + (size_t)i, 35 - 5 * i);
	add_words(code, serial, FRAME_SERIAL_BYTES);
	for (int i = 0; i < 2; i++) {
		operate_on(code, BPF_MOV, BPF_REG_2, SUM);
		operate(code, BPF_RSH, BPF_REG_2, 16);
		operate(code, BPF_AND, SUM, 0xffff);
		operate_on(code, BPF_ADD, SUM, BPF_REG_2);
	}
	operate(code, BPF_XOR, SUM, 0xffff);
	emit(code, BPF_JMP | BPF_JNE | BPF_K, SUM, 0, 1, 0);
	operate(code, BPF_MOV, SUM, 0xffff);
	store(code, BPF_H, FRAME, udp + 6, SUM);
	operate(code, BPF_MOV, BPF_REG_0, XDP_PASS);
	emit(code, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static void make_program(struct code *code, int map)
{
	load(code, BPF_W, FRAME, BPF_REG_1, offsetof(struct xdp_md, data));
	load(code, BPF_W, BPF_REG_3, BPF_REG_1, offsetof(struct xdp_md, data_end));
	emit(code, BPF_LD | BPF_DW | BPF_IMM, STATE, BPF_PSEUDO_MAP_VALUE, 0, map);
	emit(code, 0, 0, 0, 0, 0);
	load(code, BPF_DW, BPF_REG_4, STATE, offsetof(struct inject_state, shape));
	for (int shape = 0; shape < 4; shape++) {
		unsigned jump = code->count;

		emit(code, BPF_JMP | BPF_JNE | BPF_K, BPF_REG_4, 0, 0, shape);
		make_shape(code, shape & INJECT_IPV6, shape & INJECT_POLL);
		code->instructions[jump].off = (int16_t)(code->count - jump - 1);
	}
	operate(code, BPF_MOV, BPF_REG_0, XDP_ABORTED);
	emit(code, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static int bpf(enum bpf_cmd command, union bpf_attr *attributes)
{
	long result = syscall(SYS_bpf, command, attributes, sizeof(*attributes));

	if (result < 0)
		error(1, errno, "bpf command %d", (int)command);
	return (int)result;
}

static int load_program(enum bpf_prog_type type, const struct bpf_insn *instructions,
			unsigned count)
{
	static char log[65536];
	union bpf_attr attributes = { .prog_type = type,
				      .insns = (uintptr_t)instructions,
				      .insn_cnt = count,
				      .license = (uintptr_t) "MIT",
				      .log_buf = (uintptr_t)log,
				      .log_size = sizeof(log),
				      .log_level = 1 };
	long result = syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof(attributes));

	if (result < 0)
		error(1, errno, "program refused: %s", log);
	return (int)result;
}

/* Until this process ends */
static void attach(int program, unsigned interface, uint32_t type, uint32_t flags)
{
	union bpf_attr attributes = { .link_create = {
					      .prog_fd = (uint32_t)program,
					      .target_ifindex = interface,
					      .attach_type = type,
					      .flags = flags,
				      } };

	bpf(BPF_LINK_CREATE, &attributes);
}

void inject_open(struct inject *ret_inject)
{
	static struct code code;
	union bpf_attr attributes = { .map_type = BPF_MAP_TYPE_ARRAY,
				      .key_size = 4,
				      .value_size = sizeof(struct inject_state),
				      .max_entries = 1,
				      .map_flags = BPF_F_MMAPABLE };
	int map = bpf(BPF_MAP_CREATE, &attributes);

	ret_inject->state = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);
	if (ret_inject->state == MAP_FAILED)
		error(1, errno, "no mapping of the state");
	make_program(&code, map);
	ret_inject->program = load_program(BPF_PROG_TYPE_XDP, code.instructions, code.count);
	/* While a program is on some interface, a run of it does not change the kernel's dispatcher of
	 * XDP programs. That change waits for all cores, twice per call: 26 ms.
	 */
	attach(ret_inject->program, LOOPBACK, BPF_XDP, XDP_FLAGS_SKB_MODE);
}

void inject_redirect(unsigned from, unsigned to)
{
	static struct code code;

	operate(&code, BPF_MOV, BPF_REG_1, (int32_t)to);
	operate(&code, BPF_MOV, BPF_REG_2, 0);
	emit(&code, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_redirect);
	emit(&code, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	attach(load_program(BPF_PROG_TYPE_SCHED_CLS, code.instructions, code.count), from,
	       TCX_INGRESS, 0);
}

void inject_send(const struct inject *inject, unsigned interface, const struct frame *frame,
		 unsigned count)
{
	struct xdp_md context = { .data_end = frame->length, .ingress_ifindex = interface };
	union bpf_attr attributes = { .test = {
					      .prog_fd = (uint32_t)inject->program,
					      .data_in = (uintptr_t)frame->bytes,
					      .data_size_in = frame->length,
					      .ctx_in = (uintptr_t)&context,
					      .ctx_size_in = sizeof(context),
					      .repeat = count,
					      .batch_size = BURST,
					      .flags = BPF_F_TEST_XDP_LIVE_FRAMES,
				      } };

	inject->state->shape = (frame->ipv6 ? INJECT_IPV6 : 0) | (frame->poll ? INJECT_POLL : 0);
	bpf(BPF_PROG_TEST_RUN, &attributes);
}
