/* SPDX-License-Identifier: MIT */
/* Cipher suites and curves: Go's names, and the GnuTLS priority string they come to */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "web/config/webconfig.h"

/**
 * ciphers_suite() - Number of a cipher suite by Go's name for it
 *
 * The suites are those of crypto/tls.CipherSuites() since Go 1.22.
 *
 * Return: the number, from 0; -ENOENT; -EACCES for one that Go calls insecure since 1.22 and that
 * older exporter-toolkits still take
 */
int ciphers_suite(const char *name);

/**
 * ciphers_curve() - Number of a curve by exporter-toolkit's name for it
 *
 * Return: the number, from 0, or -ENOENT
 */
int ciphers_curve(const char *name);

/**
 * ciphers_priority() - Priority string for what a configuration allows
 * @tls:	As webconfig_read() returned it
 *
 * Without cipher_suites: GnuTLS's SECURE128 less what has no forward secrecy, from TLS 1.2 up.
 * With them: for TLS 1.2 the listed suites; where some of them are for RSA certificates and some
 * for ECDSA ones, either certificate gets the ciphers of both. GnuTLS has one list of ciphers for
 * all versions, so TLS 1.3 offers its suites with listed ciphers only, where Go always offers all
 * three; with no such cipher it is not offered.
 */
void ciphers_priority(const struct web_tls *tls, char ret_priority[WEBCONFIG_PRIORITY_BYTES]);

/**
 * ciphers_versions() - Which versions a configuration has something to offer for
 *
 * A list of nothing but TLS 1.3 suites offers nothing for TLS 1.2, as in Go.
 */
void ciphers_versions(const struct web_tls *tls, bool *ret_tls12, bool *ret_tls13);

/**
 * ciphers_serve() - Whether a certificate can be served under a configuration
 * @rsa:	Its key is an RSA key, else an elliptic curve one
 */
bool ciphers_serve(const struct web_tls *tls, bool rsa);
