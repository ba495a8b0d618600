/* SPDX-License-Identifier: MIT */
/* Tunnel packets: what follows a ClientID in each framing, and what a TXT answer holds */
#include <stdlib.h>

#include "capture/tunnel.h"
#include "packet_craft.h"
#include "unit.h"

/* A KCP segment's header: conv, command, ts, sn, una, length */
#define SEGMENT(conv, command, ts, sn, una, length) \
	conv "\0\0\0" command "\0\0\1" ts "\0\0\0" sn "\0\0\0" una "\0\0\0" length "\0\0\0"
#define PUSH "\x51"
#define ACK  "\x52"
#define WASK "\x53"
#define WINS "\x54"

static struct record more[RECORD_MESSAGE_MAX - 1];

/* That the segments found are these, in records of which the rest is zero */
static void assert_segments(const struct tunnel_packets *packets, const struct segment *wanted,
			    unsigned count)
{
	static const struct segment none = { .ts = 0 };

	assert_int_equal(packets->segments, count);
	for (unsigned i = 0; i < (count + RECORD_SEGMENTS - 1) / RECORD_SEGMENTS * RECORD_SEGMENTS;
	     i++) {
		const struct record *record = &more[i / RECORD_SEGMENTS];

		assert_memory_equal(&record->segment[i % RECORD_SEGMENTS],
				    i < count ? &wanted[i] : &none, sizeof(none));
		assert_int_equal(record->kind, RECORD_MORE);
	}
}

/* The bytes lie in memory of exactly their size, so that a sanitizer sees a read past it */
static bool upstream(enum framing framing, const void *bytes, size_t count,
		     struct tunnel_packets *packets)
{
	uint8_t *rest = malloc(count + 1);
	bool result;

	assert_non_null(rest);
	memset(more, 0xa5, sizeof(more));
	*packets = (struct tunnel_packets){
		.more = framing == FRAMING_DNSTTEX ? NULL : more,
		.last_command = RECORD_KCP_ACK,
	};
	memcpy(rest + 1, bytes, count);
	result = tunnel_upstream[framing]((struct cursor){ rest + 1, rest + 1 + count }, packets);
	free(rest);
	return result;
}

struct body {
	const char *bytes;
	size_t count;
	bool accepted;
	unsigned payload; /* that is delivered */
};

#define BODY(text) (text), sizeof(text) - 1

static void assert_bodies(enum framing framing, const struct body *bodies, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct body *body = &bodies[i];
		struct tunnel_packets packets;

		assert_int_equal(upstream(framing, body->bytes, body->count, &packets),
				 body->accepted);
		if (!body->accepted)
			continue;
		assert_int_equal(packets.bytes, body->payload);
		assert_int_equal(packets.flags, 0);
	}
}

static void test_dnstt_client_writes_padding_then_packets(void **state)
{
	static const struct body bodies[] = {
		{ BODY("\xe0"), true, 0 },
		{ BODY("\xe8"
		       "12345678"),
		  true, 0 },
		{ BODY("\xe3"
		       "abc\x05hello"),
		  true, 5 },
		{ BODY("\xe0\x02"
		       "ab\x03"
		       "cde"),
		  true, 5 },
		{ BODY("\xe1x\xe2xx\x01y\xe0"), true, 1 },
		{ BODY("\xff"
		       "1234567890123456789012345678901"),
		  true, 0 },
		{ BODY("\xe0\0\0\x02hi"), true, 2 },
		{ BODY(""), false, 0 },
		{ BODY("\x05hello"), false, 0 }, /* no padding before it */
		{ BODY("\xdf"), false, 0 },
		{ BODY("\0"), false, 0 },
		{ BODY("\xe1"), false, 0 }, /* padding cut short */
		{ BODY("\xe8"
		       "1234567"),
		  false, 0 },
		{ BODY("\xe0\x05hell"), false, 0 }, /* packet cut short */
		{ BODY("\xe3"
		       "abc\x05hello\x01"),
		  false, 0 },
		{ BODY("\xff"
		       "123456789012345678901234567890"),
		  false, 0 },
	};

	(void)state;
	assert_bodies(FRAMING_DNSTT, bodies, COUNT(bodies));
}

