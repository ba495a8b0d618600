/* SPDX-License-Identifier: MIT */
/* The command line */
#include "cli/options.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "build.h"

#define DEFAULT_PORT	   53
#define DEFAULT_RING_BYTES (32u << 20)
#define RING_MIN	   (1u << 20)
#define BLOCK_USUAL	   (512u << 10)
#define BLOCKS		   64
#define DEFAULT_LATENCY_MS 50
#define DEFAULT_SESSIONS   131072
#define DEFAULT_SERIES	   4096
#define DEFAULT_REQUESTS   40
#define MAX_SESSIONS	   (16ul << 20)
#define MAX_SERIES	   (1ul << 20)
#define DEFAULT_LISTEN	   "127.0.0.1:9713"

static int set_domain(void *target, const char *value, char *reason, size_t bytes)
{
	struct options *options = target;
	uint8_t *count = &options->capture.tunnel_count;
	struct tunnel *tunnel = &options->capture.tunnels[*count];
	int failed;

	if (*count == CONFIG_DOMAINS) {
		snprintf(reason, bytes, "at most %d domains can be watched by one exporter",
			 CONFIG_DOMAINS);
		return -EINVAL;
	}
	failed = wires_parse(value, tunnel, options->domains[*count], reason, bytes);
	if (failed)
		return failed;
	for (unsigned i = 0; i < *count; i++) {
		if (strcmp(options->domains[i], options->domains[*count]) != 0)
			continue;
		snprintf(reason, bytes, "%.64s is given twice; leave one out", options->domains[i]);
		return -EINVAL;
	}
	++*count;
	return 0;
}

static int set_port(void *target, const char *value, char *reason, size_t bytes)
{
	struct options *options = target;
	unsigned long number;

	if (number_parse(value, 1, 65535, &number) < 0) {
		snprintf(reason, bytes, "\"%.32s\" is no UDP port; write a number from 1 to 65535",
			 value);
		return -EINVAL;
	}
	options->capture.port = (uint16_t)number;
	return 0;
}

static int set_interface(void *target, const char *value, char *reason, size_t bytes)
{
	struct options *options = target;
	int failed = interfaces_add(&options->interfaces, value);

	if (failed == -ENOSPC)
		snprintf(reason, bytes, "at most %d interfaces can be named", INTERFACES_MAX);
	else if (failed)
		snprintf(reason, bytes, "there is no interface \"%.32s\"; \"ip link\" lists them",
			 value);
	return failed;
}

static int set_capture_program(void *target, const char *value, char *reason, size_t bytes)
{
	struct options *options = target;

	if (value[0] != '/' && !strchr(value, '/')) {
		snprintf(reason, bytes, "write the path of dnstt_capture, with a slash");
		return -EINVAL;
	}
	options->capture_program = value;
	return 0;
}

/* At least 64 blocks, so that even where each is handed over nearly empty after 50 ms the ring lasts for
 * 3.2 s; large blocks, because each costs a wake-up
 */
static void divide_ring(struct config *config, uint32_t bytes)
{
	const uint32_t page = (uint32_t)sysconf(_SC_PAGESIZE);

	config->block_bytes = page > CONFIG_BLOCK_MIN ? page : CONFIG_BLOCK_MIN;
	while (config->block_bytes < BLOCK_USUAL && config->block_bytes * 2 * BLOCKS <= bytes)
		config->block_bytes *= 2;
	config->blocks = bytes / config->block_bytes;
}

/* "32MiB", "64MB", or bytes */
static int set_ring_size(void *target, const char *value, char *reason, size_t bytes)
{
	struct options *options = target;
	unsigned long long size;
	char *unit;

	errno = 0;
	size = strtoull(value, &unit, 10);
	if (strcmp(unit, "MiB") == 0)
		size = size > 4096 ? 0 : size << 20;
	else if (strcmp(unit, "KiB") == 0)
		size = size > (4096 << 10) ? 0 : size << 10;
	else if (*unit != '\0')
		size = 0;
	if (errno != 0 || !isdigit((unsigned char)value[0]) || size < RING_MIN ||
	    size > CONFIG_RING_MAX) {
		snprintf(reason, bytes, "write a size from 1MiB to 1024MiB, as in 32MiB");
		return -EINVAL;
	}
	divide_ring(&options->capture, (uint32_t)size);
	return 0;
}

static int set_latency(void *target, const char *value, char *reason, size_t bytes)
{
	struct options *options = target;
	char *unit;
	unsigned long milliseconds = strtoul(value, &unit, 10);

	if (!isdigit((unsigned char)value[0]) || strcmp(unit, "ms") != 0 || milliseconds < 1 ||
	    milliseconds > CONFIG_LATENCY_MAX) {
		snprintf(reason, bytes, "write a time from 1ms to %dms", CONFIG_LATENCY_MAX);
		return -EINVAL;
	}
	options->capture.latency_ms = (uint16_t)milliseconds;
	return 0;
}

