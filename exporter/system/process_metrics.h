/* SPDX-License-Identifier: MIT */
/* process_* as client_golang's process collector has them */
#pragma once

#include "metrics/family.h"

extern const struct family process_metrics_families[]; /* source: struct process_usage; no labels */
