/* SPDX-License-Identifier: MIT */
/* The rules that a configuration must pass, each of them broken; and its index of domains */
#include "common/config.h"

#include <stdio.h>

#include "packet_craft.h"
#include "unit.h"

static struct config config;

static void make(void)
{
	craft_config(&config, "t.example.com");
	craft_config_add(&config, "a.very.long.domain.with.labels.example.com");
}

/* Whether the configuration passes, and that it is left as it was */
static bool passes(void)
{
	static struct config before;
	bool result;

	before = config;
	result = config_fault(&config) == NULL;
	assert_memory_equal(&config, &before, sizeof(config));
	return result;
}

static void test_right_configuration_passes(void **state)
{
	(void)state;
	make();
	assert_true(passes());
	while (config.tunnel_count < CONFIG_DOMAINS) {
		char name[16];

		(void)snprintf(name, sizeof(name), "d%u", config.tunnel_count);
		craft_config_add(&config, name);
	}
	assert_true(passes());
}

static void test_other_versions_are_refused(void **state)
{
	(void)state;
	make();
	config.magic++;
	assert_false(passes());
	make();
	config.version++;
	assert_false(passes());
	make();
	config.version = 0;
	assert_false(passes());
}

static void test_numbers_are_in_range(void **state)
{
	(void)state;
	make();
	config.port = 0;
	assert_false(passes());
	config.port = 65535;
	assert_true(passes());
	for (unsigned value = 0; value < 65536; value++) {
		config.latency_ms = (uint16_t)value;
		assert_int_equal(passes(), value >= 1 && value <= CONFIG_LATENCY_MAX);
	}
	make();
	for (unsigned value = 0; value < 256; value++) {
		config.use_ecs = (uint8_t)value;
		assert_int_equal(passes(), value <= 1);
	}
	make();
	for (unsigned value = 0; value < 256; value++) {
		config.tunnel_count = (uint8_t)value;
		assert_int_equal(passes(), value == 1 || value == 2);
	}
}

static void test_blocks_are_powers_of_two_that_hold_a_packet(void **state)
{
	(void)state;
	make();
	config.blocks = 1;
	for (unsigned bit = 0; bit < 32; bit++) {
		config.block_bytes = 1u << bit;
		assert_int_equal(passes(),
				 1u << bit >= CONFIG_BLOCK_MIN && 1u << bit <= CONFIG_BLOCK_MAX);
		config.block_bytes |= 1;
		assert_false(passes());
		config.block_bytes = 1u << bit | CONFIG_BLOCK_MIN;
		assert_int_equal(passes(), 1u << bit == CONFIG_BLOCK_MIN);
	}
}

static void test_ring_is_not_larger_than_a_gigabyte(void **state)
{
	static const uint32_t sizes[] = { CONFIG_BLOCK_MIN, 524288, CONFIG_BLOCK_MAX };

	(void)state;
	make();
	for (size_t i = 0; i < COUNT(sizes); i++) {
		config.block_bytes = sizes[i];
		config.blocks = 0;
		assert_false(passes());
		config.blocks = CONFIG_RING_MAX / sizes[i];
		assert_true(passes());
		config.blocks++;
		assert_false(passes());
		config.blocks = UINT32_MAX;
		assert_false(passes());
	}
}

static void test_tunnels_are_of_a_known_kind(void **state)
{
	struct tunnel *last = &config.tunnels[1];

	(void)state;
	for (unsigned value = 0; value < 256; value++) {
		make();
		last->id_bytes = (uint8_t)value;
		assert_int_equal(passes(), value >= 1 && value <= 8);
		make();
		last->alphabet = (uint8_t)value;
		assert_int_equal(passes(), value < ALPHABETS);
		make();
		last->framing = (uint8_t)value;
		assert_int_equal(passes(), value < FRAMINGS);
		make();
		last->qtype_count = (uint8_t)value;
		assert_int_equal(passes(), value >= 1 && value <= CONFIG_QTYPES);
	}
}

static void test_domain_is_in_lower_case_wire_form(void **state)
{
	struct tunnel *tunnel = &config.tunnels[0];
	const unsigned bytes = 15; /* 1 t 7 example 3 com 0 */

	(void)state;
	for (unsigned value = 0; value < 256; value++) {
		make();
		assert_int_equal(tunnel->name_bytes, bytes);
		tunnel->name_bytes = (uint8_t)value;
		assert_int_equal(passes(), value == bytes);
		make();
		tunnel->labels = (uint8_t)value;
		assert_int_equal(passes(), value == 3);
		make();
		tunnel->name[1] = (uint8_t)value;
		assert_int_equal(passes(), value < 0x80 && !(value >= 'A' && value <= 'Z'));
		make();
		tunnel->name[2] = (uint8_t)value; /* a length: 7, or both labels in one */
		if (value == 11)
			tunnel->labels = 2;
		assert_int_equal(passes(), value == 7 || value == 11);
	}
	for (unsigned at = bytes - 1; at < CONFIG_NAME_BYTES; at++) {
		make();
		tunnel->name[at] = 1;
		assert_false(passes());
	}
	make();
	memset(tunnel->name, 0, sizeof(tunnel->name));
	tunnel->name_bytes = 1;
	tunnel->labels = 0;
	assert_false(passes()); /* the root is none */
}

static void test_longest_domain_has_255_bytes(void **state)
{
	struct tunnel *tunnel = &config.tunnels[0];

	(void)state;
	for (unsigned last = 60; last <= 62; last++) {
		make();
		memset(tunnel->name, 'a', sizeof(tunnel->name));
		tunnel->name[0] = tunnel->name[64] = tunnel->name[128] = 63;
		tunnel->name[192] = (uint8_t)last;
		memset(tunnel->name + 193 + last, 0, sizeof(tunnel->name) - 193 - last);
		tunnel->name_bytes = (uint8_t)(193 + last + 1);
		tunnel->labels = 4;
		assert_int_equal(passes(), last <= 61);
	}
	/* A label of 64 bytes, and one that ends behind the name */
	make();
	memset(tunnel->name, 'a', 65);
	tunnel->name[0] = 64;
	tunnel->name[65] = 0;
	tunnel->name_bytes = 66;
	tunnel->labels = 1;
	assert_false(passes());
	make();
	memset(tunnel->name, 'a', sizeof(tunnel->name));
	for (unsigned at = 0; at < 256; at += 64)
		tunnel->name[at] = 63;
	tunnel->name_bytes = 255;
	tunnel->labels = 4;
	assert_false(passes());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_right_configuration_passes),
		cmocka_unit_test(test_other_versions_are_refused),
		cmocka_unit_test(test_numbers_are_in_range),
		cmocka_unit_test(test_blocks_are_powers_of_two_that_hold_a_packet),
		cmocka_unit_test(test_ring_is_not_larger_than_a_gigabyte),
		cmocka_unit_test(test_tunnels_are_of_a_known_kind),
		cmocka_unit_test(test_domain_is_in_lower_case_wire_form),
		cmocka_unit_test(test_longest_domain_has_255_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
