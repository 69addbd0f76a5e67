/* SPDX-License-Identifier: BSD-2-Clause */
/* FNV-1a: it has to notice an edit, not to withstand an attack; whoever writes main.cf is root. */
#ifndef DETOURD_POSTFIX_CHECKSUM_H
#define DETOURD_POSTFIX_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

#define CHECKSUM_START UINT64_C(14695981039346656037)

/* SUM of what came before, carried on over LEN bytes. */
uint64_t checksum_add(uint64_t sum, const char *bytes, size_t len);

#endif
