/* SPDX-License-Identifier: MIT */
/* The rules that a message from capture must pass */
#include "common/record_check.h"

#include <stdbool.h>
#include <string.h>

static_assert(RECORD_MESSAGE_MAX ==
		      1 + (RECORD_SEGMENTS_MAX + RECORD_SEGMENTS - 1) / RECORD_SEGMENTS,
	      "room for all segments");

static bool all_zero(const uint8_t *bytes, size_t count)
{
	uint8_t any = 0;

	for (size_t i = 0; i < count; i++)
		any |= bytes[i];
	return any == 0;
}

static bool is_accepted(const struct record *record)
{
	return record->verdict == VERDICT_ACCEPTED;
}

/* What a query was asked with */
static const char *question_fault(const struct record *record)
{
	if (record->kind != RECORD_QUERY || !is_accepted(record))
		return record->edns_size || record->qname_bytes
			       ? "record has what a query is asked with"
			       : NULL;
	return record->edns_size < 512 || record->qname_bytes == 0 ? "query was asked with nothing"
								   : NULL;
}

/* What a record of this verdict may hold. Sources: the comments of struct record. */
static const char *record_fault(const struct record *record, unsigned domains)
{
	bool named = is_accepted(record) || record->verdict > VERDICT_DOMAIN;
	uint8_t flags = RECORD_FLAG_KCP | RECORD_FLAG_SN_0;

	if (record->kind != RECORD_QUERY && record->kind != RECORD_RESPONSE)
		return "kind of a record is out of range";
	if (record->verdict >= VERDICTS)
		return "verdict of a record is out of range";
	if (named ? record->domain >= domains : record->domain != RECORD_NO_DOMAIN)
		return "domain of a record does not fit its verdict";

	flags |=
		record->kind == RECORD_QUERY ? RECORD_FLAG_ECS : RECORD_FLAG_RCODE | RECORD_FLAG_TC;
	if (record->flags & ~flags)
		return "flags of a record do not fit its kind";
	if (record->payload_bytes > record->message_bytes)
		return "payload of a record exceeds its message";
	if (!is_accepted(record) &&
	    (record->payload_bytes != 0 || record->flags & (RECORD_FLAG_KCP | RECORD_FLAG_ECS) ||
	     !all_zero(record->client_id, sizeof(record->client_id)) ||
	     !all_zero(record->content, sizeof(record->content))))
		return "refused record holds a session";
	if (!(record->flags & RECORD_FLAG_KCP) &&
	    (record->conv != 0 || record->una != 0 || record->segments != 0 ||
	     record->flags & RECORD_FLAG_SN_0))
		return "record without KCP has a header of it";
	if (record->kind == RECORD_RESPONSE && !all_zero(record->content, sizeof(record->content)))
		return "response has what a client wrote";
	if (record->segments > RECORD_SEGMENTS_MAX)
		return "message has too many segments";
	return question_fault(record);
}

/* What a place of the records behind @message may hold, @index of its segments */
static const char *segment_fault(const struct segment *segment, unsigned index,
				 const struct record *message)
{
	static const struct segment none = { .ts = 0 };

	if (index >= message->segments)
		return memcmp(segment, &none, sizeof(none)) == 0 ? NULL
								 : "unused segment is in use";
	if (segment->command != RECORD_KCP_PUSH &&
	    (segment->command != RECORD_KCP_ACK || message->kind != RECORD_QUERY))
		return "segment is of another command";
	if (segment->bytes > message->payload_bytes || segment->reserved != 0)
		return "segment exceeds its message";
	return NULL;
}

/* A message and the records behind it. @ret_records: how many that are */
static const char *message_fault(const struct record *message, unsigned left, unsigned domains,
				 unsigned *ret_records)
{
	const char *fault = record_fault(message, domains);
	unsigned records = record_of_message(message);

	if (!fault && records > left)
		fault = "message lacks its segments";
	for (unsigned i = 1; i < records && !fault; i++) {
		const struct record *more = &message[i];

		if (more->kind != RECORD_MORE || more->domain || more->verdict || more->flags)
			fault = "message is not followed by its segments";
		for (unsigned j = 0; j < RECORD_SEGMENTS && !fault; j++)
			fault = segment_fault(&more->segment[j], (i - 1) * RECORD_SEGMENTS + j,
					      message);
	}
	*ret_records = records;
	return fault;
}

static const char *hello_fault(const struct hello *hello)
{
	if (hello->cuts > 1 || hello->sealed > 1)
		return "hello has unknown bits";
	return NULL;
}

static const char *failure_fault(const struct failure *failure)
{
	if (failure->stage == 0 || failure->stage >= FAILURE_STAGES)
		return "stage of a failure is out of range";
	return NULL;
}

const char *record_check_batch(const struct batch *batch, size_t bytes, unsigned domains,
			       struct batch_state *state)
{
	const struct batch_header *header = &batch->header;
	static const size_t body[BATCH_TYPES] = {
		[BATCH_HELLO] = sizeof(struct hello),
		[BATCH_FAILURE] = sizeof(struct failure),
	};
	const char *fault = NULL;

	if (bytes < sizeof(*header))
		return "message is shorter than its header";
	if (header->magic != BATCH_MAGIC || header->version != BATCH_VERSION)
		return "message is of another program or version";
	if (header->type == 0 || header->type >= BATCH_TYPES)
		return "type of a message is out of range";
	if (header->count > (header->type == BATCH_TRAFFIC ? BATCH_RECORDS : 0))
		return "message announces too many records";
	if (bytes != sizeof(*header) + body[header->type] + header->count * sizeof(struct record))
		return "length of a message does not fit its header";
	if (header->sequence != state->sequence)
		return "message is out of sequence";
	if (header->type == (header->sequence == 0 ? BATCH_TRAFFIC : BATCH_HELLO))
		return "message is not due in this state";
	if (header->packets < state->packets || header->ring_drops < state->ring_drops ||
	    header->stalls < state->stalls)
		return "counter of a message runs backwards";
	if (!all_zero((const uint8_t *)header->reserved, sizeof(header->reserved)))
		return "reserved field of a message is in use";

	if (header->type == BATCH_HELLO)
		fault = hello_fault(&batch->hello);
	else if (header->type == BATCH_FAILURE)
		fault = failure_fault(&batch->failure);
	for (unsigned i = 0, records; i < header->count && !fault; i += records)
		fault = message_fault(&batch->records[i], header->count - i, domains, &records);
	if (fault)
		return fault;

	*state = (struct batch_state){ header->sequence + 1, header->packets, header->ring_drops,
				       header->stalls };
	return NULL;
}
