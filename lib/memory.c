/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/memory.h"

#include "lib/log.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *or_die(void *p)
{
    if (p == NULL) {
        log_error("out of memory");
        exit(EXIT_FAILURE);
    }
    return p;
}

void *memory_zero(size_t count, size_t size)
{
    return or_die(calloc(count > 0 ? count : 1, size));
}

void *memory_grow(void *old, size_t count, size_t size)
{
    return or_die(reallocarray(old, count > 0 ? count : 1, size));
}

char *memory_copy(const char *text)
{
    return or_die(strdup(text));
}

char *memory_format(const char *format, ...)
{
    char *text;
    va_list args;

    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    return or_die(n == -1 ? NULL : text);
}
