/* SPDX-License-Identifier: BSD-2-Clause */
/* SHA-256 (FIPS 180-4): what sha256sum(1) and configuration management check files by. */
#ifndef DETOURD_POSTFIX_SHA256_H
#define DETOURD_POSTFIX_SHA256_H

#include <stddef.h>

/* 64 hexadecimal digits and a NUL. */
#define SHA256_TEXT 65

void sha256(const char *bytes, size_t len, char out[SHA256_TEXT]);

#endif
