/* SPDX-License-Identifier: MIT */
/* The metrics of capture */
#pragma once

#include "metrics/family.h"

#define INTAKE_METRICS_LABEL_BYTES 20

extern const struct family intake_metrics_families[]; /* source: struct batch_state */
