/* SPDX-License-Identifier: MIT */
/* Command line of the generator */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct generator_options {
	const char *interface;	      /* where the queries leave */
	const char *host_interface;   /* where they arrive, and the responses leave */
	const char *helper_interface; /* where responses made in the kernel arrive first */
	const char *host_namespace;   /* path of the network namespace that host_interface is in */
	const char *domain;	      /* the first tunnel domain */
	uint8_t destination[6];	      /* Ethernet address of the host */
	double rate;		      /* frames per second, responses included */
	double seconds;		      /* 0: no limit */
	uint64_t count;		      /* queries; 0: no limit */
	uint64_t seed;		      /* the same seed gives the same clients */
	uint64_t clients;	      /* ClientIDs, each in its turn */
	uint64_t resolvers;	      /* addresses the clients come from, per family */
	unsigned domains;
	unsigned response_bytes;
	uint16_t port;
	bool mixed;	 /* a response to each query */
	bool in_kernel;	 /* queries do not come from interface: see inject.h */
	bool random_ids; /* new ClientIDs and addresses all the time */
	uint64_t each;	 /* queries of a random ClientID, one after the other */
	bool polls_only;
};

/**
 * generator_options_parse() - Read the command line; on a fault say what is wrong and exit
 */
void generator_options_parse(struct generator_options *ret_options, int argc, char **argv);