/* SlipGate's probes are 32 bytes that look random: 16 of nonce and 16 of HMAC (its dnsrouter/verify.go).
 * Of what stands behind the first eight, one in eight begins like padding, and one in 214 also ends
 * where its lengths say.
 */
static void test_probes_of_random_bytes_are_refused(void **state)
{
	unsigned padding = 0, accepted = 0, server = 0;
	uint64_t seed = 1;
	struct tunnel_packets packets;

	(void)state;
	for (unsigned probe = 0; probe < 100000; probe++) {
		uint8_t body[24];

		for (unsigned i = 0; i < COUNT(body); i++)
			body[i] = (uint8_t)unit_random(&seed);
		padding += body[0] >= 0xe0;
		accepted += upstream(FRAMING_DNSTT, body, sizeof(body), &packets);
		server += upstream(FRAMING_SERVER, body, sizeof(body), &packets);
	}
	assert_in_range(padding, 12200, 12800);
	assert_in_range(accepted, 400, 540);
	assert_int_equal(server, 100000);
}

static void test_dnstt_server_takes_what_comes_before_the_first_short_packet(void **state)
{
	static const struct body bodies[] = {
		{ BODY(""), true, 0 },
		{ BODY("\x05hello"), true, 5 },
		{ BODY("\x05hello\x05hell"), true, 5 },
		{ BODY("\x02hi\xe8"
		       "1"),
		  true, 2 },
		{ BODY("\xe1"), true, 0 },
		{ BODY("\xdf"), true, 0 },
	};

	(void)state;
	assert_bodies(FRAMING_SERVER, bodies, COUNT(bodies));
}

static void test_vaydns_client_writes_a_nonce_or_one_packet(void **state)
{
	static const struct body bodies[] = {
		{ BODY("1234"), true, 0 },
		{ BODY("\x03"
		       "abc"),
		  true, 0 }, /* four bytes are a nonce, whatever they say */
		{ BODY("\x01"
		       "a"),
		  true, 1 },
		{ BODY("\x05hello"), true, 5 },
		{ BODY(""), false, 0 },
		{ BODY("\0"), false, 0 },
		{ BODY("\x05hell"), false, 0 },
		{ BODY("\x05hello!"), false, 0 },
		{ BODY("\x02"
		       "a"),
		  false, 0 },
	};
	struct tunnel_packets packets;
	char longest[151];

	(void)state;
	assert_bodies(FRAMING_VAYDNS, bodies, COUNT(bodies));
	memset(longest, 150, sizeof(longest));
	assert_true(upstream(FRAMING_VAYDNS, longest, sizeof(longest), &packets));
	assert_int_equal(packets.bytes, 150);
}

static void test_dnsttex_client_has_modes(void **state)
{
	static const struct body bodies[] = {
		{ BODY("\xfe\x02\0noise"), true, 0 }, /* hint */
		{ BODY("\xff"), false, 0 },	      /* ping: no session */
		{ BODY("\xffnoise!"), false, 0 },
		{ BODY("\xff\x04\xd0noise!"), false, 0 }, /* of a certain size */
		{ BODY("\xff"
		       "1234567890123456789012345678901"),
		  false, 0 },		 /* also where it is padding to dnstt */
		{ BODY("\0"), true, 0 }, /* poll */
		{ BODY("\0noise"), true, 0 },
		{ BODY("\x05hello"), true, 5 },
		{ BODY("\x05hello and more"), true, 5 },
		{ BODY("\xfdxx\x05hello"), true, 5 }, /* behind a hint */
		{ BODY("\xfdxx\x05hello and more"), true, 5 },
		{ BODY("\xfdxx\0"), true, 0 },
		{ BODY("\xe3"
		       "abc\x05hello"),
		  true, 5 }, /* as dnstt */
		{ BODY("\xe0\x02hi\x03you"), true, 5 },
		{ BODY("\xfdxx\xe3"
		       "abc\x05hello"),
		  true, 5 },
		{ BODY(""), false, 0 },
		{ BODY("\x05hell"), false, 0 },
		{ BODY("\xdf"), false, 0 },
		{ BODY("\xfd"), false, 0 },
		{ BODY("\xfdxx"), false, 0 },
		{ BODY("\xfdxx\xff"), false, 0 }, /* a ping stands first or nowhere */
		{ BODY("\xfdxx\x05hell"), false, 0 },
		{ BODY("\xfdxx\xe1"), false, 0 },
		{ BODY("\xe1xx"), false, 0 },
	};

	(void)state;
	assert_bodies(FRAMING_DNSTTEX, bodies, COUNT(bodies));
}

