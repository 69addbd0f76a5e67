/* SPDX-License-Identifier: BSD-2-Clause */
/* How many descriptors this process may have open (getrlimit(2) RLIMIT_NOFILE). */
#ifndef DETOURD_DESCRIPTORS_H
#define DETOURD_DESCRIPTORS_H

#include <stddef.h>

/* As of now. */
size_t descriptors_limit(void);

/* Raises the limit to WANTED where it is lower, but never beyond what the administrator allows. */
void descriptors_raise(size_t wanted);

#endif
