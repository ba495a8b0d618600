/* SPDX-License-Identifier: MIT */
/* DNS messages: names, and what dnstt-server reads of a query */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "capture/cursor.h"

#define DNS_NAME_BYTES 255 /* RFC 1035, 2.3.4 */
#define DNS_QR	       0x8000
#define DNS_OPCODE     0x7800
#define DNS_TC	       0x0200

/* A name where it lies, as sent. All its bytes went through the cursor. */
struct dns_name {
	const uint8_t *label[DNS_NAME_BYTES / 2 + 1]; /* length octet of each and of the root */
	const uint8_t *end;			      /* of the message */
	uint8_t labels;				      /* without the root */
	uint8_t bytes;				      /* without pointers, the root included */
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
