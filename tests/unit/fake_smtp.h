/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A server that follows a script on the test's own event loop. It serves one connection after
 * another, each with the script from its start. A script is made of lines:
 *
 *     S: TEXT      says TEXT and CRLF; lines in a row leave in one packet
 *     R: TEXT      says TEXT alone; \r, \n, \e and \0 in it mean what they mean in C
 *     D: TEXT      the same, byte by byte, each in a packet of its own
 *     F: N TEXT    the same, N times
 *     C: TEXT      waits for a line that begins with TEXT; any other spoils the test
 *     TLS          begins TLS
 *     CLOSE        closes; RESET does it with RST
 *
 * Where the script ends, the server falls silent and keeps the connection.
 */
#ifndef DETOURD_TEST_FAKE_SMTP_H
#define DETOURD_TEST_FAKE_SMTP_H

#include "lib/address.h"
#include <event2/event.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

struct fake_smtp;

/* Listens on a port of its own at HOST ("127.0.0.1", "::1"). TLS may be NULL. SCRIPT must outlive
 * the server. */
struct fake_smtp *fake_smtp_new(struct event_base *base, const char *host, const char *script,
                                SSL_CTX *tls);
/* The same at PORT, 0 for one of its own. Ports below 1024 are to be had in a fake network alone.
 */
struct fake_smtp *fake_smtp_new_at(struct event_base *base, const char *host, uint16_t port,
                                   const char *script, SSL_CTX *tls);
void fake_smtp_free(struct fake_smtp *server);

const struct address *fake_smtp_address(const struct fake_smtp *server);

/* Fails the test when a client said something that the script did not expect. */
void fake_smtp_check(const struct fake_smtp *server);

/* Every line that was heard so far, of all connections, each ended by a newline. */
const char *fake_smtp_heard(const struct fake_smtp *server);

/* Connections so far, and those of them that neither side has closed. */
size_t fake_smtp_connections(const struct fake_smtp *server);
size_t fake_smtp_open(const struct fake_smtp *server);

/* True once the script of the latest connection has come to its end. */
const bool *fake_smtp_finished(const struct fake_smtp *server);

#endif
