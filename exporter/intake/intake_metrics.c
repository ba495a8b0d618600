/* SPDX-License-Identifier: MIT */
/* The metrics of capture */
#include "intake/intake_metrics.h"

#include "common/record_check.h"
#include "metrics/exposition.h"
#include "metrics/sample.h"

static void write_drops(struct text *text, const struct family *family, const void *source)
{
	sample_label(text, family, "place", "ring");
	sample_end(text, sample_number(source, family));
}

static const struct family_shape by_place = { write_drops, NULL };

#define CAPTURE(member) offsetof(struct batch_state, member)

const struct family intake_metrics_families[] = {
	{ "dnstt_capture_packets", COUNTER, "Packets that the kernel handed to capture.",
	  &exposition_number, CAPTURE(packets) },
	{ "dnstt_capture_drops", COUNTER,
	  "Packets lost, by place; ring: the kernel had no room for them in the packet ring.",
	  &by_place, CAPTURE(ring_drops) },
	{ "dnstt_capture_stalls", COUNTER,
	  "Times that capture waited for the exporter; nothing is lost by it.", &exposition_number,
	  CAPTURE(stalls) },
	{ 0 },
};