static int set_path(const char **path, const char *value, char *reason, size_t bytes)
{
	if (value[0] == '\0') {
		snprintf(reason, bytes, "write the path of an .mmdb file");
		return -EINVAL;
	}
	*path = value;
	return 0;
}

static int set_country_database(void *target, const char *value, char *reason, size_t bytes)
{
	return set_path(&((struct options *)target)->country_database, value, reason, bytes);
}

static int set_asn_database(void *target, const char *value, char *reason, size_t bytes)
{
	return set_path(&((struct options *)target)->asn_database, value, reason, bytes);
}

static int set_use_ecs(void *target, const char *value, char *reason, size_t bytes)
{
	(void)reason, (void)bytes;
	((struct options *)target)->capture.use_ecs = value[0] == 't';
	return 0;
}

static int set_count(uint32_t *count, const char *value, unsigned long most, char *reason,
		     size_t bytes)
{
	unsigned long number;

	if (number_parse(value, 1, most, &number) < 0) {
		snprintf(reason, bytes, "write a number from 1 to %lu", most);
		return -EINVAL;
	}
	*count = (uint32_t)number;
	return 0;
}

static int set_max_sessions(void *target, const char *value, char *reason, size_t bytes)
{
	return set_count(&((struct options *)target)->max_sessions, value, MAX_SESSIONS, reason,
			 bytes);
}

static int set_max_series(void *target, const char *value, char *reason, size_t bytes)
{
	return set_count(&((struct options *)target)->max_series, value, MAX_SERIES, reason, bytes);
}

static int set_listen_address(void *target, const char *value, char *reason, size_t bytes)
{
	struct options *options = target;

	if (options->address_count == OPTIONS_ADDRESSES) {
		snprintf(reason, bytes, "at most %d addresses", OPTIONS_ADDRESSES);
		return -ENOSPC;
	}
	if (listen_parse(value, &options->addresses[options->address_count]) < 0) {
		snprintf(reason, bytes,
			 "\"%.64s\" is no address; write :9713, 127.0.0.1:9713 or [::1]:9713",
			 value);
		return -EINVAL;
	}
	options->address_count++;
	return 0;
}

static int set_telemetry_path(void *target, const char *value, char *reason, size_t bytes)
{
	struct options *options = target;

	if (value[0] != '/' || strlen(value) > 128 || strpbrk(value, "?#% \"<>&\\\t\r\n")) {
		snprintf(reason, bytes, "write a path that starts with a slash, as in /metrics");
		return -EINVAL;
	}
	options->telemetry_path = value;
	return 0;
}

static int set_web_config_file(void *target, const char *value, char *reason, size_t bytes)
{
	struct options *options = target;

	if (value[0] == '\0') {
		snprintf(reason, bytes, "write the path of a file");
		return -EINVAL;
	}
	options->web_config_file = value;
	return 0;
}

static int set_max_requests(void *target, const char *value, char *reason, size_t bytes)
{
	struct options *options = target;
	unsigned long number;

	if (number_parse(value, 0, 1000000, &number) < 0) {
		snprintf(reason, bytes, "write a number, 0 for no limit");
		return -EINVAL;
	}
	options->max_requests = (uint32_t)number;
	return 0;
}

static int set_systemd_socket(void *target, const char *value, char *reason, size_t bytes)
{
	(void)reason, (void)bytes;
	((struct options *)target)->web_systemd_socket = value[0] == 't';
	return 0;
}

static int set_disable_exporter_metrics(void *target, const char *value, char *reason, size_t bytes)
{
	(void)reason, (void)bytes;
	((struct options *)target)->disable_exporter_metrics = value[0] == 't';
	return 0;
}

static int set_disable_page(void *target, const char *value, char *reason, size_t bytes)
{
	(void)reason, (void)bytes;
	((struct options *)target)->disable_page = value[0] == 't';
	return 0;
}

static int set_log_level(void *target, const char *value, char *reason, size_t bytes)
{
	snprintf(reason, bytes, "write debug, info, warn or error");
	return log_level_from(value, &((struct options *)target)->log_level);
}

static int set_log_format(void *target, const char *value, char *reason, size_t bytes)
{
	snprintf(reason, bytes, "write logfmt or json");
	return log_format_from(value, &((struct options *)target)->log_format);
}

static int set_version(void *target, const char *value, char *reason, size_t bytes)
{
	(void)reason, (void)bytes;
	((struct options *)target)->version = value[0] == 't';
	return 0;
}

