/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * This host's address as a mail server sees it: many show it in their reply to EHLO, in brackets
 * behind a greeting, such as "mx.example at your service, [192.0.2.1]".
 */
#ifndef DETOURD_SEEN_ADDRESS_H
#define DETOURD_SEEN_ADDRESS_H

#include "lib/address.h"
#include <stdbool.h>

/* LINE is the first of the reply. False unless it greets ("Hello", "at your service", "welcome")
 * and shows a public address behind that: "[192.0.2.1]", "[IPv6:2001:db8::1]" or "[2001:db8::1]".
 * The last one counts, since what was said in EHLO may be repeated before it. The port is 0. */
bool seen_address(const char *line, struct address *out);

#endif
