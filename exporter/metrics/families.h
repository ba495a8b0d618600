/* SPDX-License-Identifier: MIT */
/* The metric families: one table with name, type, help, and where the samples come from */
#pragma once

#include <stddef.h>

#include "base/text.h"

struct exposition;

enum family_type { COUNTER, GAUGE };

struct family {
	const char *name; /* of a counter: without _total */
	enum family_type type;
	const char *help;
	void (*samples)(struct text *text, const struct family *family,
			const struct exposition *exposition);
	size_t field; /* offset of a uint64_t in what samples() reads */
};

/* In the order in which they are shown; the last has no name */
extern const struct family families[];
