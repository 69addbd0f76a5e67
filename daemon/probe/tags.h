/* SPDX-License-Identifier: BSD-2-Clause */
/* The "tag=value; tag=value" of DKIM and DMARC records (RFC 6376 3.2). Pure. */
#ifndef DETOURD_TAGS_H
#define DETOURD_TAGS_H

#include <stdbool.h>
#include <stddef.h>

/* The value of the tag NAME without the white space around it, cut to SIZE; false where TEXT has no
 * such tag. Names count in the case they stand in. */
bool tag_value(const char *text, const char *name, char *out, size_t size);

/* Whether the first tag of TEXT is NAME, with exactly VALUE. */
bool tag_is_first(const char *text, const char *name, const char *value);

#endif
