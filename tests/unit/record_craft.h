/* SPDX-License-Identifier: MIT */
/* Records as capture sends them, for tests of what counts them */
#pragma once

#include <arpa/inet.h>

#include "common/record.h"
#include "unit.h"

/* An accepted query of a client, with a KCP header of 30 bytes that nobody else sends
 * @id:	8 characters at most
 * @sn: of the header
 */
static inline struct record record_query(const char *id, unsigned sn)
{
	struct record record = { .kind = RECORD_QUERY,
				 .interface = 1,
				 .port = 4000,
				 .dns_id = (uint16_t)(sn * 7),
				 .message_bytes = 150,
				 .payload_bytes = 30,
				 .edns_size = 1232,
				 .qname_bytes = 100,
				 .conv = 0x01020304,
				 .flags = RECORD_FLAG_KCP };
	const uint64_t content = (sn + 1) * 0x9e3779b97f4a7c15;

	memcpy(record.client_id, id, strlen(id));
	memset(record.resolver + 10, 0xff, 2);
	memcpy(record.resolver + 12, "\x51\x02\x45\xa0", 4); /* 81.2.69.160 */
	if (sn == 0)
		record.flags |= RECORD_FLAG_SN_0;
	memcpy(record.content, &content, sizeof(content));
	return record;
}

/* The answer to it, of one segment of 100 bytes */
static inline struct record record_response(const struct record *query)
{
	struct record record = *query;

	record.kind = RECORD_RESPONSE;
	record.message_bytes = 300;
	record.payload_bytes = 100;
	record.flags &= (uint8_t)~RECORD_FLAG_SN_0;
	record.edns_size = 0;
	record.qname_bytes = 0;
	memset(record.content, 0, sizeof(record.content));
	return record;
}

/* A query that is refused for a reason, with nothing of a session in it */
static inline struct record record_refused(enum verdict verdict, unsigned dns_id)
{
	struct record record = record_query("", 0);

	memset(record.content, 0, sizeof(record.content));
	record.edns_size = 0;
	record.qname_bytes = 0;
	record.conv = 0;
	record.dns_id = (uint16_t)dns_id;
	record.payload_bytes = 0;
	record.flags = 0;
	record.verdict = (uint8_t)verdict;
	record.domain = verdict > VERDICT_DOMAIN ? 0 : RECORD_NO_DOMAIN;
	return record;
}

/* Resolver's address as text */
static inline void record_from(struct record *record, const char *address)
{
	if (inet_pton(AF_INET, address, record->resolver + 12) != 1)
		assert_int_equal(inet_pton(AF_INET6, address, record->resolver), 1);
}
