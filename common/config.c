/* SPDX-License-Identifier: MIT */
/* The rules that a configuration must pass before capture runs with it */
#include "common/config.h"

#include <stdbool.h>

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
