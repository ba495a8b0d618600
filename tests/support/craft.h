/* SPDX-License-Identifier: MIT */
/* DNS messages and packets put together piece by piece, right or wrong as a test needs them */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CRAFT_BYTES 9000
#define CRAFT_NAME  260

/* Bytes that grow at their end */
struct craft {
	uint8_t at[CRAFT_BYTES];
	size_t size;
};

void craft_bytes(struct craft *craft, const void *bytes, size_t count);
void craft_zeros(struct craft *craft, size_t count);
void craft_8(struct craft *craft, unsigned value);
void craft_16(struct craft *craft, unsigned value); /* in network byte order */
void craft_32(struct craft *craft, uint32_t value);

/* Header of a DNS message, its ID 0x1234 */
void craft_header(struct craft *craft, unsigned flags, unsigned qdcount, unsigned ancount,
		  unsigned nscount, unsigned arcount);

/* A name of labels with dots between them, which are 63 bytes long at most; "" is the root */
void craft_name(struct craft *craft, const char *text);

void craft_question(struct craft *craft, const char *name, unsigned qtype);

/* A resource record of the root; @ttl of an OPT: extended RCODE, version, flags */
void craft_rr(struct craft *craft, unsigned type, unsigned class, uint32_t ttl, const void *rdata,
	      size_t bytes);
void craft_opt(struct craft *craft, unsigned size);

/* What base32 makes of bytes, without padding, in lower case
 * @hex:	with the digits of base32hex
 */
void craft_base32(struct craft *craft, const void *bytes, size_t count, bool hex);

/* A text as labels of up to 63 bytes, without the root */
void craft_labels(struct craft *craft, const struct craft *text);

/* A text as RDATA of a TXT record: strings of up to 255 bytes, at least one */
void craft_strings(struct craft *craft, const void *text, size_t bytes);

/* The name under a domain for what a client writes: base32 in labels of 63
 * @hex: with the digits of base32hex
 */
const char *craft_client_name(char name[CRAFT_NAME], const void *id, size_t id_bytes,
			      const void *body, size_t bytes, const char *domain, bool hex);

/* Headers in front of what is there. An address is the same byte 4 or 16 times. */
void craft_udp(struct craft *craft, unsigned source, unsigned destination);
void craft_ipv4(struct craft *craft, unsigned source, unsigned destination);
void craft_ipv6(struct craft *craft, unsigned source, unsigned destination);
void craft_front(struct craft *craft, const void *bytes, size_t count);

/* An IPv6 extension header in front, its first four bytes given, and 4 + @more zeros behind them */
void craft_extension(struct craft *craft, unsigned next, unsigned length, unsigned third,
		     unsigned fourth, size_t more);

/* A VLAN tag in front, before what is of @protocol */
void craft_tag(struct craft *craft, unsigned protocol);
