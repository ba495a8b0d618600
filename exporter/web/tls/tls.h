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
 *		tls_session_begin(tls, MHD_get_connection_info(connection,
 *				  MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session, &epoch)
 *	notify, MHD_CONNECTION_NOTIFY_CLOSED:
 *		tls_session_end(epoch)
 *
 * A connection whose begin failed or was forgotten has no certificate, so its handshake fails.
 */
#pragma once

#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "web/config/webconfig.h"

struct tls;
struct tls_epoch; /* what one load gave; lives while tls or a session uses it */

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
 * @ret_epoch:	For tls_session_end()
 *
 * Uses the session's gnutls_db_set_ptr(), which libmicrohttpd leaves alone.
 *
 * Return: 0, -EPROTO: the handshake will fail, and there is nothing to end
 */
int tls_session_begin(struct tls *tls, gnutls_session_t session, struct tls_epoch **ret_epoch);

/**
 * tls_session_end() - The session is closed, or about to be; NULL is fine
 */
void tls_session_end(struct tls_epoch *epoch);

/**
 * tls_mhd_options() - What libmicrohttpd must be told to start with MHD_USE_TLS, and no more
 *
 * Return: for MHD_OPTION_ARRAY; static
 */
const struct MHD_OptionItem *tls_mhd_options(void);
