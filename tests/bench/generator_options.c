/* SPDX-License-Identifier: MIT */
/* Command line of the generator */
#include "generator_options.h"
#include "frame.h"

#include <error.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
	"usage: generator --destination-mac ADDRESS --interface NAME [option...]\n"
	"       generator --destination-mac ADDRESS --in-kernel --host-interface NAME [option...]\n"
	"  --rate N               frames per second, responses included (1000)\n"
	"  --seconds S, --count N when to end: time, queries (at SIGTERM)\n"
	"  --mixed                answer every query, from the host interface\n"
	"  --in-kernel            make the queries in the kernel, as if they had arrived there\n"
	"  --host-interface NAME  where the queries arrive\n"
	"  --helper-interface NAME another one, which --in-kernel --mixed needs to itself\n"
	"  --host-namespace PATH  network namespace of that interface\n"
	"  --response-bytes N     DNS message of a response (1024)\n"
	"  --clients N            ClientIDs, each in its turn (10000)\n"
	"  --resolvers N          addresses of either family they come from (256)\n"
	"  --random-ids           a new ClientID and a random address for every query\n"
	"  --each N               or for every N queries (1)\n"
	"  --polls-only           no query has data\n"
	"  --domain NAME          first tunnel domain (t.example.com)\n"
	"  --domains N            so many; the others are t1.example.com and so on (1)\n"
	"  --port N               UDP port of the server (53)\n"
	"  --seed N               other clients, other data (1)\n";

enum {
	OPTION_INTERFACE = 1,
	OPTION_DESTINATION,
	OPTION_RATE,
	OPTION_SECONDS,
	OPTION_COUNT,
	OPTION_MIXED,
	OPTION_IN_KERNEL,
	OPTION_HOST_INTERFACE,
	OPTION_HELPER_INTERFACE,
	OPTION_HOST_NAMESPACE,
	OPTION_RESPONSE_BYTES,
	OPTION_CLIENTS,
	OPTION_RESOLVERS,
	OPTION_RANDOM_IDS,
	OPTION_EACH,
	OPTION_POLLS_ONLY,
	OPTION_DOMAIN,
	OPTION_DOMAINS,
	OPTION_PORT,
	OPTION_SEED,
};

static const struct option names[] = {
	{ "interface", required_argument, NULL, OPTION_INTERFACE },
	{ "destination-mac", required_argument, NULL, OPTION_DESTINATION },
	{ "rate", required_argument, NULL, OPTION_RATE },
	{ "seconds", required_argument, NULL, OPTION_SECONDS },
	{ "count", required_argument, NULL, OPTION_COUNT },
	{ "mixed", no_argument, NULL, OPTION_MIXED },
	{ "in-kernel", no_argument, NULL, OPTION_IN_KERNEL },
	{ "host-interface", required_argument, NULL, OPTION_HOST_INTERFACE },
	{ "helper-interface", required_argument, NULL, OPTION_HELPER_INTERFACE },
	{ "host-namespace", required_argument, NULL, OPTION_HOST_NAMESPACE },
	{ "response-bytes", required_argument, NULL, OPTION_RESPONSE_BYTES },
	{ "clients", required_argument, NULL, OPTION_CLIENTS },
	{ "resolvers", required_argument, NULL, OPTION_RESOLVERS },
	{ "random-ids", no_argument, NULL, OPTION_RANDOM_IDS },
	{ "each", required_argument, NULL, OPTION_EACH },
	{ "polls-only", no_argument, NULL, OPTION_POLLS_ONLY },
	{ "domain", required_argument, NULL, OPTION_DOMAIN },
	{ "domains", required_argument, NULL, OPTION_DOMAINS },
	{ "port", required_argument, NULL, OPTION_PORT },
	{ "seed", required_argument, NULL, OPTION_SEED },
	{ 0 },
};

static double number(const char *text, double least, double most)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value >= least && value <= most))
		error(2, 0, "%s: not a number from %g to %g", text, least, most);
	return value;
}

static void ethernet_address(const char *text, uint8_t ret_address[6])
{
	unsigned bytes[6];

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x", &bytes[0], &bytes[1], &bytes[2], &bytes[3],
		   &bytes[4], &bytes[5]) != 6)
		error(2, 0, "%s: no Ethernet address", text);
	for (unsigned i = 0; i < 6; i++)
		ret_address[i] = (uint8_t)bytes[i];
}

static void apply(struct generator_options *options, int option, const char *value)
{
	switch (option) {
	case OPTION_INTERFACE: options->interface = value; break;
	case OPTION_DESTINATION: ethernet_address(value, options->destination); break;
	case OPTION_RATE: options->rate = number(value, 0.001, 1e8); break;
	case OPTION_SECONDS: options->seconds = number(value, 0, 1e6); break;
	case OPTION_COUNT: options->count = (uint64_t)number(value, 0, 1e12); break;
	case OPTION_MIXED: options->mixed = true; break;
	case OPTION_IN_KERNEL: options->in_kernel = true; break;
	case OPTION_HOST_INTERFACE: options->host_interface = value; break;
	case OPTION_HELPER_INTERFACE: options->helper_interface = value; break;
	case OPTION_HOST_NAMESPACE: options->host_namespace = value; break;
	case OPTION_RESPONSE_BYTES:
		options->response_bytes = (unsigned)number(value, 400, 1232);
		break;
	case OPTION_CLIENTS: options->clients = (uint64_t)number(value, 1, 1e9); break;
	case OPTION_RESOLVERS: options->resolvers = (uint64_t)number(value, 1, 65000); break;
	case OPTION_RANDOM_IDS: options->random_ids = true; break;
	case OPTION_EACH: options->each = (uint64_t)number(value, 1, 1e6); break;
	case OPTION_POLLS_ONLY: options->polls_only = true; break;
	case OPTION_DOMAIN: options->domain = value; break;
	case OPTION_DOMAINS: options->domains = (unsigned)number(value, 1, FRAME_DOMAINS); break;
	case OPTION_PORT: options->port = (uint16_t)number(value, 1, 65535); break;
	case OPTION_SEED: options->seed = (uint64_t)number(value, 0, 1e9); break;
	default: fputs(usage, stderr); exit(2);
	}
}

void generator_options_parse(struct generator_options *ret_options, int argc, char **argv)
{
	static const uint8_t none[6];
	int option;

	*ret_options = (struct generator_options){
		.host_namespace = "/proc/self/ns/net",
		.domain = "t.example.com",
		.rate = 1000,
		.seed = 1,
		.clients = 10000,
		.resolvers = 256,
		.domains = 1,
		.each = 1,
		.response_bytes = 1024,
		.port = 53,
	};
	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1)
		apply(ret_options, option, optarg);
	if (optind != argc || memcmp(ret_options->destination, none, 6) == 0 ||
	    (!ret_options->in_kernel && !ret_options->interface) ||
	    ((ret_options->in_kernel || ret_options->mixed) && !ret_options->host_interface) ||
	    (ret_options->in_kernel && ret_options->mixed && !ret_options->helper_interface)) {
		fputs(usage, stderr);
		exit(2);
	}
}