static const struct flag flags[] = {
	{ "dnstt.domain", "DOMAIN", NULL,
	  "Domain of a tunnel, as dnstt-server has it; repeatable, up to 64. Options follow after\n"
	  "    \tcommas: wire=dnstt|noizdns|dnstt-aaaa|vaydns|dnsttex, then id-bytes=1..8,\n"
	  "    \trecord-type=txt|..., min-edns=BYTES (dnstt-server's -mtu), framing=on|off",
	  set_domain },
	{ "dnstt.port", "PORT", "53", "UDP port on which queries arrive at this host", set_port },
	{ "capture.interface", "NAME", "all", "Count only what passes this interface; repeatable",
	  set_interface },
	{ "capture.ring-size", "SIZE", "32MiB", "Memory in which packets wait for capture",
	  set_ring_size },
	{ "capture.latency", "TIME", "50ms", "How long a packet may wait before it is counted",
	  set_latency },
	{ "capture.program", "PATH", CAPTURE_PROGRAM, "Where dnstt_capture is",
	  set_capture_program },
	{ "geoip.country-database", "FILE", NULL,
	  "MaxMind DB with countries; adds the label country", set_country_database },
	{ "geoip.asn-database", "FILE", NULL, "MaxMind DB with AS numbers; adds the label asn",
	  set_asn_database },
	{ "geoip.use-ecs", NULL, "false",
	  "Locate a query by its EDNS Client Subnet, where the resolver sends one", set_use_ecs },
	{ "sessions.max", "COUNT", "131072", "Sessions that are remembered at most",
	  set_max_sessions },
	{ "metrics.max-series", "COUNT", "4096",
	  "Label sets at most; the rest is shown as \"other\"", set_max_series },
	{ "web.listen-address", "ADDRESS", DEFAULT_LISTEN,
	  "Address for Prometheus; repeatable; :9713 is every address of this host",
	  set_listen_address },
	{ "web.telemetry-path", "PATH", "/metrics", "Path of the metrics", set_telemetry_path },
	{ "web.config.file", "FILE", NULL,
	  "TLS, users, headers and rate limit, as exporter-toolkit's web configuration has them",
	  set_web_config_file },
	{ "web.systemd-socket", NULL, "false",
	  "Serve the sockets that systemd passes, and no other", set_systemd_socket },
	{ "web.max-requests", "COUNT", "40", "Requests at a time, 0 for no limit",
	  set_max_requests },
	{ "web.disable-exporter-metrics", NULL, "false", "Leave out process_* and promhttp_*",
	  set_disable_exporter_metrics },
	{ "web.disable-page", NULL, "false", "Serve a plain landing page at /", set_disable_page },
	{ "log.level", "LEVEL", "info", "Least important lines to log: debug, info, warn, error",
	  set_log_level },
	{ "log.format", "FORMAT", "logfmt", "logfmt or json", set_log_format },
	{ "version", NULL, NULL, "Print the version", set_version },
	{ 0 },
};

int options_parse(int argc, char *const *argv, struct options *ret_options,
		  char ret_reason[FLAGS_REASON_BYTES])
{
	struct options *options = ret_options;
	char reason[FLAGS_REASON_BYTES] = "";
	int result;

	memset(options, 0, sizeof(*options));
	options->capture.magic = CONFIG_MAGIC;
	options->capture.version = CONFIG_VERSION;
	options->capture.port = DEFAULT_PORT;
	divide_ring(&options->capture, DEFAULT_RING_BYTES);
	options->capture.latency_ms = DEFAULT_LATENCY_MS;
	options->capture_program = CAPTURE_PROGRAM;
	options->max_sessions = DEFAULT_SESSIONS;
	options->max_series = DEFAULT_SERIES;
	options->telemetry_path = "/metrics";
	options->max_requests = DEFAULT_REQUESTS;
	options->log_level = LOG_INFO;
	options->interfaces.fd = -1;

	result = flags_parse(flags, options, argc, argv, ret_reason);
	if (result != 0 || options->version)
		return result;
	if (options->capture.tunnel_count == 0) {
		snprintf(ret_reason, FLAGS_REASON_BYTES,
			 "-dnstt.domain: missing; name the tunnel's domain, as in -dnstt.domain "
			 "t.example.com");
		return -EINVAL;
	}
	if (options->max_series < options->capture.tunnel_count)
		options->max_series = options->capture.tunnel_count;
	if (options->address_count == 0)
		set_listen_address(options, DEFAULT_LISTEN, reason, sizeof(reason));
	return 0;
}

void options_help(void)
{
	flags_help(flags,
		   "dnstt_exporter watches a DNSTT server's DNS traffic and serves Prometheus "
		   "metrics.\n\nUsage: dnstt_exporter -dnstt.domain t.example.com [flags]\n");
}
