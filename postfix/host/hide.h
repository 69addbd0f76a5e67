/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keeps passwords that the owner wrote into main.cf itself out of what this program prints.
 *
 * A password map may hold them in so many words ("static:user:password", "inline:{...}"), also by
 * way of a parameter that it refers to; a table whose parameters stand in main.cf has a password
 * parameter; and a setting that is commented out may still hold a good one.
 */
#ifndef DETOURD_POSTFIX_HIDE_H
#define DETOURD_POSTFIX_HIDE_H

#include "postfix/cf/main_cf.h"

/* TEXT, with every piece of CF that may be a password, and VALUE (its smtp_sasl_password_maps on
 * one line, or NULL), replaced by "(hidden)". The caller frees it. */
char *hide_passwords(const char *text, const struct main_cf *cf, const char *value);

/* The same for passwords that stand in options of MASTER, or in comments: a text of master.cf's is
 * hidden from there to the end of the line. */
char *hide_master_passwords(const char *text, const struct main_cf *master);

#endif
