/* SPDX-License-Identifier: MIT */
/* The metrics of the GeoIP databases */
#pragma once

#include "geoip/geoip.h"
#include "metrics/family.h"

#define GEOIP_METRICS_LABEL_BYTES (48 + GEOIP_TYPE_BYTES)

extern const struct family geoip_metrics_families[]; /* source: struct databases */
