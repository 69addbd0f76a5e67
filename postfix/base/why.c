/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/base/why.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int why_set(struct why *why, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(why->text, sizeof why->text, format, args);
    va_end(args);
    return -1;
}

int why_errno(struct why *why, const char *format, ...)
{
    const char *error = strerror(errno);
    va_list args;

    va_start(args, format);
    vsnprintf(why->text, sizeof why->text, format, args);
    va_end(args);
    size_t used = strlen(why->text);
    snprintf(why->text + used, sizeof why->text - used, ": %s", error);
    return -1;
}
