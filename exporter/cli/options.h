/* SPDX-License-Identifier: MIT */
/* The command line: all flags with their defaults, in one table. Values only; nothing is opened. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "base/reason.h"
#include "cli/address.h"
#include "cli/wires.h"
#include "common/config.h"

#define OPTIONS_ADDRESSES  16
#define OPTIONS_INTERFACES 64

struct options {
	struct config capture; /* as capture gets it */
	char domains[CONFIG_DOMAINS][WIRES_NAME_BYTES];
	const char *interfaces[OPTIONS_INTERFACES]; /* names; none: all count */
	uint32_t interface_count;
	const char *capture_program;
	const char *country_database, *asn_database;
	uint32_t max_sessions, max_series;
	struct address addresses[OPTIONS_ADDRESSES];
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
 * @ret_reason:	Filled on failure: one line that names the flag and the remedy
 *
 * The options point into @argv.
 *
 * Return: 0, 1 if -help was asked for, -EINVAL
 */
int options_parse(int argc, char *const *argv, struct options *ret_options,
		  struct reason *ret_reason);

/**
 * options_ring_auto() - Bytes of the ring that "auto" stands for
 * @memory:	Of the host
 */
uint32_t options_ring_auto(uint64_t memory);

/**
 * options_help() - Print all flags and wires to standard output
 */
void options_help(void);
