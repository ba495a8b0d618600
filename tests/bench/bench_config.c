/* SPDX-License-Identifier: MIT */
/* The configuration that the exporter would send to capture for the generator's domains */
#include "bench_config.h"

#include <error.h>
#include <string.h>

#include "common/config.h"
#include "frame.h"

void bench_config(struct config *ret_config, unsigned domains)
{
	const char *fault;

	memset(ret_config, 0, sizeof(*ret_config));
	ret_config->magic = CONFIG_MAGIC;
	ret_config->version = CONFIG_VERSION;
	ret_config->port = 53;
	ret_config->block_bytes = 512u << 10;
	ret_config->blocks = 64;
	ret_config->latency_ms = 50;
	ret_config->tunnel_count = (uint8_t)domains;
	for (unsigned i = 0; i < domains; i++) {
		struct tunnel *tunnel = &ret_config->tunnels[i];

		tunnel->name_bytes = (uint8_t)frame_domain("t.example.com", i, tunnel->name);
		tunnel->labels = 3;
		tunnel->qtypes[0] = 16;
		tunnel->qtype_count = 1;
		tunnel->edns_min = 1232;
		tunnel->id_bytes = 8;
		tunnel->alphabet = ALPHABET_BASE32;
		tunnel->framing = FRAMING_DNSTT;
	}
	fault = config_fault(ret_config);
	if (fault)
		error(1, 0, "configuration: %s", fault);
}