static void test_kcp_header_has_24_bytes(void **state)
{
	struct tunnel_packets packets;
	char body[28] = "\xe0\0";

	(void)state;
	for (unsigned bytes = 22; bytes <= 25; bytes++) {
		body[1] = (char)bytes;
		memcpy(body + 2, SEGMENT("\1", PUSH, "\2", "\3", "\4", "\1") "+", bytes);
		assert_true(upstream(FRAMING_DNSTT, body, 2 + bytes, &packets));
		assert_int_equal(packets.bytes, bytes);
		assert_int_equal(packets.flags, bytes >= 24 ? RECORD_FLAG_KCP : 0);
		assert_int_equal(packets.segments, bytes == 25);
	}
	assert_int_equal(packets.conv, 1);
	assert_int_equal(packets.una, 4);
	assert_segments(&packets,
			&((struct segment){ .ts = 2, .sn = 3, .bytes = 1, .command = 81 }), 1);
}

static void test_first_packet_that_is_not_empty_says_whether_it_is_kcp(void **state)
{
	struct tunnel_packets packets;

	(void)state;
	assert_true(upstream(FRAMING_DNSTT,
			     BODY("\xe0\0\x18" SEGMENT("\1", ACK, "\2", "\3", "\4", "\0") "\0"),
			     &packets));
	assert_true(packets.flags & RECORD_FLAG_KCP);
	assert_int_equal(packets.segments, 1);
	/* A short one comes first */
	assert_true(upstream(FRAMING_DNSTT,
			     BODY("\xe0\x01z\x18" SEGMENT("\1", ACK, "\2", "\3", "\4", "\0")),
			     &packets));
	assert_int_equal(packets.flags, 0);
	assert_int_equal(packets.segments, 0);
	assert_int_equal(packets.bytes, 25);
	/* dnsttEx has headers of 12 bytes */
	assert_true(upstream(FRAMING_DNSTTEX,
			     BODY("\x18" SEGMENT("\1", ACK, "\2", "\3", "\4", "\0")), &packets));
	assert_int_equal(packets.flags, 0);
	assert_int_equal(packets.segments, 0);
}

/* As a client flushes: acknowledgements, then a window probe, then data */
static void test_segments_of_every_packet_are_seen(void **state)
{
	static const char body[] = "\xe0\x4b" /* 75 bytes */
		SEGMENT("\1", ACK, "\x10", "\x11", "\x12", "\0") SEGMENT("\1", WINS, "\x20", "\x21",
									 "\x22", "\0")
			SEGMENT("\1", PUSH, "\x30", "\x31", "\x32",
				"\3") "abc"
				      "\x18" SEGMENT("\1", PUSH, "\x40", "\x41", "\x42", "\0");
	static const struct segment wanted[] = {
		{ .ts = 0x10, .sn = 0x11, .command = 82 },
		{ .ts = 0x30, .sn = 0x31, .bytes = 3, .command = 81 },
		{ .ts = 0x40, .sn = 0x41, .command = 81 },
	};
	struct tunnel_packets packets;

	(void)state;
	assert_true(upstream(FRAMING_DNSTT, BODY(body), &packets));
	assert_segments(&packets, wanted, COUNT(wanted));
	assert_int_equal(packets.una, 0x12);
}

