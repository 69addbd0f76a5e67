/* SPDX-License-Identifier: BSD-2-Clause */
/* A test speaks French for a while, from the catalogue that this build has made. */
#ifndef DETOURD_FRENCH_H
#define DETOURD_FRENCH_H

#include <stdbool.h>

/* False where the build has no catalogue (no msgfmt) or this machine cannot make the locale. */
bool french_begin(void);
void french_end(void);

#endif
