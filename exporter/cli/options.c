/* SPDX-License-Identifier: MIT */
/* The command line */
#include "cli/options.h"

#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "build.h"
#include "cli/flags.h"

#define RING_MIN     (1u << 20)
#define RING_AUTO    "auto"
#define AUTO_MIN     (4u << 20)
#define AUTO_MAX     (32u << 20)
#define BLOCK_USUAL  (512u << 10)
#define BLOCKS	     64
#define MAX_SESSIONS (16ul << 20)
#define MAX_SERIES   (1ul << 20)
#define MAX_REQUESTS 1000000ul

static int set_domain(void *target, void *field, const char *value, struct reason *ret_reason)
{
	struct options *options = target;
	uint8_t *count = &options->capture.tunnel_count;
	struct tunnel *tunnel = &options->capture.tunnels[*count];
	int failed;

	(void)field;
	if (*count == CONFIG_DOMAINS)
		return reason_set(ret_reason, -EINVAL,
				  "at most %d domains can be watched by one exporter",
				  CONFIG_DOMAINS);
	failed = wires_parse(value, tunnel, options->domains[*count], ret_reason);
	if (failed)
		return failed;
	for (unsigned i = 0; i < *count; i++)
		if (strcmp(options->domains[i], options->domains[*count]) == 0)
			return reason_set(ret_reason, -EINVAL,
					  "%.64s is given twice; leave one out",
					  options->domains[i]);
	++*count;
	return 0;
}

static int set_port(void *target, void *field, const char *value, struct reason *ret_reason)
{
	unsigned long number;

	(void)target;
	if (number_parse(value, 1, 65535, &number) < 0)
		return reason_set(ret_reason, -EINVAL,
				  "\"%.32s\" is not a UDP port; write a number from 1 to 65535",
				  value);
	*(uint16_t *)field = (uint16_t)number;
	return 0;
}

/* Whether there is one of that name is not looked at here: it may come and go */
static int set_interface(void *target, void *field, const char *value, struct reason *ret_reason)
{
	struct options *options = target;

	(void)field;
	if (options->interface_count == OPTIONS_INTERFACES)
		return reason_set(ret_reason, -ENOSPC, "at most %d interfaces can be named",
				  OPTIONS_INTERFACES);
	if (value[0] == '\0' || strlen(value) >= IF_NAMESIZE || strpbrk(value, "/ \t\n"))
		return reason_set(ret_reason, -EINVAL,
				  "\"%.32s\" cannot be the name of an interface; \"ip link\" lists "
				  "them",
				  value);
	options->interfaces[options->interface_count++] = value;
	return 0;
}

static int set_capture_program(void *target, void *field, const char *value,
			       struct reason *ret_reason)
{
	(void)target;
	if (!strchr(value, '/'))
		return reason_set(ret_reason, -EINVAL,
				  "write the path of dnstt_capture, with a slash");
	*(const char **)field = value;
	return 0;
}

/* At least 64 blocks, so that even where each is handed over nearly empty after 50 ms the ring lasts for
 * 3.2 s; large blocks, because each costs a wake-up. A ring below 8 MiB has fewer: each holds any packet.
 */
static void divide_ring(struct config *config, uint32_t bytes)
{
	const uint32_t page = (uint32_t)sysconf(_SC_PAGESIZE);

	config->block_bytes = page > CONFIG_BLOCK_MIN ? page : CONFIG_BLOCK_MIN;
	while (config->block_bytes < BLOCK_USUAL && config->block_bytes * 2 * BLOCKS <= bytes)
		config->block_bytes *= 2;
	config->blocks = bytes / config->block_bytes;
}

uint32_t options_ring_auto(uint64_t memory)
{
	uint64_t share = memory / 64 & ~UINT64_C(0xfffff);

	return share < AUTO_MIN ? AUTO_MIN : share > AUTO_MAX ? AUTO_MAX : (uint32_t)share;
}

