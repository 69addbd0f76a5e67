/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/french.h"

#include "daemon/report/translate.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Few machines have a French locale; `make check` makes one in the build directory. */
bool french_begin(void)
{
    const char *build = getenv("TOP_BUILDDIR");
    char path[4096];

    if (build == NULL)
        return false;
    snprintf(path, sizeof path, "%s/po/fr/LC_MESSAGES/detourd.mo", build);
    if (access(path, R_OK) != 0)
        return false;
    snprintf(path, sizeof path, "%s/tests/locale", build);
    setenv("LOCPATH", path, 1);
    unsetenv("LANGUAGE");
    bool set =
        setlocale(LC_CTYPE, "fr_FR.UTF-8") != NULL && setlocale(LC_MESSAGES, "fr_FR.UTF-8") != NULL;
    unsetenv("LOCPATH"); /* with it, newlocale(3) of glibc loses memory each time */
    if (!set)
        return false;
    snprintf(path, sizeof path, "%s/po", build);
    bindtextdomain(TEXT_DOMAIN, path);
    return true;
}

void french_end(void)
{
    setlocale(LC_CTYPE, "C");
    setlocale(LC_MESSAGES, "C");
}
