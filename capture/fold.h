/* SPDX-License-Identifier: MIT */
/* Letters beyond ASCII that Go takes for others when it changes their case */
#pragma once

#include <stdint.h>
#include <string.h>

struct fold_letter {
	char from[4]; /* UTF-8; empty: the last */
	uint8_t to;   /* 0: nothing takes its place */
};

/* Replace letters. @out may be @in. Return: bytes written, no more than there were */
static inline size_t fold(const struct fold_letter *letters, uint8_t *out, const uint8_t *in,
			  size_t bytes)
{
	size_t length = 0, taken;

	for (size_t i = 0; i < bytes; i += taken) {
		const struct fold_letter *letter = letters;

		while (*letter->from && (strlen(letter->from) > bytes - i ||
					 memcmp(letter->from, in + i, strlen(letter->from)) != 0))
			letter++;
		taken = *letter->from ? strlen(letter->from) : 1;
		if (!*letter->from)
			out[length++] = in[i];
		else if (letter->to != 0)
			out[length++] = letter->to;
	}
	return length;
}
