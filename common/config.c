/* SPDX-License-Identifier: MIT */
/* The rules that a configuration must pass before capture runs with it */
#include "common/config.h"

#include <stdbool.h>

#include "common/sixteen.h"

static bool name_is_canonical(const struct tunnel *tunnel)
{
	unsigned at = 0, labels = 0;

	while (at < tunnel->name_bytes && tunnel->name[at] != 0) {
		unsigned length = tunnel->name[at++];

		if (length > 63)
			return false;
		for (unsigned i = 0; i < length; i++, at++)
			if (at >= tunnel->name_bytes || tunnel->name[at] >= 0x80 ||
			    (tunnel->name[at] >= 'A' && tunnel->name[at] <= 'Z'))
				return false;
		labels++;
	}
	if (labels == 0 || labels != tunnel->labels || at + 1 != tunnel->name_bytes)
		return false;
	for (; at < CONFIG_NAME_BYTES; at++)
		if (tunnel->name[at] != 0)
			return false;
	return true;
}

const char *config_fault(const struct config *config)
{
	if (config->magic != CONFIG_MAGIC || config->version != CONFIG_VERSION)
		return "configuration is of another program or version";
	if (config->port == 0)
		return "port is 0";
	if (config->block_bytes < CONFIG_BLOCK_MIN || config->block_bytes > CONFIG_BLOCK_MAX ||
	    (config->block_bytes & (config->block_bytes - 1)) != 0 || config->blocks == 0 ||
	    config->blocks > CONFIG_RING_MAX / config->block_bytes)
		return "size of the ring is out of range";
	if (config->latency_ms == 0 || config->latency_ms > CONFIG_LATENCY_MAX)
		return "latency is out of range";
	if (config->use_ecs > 1)
		return "switch is neither on nor off";
	if (config->tunnel_count == 0 || config->tunnel_count > CONFIG_DOMAINS)
		return "number of domains is out of range";

	for (unsigned i = 0; i < config->tunnel_count; i++) {
		const struct tunnel *tunnel = &config->tunnels[i];

		if (!name_is_canonical(tunnel))
			return "domain is not in lower-case wire form";
		if (tunnel->id_bytes == 0 || tunnel->id_bytes > 8)
			return "length of the ClientID is out of range";
		if (tunnel->alphabet >= ALPHABETS || tunnel->framing >= FRAMINGS)
			return "alphabet or framing is unknown";
		if (tunnel->qtype_count == 0 || tunnel->qtype_count > CONFIG_QTYPES)
			return "number of QTYPEs is out of range";
	}
	return NULL;
}

/* The next bytes of a name in lower case, zeros after its @left bytes */
static v16u8 lower(const uint8_t *name, size_t left)
{
	v16u8 c = sixteen_load(name) & sixteen_first(left);

	return c | ((v16u8)((v16u8)(c - 'A') < 26) & 0x20);
}

/* Names that differ in length or in their first 16 bytes rarely meet. The operator chooses them,
 * so there is nobody to choose names that do.
 */
static uint8_t name_hash(v16u8 first, size_t bytes)
{
	const uint64_t a = ((v2u64)first)[0] ^ bytes, b = ((v2u64)first)[1];

	return (uint8_t)((a * 0x9e3779b97f4a7c15u ^ b * 0xc2b2ae3d27d4eb4fu) >> 56);
}

void config_index(struct config *config)
{
	for (unsigned i = 0; i < config->tunnel_count; i++) {
		const struct tunnel *tunnel = &config->tunnels[i];
		uint8_t hash =
			name_hash(lower(tunnel->name, tunnel->name_bytes), tunnel->name_bytes);

		config->name_lengths[tunnel->name_bytes / 64] |= UINT64_C(1)
								 << tunnel->name_bytes % 64;
		if (tunnel->labels > config->labels_max)
			config->labels_max = tunnel->labels;
		config->hash_next[i] = config->hash_first[hash];
		config->hash_first[hash] = (uint8_t)(i + 1);
	}
}

int config_domain(const struct config *config, const uint8_t *name, size_t bytes)
{
	v16u8 first;

	if (!(config->name_lengths[bytes / 64 % 4] >> bytes % 64 & 1))
		return -1;
	first = lower(name, bytes);
	for (unsigned i = config->hash_first[name_hash(first, bytes)]; i;
	     i = config->hash_next[i - 1]) {
		const struct tunnel *tunnel = &config->tunnels[i - 1];
		v16u8 differ = first ^ sixteen_load(tunnel->name);

		for (size_t at = 16; at < bytes; at += 16)
			differ |= lower(name + at, bytes - at) ^ sixteen_load(tunnel->name + at);
		if (tunnel->name_bytes == bytes && sixteen_is_zero(differ))
			return (int)i - 1;
	}
	return -1;
}
