/* SPDX-License-Identifier: MIT */
/* Base32 of a client's labels, as Go's encoding/base32 takes it */
#pragma once

#include <stdint.h>

#include "capture/dns.h"
#include "common/config.h"

#define BASE32_DECODED_BYTES 168 /* 253 characters give 158 bytes; written in steps of 8 */

/* Bytes that a client wrote into the first @prefix labels (main.go responseFor()). No system calls.
 * Return: how many; -1 if a character is not of the alphabet
 */
int base32_decode(const struct dns_name *name, unsigned prefix, enum alphabet alphabet,
		  uint8_t ret_decoded[BASE32_DECODED_BYTES]);
