/* SPDX-License-Identifier: MIT */
/* The rules that a message from capture must pass */
#include "common/record.h"

#include <stdbool.h>
#include <string.h>

static bool all_zero(const uint8_t *bytes, size_t count)
{
	uint8_t any = 0;

	for (size_t i = 0; i < count; i++)
		any |= bytes[i];
	return any == 0;
}

/* What a record of this verdict may hold. Sources: the comments of struct record. */
static const char *record_fault(const struct record *record, unsigned domains)
{
	bool named = record->verdict == VERDICT_ACCEPTED || record->verdict > VERDICT_DOMAIN;
	uint8_t flags = RECORD_FLAG_KCP;

	if (record->kind == 0 || record->kind >= RECORD_KINDS)
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
	if (record->verdict != VERDICT_ACCEPTED &&
	    (record->payload_bytes != 0 || record->flags & (RECORD_FLAG_KCP | RECORD_FLAG_ECS) ||
	     !all_zero(record->client_id, sizeof(record->client_id)) ||
	     !all_zero(record->head, sizeof(record->head)) ||
	     !all_zero(record->nonce, sizeof(record->nonce))))
		return "refused record holds a session";
	return NULL;
}

static const char *hello_fault(const struct hello *hello)
{
	if (hello->reserved != 0 || hello->sealed > 1)
		return "hello has unknown bits";
	return NULL;
}

static const char *failure_fault(const struct failure *failure)
{
	if (failure->stage == 0 || failure->stage >= FAILURE_STAGES)
		return "stage of a failure is out of range";
	return NULL;
}

const char *record_batch_fault(const struct batch *batch, size_t bytes, unsigned domains,
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
	if ((header->sequence == 0) == (header->type == BATCH_TRAFFIC))
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
	for (unsigned i = 0; i < header->count && !fault; i++)
		fault = record_fault(&batch->records[i], domains);
	if (fault)
		return fault;

	*state = (struct batch_state){ header->sequence + 1, header->packets, header->ring_drops,
				       header->stalls };
	return NULL;
}
