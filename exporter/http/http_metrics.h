/* SPDX-License-Identifier: MIT */
/* The metrics of the HTTP server */
#pragma once

#include "metrics/family.h"

extern const struct family http_metrics_families[]; /* source: struct http_counts; no labels */