/* What kcp-go's Input() refuses, it has not looked beyond */
static void test_a_segment_that_is_not_whole_ends_its_packet(void **state)
{
	static const struct {
		const char *bytes;
		size_t count;
		unsigned segments;
	} bodies[] = {
		/* longer than the packet */
		{ BODY("\xe0\x19" SEGMENT("\1", PUSH, "\2", "\3", "\4", "\2") "+"), 0 },
		{ BODY("\xe0\x19" SEGMENT("\1", PUSH, "\2", "\3", "\4", "\0\0\0\1")), 0 },
		/* commands that KCP does not have */
		{ BODY("\xe0\x18" SEGMENT("\1", "\x50", "\2", "\3", "\4", "\0")), 0 },
		{ BODY("\xe0\x18" SEGMENT("\1", "\x55", "\2", "\3", "\4", "\0")), 0 },
		/* those before it were whole; the next packet is another matter */
		{ BODY("\xe0\x48" SEGMENT("\1", ACK, "\2", "\3", "\4", "\0")
			       SEGMENT("\1", PUSH, "\2", "\3", "\4", "\x19")
				       SEGMENT("\1", PUSH, "\2", "\3", "\4", "\0") "\x18" SEGMENT(
					       "\1", PUSH, "\2", "\3", "\4", "\0")),
		  2 },
	};
	struct tunnel_packets packets;

	(void)state;
	for (size_t i = 0; i < COUNT(bodies); i++) {
		upstream(FRAMING_DNSTT, bodies[i].bytes, bodies[i].count, &packets);
		assert_int_equal(packets.segments, bodies[i].segments);
	}
}

/* The answer's text in strings of @step bytes */
static struct tunnel_packets downstream(const struct craft *text, size_t step, size_t cut)
{
	struct craft rdata = { .size = 0 };
	struct tunnel_packets packets = { .more = more, .last_command = RECORD_KCP_PUSH };
	uint8_t *bytes;

	for (size_t at = 0; at < text->size; at += step) {
		size_t string = text->size - at < step ? text->size - at : step;

		craft_8(&rdata, (unsigned)string);
		craft_bytes(&rdata, text->at + at, string);
	}
	assert_true(cut <= rdata.size);
	rdata.size -= cut;
	bytes = malloc(rdata.size + 1);
	assert_non_null(bytes);
	memcpy(bytes + 1, rdata.at, rdata.size);
	tunnel_downstream((struct cursor){ bytes + 1, bytes + 1 + rdata.size }, &packets);
	free(bytes);
	return packets;
}

static void put_packet(struct craft *craft, size_t bytes)
{
	craft_16(craft, (unsigned)bytes);
	for (size_t i = 0; i < bytes; i++)
		craft_8(craft, (unsigned)i + 1);
}

static void test_answer_holds_packets_behind_their_lengths(void **state)
{
	struct craft text = { .size = 0 };
	struct tunnel_packets packets;

	(void)state;
	packets = downstream(&text, 255, 0);
	assert_int_equal(packets.bytes, 0);
	put_packet(&text, 0);
	put_packet(&text, 24);
	put_packet(&text, 500);
	packets = downstream(&text, 255, 0);
	assert_int_equal(packets.bytes, 524);
	assert_true(packets.flags & RECORD_FLAG_KCP);
	assert_int_equal(packets.conv, 0x04030201);
	assert_int_equal(packets.una, 0x14131211);
	for (size_t step = 1; step < 255; step += 11)
		assert_int_equal(downstream(&text, step, 0).bytes, 524);
	/* Cut in the last packet, which then is not counted; and between its length's bytes */
	assert_int_equal(downstream(&text, 255, 1).bytes, 24);
	assert_int_equal(downstream(&text, 255, 500 + 2 + 1).bytes, 24);
	craft_8(&text, 0);
	assert_int_equal(downstream(&text, 255, 0).bytes, 524);
}

static void test_empty_answer_is_one_empty_string(void **state)
{
	static const uint8_t empty[1], cut[5] = { 0xff, 0, 2, 'h', 'i' };
	struct tunnel_packets packets = { .more = more };

	(void)state;
	tunnel_downstream((struct cursor){ empty, empty + 1 }, &packets);
	assert_int_equal(packets.bytes, 0);
	/* A string that is longer than what is there */
	tunnel_downstream((struct cursor){ cut, cut + 5 }, &packets);
	assert_int_equal(packets.bytes, 2);
}

