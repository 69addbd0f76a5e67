/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Allocation that ends the program when there is no memory left. For what is small and bounded;
 * whatever an outsider's input sizes is bounded before it gets here.
 *
 * A program that must not end halfway keeps a reserve: the first allocation that fails gets it
 * back, and from then on memory_is_short() says that it is time to come to an orderly end.
 */
#ifndef DETOURD_MEMORY_H
#define DETOURD_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

void *memory_zero(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
void *memory_grow(void *old, size_t count, size_t size) __attribute__((returns_nonnull));
char *memory_copy(const char *text) __attribute__((malloc, returns_nonnull, nonnull));
char *memory_format(const char *format, ...)
    __attribute__((malloc, returns_nonnull, format(printf, 1, 2)));

/* For libraries with an allocator of the caller's choice. */
void *memory_block(size_t size) __attribute__((malloc, returns_nonnull));

/* SIZE bytes, once; where not even they are left, this is the end. */
void memory_keep_reserve(size_t size);

/* Whether the reserve is in use. */
bool memory_is_short(void);

/* LAST_WORDS is called before the program ends for want of memory; it must not allocate. */
void memory_on_end(void (*last_words)(void));

/* The end itself, for what has been refused elsewhere. */
_Noreturn void memory_exhausted(void);

#endif