/* Of the host. The kernel does not count a ring for a cgroup. */
static uint64_t memory_of_host(void)
{
	const long pages = sysconf(_SC_PHYS_PAGES);

	return pages < 0 ? UINT64_MAX : (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* "32MiB", "1024KiB", bytes, or "auto" */
static int set_ring_size(void *target, void *field, const char *value, struct reason *ret_reason)
{
	unsigned long long size;
	char *unit;

	(void)target;
	if (strcmp(value, RING_AUTO) == 0) {
		divide_ring(field, options_ring_auto(memory_of_host()));
		return 0;
	}
	errno = 0;
	size = strtoull(value, &unit, 10);
	if (strcmp(unit, "MiB") == 0)
		size = size > 4096 ? 0 : size << 20;
	else if (strcmp(unit, "KiB") == 0)
		size = size > (4096 << 10) ? 0 : size << 10;
	else if (*unit != '\0')
		size = 0;
	if (errno != 0 || !isdigit((unsigned char)value[0]) || size < RING_MIN ||
	    size > CONFIG_RING_MAX)
		return reason_set(ret_reason, -EINVAL,
				  "write a size from 1MiB to 1024MiB, as in 32MiB, or auto");
	divide_ring(field, (uint32_t)size);
	return 0;
}

static int set_latency(void *target, void *field, const char *value, struct reason *ret_reason)
{
	char *unit;
	unsigned long milliseconds = strtoul(value, &unit, 10);

	(void)target;
	if (!isdigit((unsigned char)value[0]) || strcmp(unit, "ms") != 0 || milliseconds < 1 ||
	    milliseconds > CONFIG_LATENCY_MAX)
		return reason_set(ret_reason, -EINVAL, "write a time from 1ms to %dms",
				  CONFIG_LATENCY_MAX);
	*(uint16_t *)field = (uint16_t)milliseconds;
	return 0;
}

static int set_file(void *target, void *field, const char *value, struct reason *ret_reason)
{
	(void)target;
	if (value[0] == '\0')
		return reason_set(ret_reason, -EINVAL, "write the path of a file");
	*(const char **)field = value;
	return 0;
}

static int set_switch(void *target, void *field, const char *value, struct reason *ret_reason)
{
	(void)target, (void)ret_reason;
	*(bool *)field = value[0] == 't';
	return 0;
}

static int set_use_ecs(void *target, void *field, const char *value, struct reason *ret_reason)
{
	(void)target, (void)ret_reason;
	*(uint8_t *)field = value[0] == 't';
	return 0;
}

static int set_count(uint32_t *count, unsigned long least, unsigned long most, const char *value,
		     struct reason *ret_reason)
{
	unsigned long number;

	if (number_parse(value, least, most, &number) < 0)
		return reason_set(ret_reason, -EINVAL, "write a number from %lu to %lu%s", least,
				  most, least == 0 ? "; 0 means no limit" : "");
	*count = (uint32_t)number;
	return 0;
}

static int set_max_sessions(void *target, void *field, const char *value, struct reason *ret_reason)
{
	(void)target;
	return set_count(field, 1, MAX_SESSIONS, value, ret_reason);
}

static int set_max_series(void *target, void *field, const char *value, struct reason *ret_reason)
{
	(void)target;
	return set_count(field, 1, MAX_SERIES, value, ret_reason);
}

static int set_max_requests(void *target, void *field, const char *value, struct reason *ret_reason)
{
	(void)target;
	return set_count(field, 0, MAX_REQUESTS, value, ret_reason);
}

/* Among the others, in place of those that it covers; not at all if one of them covers it */
static int add_address(struct options *options, const struct address *address)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < options->address_count; i++)
		if (address_covers(&options->addresses[i], address))
			return 0;
	for (uint32_t i = 0; i < options->address_count; i++)
		if (!address_covers(address, &options->addresses[i]))
			options->addresses[kept++] = options->addresses[i];
	options->address_count = kept;
	if (kept == OPTIONS_ADDRESSES)
		return -ENOSPC;
	options->addresses[options->address_count++] = *address;
	return 0;
}

static int set_listen_address(void *target, void *field, const char *value,
			      struct reason *ret_reason)
{
	struct address address;

	(void)field;
	if (address_parse(value, &address) < 0)
		return reason_set(ret_reason, -EINVAL,
				  "\"%.64s\" is not an address; write :9713, 127.0.0.1:9713, "
				  "[::1]:9713 or unix:/run/dnstt_exporter/metrics.sock",
				  value);
	if (add_address(target, &address) < 0)
		return reason_set(ret_reason, -ENOSPC, "at most %d addresses", OPTIONS_ADDRESSES);
	return 0;
}

static int set_telemetry_path(void *target, void *field, const char *value,
			      struct reason *ret_reason)
{
	(void)target;
	if (value[0] != '/' || strlen(value) > 128 || strpbrk(value, "?#% \"<>&\\\t\r\n"))
		return reason_set(ret_reason, -EINVAL,
				  "write a path that starts with a slash, as in /metrics");
	*(const char **)field = value;
	return 0;
}

static int set_log_level(void *target, void *field, const char *value, struct reason *ret_reason)
{
	(void)target;
	(void)reason_set(ret_reason, 0, "write debug, info, warn or error");
	return log_level_from(value, field);
}

static int set_log_format(void *target, void *field, const char *value, struct reason *ret_reason)
{
	(void)target;
	(void)reason_set(ret_reason, 0, "write logfmt or json");
	return log_format_from(value, field);
}

#define FIELD(member) offsetof(struct options, member)

