/* SPDX-License-Identifier: MIT */
/* Puts frames into the kernel's receive path without a system call per packet */
#include "inject.h"

#include <assert.h>
#include <errno.h>
#include <error.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CODE_MAX    64
#define TCX_INGRESS 46 /* BPF_TCX_INGRESS, which Linux 6.6 added to its headers */
#define LOOPBACK    1  /* index of lo in every network namespace */
#define POLL	    64 /* frames the kernel hands over at once, as a network card's driver does */

/* Registers that a call leaves alone: the program's argument, the map's value, of an entry its offset
 * and its length
 */
enum { CONTEXT = BPF_REG_6, AREA = BPF_REG_7, OFFSET = BPF_REG_8, LENGTH = BPF_REG_9 };

static_assert(sizeof(struct inject_entry) == 16, "the program shifts by 4");

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

static void load(struct code *code, uint8_t size, unsigned destination, unsigned base,
		 size_t offset)
{
	emit(code, (uint8_t)(BPF_LDX | BPF_MEM | size), destination, base, (int16_t)offset, 0);
}

static void store(struct code *code, uint8_t size, unsigned base, size_t offset, unsigned source)
{
	emit(code, (uint8_t)(BPF_STX | BPF_MEM | size), base, source, (int16_t)offset, 0);
}

static void leave(struct code *code, int32_t action)
{
	operate(code, BPF_MOV, BPF_REG_0, action);
	emit(code, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* Drop the frame if the comparison is true: the verifier wants to see that nothing goes out of bounds */
static void refuse(struct code *code, uint8_t comparison, unsigned left, int32_t right)
{
	const unsigned jump = code->count;

	emit(code, BPF_JMP | BPF_K | comparison, left, 0, 1, right);
	emit(code, BPF_JMP | BPF_JA, 0, 0, 2, 0);
	leave(code, XDP_ABORTED);
	code->instructions[jump + 1].off = (int16_t)(code->count - jump - 2);
}

/* Takes the next entry, cuts the frame to its length, and copies it in */
static void make_program(struct code *code, int map, size_t bytes)
{
	operate_on(code, BPF_MOV, CONTEXT, BPF_REG_1);
	emit(code, BPF_LD | BPF_DW | BPF_IMM, AREA, BPF_PSEUDO_MAP_VALUE, 0, map);
	emit(code, 0, 0, 0, 0, 0);
	load(code, BPF_DW, OFFSET, AREA, offsetof(struct inject_area, next));
	operate_on(code, BPF_MOV, BPF_REG_2, OFFSET);
	operate(code, BPF_ADD, BPF_REG_2, 1);
	store(code, BPF_DW, AREA, offsetof(struct inject_area, next), BPF_REG_2);
	operate(code, BPF_AND, OFFSET, INJECT_BATCH - 1);
	operate(code, BPF_LSH, OFFSET, 4);
	operate(code, BPF_ADD, OFFSET, offsetof(struct inject_area, entries));
	operate_on(code, BPF_MOV, BPF_REG_3, AREA);
	operate_on(code, BPF_ADD, BPF_REG_3, OFFSET);
	load(code, BPF_W, LENGTH, BPF_REG_3, offsetof(struct inject_entry, length));
	load(code, BPF_W, OFFSET, BPF_REG_3, offsetof(struct inject_entry, offset));
	load(code, BPF_W, BPF_REG_2, BPF_REG_3, offsetof(struct inject_entry, cut));
	operate_on(code, BPF_MOV, BPF_REG_1, CONTEXT);
	emit(code, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_xdp_adjust_tail);
	refuse(code, BPF_JNE, BPF_REG_0, 0);
	refuse(code, BPF_JGT, OFFSET, (int32_t)(bytes - FRAME_RESPONSE_MAX));
	refuse(code, BPF_JGT, LENGTH, FRAME_RESPONSE_MAX);
	refuse(code, BPF_JLT, LENGTH, 14);
	operate_on(code, BPF_MOV, BPF_REG_1, CONTEXT);
	operate(code, BPF_MOV, BPF_REG_2, 0);
	operate_on(code, BPF_MOV, BPF_REG_3, AREA);
	operate_on(code, BPF_ADD, BPF_REG_3, OFFSET);
	operate_on(code, BPF_MOV, BPF_REG_4, LENGTH);
	emit(code, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_xdp_store_bytes);
	refuse(code, BPF_JNE, BPF_REG_0, 0);
	leave(code, XDP_PASS);
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

void inject_open(struct inject *ret_inject, size_t bytes)
{
	static struct code code;
	/* the last frame's copy may be asked for as if it were the longest there is */
	const size_t area = sizeof(struct inject_area) + bytes + FRAME_RESPONSE_MAX;
	union bpf_attr attributes = { .map_type = BPF_MAP_TYPE_ARRAY,
				      .key_size = 4,
				      .value_size = (uint32_t)area,
				      .max_entries = 1,
				      .map_flags = BPF_F_MMAPABLE };
	int map = bpf(BPF_MAP_CREATE, &attributes);

	ret_inject->area = mmap(NULL, area, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);
	if (ret_inject->area == MAP_FAILED)
		error(1, errno, "no mapping of the frames");
	make_program(&code, map, area);
	ret_inject->program = load_program(BPF_PROG_TYPE_XDP, code.instructions, code.count);
	/* While a program is on some interface, a run of it does not change the kernel's dispatcher of
	 * XDP programs. That change waits for all cores, twice per call: 26 ms.
	 */
	attach(ret_inject->program, LOOPBACK, BPF_XDP, XDP_FLAGS_SKB_MODE);
}

void inject_redirect(unsigned from, unsigned to)
{
	struct code code = { 0 };

	operate(&code, BPF_MOV, BPF_REG_1, (int32_t)to);
	operate(&code, BPF_MOV, BPF_REG_2, 0);
	emit(&code, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_redirect);
	emit(&code, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	attach(load_program(BPF_PROG_TYPE_SCHED_CLS, code.instructions, code.count), from,
	       TCX_INGRESS, 0);
}

void inject_drop(unsigned interface)
{
	struct code code = { 0 };

	leave(&code, TC_ACT_SHOT);
	attach(load_program(BPF_PROG_TYPE_SCHED_CLS, code.instructions, code.count), interface,
	       TCX_INGRESS, 0);
}

void inject_send(const struct inject *inject, unsigned interface, const struct frame *const *frames,
		 unsigned count)
{
	struct inject_area *area = inject->area;
	struct xdp_md context = { .ingress_ifindex = interface };
	uint32_t longest = 0;

	assert(count <= INJECT_BATCH);
	for (unsigned i = 0; i < count; i++)
		longest = frames[i]->length > longest ? frames[i]->length : longest;
	for (unsigned i = 0; i < count; i++) {
		area->entries[i] = (struct inject_entry){
			.offset = (uint32_t)(frames[i]->bytes - (const uint8_t *)area),
			.length = frames[i]->length,
			.cut = (int32_t)frames[i]->length - (int32_t)longest,
		};
	}
	area->next = 0;
	context.data_end = longest;
	bpf(BPF_PROG_TEST_RUN, &(union bpf_attr){ .test = {
							  .prog_fd = (uint32_t)inject->program,
							  .data_in = (uintptr_t)area->frames,
							  .data_size_in = longest,
							  .ctx_in = (uintptr_t)&context,
							  .ctx_size_in = sizeof(context),
							  .repeat = count,
							  .batch_size = POLL,
							  .flags = BPF_F_TEST_XDP_LIVE_FRAMES,
						  } });
}
