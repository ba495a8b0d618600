/* SPDX-License-Identifier: MIT */
/* A small exporter to be shown: two domains, two databases, three label sets, a little traffic */
#pragma once

#include "exposition.h"
#include "geoip.h"
#include "http.h"
#include "interfaces.h"
#include "options.h"
#include "process.h"
#include "record.h"
#include "routes.h"
#include "traffic.h"

struct exposition_craft {
	struct exposition exposition;
	struct options options;
	struct traffic traffic;
	struct batch_state capture;
	struct process process;
	struct http_counts http;
	struct routes_counts scrapes;
	struct geoip_database *country, *asn;
};

/* @arguments: of the command line besides the domains t.example.com and u.example.com */
void exposition_craft_open(struct exposition_craft *ret_craft, const char *const *arguments);

void exposition_craft_close(struct exposition_craft *craft);

/* Four queries of two clients in GB and SE, their answers, and one of each refusal */
void exposition_craft_traffic(struct exposition_craft *craft);

/* Rendered, in memory of exactly exposition_bound(); to be freed */
char *exposition_craft_render(const struct exposition_craft *craft, enum negotiate_format format);
