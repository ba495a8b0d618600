/* SPDX-License-Identifier: MIT */
/* The kernel filter: which packets capture ever sees (Documentation/networking/filter.rst)
 *
 * Counts once, wherever a packet passes: a query where it arrives at this host, a response where it
 * leaves; UDP over IPv4 or IPv6, and a first fragment, with the tunnel's port at this host's end.
 */
#include "capture/filter.h"

#include <assert.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <netinet/in.h>

#include "common/config.h"

#define SNAP	    66048 /* all that IP can hold behind headers of up to 512, as UDP offload fills it */
#define TAG_802_1AD 0x88a8
#define PORT	    0xffffffff /* its place in the program */

static_assert(CONFIG_BLOCK_MIN > SNAP + 512, "the ring's headers and a packet fit into a block");

/* clang-format off */

/* Where a jump leads. Those with a number are in a part that stands there several times. */
#define OF_TAG(n)	TAG_##n, NO_TAG_##n
#define OF_EXTENSION(n) WITH_LENGTH_##n, FRAGMENT_##n, PASS_##n, PASSED_##n
enum label {
	NEXT, /* the instruction behind the jump */
	ARRIVES, HAS_PORT, IS_FRAME, TAGS, OF_TAG(1), OF_TAG(2), IPV4, IPV6, UDP,
	OF_EXTENSION(1), OF_EXTENSION(2), OF_EXTENSION(3), OF_EXTENSION(4), DROP, LABELS,
};

enum { PORT_AT, NEXT_PROTOCOL }; /* scratch memory */

#define MARK		 0xffff /* no instruction: a label stands here */
#define LABEL(name)	 { .code = MARK, .jt = (name) }
#define OP(op, value)	 { .code = (op), .k = (value) }
#define JUMP(op, value, if_yes, if_no) \
			 { .code = BPF_JMP | BPF_K | (op), .k = (value), .jt = (if_yes), .jf = (if_no) }
#define IF(value, yes, no)   JUMP(BPF_JEQ, value, yes, no)
#define BITS(value, yes, no) JUMP(BPF_JSET, value, yes, no)
#define GO(to)		 IF(0, to, to)
#define META(what)	 OP(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + (what)))
#define BYTE(at)	 OP(BPF_LD | BPF_B | BPF_IND, at) /* X is where a header starts */
#define HALF(at)	 OP(BPF_LD | BPF_H | BPF_IND, at)
#define VALUE(value)	 OP(BPF_LD | BPF_IMM, value)
#define LOAD(memory)	 OP(BPF_LD | BPF_MEM, memory)
#define STORE(memory)	 OP(BPF_ST, memory)
#define ALU(op, value)	 OP(BPF_ALU | BPF_K | (op), value)
#define ADVANCE		 OP(BPF_ALU | BPF_ADD | BPF_X, 0), OP(BPF_MISC | BPF_TAX, 0)

