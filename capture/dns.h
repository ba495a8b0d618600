/* SPDX-License-Identifier: MIT */
/* DNS messages: the checked cursor, names, and what dnstt-server reads of a query */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_NAME_BYTES 255 /* RFC 1035, 2.3.4 */
#define DNS_QR	       0x8000
#define DNS_TC	       0x0200

/* The only door to packet bytes */
struct cursor {
	const uint8_t *at, *end;
};

static inline size_t cursor_left(const struct cursor *cursor)
{
	return (size_t)(cursor->end - cursor->at);
}

/* The next @count bytes, or NULL and nothing changes */
static inline const uint8_t *cursor_take(struct cursor *cursor, size_t count)
{
	if (count > cursor_left(cursor))
		return NULL;
	cursor->at += count;
	return cursor->at - count;
}

static inline uint16_t be16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

/* A name where it lies, as sent */
struct dns_name {
	const uint8_t *label[DNS_NAME_BYTES / 2 + 1]; /* length octet of each and of the root */
	const uint8_t *end;			      /* of the message */
	uint8_t labels;				      /* without the root */
	bool is_in_line;			      /* no pointer: one label behind the other */
};

struct dns_message {
	struct dns_name qname; /* of the first question, if qdcount is not 0 */
	uint16_t id, flags, qdcount, qtype;
	uint16_t edns_size; /* 512 if smaller or without OPT */
	uint8_t opt_fault;  /* VERDICT_MULTIPLE_OPT, ..._EDNS_VERSION: the first; 0 */
	/* RDATA, as far as it is there, or none: of the OPT; of the first answer, if it is a TXT */
	struct cursor opt, txt;
};

/* A message as dnstt-server's parser reads it, rules 1 to 5: names as in dns.go readName(), no byte
 * left over, OPT as main.go responseFor() finds it.
 * @cursor: at its first byte, with none behind its last
 * @whole: all sections to the last byte (a query), else header, first question and first answer
 * Return: false if it is malformed; id and flags are set all the same, zero if they are not there
 */
bool dns_read(struct cursor *cursor, bool whole, struct dns_message *ret_message);
