/* SPDX-License-Identifier: BSD-2-Clause */
/* Sentences for people, in the language of whoever reads them: gettext(3). */
#ifndef DETOURD_TRANSLATE_H
#define DETOURD_TRANSLATE_H

#include <libintl.h>

#define _(text)  dgettext("detourd", text)
#define N_(text) text

#endif
