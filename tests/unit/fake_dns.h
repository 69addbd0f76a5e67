/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A resolver that follows a zone, by UDP and TCP on 127.0.0.1. A zone is made of lines:
 *
 *     NAME A 192.0.2.1         a record; also AAAA, CNAME, PTR, "MX 10 HOST" ("." for the root)
 *     NAME TXT one|two         a text of two strings, which are cut at 255 bytes anyway
 *     NAME TYPE MANY 500       so many records, addresses counted up from 198.18.0.1 or
 *                              2001:db8::1, MX hosts mx0.NAME, mx1.NAME ... with preferences
 *                              counted down, texts and PTR names the same words
 *     NAME TYPE SERVFAIL       also REFUSED, NXDOMAIN, FORMERR
 *     NAME TYPE SILENT         no answer
 *     NAME TYPE GARBAGE        an answer that breaks off in its first record
 *     NAME TYPE LOOP           an answer whose name points at itself
 *     NAME TYPE CIRCLE         CNAME records that point at each other
 *     NAME TYPE SHORT          a record with two bytes in it
 *     NAME TYPE RUNT           two bytes
 *
 * "*.NAME" stands for every name below. A name without any line does not exist; one without a
 * line of the type asked for has no such record. Answers over 512 bytes are truncated by UDP.
 */
#ifndef DETOURD_TEST_FAKE_DNS_H
#define DETOURD_TEST_FAKE_DNS_H

#include <event2/event.h>
#include <stddef.h>

struct fake_dns;

/* ZONE must outlive the server. */
struct fake_dns *fake_dns_new(struct event_base *base, const char *zone);
void fake_dns_free(struct fake_dns *server);

/* "127.0.0.1:PORT", owned by the server. */
const char *fake_dns_at(const struct fake_dns *server);

/* Questions so far, and those of them by TCP. */
size_t fake_dns_questions(const struct fake_dns *server);
size_t fake_dns_by_tcp(const struct fake_dns *server);

#endif
