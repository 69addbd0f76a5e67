/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bounce shield: what a relay refuses waits in the queue, since the sender's message might have
 * left well without it. A table for smtp(8)'s delivery status filter (postconf(5),
 * smtp_delivery_status_filter) turns a failure for good (5.X.Y) into one for now (4.X.Y), whether
 * the relay said it or Postfix concluded it from what the relay offers. What stays is a verdict on
 * the recipient, which any other way would end with too: 5.1.1, 5.1.2, 5.1.10 (no such mailbox,
 * system or host; RFC 3463, RFC 7505) and 5.2.X (the mailbox), in reply to RCPT TO. A reply without
 * such a code is no such verdict, nor is one that says that it is about the sender, the client or
 * HELO.
 *
 * The filter sees "STATUS TEXT". In every text of smtp(8)'s the first bracket opens the address of
 * the server that it is about ("host NAME[ADDRESS] said: ..."); the few that name a server without
 * its address have no bracket. (smtp_proto.c, smtp_connect.c, smtp_addr.c, smtp_sasl_glue.c,
 * smtp_tls_policy.c, dns_lookup.c; Postfix 3.0 to 3.12.) The exceptions are "SASL [CACHED] ..."
 * and "mail for [NAME]:PORT ...".
 *
 * Where smtp(8) serves others than the relay, what a text does not tell stays as it is: whose
 * message it was that is nested too deeply to be converted for a server without 8BITMIME (5.6.0,
 * mime_nesting_limit, mime_state.c), and whose certificate was "not verified", should the owner's
 * filter make a failure for good of that one.
 *
 * Pure.
 */
#ifndef DETOURD_POSTFIX_SHIELD_H
#define DETOURD_POSTFIX_SHIELD_H

#include <stdbool.h>

/* The source of a regexp_table(5); the caller frees it. HOST is the relay's name or address where
 * the same smtp(8) serves other destinations too, whose failures then stay what they are; NULL for
 * a service that leads to the relay alone. */
char *shield_table(const char *host);

/* Where the same smtp(8) serves others: the source of a table that marks what is a failure for now
 * of the relay's, whatever the owner's filter then makes of it. The caller frees it. */
char *shield_marks(const char *host);

/* The value of smtp_delivery_status_filter: our table, a file at PATH, and the owner's list THEIRS
 * (all $names replaced; "" where empty). MARKS is where shield_marks() stands; NULL for a service
 * that leads to the relay alone. What theirs would bounce of the relay's, ours keeps, but for a
 * verdict; for all else theirs counts as before. The caller frees it. */
char *shield_filter(const char *path, const char *marks, const char *theirs);

/* Whether a reason in the queue ("delay_reason", postqueue(1)) is one that a table of ours gave. */
bool shield_kept(const char *reason);

#endif
