/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/memory.h"

#include "lib/log.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *reserve;
static bool is_short;
static void (*before_end)(void);

bool memory_is_short(void)
{
    return is_short;
}

void memory_on_end(void (*last_words)(void))
{
    before_end = last_words;
}

void memory_exhausted(void)
{
    if (before_end != NULL)
        before_end();
    log_error("out of memory");
    exit(EXIT_FAILURE);
}

/* An allocation has failed. Returns when it is worth another try. */
static void use_reserve(void)
{
    if (reserve == NULL)
        memory_exhausted();
    free(reserve);
    reserve = NULL;
    is_short = true;
}

void *memory_block(size_t size)
{
    void *p;

    while ((p = malloc(size > 0 ? size : 1)) == NULL)
        use_reserve();
    return p;
}

void memory_keep_reserve(size_t size)
{
    reserve = memory_block(size);
}

void *memory_zero(size_t count, size_t size)
{
    void *p;

    while ((p = calloc(count > 0 ? count : 1, size)) == NULL)
        use_reserve();
    return p;
}

void *memory_grow(void *old, size_t count, size_t size)
{
    void *p;

    while ((p = reallocarray(old, count > 0 ? count : 1, size)) == NULL)
        use_reserve();
    return p;
}

char *memory_copy(const char *text)
{
    size_t size = strlen(text) + 1;

    return memcpy(memory_block(size), text, size);
}

char *memory_format(const char *format, ...)
{
    char *text;
    va_list args;

    for (;;) {
        va_start(args, format);
        int n = vasprintf(&text, format, args);
        va_end(args);
        if (n != -1)
            return text;
        use_reserve();
    }
}
