/* SPDX-License-Identifier: MIT */
/* Recordings of link type LINUX_SLL2, packet by packet as the ring would have shown them */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sight;

struct pcap {
	uint8_t *bytes;
	size_t size, at;
	uint64_t now_ns; /* when the latest packet came, since 1970 */
};

/* The test fails if TEST_FIXTURES is not set, or has no such recording */
void pcap_open(struct pcap *ret_pcap, const char *name);

/* The next packet, valid until pcap_close(); false after the last */
bool pcap_next(struct pcap *pcap, struct sight *ret_sight);

void pcap_close(struct pcap *pcap);

/* A number out of NAME.expected.json, for a resolver or "total"; the test fails without it */
unsigned long pcap_expected(const char *name, const char *resolver, const char *key);
