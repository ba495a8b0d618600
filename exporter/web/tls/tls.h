/* SPDX-License-Identifier: MIT */
/* TLS for libmicrohttpd: certificates that can be exchanged while it runs, and client certificates
 *
 * libmicrohttpd takes certificate, client CA and cipher suites once, at start, and verifies no
 * client. So it gets none of them: every connection is given its own before its handshake, from
 * what is loaded at that moment, and clients are verified during the handshake, as Go does. A
 * client that is not allowed gets an alert and no HTTP.
 *
 *	MHD_start_daemon(MHD_USE_TLS | ..., MHD_OPTION_ARRAY, tls_mhd_options(),
 *			 MHD_OPTION_NOTIFY_CONNECTION, notify, ...)
 *	notify, MHD_CONNECTION_NOTIFY_STARTED:
 *		session = (struct tls_session){ .fd = socket, .gnutls = MHD_get_connection_info(
 *			connection, MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session };
 *		tls_session_begin(tls, &session, now_ns)
 *	MHD_OPTION_EXTERNAL_LOGGER, a message:
 *		tls_complaint(message)
 *	notify, MHD_CONNECTION_NOTIFY_CLOSED:
 *		tls_session_end(&session)
 *
 * A connection whose begin failed or was forgotten has no certificate, so its handshake fails.
 *
 * A server name (RFC 6066) selects nothing, as there is one certificate, and is not looked at.
 *
 * Sessions are resumed by tickets (RFC 5077, RFC 8446), without anything kept for them. A key for
 * tickets is random, lasts TLS_TICKET_NS, and ends with its certificate: after a reload none of the tickets
 * from before it is taken. Where clients show certificates there are no tickets: each handshake
 * verifies.
 */
#pragma once

#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "web/config/webconfig.h"

#define TLS_TICKET_NS (UINT64_C(3600) * 1000000000)

struct tls;
struct tls_epoch; /* what one load gave; lives while tls or a session uses it */

/* One of a connection; to stay where it is from its begin to its end */
struct tls_session {
	gnutls_session_t gnutls;
	int fd;
	int reached; /* in its handshake */
	struct tls_epoch *epoch;
};

/**
 * tls_read() - Copy certificate, key and client CA into memory, while they may still be read
 * @config:	With tls.enabled
 * @ret_tls:	For tls_open(), and for tls_free()
 * @ret_reason:	On failure, in the form of webconfig_read()
 *
 * Should: run before privileges are dropped. Nothing looks into the files here; they are read whole
 * (1 MiB at most each) and closed.
 *
 * System calls: openat, newfstatat, read and close of cert_file, key_file and client_ca_file as
 * far as given, and what malloc() makes.
 *
 * Return: 0, -EINVAL with the reason, -ENOMEM with the reason
 */
int tls_read(const struct web_config *config, struct tls **ret_tls, struct reason *ret_reason);

/**
 * tls_open() - Check what was read and use it from now on
 * @config:	The same; not needed afterwards
 * @now:	Wall clock
 *
 * A certificate must belong to its key and be valid at @now. To be called without privileges and
 * confined, once, before the first session; after a failure there is only tls_free().
 *
 * System calls: getrandom, futex, and what malloc() makes. Nothing is opened, except what
 * gmtime_r() reads when tzset() was never called, which a sandbox must come after. A handshake
 * makes no system calls but those of libmicrohttpd and malloc(), and getrandom now and then.
 *
 * Return: as tls_read()
 */
int tls_open(struct tls *tls, const struct web_config *config, time_t now,
	     struct reason *ret_reason);

/**
 * tls_reload() - Both for a server that runs: on failure it goes on with what it has
 *
 * New connections get all of the new configuration. Those that are open keep the old one.
 */
int tls_reload(struct tls *tls, const struct web_config *config, time_t now,
	       struct reason *ret_reason);

/**
 * tls_not_after() - When the certificate that is served now expires
 */
time_t tls_not_after(const struct tls *tls);

/**
 * tls_free() - Sessions that are still open keep their epoch
 */
void tls_free(struct tls *tls);

/**
 * tls_session_begin() - Give a session all it needs for its handshake, which must not have begun
 * @session:	With gnutls and fd, the rest zeroed
 * @now_ns:	CLOCK_MONOTONIC
 *
 * Uses the gnutls session's gnutls_db_set_ptr() and the receiving end of its transport, which
 * libmicrohttpd leaves alone.
 *
 * Return: 0, -EPROTO: the handshake will fail. To be ended in both cases
 */
int tls_session_begin(struct tls *tls, struct tls_session *session, uint64_t now_ns);

/**
 * tls_complaint() - Send the alert that libmicrohttpd doesn't send where a handshake fails
 * @message:	What libmicrohttpd says. It says this one before it closes the connection, and not of
 *		which: it is the one that read last. Others are passed over.
 */
void tls_complaint(const char *message);

/**
 * tls_session_end() - The session is closed, or about to be; a zeroed one is fine
 */
void tls_session_end(struct tls_session *session);

/**
 * tls_mhd_options() - What libmicrohttpd must be told to start with MHD_USE_TLS, and no more
 *
 * Return: for MHD_OPTION_ARRAY; static
 */
const struct MHD_OptionItem *tls_mhd_options(void);
