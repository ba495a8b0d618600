/* SPDX-License-Identifier: MIT */
/* How much time bcrypt may take of the one event loop, and how much of it one source may use */
#include "web/auth/credentials_budget.h"

#define SHARE	    4			/* one part in this many of the loop's time is for bcrypt */
#define IN_A_ROW_NS UINT64_C(250000000) /* capture keeps 400 ms at 200,000 a second */
#define LONGEST_NS  UINT64_C(2000000000) /* what took longer was a machine that slept */
#define WINDOW	    8			 /* places that a source may have */

static bool time_left(const struct credentials_budget *budget, uint64_t now_ns)
{
	uint64_t owed = budget->paid_ns > now_ns ? budget->paid_ns - now_ns : 0;

	return !owed || owed + SHARE * budget->expected_ns <= SHARE * IN_A_ROW_NS;
}

/* When there are more sources than places, one of those that have used least of theirs is
 * forgotten, which is to its advantage.
 */
bool credentials_budget_take(struct credentials_budget *budget, uint64_t source, uint64_t now_ns)
{
	uint64_t first = ((source ^ budget->secret[0]) * budget->secret[1]) >> 32;
	struct credentials_source *place = NULL;

	if (!time_left(budget, now_ns))
		return false;
	for (uint64_t i = 0; i < WINDOW; i++) {
		struct credentials_source *at = budget->sources + (first + i) % CREDENTIALS_SOURCES;

		if (at->source == source) {
			place = at;
			break;
		}
		if (!place || at->bucket.full_ns < place->bucket.full_ns)
			place = at;
	}
	if (place->source != source)
		*place = (struct credentials_source){
			.source = source,
			.bucket = bucket_make(UINT64_C(1000000000) * CREDENTIALS_WAIT_S,
					      CREDENTIALS_IN_A_ROW),
		};

	return bucket_take(&place->bucket, now_ns);
}

void credentials_budget_spend(struct credentials_budget *budget, uint64_t took_ns, uint64_t now_ns)
{
	if (took_ns > LONGEST_NS)
		took_ns = LONGEST_NS;
	budget->expected_ns -= budget->expected_ns / 8;
	if (budget->expected_ns < took_ns)
		budget->expected_ns = took_ns;
	if (budget->paid_ns < now_ns)
		budget->paid_ns = now_ns;
	budget->paid_ns += SHARE * took_ns;
}
