/* SPDX-License-Identifier: MIT */
/* Tunnel packets: what follows a ClientID in each framing, and what a TXT answer holds */
#include <stdlib.h>

#include "capture/tunnel.h"
#include "packet_craft.h"
#include "unit.h"

#define KCP "a KCP segment's header..+" /* 25 bytes */

/* The bytes lie in memory of exactly their size, so that a sanitizer sees a read past it */
static bool upstream(enum framing framing, const void *bytes, size_t count,
		     struct tunnel_packets *packets)
{
	static uint8_t *rest; /* what is shown of a packet lies in it */
	bool result;

	free(rest);
	rest = malloc(count + 1);

	assert_non_null(rest);
	memset(packets, 0, sizeof(*packets));
	result = tunnel_upstream[framing](memcpy(rest + 1, bytes, count), count, packets);
	return result;
}

struct body {
	const char *bytes;
	size_t count;
	bool accepted;
	unsigned payload;
	const char *head; /* of what is delivered */
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
		if (body->head)
			assert_memory_equal(packets.first, body->head, strlen(body->head));
		assert_int_equal(packets.first_bytes != 0, body->payload != 0);
	}
}

static void test_dnstt_client_writes_padding_then_packets(void **state)
{
	static const struct body bodies[] = {
		{ BODY("\xe0"), true, 0, NULL },
		{ BODY("\xe8"
		       "12345678"),
		  true, 0, NULL },
		{ BODY("\xe3"
		       "abc\x05hello"),
		  true, 5, "hello" },
		{ BODY("\xe0\x02"
		       "ab\x03"
		       "cde"),
		  true, 5, "ab" },
		{ BODY("\xe1x\xe2xx\x01y\xe0"), true, 1, "y" },
		{ BODY("\xff"
		       "1234567890123456789012345678901"),
		  true, 0, NULL },
		{ BODY("\xe0\0\0\x02hi"), true, 2, "hi" },
		{ BODY(""), false, 0, NULL },
		{ BODY("\x05hello"), false, 0, NULL }, /* no padding before it */
		{ BODY("\xdf"), false, 0, NULL },
		{ BODY("\0"), false, 0, NULL },
		{ BODY("\xe1"), false, 0, NULL }, /* padding cut short */
		{ BODY("\xe8"
		       "1234567"),
		  false, 0, NULL },
		{ BODY("\xe0\x05hell"), false, 0, NULL }, /* packet cut short */
		{ BODY("\xe3"
		       "abc\x05hello\x01"),
		  false, 0, NULL },
		{ BODY("\xff"
		       "123456789012345678901234567890"),
		  false, 0, NULL },
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
		{ BODY(""), true, 0, NULL },
		{ BODY("\x05hello"), true, 5, "hello" },
		{ BODY("\x05hello\x05hell"), true, 5, "hello" },
		{ BODY("\x02hi\xe8"
		       "1"),
		  true, 2, "hi" },
		{ BODY("\xe1"), true, 0, NULL },
		{ BODY("\xdf"), true, 0, NULL },
	};

	(void)state;
	assert_bodies(FRAMING_SERVER, bodies, COUNT(bodies));
}

