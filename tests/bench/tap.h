/* SPDX-License-Identifier: MIT */
/* What the receivers that we compare with share: a filtered packet socket, and an end */
#pragma once

#include <signal.h>
#include <stdint.h>

/* Set by SIGTERM and SIGINT */
extern volatile sig_atomic_t tap_stopped;

/**
 * tap_open() - Packet socket that takes queries which arrive and responses which leave
 * @port:	UDP port of the server
 *
 * SOCK_DGRAM, not bound yet: no packet comes before tap_bind(). Exits on failure.
 *
 * Return: the descriptor
 */
int tap_open(uint16_t port);

/**
 * tap_bind() - Start, say "ready" on standard output, and end at SIGTERM
 */
void tap_bind(int fd, const char *interface);

/**
 * tap_latency() - Note how long packets waited
 * @microseconds:	From the kernel's timestamp to now
 * @count:		Packets
 */
void tap_latency(int64_t microseconds, uint64_t count);

/**
 * tap_report() - Print what was counted, with the kernel's count of drops, as JSON
 */
void tap_report(int fd, uint64_t packets, uint64_t bytes);
