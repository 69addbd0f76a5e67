/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mail addresses as keys of Postfix's tables: a whole address, a domain, or a local part. ASCII,
 * and nothing that has to be quoted (RFC 5321 4.1.2 Dot-string): a postmap(1) source cannot hold
 * more.
 */
#ifndef DETOURD_MAIL_ADDRESS_H
#define DETOURD_MAIL_ADDRESS_H

enum address_form {
    ADDRESS_BAD,
    ADDRESS_WHOLE,  /* user@example.com */
    ADDRESS_DOMAIN, /* @example.com */
    ADDRESS_LOCAL,  /* user */
};

/* With ADDRESS_BAD, *WHY is a constant that says what is wrong with the form. */
enum address_form mail_address_form(const char *text, const char **why);

/* To lower case, in place: tables that postmap(1) makes hold no other. */
void mail_address_fold(char *text);

#endif
