/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keeps passwords that the owner wrote into main.cf itself out of what this program prints.
 *
 * smtp_sasl_password_maps may hold them in so many words ("static:user:password", "inline:{...}").
 */
#ifndef DETOURD_POSTFIX_HIDE_H
#define DETOURD_POSTFIX_HIDE_H

#include "postfix/main_cf.h"

/* TEXT, with every line of CF's smtp_sasl_password_maps, and VALUE (the same on one line, or NULL),
 * replaced by "(hidden)" where they hold passwords. The caller frees it. */
char *hide_passwords(const char *text, const struct main_cf *cf, const char *value);

#endif
