/* SPDX-License-Identifier: MIT */
/* What the exporter tells capture before it starts: one message of fixed size on the socketpair */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define CONFIG_MAGIC	  0x44545343u /* "DTSC" */
#define CONFIG_VERSION	  1
#define CONFIG_DOMAINS	  64
#define CONFIG_NAME_BYTES 256 /* a name in wire form is 255 at most (RFC 1035, 2.3.4) */
#define CONFIG_QTYPES	  8
#define CONFIG_BLOCK_MIN \
	(128u << 10) /* the longest packet that the filter passes, and its header */
#define CONFIG_BLOCK_MAX   (4u << 20)
#define CONFIG_RING_MAX	   (1u << 30)
#define CONFIG_LATENCY_MAX 100 /* ms */

enum alphabet {
	ALPHABET_BASE32,    /* a-z 2-7 (RFC 4648, 6) */
	ALPHABET_BASE32HEX, /* 0-9 a-v (RFC 4648, 7) */
	ALPHABETS,
};

/* What follows the ClientID in the decoded name */
enum framing {
	FRAMING_DNSTT, /* 0xe0+n and n bytes of padding, or a length below 0xe0 and a packet; repeated,
			  * padding first, up to the last byte (dnstt-client/lib/dns.go send()) */
	FRAMING_SERVER,	 /* the same as dnstt-server reads it: whatever follows is taken, up to the
			  * first short packet (dnstt-server/main.go nextPacket()) */
	FRAMING_VAYDNS,	 /* four bytes of nonce, or a length and one packet (vaydns) */
	FRAMING_DNSTTEX, /* 0xfe: nothing; else, behind 0xfd and two bytes or alone, zero: nothing, a
			  * length below 0xe0 and one packet, or as FRAMING_DNSTT; not 0xff, a ping that
			  * the server answers without a session (dnsttEx recvLoop()) */
	FRAMINGS,
};

/* One tunnel domain and how its clients write to it */
struct tunnel {
	uint8_t name[CONFIG_NAME_BYTES]; /* wire form, lower case, root included, zeros after it */
	uint16_t qtypes[CONFIG_QTYPES];
	uint16_t edns_min;  /* bytes: the smallest EDNS size the server accepts (its -mtu) */
	uint8_t name_bytes; /* root included */
	uint8_t labels;	    /* without the root */
	uint8_t id_bytes;   /* 1 to 8 */
	uint8_t alphabet;   /* enum alphabet */
	uint8_t framing;    /* enum framing */
	uint8_t qtype_count;
};

struct config {
	uint32_t magic;
	uint16_t version;
	uint16_t port;	      /* of dnstt-server, as the network sees it */
	uint32_t block_bytes; /* of the packet ring: a power of two, no less than a page */
	uint32_t blocks;      /* of them */
	uint16_t latency_ms;  /* the kernel hands over a block that is not full after this time */
	uint8_t tunnel_count; /* 1 to CONFIG_DOMAINS */
	uint8_t use_ecs;      /* 0 or 1: EDNS Client Subnet in place of the resolver's address */
	struct tunnel tunnels[CONFIG_DOMAINS];
};

/**
 * config_fault() - What is wrong with a configuration, if anything
 * @config:	As received
 *
 * Return: NULL if capture can run with it, else a short description
 */
const char *config_fault(const struct config *config);
