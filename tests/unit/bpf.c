/* SPDX-License-Identifier: MIT */
/* Classic BPF without the kernel: packet filters and seccomp filters, instruction by instruction */
#include "bpf.h"

#include "unit.h"

/* Loads @bytes from offset @at into @ret; false if they are not there */
typedef bool loader(const void *from, uint32_t at, unsigned bytes, uint32_t *ret);

static bool load_packet(const void *from, uint32_t at, unsigned bytes, uint32_t *ret)
{
	const struct bpf_packet *packet = from;

	size_t end = packet->size;

	switch (at) {
	case (uint32_t)(SKF_AD_OFF + SKF_AD_PROTOCOL): *ret = packet->protocol; return true;
	case (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE): *ret = packet->type; return true;
	case (uint32_t)(SKF_AD_OFF + SKF_AD_HATYPE): *ret = packet->link_type; return true;
	default: break;
	}
	if (at >= (uint32_t)SKF_NET_OFF) { /* bpf_internal_load_pointer_neg_helper() */
		at = (uint32_t)(at - (uint32_t)SKF_NET_OFF + packet->link);
		end = packet->linear;
	}
	if (at > end || bytes > end - at)
		return false;
	*ret = 0;
	for (unsigned i = 0; i < bytes; i++)
		*ret = *ret << 8 | packet->bytes[at + i];
	return true;
}

static bool load_call(const void *from, uint32_t at, unsigned bytes, uint32_t *ret)
{
	/* seccomp_check_filter() refuses any other */
	assert_true(bytes == 4 && at % 4 == 0 && at < sizeof(struct seccomp_data));
	memcpy(ret, (const uint8_t *)from + at, 4);
	return true;
}

static unsigned width(uint16_t code)
{
	switch (BPF_SIZE(code)) {
	case BPF_W: return 4;
	case BPF_H: return 2;
	case BPF_B: return 1;
	default: fail_msg("load of unknown size");
	}
	return 0;
}

static uint32_t alu(uint16_t code, uint32_t a, uint32_t operand)
{
	switch (BPF_OP(code)) {
	case BPF_ADD: return a + operand;
	case BPF_SUB: return a - operand;
	case BPF_MUL: return a * operand;
	case BPF_OR: return a | operand;
	case BPF_AND: return a & operand;
	case BPF_XOR: return a ^ operand;
	case BPF_LSH: return a << operand;
	case BPF_RSH: return a >> operand;
	case BPF_NEG: return -a;
	default: fail_msg("arithmetic that is not known here");
	}
	return 0;
}

static bool jumps(uint16_t code, uint32_t a, uint32_t operand)
{
	switch (BPF_OP(code)) {
	case BPF_JEQ: return a == operand;
	case BPF_JGT: return a > operand;
	case BPF_JGE: return a >= operand;
	case BPF_JSET: return a & operand;
	default: fail_msg("jump that is not known here");
	}
	return false;
}

static uint32_t run(const struct sock_fprog *program, loader *load, const void *from)
{
	uint32_t a = 0, x = 0, memory[BPF_MEMWORDS] = { 0 };

	for (uint32_t at = 0; at < program->len; at++) {
		const struct sock_filter *i = &program->filter[at];
		uint32_t operand = BPF_SRC(i->code) == BPF_X ? x : i->k;
		bool there = true;

		switch (BPF_CLASS(i->code)) {
		case BPF_LD:
			if (BPF_MODE(i->code) == BPF_ABS)
				there = load(from, i->k, width(i->code), &a);
			else if (BPF_MODE(i->code) == BPF_IND)
				there = load(from, x + i->k, width(i->code), &a);
			else
				a = BPF_MODE(i->code) == BPF_MEM ? memory[i->k] : i->k;
			break;
		case BPF_LDX: x = BPF_MODE(i->code) == BPF_MEM ? memory[i->k] : i->k; break;
		case BPF_ST: memory[i->k] = a; break;
		case BPF_STX: memory[i->k] = x; break;
		case BPF_ALU: a = alu(i->code, a, operand); break;
		case BPF_JMP:
			if (BPF_OP(i->code) == BPF_JA)
				at += i->k;
			else
				at += jumps(i->code, a, operand) ? i->jt : i->jf;
			break;
		case BPF_RET: return BPF_RVAL(i->code) == BPF_A ? a : i->k;
		case BPF_MISC:
			if (BPF_MISCOP(i->code) == BPF_TAX)
				x = a;
			else
				a = x;
			break;
		default: fail_msg("instruction that is not known");
		}
		if (!there)
			return 0;
	}
	fail_msg("the program runs past its end");
	return 0;
}

/* bpf_check_classic() of the kernel */
void bpf_check(const struct sock_fprog *program)
{
	assert_in_range(program->len, 1, BPF_MAXINSNS);
	assert_int_equal(BPF_CLASS(program->filter[program->len - 1].code), BPF_RET);
	for (uint32_t at = 0; at < program->len; at++) {
		const struct sock_filter *i = &program->filter[at];
		uint32_t left = program->len - at - 1;
		bool memory = BPF_CLASS(i->code) == BPF_ST || BPF_CLASS(i->code) == BPF_STX;

		memory |= BPF_CLASS(i->code) <= BPF_LDX && BPF_MODE(i->code) == BPF_MEM;
		if (memory)
			assert_true(i->k < BPF_MEMWORDS);
		if (BPF_CLASS(i->code) == BPF_LDX)
			assert_true(BPF_MODE(i->code) == BPF_MEM || BPF_MODE(i->code) == BPF_IMM);
		if (BPF_CLASS(i->code) == BPF_JMP && BPF_OP(i->code) == BPF_JA)
			assert_true(i->k < left);
		else if (BPF_CLASS(i->code) == BPF_JMP)
			assert_true(i->jt < left && i->jf < left);
	}
}

uint32_t bpf_filter(const struct sock_fprog *program, const struct bpf_packet *packet)
{
	return run(program, load_packet, packet);
}

uint32_t bpf_seccomp(const struct sock_fprog *program, const struct seccomp_data *call)
{
	return run(program, load_call, call);
}
