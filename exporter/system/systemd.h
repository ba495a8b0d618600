/* SPDX-License-Identifier: MIT */
/* Messages to the service manager, and the sockets that it passes (sd_notify(3), sd_listen_fds(3))
 *
 * The protocols are two environment variables and a datagram socket, so no library of systemd's is
 * linked. The variables are gone afterwards.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/reason.h"

struct systemd {
	int socket; /* connected; -1: there is no service manager */
	uint64_t
		watchdog_ns; /* the service is restarted if it is silent for so long; 0: it is not */
	uint64_t next_ns;    /* of the next sign of life, on CLOCK_MONOTONIC */
	bool announced;
};

/**
 * systemd_open() - Connect to the service manager, if there is one
 * @ret_systemd: Filled in any case; on failure nothing will be sent
 *
 * To be called before the sandbox, in which no socket is opened or connected any more. System
 * calls: socket, connect.
 *
 * Return: 0, -EPROTONOSUPPORT for an address that is neither a path nor abstract, or why the socket
 * can't be connected
 */
int systemd_open(struct systemd *ret_systemd);

/**
 * systemd_run() - Say what is due: once that the service is ready, then that it is alive
 * @is_well:	Both processes do what they should. Ready is what first was well, and what no longer
 *		is gives no sign of life
 *
 * System calls: sendto; it never waits.
 *
 * Return: milliseconds until something is due again; 1000 at most
 */
int systemd_run(struct systemd *systemd, uint64_t now_ns, bool is_well);

/**
 * systemd_stopping() - Say that the service ends
 */
void systemd_stopping(const struct systemd *systemd);

/**
 * systemd_handed_over() - Descriptors that are handed over to this process, from 3 on
 *
 * Return: their number, of whatever kind they are; to be called before systemd_listeners()
 */
unsigned systemd_handed_over(void);

/**
 * systemd_listeners() - Sockets to serve on, as systemd.socket(5) hands them over
 * @ret_fds:	Listening stream sockets of any family, nonblocking and close-on-exec
 * @most:	Room in it
 * @ret_reason:	Filled on failure: one line
 *
 * Return: their number, -ENOENT if there is none, -E2BIG, -ENOTSOCK if one is not a listening stream socket
 */
int systemd_listeners(int *ret_fds, unsigned most, struct reason *ret_reason);
