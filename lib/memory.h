/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Allocation that ends the program when there is no memory left. For what is small and bounded;
 * whatever an outsider's input sizes is bounded before it gets here.
 */
#ifndef DETOURD_MEMORY_H
#define DETOURD_MEMORY_H

#include <stddef.h>

void *memory_zero(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
void *memory_grow(void *old, size_t count, size_t size) __attribute__((returns_nonnull));
char *memory_copy(const char *text) __attribute__((malloc, returns_nonnull, nonnull));
char *memory_format(const char *format, ...)
    __attribute__((malloc, returns_nonnull, format(printf, 1, 2)));

#endif
