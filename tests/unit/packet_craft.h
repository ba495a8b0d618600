/* SPDX-License-Identifier: MIT */
/* DNS messages and packets put together piece by piece, right or wrong as a test needs them */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config;
struct sight;
struct record;

#define CRAFT_BYTES 9000
#define CRAFT_NAME  260

#define CRAFT_DOMAIN "t.example.com"
#define CRAFT_ID     "CLIENTID"

/* What a client writes behind its ClientID when it has nothing to say (dnstt-client/lib/dns.go) */
#define CRAFT_POLL	 "\xe8padding!"
#define CRAFT_POLL_BYTES 9

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

/* The name under a domain for what a client writes: base32 in labels of 63
 * @hex: with the digits of base32hex
 */
const char *craft_client_name(char name[CRAFT_NAME], const void *id, size_t id_bytes,
			      const void *body, size_t bytes, const char *domain, bool hex);

/* A query as a resolver delivers it: TXT, one OPT of 1232 bytes */
void craft_query(struct craft *craft, const char *name);

/* A poll of CRAFT_ID under CRAFT_DOMAIN */
void craft_poll(struct craft *craft);

/* A response to @name with one TXT record that holds @text; flags 0x8400 */
void craft_response(struct craft *craft, const char *name, const void *text, size_t bytes);

/* Headers in front of what is there. An address is the same byte 4 or 16 times. */
void craft_udp(struct craft *craft, unsigned source, unsigned destination);
void craft_ipv4(struct craft *craft, unsigned source, unsigned destination);
void craft_ipv6(struct craft *craft, unsigned source, unsigned destination);
void craft_front(struct craft *craft, const void *bytes, size_t count);

/* The UDP datagram of a poll */
struct craft craft_datagram(void);

/* The same in a packet from 1.1.1.1 to 2.2.2.2, and the like in IPv6 */
struct craft craft_poll_ipv4(void);
struct craft craft_poll_ipv6(void);

/* An IPv6 extension header in front, its first four bytes given, and 4 + @more zeros behind them */
void craft_extension(struct craft *craft, unsigned next, unsigned length, unsigned third,
		     unsigned fourth, size_t more);

/* A VLAN tag in front, before what is of @protocol */
void craft_tag(struct craft *craft, unsigned protocol);

/* A configuration for one dnstt domain; another one added to it */
void craft_config(struct config *ret_config, const char *domain);
struct tunnel *craft_config_add(struct config *config, const char *domain);

/* The configuration for CRAFT_DOMAIN */
const struct config *craft_dnstt(void);

/* The record of a packet */
struct record craft_see(const struct sight *sight, const struct config *config);

/* The record of a packet that lies in memory of exactly its size */
struct record craft_decode(const struct craft *packet, bool outgoing, const struct config *config);

/* The record of a message from 192.192.192.192 port 4000, or to there if it is a response */
struct record craft_judge(const struct craft *message, bool outgoing, const struct config *config);
