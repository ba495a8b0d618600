/* SPDX-License-Identifier: MIT */
/* The kernel filter: which packets capture ever sees */
#pragma once

#include <stdint.h>

struct sock_fprog;

/* The filter for a DNSTT server on @port, in static memory. No system calls. */
struct sock_fprog filter_program(uint16_t port);
