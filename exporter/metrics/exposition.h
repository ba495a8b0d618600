/* SPDX-License-Identifier: MIT */
/* The metrics as text, in the formats that Prometheus knows */
#pragma once

#include <stddef.h>

#include "metrics/family.h"

enum exposition_format {
	TEXT_0_0_4,
	OPENMETRICS_1_0_0,
	EXPOSITION_FORMATS,
};

/* Shapes that need no code of the room: one sample without labels, which is a uint64_t of the source;
 * as it is, and of nanoseconds in seconds
 */
extern const struct family_shape exposition_number, exposition_seconds;

/**
 * exposition_bound() - Bytes that are enough for any moment, in every format
 * @collectors:	Their sources need only say how much there can ever be
 */
size_t exposition_bound(const struct collector *collectors, size_t count);

/**
 * exposition_render() - All families, in the order of the collectors
 * @buffer:	Of exposition_bound() bytes
 *
 * Return: bytes written; 0 if there was not enough room
 */
size_t exposition_render(const struct collector *collectors, size_t count,
			 enum exposition_format format, char *buffer, size_t bytes);