/* A tag that is still in the packet: TCI, then the next ethertype, in A before and after */
#define VLAN_TAG(n) \
	IF(ETHERTYPE_VLAN, TAG_##n, NEXT), IF(TAG_802_1AD, NEXT, NO_TAG_##n), LABEL(TAG_##n), HALF(2), \
	STORE(NEXT_PROTOCOL), VALUE(4), ADVANCE, LOAD(NEXT_PROTOCOL), LABEL(NO_TAG_##n)

/* An IPv6 extension header, unless UDP follows: by its length, or the first fragment's */
#define EXTENSION(n) \
	LOAD(NEXT_PROTOCOL), IF(IPPROTO_UDP, PASSED_##n, NEXT), \
	IF(IPPROTO_FRAGMENT, FRAGMENT_##n, NEXT), IF(IPPROTO_HOPOPTS, WITH_LENGTH_##n, NEXT), \
	IF(IPPROTO_ROUTING, WITH_LENGTH_##n, NEXT), IF(IPPROTO_DSTOPTS, NEXT, DROP), \
	LABEL(WITH_LENGTH_##n), BYTE(0), STORE(NEXT_PROTOCOL), BYTE(1), ALU(BPF_ADD, 1), ALU(BPF_LSH, 3), \
	GO(PASS_##n), LABEL(FRAGMENT_##n), HALF(2), BITS(0xfff8, DROP, NEXT), BYTE(0), \
	STORE(NEXT_PROTOCOL), VALUE(8), LABEL(PASS_##n), ADVANCE, LABEL(PASSED_##n)

static const struct sock_filter steps[] = { /* jt and jf: enum label */
	META(SKF_AD_PKTTYPE), IF(PACKET_OUTGOING, NEXT, ARRIVES), VALUE(0), GO(HAS_PORT), /* source port */
	LABEL(ARRIVES), IF(PACKET_HOST, NEXT, DROP), VALUE(2), /* destination port */
	LABEL(HAS_PORT), STORE(PORT_AT),

	/* X: the network header. From there (SKF_NET_OFF) it is found on any link, but before Linux 6.16
	 * only in a packet's first piece of memory, and some drivers put no more than the Ethernet
	 * header there. A frame is read from its start.
	 */
	META(SKF_AD_HATYPE), IF(ARPHRD_ETHER, IS_FRAME, NEXT), IF(ARPHRD_LOOPBACK, IS_FRAME, NEXT),
	OP(BPF_LDX | BPF_IMM, (uint32_t)SKF_NET_OFF), META(SKF_AD_PROTOCOL), GO(TAGS),
	LABEL(IS_FRAME), OP(BPF_LDX | BPF_IMM, ETHER_HDR_LEN), OP(BPF_LD | BPF_H | BPF_ABS, 12),
	LABEL(TAGS), VLAN_TAG(1), VLAN_TAG(2), IF(ETHERTYPE_IPV6, IPV6, NEXT), IF(ETHERTYPE_IP, IPV4, DROP),

	/* No later fragment, UDP, then as many words as the header has */
	LABEL(IPV4), HALF(6), BITS(0x1fff, DROP, NEXT), BYTE(9), IF(IPPROTO_UDP, NEXT, DROP),
	BYTE(0), ALU(BPF_AND, 0xf), ALU(BPF_LSH, 2), ADVANCE, GO(UDP),

	LABEL(IPV6), BYTE(6), STORE(NEXT_PROTOCOL), VALUE(40), ADVANCE,
	EXTENSION(1), EXTENSION(2), EXTENSION(3), EXTENSION(4),
	LOAD(NEXT_PROTOCOL), IF(IPPROTO_UDP, UDP, DROP),

	LABEL(UDP), LOAD(PORT_AT), ADVANCE, HALF(0), IF(PORT, NEXT, DROP), OP(BPF_RET | BPF_K, SNAP),
	LABEL(DROP), OP(BPF_RET | BPF_K, 0),
};
/* clang-format on */

#define STEPS (sizeof(steps) / sizeof(steps[0]))

struct sock_fprog filter_program(uint16_t port)
{
	static struct sock_filter program[STEPS];
	uint8_t places[LABELS] = { 0 }, length = 0;

	for (unsigned i = 0; i < STEPS; i++) {
		if (steps[i].code == MARK)
			places[steps[i].jt] = length;
		else
			program[length++] = steps[i];
	}
	/* A jump says over how many instructions it goes */
	for (uint8_t i = 0; i < length; i++) {
		struct sock_filter *step = &program[i];

		step->k = step->k == PORT ? port : step->k;
		step->jt = step->jt == NEXT ? 0 : (uint8_t)(places[step->jt] - i - 1);
		step->jf = step->jf == NEXT ? 0 : (uint8_t)(places[step->jf] - i - 1);
	}
	return (struct sock_fprog){ .len = length, .filter = program };
}
