/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef DETOURD_POSTFIX_UTF8_H
#define DETOURD_POSTFIX_UTF8_H

#include <stdbool.h>

/* Whether TEXT is UTF-8 (RFC 3629 section 4). */
bool utf8_valid(const char *text);

#endif
