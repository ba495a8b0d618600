/* SPDX-License-Identifier: MIT */
/* A small exporter to be shown: two domains, two databases, three label sets, a little traffic */
#pragma once

#include "cli/options.h"
#include "collect.h"
#include "common/record_check.h"
#include "geoip/databases.h"
#include "system/process.h"
#include "traffic/interfaces.h"
#include "traffic/traffic.h"

struct exposition_craft {
	struct collect collect; /* of all that is here */
	struct options options;
	const char *names[CONFIG_DOMAINS];
	struct traffic traffic;
	struct batch_state capture;
	struct process process;
	struct databases databases;
	struct interfaces interfaces; /* none named: all count */
};

/* @arguments: of the command line besides the domains t.example.com and u.example.com */
void exposition_craft_open(struct exposition_craft *ret_craft, const char *const *arguments);

void exposition_craft_close(struct exposition_craft *craft);

/* Four queries of two clients in GB and SE, their answers, and one of each refusal */
void exposition_craft_traffic(struct exposition_craft *craft);

/* Rendered, in memory of exactly collect_bound(); to be freed */
char *exposition_craft_render(const struct exposition_craft *craft, enum exposition_format format);
