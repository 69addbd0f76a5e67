/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sentences in the caller's language, by gettext(3): po/ has them. Only detourctl asks for a
 * language; detourd's sentences, and those in documents (JSON), are English.
 */
#ifndef DETOURD_REPORT_TRANSLATE_H
#define DETOURD_REPORT_TRANSLATE_H

#include <libintl.h>
#include <locale.h>

#define TEXT_DOMAIN "detourd"

/* The translation of a whole sentence, or the sentence itself. It is never to be freed. */
#define _(text) dgettext(TEXT_DOMAIN, text)
/* The same by number: one form for 1, another for more. */
#define PLURAL(one, many, n) dngettext(TEXT_DOMAIN, one, many, n)
/* Marks what is translated where it is used. */
#define N_(text) text

/* English until the language that was in use before is given back, once. For what a program reads,
 * in a process that also speaks to people. */
locale_t english_begin(void);
void english_end(locale_t before);

#endif
