/* SPDX-License-Identifier: MIT */
/* DNS messages as dnstt-server's parser takes them (dns/dns.go). No system calls. */
#include "dns.h"

#include <string.h>

#define POINTERS_MAX 10 /* dns.go compressionPointerLimit */
#define EDNS_MIN     512

/* A name, following compression pointers wherever they lead (dns.go readName()) */
static bool dns_name(struct cursor *cursor, struct dns_name *name)
{
	unsigned bytes = 0, pointers = 0;
	uint32_t behind = 0;

	for (name->labels = 0;;) {
		const uint8_t *length = cursor_take(cursor, 1), *label;

		if (!length)
			return false;
		if (*length >= 0xc0) {
			if (!cursor_take(cursor, 1) || ++pointers > POINTERS_MAX)
				return false;
			if (pointers == 1)
				behind = cursor->at;
			cursor->at = be16(length) & 0x3fff;
			if (cursor->at > cursor->end)
				return false;
			continue;
		}
		label = cursor_take(cursor, *length);
		if (!label || *length > 63 || bytes + 1 + *length + (*length != 0) > DNS_NAME_BYTES)
			return false;
		name->start[name->labels] = (uint8_t)bytes;
		name->wire[bytes++] = *length;
		if (*length == 0)
			break;
		if (cursor->end - cursor->at >= 64)
			memcpy(name->wire + bytes, label, 64); /* one known size needs no call */
		else
			memcpy(name->wire + bytes, label, *length);
		bytes += *length;
		name->labels++;
	}
	if (pointers > 0)
		cursor->at = behind;
	return true;
}

bool dns_rr(struct cursor *cursor, struct dns_rr *ret_rr)
{
	struct dns_name name;
	const uint8_t *fixed;

	if (!dns_name(cursor, &name) || !(fixed = cursor_take(cursor, 10)))
		return false;
	ret_rr->type = be16(fixed);
	ret_rr->class = be16(fixed + 2);
	memcpy(ret_rr->ttl, fixed + 4, 4);
	ret_rr->rdata = fixed + 10;
	ret_rr->bytes = be16(fixed + 8);
	if (cursor_take(cursor, ret_rr->bytes))
		return true;
	ret_rr->bytes = (uint16_t)(cursor->end - cursor->at);
	return false;
}

/* An OPT record, in the order of responseFor(): the first fault stays */
static void take_opt(struct dns_message *message, const struct dns_rr *rr)
{
	if (message->edns_version || message->multiple_opt)
		return;
	message->multiple_opt = message->edns;
	message->edns_version = !message->edns && rr->ttl[1] != 0;
	message->edns = rr->rdata;
	message->edns_bytes = rr->bytes;
	message->edns_size = rr->class < EDNS_MIN ? EDNS_MIN : rr->class;
}

bool dns_read(struct cursor *cursor, bool whole, struct dns_message *ret_message)
{
	struct dns_message *message = ret_message;
	const uint8_t *header = cursor_take(cursor, 12), *question;
	unsigned additional, records;
	struct dns_name other;
	struct dns_rr rr;

	memset((char *)message + sizeof(message->qname), 0, sizeof(*message) - sizeof(message->qname));
	message->edns_size = EDNS_MIN;
	if (!header)
		return false;
	message->id = be16(header);
	message->flags = be16(header + 2);
	message->qdcount = be16(header + 4);
	message->ancount = be16(header + 6);
	for (unsigned i = 0; i < (whole ? message->qdcount : message->qdcount > 0); i++) {
		if (!dns_name(cursor, i == 0 ? &message->qname : &other) ||
		    !(question = cursor_take(cursor, 4)))
			return false;
		if (i == 0)
			message->qtype = be16(question); /* QCLASS is not looked at */
	}
	if (!whole)
		return true;
	additional = be16(header + 10);
	records = (unsigned)message->ancount + be16(header + 8) + additional;
	for (unsigned i = records; i > 0; i--) {
		if (!dns_rr(cursor, &rr))
			return false;
		if (i <= additional && rr.type == DNS_TYPE_OPT)
			take_opt(message, &rr);
	}
	return cursor->at == cursor->end;
}
