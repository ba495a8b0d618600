/* SPDX-License-Identifier: MIT */
/* DNS messages: the checked cursor, names, and what dnstt-server reads of a query */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_NAME_BYTES 255 /* RFC 1035, 2.3.4 */
#define DNS_QR	       0x8000
#define DNS_TC	       0x0200
#define DNS_TYPE_TXT   16
#define DNS_TYPE_OPT   41

/* The only door to packet bytes. A read past the end fails, and so does each one after it. */
struct cursor {
	const uint8_t *bytes;
	uint32_t at;
	uint32_t end;
	bool failed;
};

/* The next @count bytes, or NULL */
static inline const uint8_t *cursor_take(struct cursor *cursor, uint32_t count)
{
	const uint8_t *taken = cursor->bytes + cursor->at;

	if (cursor->failed || count > cursor->end - cursor->at) {
		cursor->failed = true;
		return NULL;
	}
	cursor->at += count;
	return taken;
}

/* Network byte order in, host byte order out */
static inline uint16_t be16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

/* A name in wire form, as sent, without compression */
struct dns_name {
	uint8_t wire[DNS_NAME_BYTES + 64];     /* a label may be copied as 64 bytes */
	uint8_t start[DNS_NAME_BYTES / 2 + 1]; /* offset of each label and of the root */
	uint8_t labels;			       /* without the root */
};

struct dns_message {
	struct dns_name qname; /* of the first question, if qdcount is not 0 */
	uint16_t id, flags, qdcount, ancount;
	uint16_t qtype;
	uint16_t edns_size;    /* 512 if smaller or without OPT */
	uint16_t edns_bytes;   /* RDATA of the OPT */
	const uint8_t *edns;   /* NULL without OPT */
	bool multiple_opt;     /* a second OPT came */
	bool edns_version;     /* an OPT of a version other than 0 came first */
};

/* A resource record; its name is read and not kept */
struct dns_rr {
	uint16_t type, class, bytes;
	uint8_t ttl[4];	      /* of an OPT: extended RCODE, version, flags (RFC 6891, 6.1.3) */
	const uint8_t *rdata;
};

/**
 * dns_read() - A message as dnstt-server's parser reads it
 * @cursor:	At its first byte, and with no byte behind its last; left where reading ended
 * @whole:	All sections to the last byte (a query), else header and first question (a response)
 *
 * Rules 1 to 5: names as in dns.go readName(), no byte left over, OPT as main.go responseFor() finds it.
 *
 * Return: false if it is malformed; id and flags are set all the same, zero if they are not there
 */
bool dns_read(struct cursor *cursor, bool whole, struct dns_message *ret_message);

/* The next resource record; false if it is cut short, then bytes are those of rdata that are there */
bool dns_rr(struct cursor *cursor, struct dns_rr *ret_rr);
