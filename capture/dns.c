/* SPDX-License-Identifier: MIT */
/* DNS messages as dnstt-server's parser takes them (dns/dns.go). No system calls. */
#include "capture/dns.h"

#include <sys/param.h>

#include "common/record.h"

#define POINTERS_MAX 10 /* dns.go compressionPointerLimit */
#define EDNS_MIN     512
#define TYPE_TXT     16
#define TYPE_OPT     41

/* How far a name had come at an offset that a pointer led it to, so that no byte of a message is
 * walked again and again, however many names end in it: what follows is known from the name's total.
 * Only messages of up to KNOWN_BYTES have more than two names read; beyond it nothing is known.
 */
#define KNOWN_BYTES 4096
/* A power of two; of KNOWN_BYTES / 5, as a name has TYPE and CLASS behind it */
#define KNOWN_NAMES 1024
static struct mark {
	uint64_t name; /* numbered through all messages; 0: none */
	unsigned bytes, pointers;
} marks[KNOWN_BYTES], totals[KNOWN_NAMES];
static uint64_t first_name = 1, next_name = 1; /* of this message */

/* A name, following compression pointers wherever they lead (dns.go readName()). The first is kept; of
 * the others, what is known need not be read. @ret_name: to keep it, or NULL
 */
__attribute__((always_inline)) static inline bool
read_name(struct cursor *cursor, const uint8_t *message, struct dns_name *ret_name)
{
	const uint64_t first = first_name, names = next_name++ - first;
	unsigned bytes = 1, pointers = 0, labels = 0, length;
	struct cursor at = *cursor;

	while (cursor_left(&at) > 0 && (length = *at.at) != 0) {
		const size_t offset = (size_t)(at.at - message);

		if (pointers > 0 && offset < KNOWN_BYTES) {
			struct mark *mark = &marks[offset];
			const struct mark *total = &totals[(mark->name - first) % KNOWN_NAMES];

			if (mark->name - first < names) {
				bytes += total->bytes - mark->bytes;
				pointers += total->pointers - mark->pointers;
				break;
			}
			*mark = (struct mark){ first + names, bytes, pointers };
		}
		if (length < 64) {
			if (ret_name)
				ret_name->label[labels++] = at.at;
			bytes += 1 + length;
			if (bytes > DNS_NAME_BYTES || !cursor_skip(&at, 1 + length))
				return false;
			continue;
		}
		if (length < 0xc0 || cursor_left(&at) < 2 || ++pointers > POINTERS_MAX)
			return false;
		cursor->at = pointers == 1 ? at.at + 2 : cursor->at;
		length = cursor_be16(at.at) & 0x3fff;
		at.at = message;
		if (!cursor_skip(&at, length))
			return false;
	}
	if (cursor_left(&at) == 0 || bytes > DNS_NAME_BYTES || pointers > POINTERS_MAX)
		return false;
	cursor->at = pointers == 0 ? at.at + 1 : cursor->at;
	totals[names % KNOWN_NAMES] = (struct mark){ 0, bytes, pointers };
	if (ret_name) {
		ret_name->label[labels] = at.at;
		ret_name->labels = (uint8_t)labels;
		ret_name->bytes = (uint8_t)bytes;
		ret_name->end = at.end;
		ret_name->is_in_line = pointers == 0;
	}
	return true;
}

/* A resource record: its fixed part (TYPE, CLASS, TTL, RDLENGTH), or NULL; its name is not kept */
static const uint8_t *dns_rr(struct cursor *cursor, const uint8_t *message,
			     struct cursor *ret_rdata)
{
	const bool is_root = cursor_left(cursor) > 0 && *cursor->at == 0; /* as of an OPT */
	const uint8_t *fixed;

	if (is_root ? !cursor_take(cursor, 1) : !read_name(cursor, message, NULL))
		return NULL;
	fixed = cursor_take(cursor, 10);
	if (!fixed)
		return NULL;
	ret_rdata->at = cursor->at;
	ret_rdata->end = cursor_take(cursor, cursor_be16(fixed + 8)) ? cursor->at : cursor->end;
	return fixed;
}

bool dns_read(struct cursor *cursor, bool whole, struct dns_message *ret_message)
{
	const uint8_t *start = cursor->at, *header = cursor_take(cursor, 12), *fixed;
	struct dns_message *message = ret_message;
	unsigned records, additional;
	struct cursor rdata;

	memset(&message->id, 0, sizeof(*message) - offsetof(struct dns_message, id));
	message->edns_size = EDNS_MIN;
	first_name = next_name;
	if (!header)
		return false;
	message->id = cursor_be16(header);
	message->flags = cursor_be16(header + 2);
	message->qdcount = cursor_be16(header + 4);
	additional = cursor_be16(header + 10);
	records = cursor_be16(header + 6) + cursor_be16(header + 8) + additional;
	/* A question has 5 bytes or more, a record 11. Where there is no room for them all, one will not
	 * be there when it is read.
	 */
	if (whole && message->qdcount * 5 + records * 11 > cursor_left(cursor))
		return false;
	if (message->qdcount > 0) {
		if (!read_name(cursor, start, &message->qname) ||
		    !(fixed = cursor_take(cursor, 4))) /* QTYPE; QCLASS counts for nothing */
			return false;
		message->qtype = cursor_be16(fixed);
	}
	for (unsigned i = 1; i < message->qdcount && whole; i++)
		if (!read_name(cursor, start, NULL) || !cursor_skip(cursor, 4))
			return false;
	if (!whole) {
		if (cursor_be16(header + 6) > 0 && (fixed = dns_rr(cursor, start, &rdata)) &&
		    cursor_be16(fixed) == TYPE_TXT)
			message->txt = rdata;
		return true;
	}
	for (; records > 0; records--) {
		fixed = dns_rr(cursor, start, &rdata);
		if (!fixed || cursor_left(&rdata) != cursor_be16(fixed + 8))
			return false;
		if (records > additional || cursor_be16(fixed) != TYPE_OPT || message->opt_fault)
			continue; /* the first fault stays, as responseFor() returns there */
		if (message->opt.at)
			message->opt_fault = VERDICT_MULTIPLE_OPT;
		else if (fixed[5] != 0) /* RFC 6891, 6.1.3 */
			message->opt_fault = VERDICT_EDNS_VERSION;
		message->opt = rdata;
		message->edns_size =
			cursor_be16(fixed + 2) < EDNS_MIN ? EDNS_MIN : cursor_be16(fixed + 2);
	}
	return cursor->at == cursor->end;
}
