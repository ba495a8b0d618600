/* SPDX-License-Identifier: MIT */
/* Taking values that many keys have: text, paths, booleans */
#pragma once

#include "web/config/reader.h"

/* take() of a struct web_value: any text, and a path; of a bool */
int take_text(struct reader *reader, const struct reader_rule *rule,
	      const struct reader_scalar *entry, const struct reader_scalar *value);
int take_path(struct reader *reader, const struct reader_rule *rule,
	      const struct reader_scalar *entry, const struct reader_scalar *value);
int take_bool(struct reader *reader, const struct reader_rule *rule,
	      const struct reader_scalar *entry, const struct reader_scalar *value);

/**
 * take_no_room() - reader_fault() for a pool that is full
 */
int take_no_room(struct reader *reader, unsigned line);

/**
 * take_too_many() - reader_fault() for a list that is full
 */
int take_too_many(struct reader *reader, unsigned line, unsigned most);
