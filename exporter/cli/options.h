/* SPDX-License-Identifier: MIT */
/* The command line: all flags with their defaults, in one table */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "cli/flags.h"
#include "cli/wires.h"
#include "common/config.h"
#include "http/listen.h"
#include "traffic/interfaces.h"

#define OPTIONS_ADDRESSES 16

struct options {
	struct config capture; /* as capture gets it */
	char domains[CONFIG_DOMAINS][WIRES_NAME_BYTES];
	struct interfaces interfaces;
	const char *capture_program;
	const char *country_database, *asn_database;
	uint32_t max_sessions, max_series;
	struct listen_address addresses[OPTIONS_ADDRESSES];
	uint32_t address_count;
	const char *telemetry_path;
	const char *web_config_file;
	bool web_systemd_socket;
	bool disable_exporter_metrics;
	bool disable_page;
	uint32_t max_requests;
	enum log_level log_level;
	enum log_format log_format;
	bool version;
};

/**
 * options_parse() - Read the command line
 * @ret_reason:	Filled on failure: one line that names the flag and the mend
 *
 * The options point into @argv.
 *
 * Return: 0, 1 if -help was asked for, -EINVAL
 */
int options_parse(int argc, char *const *argv, struct options *ret_options,
		  char ret_reason[FLAGS_REASON_BYTES]);

void options_help(void);
