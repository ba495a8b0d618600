/* SPDX-License-Identifier: MIT */
/* Classic BPF without the kernel: packet filters and seccomp filters, instruction by instruction
 *
 * As Documentation/networking/filter.rst and linux/seccomp.h have it. A packet filter loads
 * network byte order; a load from outside the packet ends it with 0. A seccomp filter loads 32 bits
 * of struct seccomp_data in host byte order.
 */
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>

/* What a filter of a packet socket sees */
struct bpf_packet {
	const uint8_t *bytes; /* from the link header on */
	size_t size;
	size_t link;	    /* bytes of the link header */
	size_t linear;	    /* that are in the first piece of memory */
	uint16_t link_type; /* ARPHRD_... */
	uint16_t protocol;  /* ethertype, host byte order */
	uint8_t type;	    /* PACKET_HOST and so on */
};

/* The test fails if the kernel would not take the program: it jumps outside of it, or its end is no
 * return, or an instruction is not known
 */
void bpf_check(const struct sock_fprog *program);

/* What the program returns: bytes to keep of a packet */
uint32_t bpf_filter(const struct sock_fprog *program, const struct bpf_packet *packet);

/* What the program returns: a SECCOMP_RET_... action */
uint32_t bpf_seccomp(const struct sock_fprog *program, const struct seccomp_data *call);