static void test_longest_answer_is_read_to_its_end(void **state)
{
	struct tunnel_packets packets = { .more = more };
	uint8_t *rdata = malloc(UINT16_MAX);

	(void)state;
	assert_non_null(rdata);
	/* 255 strings of 255 bytes and one of 254, in them one packet */
	memset(rdata, 0xfe, UINT16_MAX);
	for (size_t at = 0; at < 255 * 256; at += 256)
		rdata[at] = 0xff;
	rdata[1] = 0xfe;
	rdata[2] = 0xfd;
	tunnel_downstream((struct cursor){ rdata, rdata + UINT16_MAX }, &packets);
	assert_int_equal(packets.bytes, 0xfefd);
	assert_int_equal(packets.bytes, 255 * 255 + 254 - 2);
	free(rdata);
}

/* Wherever a string ends, in a header or in what it carries */
static void test_segments_of_an_answer_cross_its_strings(void **state)
{
	struct craft text = { .size = 0 };

	(void)state;
	craft_16(&text, 24 + 24 + 100 + 24);
	craft_bytes(&text, SEGMENT("\1", ACK, "\1", "\1", "\7", "\0"), 24);
	craft_bytes(&text, SEGMENT("\1", PUSH, "\2", "\3", "\7", "\x64"), 24);
	for (unsigned i = 0; i < 100; i++)
		craft_8(&text, i);
	craft_bytes(&text, SEGMENT("\1", PUSH, "\4", "\5", "\7", "\0"), 24);
	craft_16(&text, 24);
	craft_bytes(&text, SEGMENT("\1", PUSH, "\6", "\7", "\7", "\0"), 24);
	for (size_t step = 1; step < 256; step++) {
		static const struct segment wanted[] = {
			{ .ts = 2, .sn = 3, .bytes = 100, .command = 81 },
			{ .ts = 4, .sn = 5, .command = 81 },
			{ .ts = 6, .sn = 7, .command = 81 },
		};
		struct tunnel_packets packets = downstream(&text, step, 0);

		assert_segments(&packets, wanted, COUNT(wanted));
		assert_int_equal(packets.una, 7);
		/* Without its last byte a packet is not delivered, nor what is in it */
		packets = downstream(&text, step, 1);
		assert_int_equal(packets.segments, 2);
	}
}

static void test_segments_beyond_the_most_are_left_out(void **state)
{
	struct craft text = { .size = 0 };
	struct tunnel_packets packets;

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		craft_16(&text, 40 * 24);
		for (unsigned j = 0; j < 40; j++)
			craft_bytes(&text, SEGMENT("\1", PUSH, "\2", "\3", "\4", "\0"), 24);
	}
	packets = downstream(&text, 255, 0);
	assert_int_equal(packets.segments, RECORD_SEGMENTS_MAX);
	assert_int_equal(packets.bytes, 200 * 24);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dnstt_client_writes_padding_then_packets),
		cmocka_unit_test(test_probes_of_random_bytes_are_refused),
		cmocka_unit_test(test_dnstt_server_takes_what_comes_before_the_first_short_packet),
		cmocka_unit_test(test_vaydns_client_writes_a_nonce_or_one_packet),
		cmocka_unit_test(test_dnsttex_client_has_modes),
		cmocka_unit_test(test_kcp_header_has_24_bytes),
		cmocka_unit_test(test_first_packet_that_is_not_empty_says_whether_it_is_kcp),
		cmocka_unit_test(test_segments_of_every_packet_are_seen),
		cmocka_unit_test(test_a_segment_that_is_not_whole_ends_its_packet),
		cmocka_unit_test(test_segments_of_an_answer_cross_its_strings),
		cmocka_unit_test(test_segments_beyond_the_most_are_left_out),
		cmocka_unit_test(test_answer_holds_packets_behind_their_lengths),
		cmocka_unit_test(test_empty_answer_is_one_empty_string),
		cmocka_unit_test(test_longest_answer_is_read_to_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
