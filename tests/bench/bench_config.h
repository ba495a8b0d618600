/* SPDX-License-Identifier: MIT */
/* The configuration that the exporter would send to capture for the generator's domains */
#pragma once

struct config;

/**
 * bench_config() - Original dnstt, ready for decode()
 * @domains:	t.example.com, t1.example.com and so on
 */
void bench_config(struct config *ret_config, unsigned domains);