static const struct flag flags[] = {
	{ "dnstt.domain", "DOMAIN", NULL,
	  "Domain of a tunnel, as dnstt-server has it; repeatable, up to 64. Options may follow\n"
	  "    \tafter commas: wire=WIRE (below) first, then id-bytes=1..8, record-type=txt|...,\n"
	  "    \tmin-edns=BYTES (dnstt-server's -mtu), framing=on|off",
	  set_domain, 0 },
	{ "dnstt.port", "PORT", "53", "UDP port on which queries arrive at this host", set_port,
	  FIELD(capture.port) },
	{ "capture.interface", "NAME", NULL,
	  "Count only what passes this interface; repeatable; without it all count", set_interface,
	  0 },
	{ "capture.ring-size", "SIZE", RING_AUTO,
	  "Memory in which packets wait for capture, 1MiB to 1024MiB; auto: 32MiB, or 1/64 of the\n"
	  "    \thost's memory where that is less, but 4MiB at least",
	  set_ring_size, FIELD(capture) },
	{ "capture.latency", "TIME", "50ms",
	  "How long a packet may wait before it is counted, 1ms to 100ms", set_latency,
	  FIELD(capture.latency_ms) },
	{ "capture.program", "PATH", CAPTURE_PROGRAM, "Where dnstt_capture is", set_capture_program,
	  FIELD(capture_program) },
	{ "geoip.country-database", "FILE", NULL,
	  "MaxMind DB with countries; adds the label country", set_file, FIELD(country_database) },
	{ "geoip.asn-database", "FILE", NULL, "MaxMind DB with AS numbers; adds the label asn",
	  set_file, FIELD(asn_database) },
	{ "geoip.use-ecs", NULL, "false",
	  "Locate a query by its EDNS Client Subnet, where the resolver sends one", set_use_ecs,
	  FIELD(capture.use_ecs) },
	{ "sessions.max", "COUNT", "131072", "Maximum number of sessions that are remembered",
	  set_max_sessions, FIELD(max_sessions) },
	{ "metrics.max-series", "COUNT", "4096",
	  "Maximum number of label sets; the rest is counted as \"other\"", set_max_series,
	  FIELD(max_series) },
	{ "web.listen-address", "ADDRESS", "127.0.0.1:9713",
	  "Address for Prometheus; repeatable; :9713, 0.0.0.0:9713 and [::]:9713 are every address "
	  "of this host, IPv6 and IPv4; unix:PATH is a socket for its group",
	  set_listen_address, 0 },
	{ "web.telemetry-path", "PATH", "/metrics", "Path of the metrics", set_telemetry_path,
	  FIELD(telemetry_path) },
	{ "web.config.file", "FILE", NULL,
	  "TLS, users, headers and rate limit, as exporter-toolkit's web configuration has them",
	  set_file, FIELD(web_config_file) },
	{ "web.systemd-socket", NULL, "false", "Serve only the sockets that systemd passes",
	  set_switch, FIELD(web_systemd_socket) },
	{ "web.max-requests", "COUNT", "40",
	  "Maximum number of requests served at once, half of them for one host; 0 means no limit",
	  set_max_requests, FIELD(max_requests) },
	{ "web.disable-exporter-metrics", NULL, "false", "Leave out process_* and promhttp_*",
	  set_switch, FIELD(disable_exporter_metrics) },
	{ "web.disable-page", NULL, "false", "Serve a plain landing page at /", set_switch,
	  FIELD(disable_page) },
	{ "log.level", "LEVEL", "info", "Lowest severity to log: debug, info, warn or error",
	  set_log_level, FIELD(log_level) },
	{ "log.format", "FORMAT", "logfmt", "Format of log lines: logfmt or json", set_log_format,
	  FIELD(log_format) },
	{ "version", NULL, NULL, "Print the version", set_switch, FIELD(version) },
	{ 0 },
};

int options_parse(int argc, char *const *argv, struct options *ret_options,
		  struct reason *ret_reason)
{
	struct options *options = ret_options;
	int result;

	memset(options, 0, sizeof(*options));
	options->capture.magic = CONFIG_MAGIC;
	options->capture.version = CONFIG_VERSION;
	result = flags_parse(flags, options, argc, argv, ret_reason);
	if (result != 0 || options->version)
		return result;
	if (options->capture.tunnel_count == 0)
		return reason_set(ret_reason, -EINVAL,
				  "-dnstt.domain: missing; name the tunnel's domain, as in "
				  "-dnstt.domain t.example.com");
	if (options->max_series < options->capture.tunnel_count)
		options->max_series = options->capture.tunnel_count;
	return 0;
}

void options_help(void)
{
	printf("dnstt_exporter watches a DNSTT server's DNS traffic and serves Prometheus "
	       "metrics.\n"
	       "\nUsage: dnstt_exporter -dnstt.domain t.example.com [flags]\n\n");
	flags_help(flags);
	printf("\nWIRE is the server of a domain:\n");
	wires_help();
}