static void test_vaydns_client_writes_a_nonce_or_one_packet(void **state)
{
	static const struct body bodies[] = {
		{ BODY("1234"), true, 0, NULL },
		{ BODY("\x03"
		       "abc"),
		  true, 0, NULL }, /* four bytes are a nonce, whatever they say */
		{ BODY("\x01"
		       "a"),
		  true, 1, "a" },
		{ BODY("\x05hello"), true, 5, "hello" },
		{ BODY(""), false, 0, NULL },
		{ BODY("\0"), false, 0, NULL },
		{ BODY("\x05hell"), false, 0, NULL },
		{ BODY("\x05hello!"), false, 0, NULL },
		{ BODY("\x02"
		       "a"),
		  false, 0, NULL },
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
		{ BODY("\xfe\x02\0noise"), true, 0, NULL }, /* hint */
		{ BODY("\xff"), false, 0, NULL },	    /* ping: no session */
		{ BODY("\xffnoise!"), false, 0, NULL },
		{ BODY("\xff\x04\xd0noise!"), false, 0, NULL }, /* of a certain size */
		{ BODY("\xff"
		       "1234567890123456789012345678901"),
		  false, 0, NULL },	       /* also where it is padding to dnstt */
		{ BODY("\0"), true, 0, NULL }, /* poll */
		{ BODY("\0noise"), true, 0, NULL },
		{ BODY("\x05hello"), true, 5, "hello" },
		{ BODY("\x05hello and more"), true, 5, "hello" },
		{ BODY("\xfdxx\x05hello"), true, 5, "hello" }, /* behind a hint */
		{ BODY("\xfdxx\x05hello and more"), true, 5, "hello" },
		{ BODY("\xfdxx\0"), true, 0, NULL },
		{ BODY("\xe3"
		       "abc\x05hello"),
		  true, 5, "hello" }, /* as dnstt */
		{ BODY("\xe0\x02hi\x03you"), true, 5, "hi" },
		{ BODY("\xfdxx\xe3"
		       "abc\x05hello"),
		  true, 5, "hello" },
		{ BODY(""), false, 0, NULL },
		{ BODY("\x05hell"), false, 0, NULL },
		{ BODY("\xdf"), false, 0, NULL },
		{ BODY("\xfd"), false, 0, NULL },
		{ BODY("\xfdxx"), false, 0, NULL },
		{ BODY("\xfdxx\xff"), false, 0, NULL }, /* a ping stands first or nowhere */
		{ BODY("\xfdxx\x05hell"), false, 0, NULL },
		{ BODY("\xfdxx\xe1"), false, 0, NULL },
		{ BODY("\xe1xx"), false, 0, NULL },
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
		memcpy(body + 2, KCP, bytes);
		assert_true(upstream(FRAMING_DNSTT, body, 2 + bytes, &packets));
		assert_int_equal(packets.first_bytes, bytes);
		assert_memory_equal(packets.first, KCP, bytes);
	}
}

static void test_first_packet_that_is_not_empty_shows_its_head(void **state)
{
	struct tunnel_packets packets;

	(void)state;
	assert_true(upstream(FRAMING_DNSTT, BODY("\xe0\0\x18" KCP "\0"), &packets) == false);
	assert_true(upstream(FRAMING_DNSTT, BODY("\xe0\0\x19" KCP "\0"), &packets));
	assert_int_equal(packets.first_bytes, 25);
	assert_memory_equal(packets.first, KCP, TUNNEL_HEAD_BYTES);
	/* A short one comes first, so its head is that of no KCP segment */
	assert_true(upstream(FRAMING_DNSTT, BODY("\xe0\x01z\x19" KCP), &packets));
	assert_int_equal(packets.first_bytes, 1);
	assert_int_equal(packets.first[0], 'z');
	assert_int_equal(packets.bytes, 26);
}

/* The answer's text in strings of @step bytes */
static struct tunnel_packets downstream(const struct craft *text, size_t step, size_t cut)
{
	struct craft rdata = { .size = 0 };
	struct tunnel_packets packets;
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
	assert_int_equal(packets.first_bytes, 24);
	for (unsigned i = 0; i < TUNNEL_HEAD_BYTES; i++)
		assert_int_equal(packets.first[i], i + 1);
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
	struct tunnel_packets packets;

	(void)state;
	tunnel_downstream((struct cursor){ empty, empty + 1 }, &packets);
	assert_int_equal(packets.bytes, 0);
	assert_int_equal(packets.first_bytes, 0);
	/* A string that is longer than what is there */
	tunnel_downstream((struct cursor){ cut, cut + 5 }, &packets);
	assert_int_equal(packets.bytes, 2);
}

static void test_longest_answer_is_read_to_its_end(void **state)
{
	struct tunnel_packets packets;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dnstt_client_writes_padding_then_packets),
		cmocka_unit_test(test_probes_of_random_bytes_are_refused),
		cmocka_unit_test(test_dnstt_server_takes_what_comes_before_the_first_short_packet),
		cmocka_unit_test(test_vaydns_client_writes_a_nonce_or_one_packet),
		cmocka_unit_test(test_dnsttex_client_has_modes),
		cmocka_unit_test(test_kcp_header_has_24_bytes),
		cmocka_unit_test(test_first_packet_that_is_not_empty_shows_its_head),
		cmocka_unit_test(test_answer_holds_packets_behind_their_lengths),
		cmocka_unit_test(test_empty_answer_is_one_empty_string),
		cmocka_unit_test(test_longest_answer_is_read_to_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
