/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The traces of a firewall that rewrites SMTP as it passes: Cisco's "fixup protocol smtp" leaves of
 * the greeting only the digits 2 and 0 among asterisks (Postfix's smtp(8) knows it by that), ESMTP
 * inspection replaces each keyword that it does not like by X's of the same length, the last letter
 * of which may count them ("250-XXXXXXXA" for STARTTLS).
 */
#ifndef DETOURD_MASKED_H
#define DETOURD_MASKED_H

#include <stdbool.h>

/* LINE is the text of a greeting, without its code. */
bool masked_greeting(const char *line);

/* LINE is one line of a reply to EHLO behind the first, without its code. */
bool masked_keyword(const char *line);

#endif
