/* SPDX-License-Identifier: MIT */
/* How much time bcrypt may take of the one event loop, and how much of it one source may use */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bucket.h"
#include "web/auth/credentials.h"

#define CREDENTIALS_SOURCES  1024
#define CREDENTIALS_WAIT_S   CREDENTIALS_RETRY_S /* after which a source has one more computation */
#define CREDENTIALS_IN_A_ROW 4			 /* computations that a source has after a pause */

struct credentials_source {
	uint64_t source; /* 0: the place is free */
	struct bucket bucket;
};

struct credentials_budget {
	uint64_t expected_ns; /* of the next computation */
	uint64_t paid_ns;     /* monotonic: when all that was used is made up for */
	uint64_t secret[2];   /* random, the second odd: which places a source may have */
	struct credentials_source sources[CREDENTIALS_SOURCES];
};

/**
 * credentials_budget_take() - Whether a source may have a computation now
 * @source:	Not 0
 *
 * Over time all computations together have a quarter of the loop's time; after a pause, up to
 * a quarter of a second or a single computation in a row. No system calls.
 */
bool credentials_budget_take(struct credentials_budget *budget, uint64_t source, uint64_t now_ns);

/**
 * credentials_budget_spend() - A computation is done
 * @took_ns:	How long the loop stood still
 */
void credentials_budget_spend(struct credentials_budget *budget, uint64_t took_ns, uint64_t now_ns);
