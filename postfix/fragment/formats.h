/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A fragment in the words of whoever applies it. Pure.
 *
 * Each text takes a running Postfix through the steps that detour-apply itself would take: what the
 * relay demands comes before the route to it and goes after it, and between two steps Postfix works
 * by the first. "detour-apply reload" waits for that; a bare "postfix reload" returns too early.
 * The snippet for main.cf alone cannot say so, but in its comments.
 */
#ifndef DETOURD_POSTFIX_FORMATS_H
#define DETOURD_POSTFIX_FORMATS_H

#include "postfix/fragment/fragment.h"

enum fragment_format {
    FORMAT_MAIN_CF,  /* a snippet, and in comments what it is to take the place of */
    FORMAT_POSTCONF, /* a shell script of postconf(1) */
    FORMAT_ANSIBLE,  /* tasks, for include_tasks */
    FORMAT_SALT,     /* an SLS file */
    FORMAT_MASTER_CF /* a snippet; empty where no service is set */
};

#define FORMATS 5

/* As "--format" names it, and as the file is called. */
const char *format_name(enum fragment_format format);
const char *format_file(enum fragment_format format);

/* The caller frees it. */
char *format_text(const struct fragment *fragment, enum fragment_format format);

#endif
