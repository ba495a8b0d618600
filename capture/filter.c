/* SPDX-License-Identifier: MIT */
/* The kernel filter: which packets capture ever sees (Documentation/networking/filter.rst) */
#include "capture/ring.h"

#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>

#define SNAP 4608 /* dnstt-server's 4096 bytes of message behind headers of up to 512 */

/* clang-format off */
#define OP(code, k)	 BPF_STMT(code, k)
#define IF(k, yes, no)	 BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, k, yes, no)
#define BITS(k, yes, no) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, k, yes, no)
#define SKIP(n)		 OP(BPF_JMP | BPF_JA, n)
#define META(what)	 OP(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + (what)))
#define BYTE(at)	 OP(BPF_LD | BPF_B | BPF_IND, at) /* X is where a header starts */
#define HALF(at)	 OP(BPF_LD | BPF_H | BPF_IND, at)
#define VALUE(k)	 OP(BPF_LD | BPF_IMM, k)
#define LOAD(m)		 OP(BPF_LD | BPF_MEM, m)
#define STORE(m)	 OP(BPF_ST, m)
#define ALU(op, k)	 OP(BPF_ALU | BPF_K | (op), k)
#define ADVANCE		 OP(BPF_ALU | BPF_ADD | BPF_X, 0), OP(BPF_MISC | BPF_TAX, 0)
#define RETURN(bytes)	 OP(BPF_RET | BPF_K, bytes)
enum { PORT_AT, NEXT }; /* scratch memory */

/* A tag that is still in the packet: TCI, then the next ethertype, in A before and after */
#define VLAN_TAG                                                                                   \
	IF(ETHERTYPE_VLAN, 1, 0), IF(0x88a8, 0, 6), HALF(2), STORE(NEXT), VALUE(4), ADVANCE,       \
		LOAD(NEXT)

/* An IPv6 extension header, unless NEXT is UDP: by its length, or the first fragment's */
#define EXTENSION                                                                                  \
	LOAD(NEXT), IF(IPPROTO_UDP, 19, 0), IF(IPPROTO_FRAGMENT, 10, 0), IF(IPPROTO_HOPOPTS, 3, 0), \
		IF(IPPROTO_ROUTING, 2, 0), IF(IPPROTO_DSTOPTS, 1, 0), RETURN(0), BYTE(0),          \
		STORE(NEXT), BYTE(1), ALU(BPF_ADD, 1), ALU(BPF_LSH, 3), SKIP(6), HALF(2),          \
		BITS(0xfff8, 0, 1), RETURN(0), BYTE(0), STORE(NEXT), VALUE(8), ADVANCE

/* Counts once, wherever a packet passes: a query where it arrives at this host, a response where it
 * leaves; UDP over IPv4 or IPv6, and a first fragment, with the tunnel's port at this host's end.
 */
static struct sock_filter program[] = {
	META(SKF_AD_PKTTYPE), IF(PACKET_OUTGOING, 0, 2),
	VALUE(0), SKIP(3), /* source port */
	IF(PACKET_HOST, 1, 0), RETURN(0),
	VALUE(2), /* destination port */
	STORE(PORT_AT), OP(BPF_LDX | BPF_IMM, 0),
	/* What leaves starts behind its tags, whatever its protocol (net/packet/af_packet.c) */
	META(SKF_AD_PROTOCOL), IF(ETHERTYPE_VLAN, 1, 0), IF(0x88a8, 0, 11), LOAD(PORT_AT), IF(0, 0, 8),
	BYTE(0), ALU(BPF_AND, 0xf0), IF(0x40, 0, 2), VALUE(ETHERTYPE_IP), SKIP(4),
	IF(0x60, 0, 2), VALUE(ETHERTYPE_IPV6), SKIP(1),
	META(SKF_AD_PROTOCOL), VLAN_TAG, VLAN_TAG,
	IF(ETHERTYPE_IPV6, 14, 0), IF(ETHERTYPE_IP, 1, 0), RETURN(0),
	/* IPv4: no later fragment, UDP, then as many words as its header has */
	HALF(6), BITS(0x1fff, 0, 1), RETURN(0), BYTE(9), IF(IPPROTO_UDP, 1, 0), RETURN(0),
	BYTE(0), ALU(BPF_AND, 0xf), ALU(BPF_LSH, 2), ADVANCE, SKIP(92),
	/* IPv6 */
	BYTE(6), STORE(NEXT), VALUE(40), ADVANCE,
	EXTENSION, EXTENSION, EXTENSION, EXTENSION,
	LOAD(NEXT), IF(IPPROTO_UDP, 1, 0), RETURN(0),
	/* UDP */
	LOAD(PORT_AT), ADVANCE, HALF(0),
	IF(0, 0, 1), RETURN(SNAP), RETURN(0), /* port: the last but two */
};
/* clang-format on */

struct sock_fprog filter_program(uint16_t port)
{
	const unsigned short length = sizeof(program) / sizeof(program[0]);

	program[length - 3].k = port;
	return (struct sock_fprog){ .len = length, .filter = program };
}
