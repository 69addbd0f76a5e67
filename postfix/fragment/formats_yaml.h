/* SPDX-License-Identifier: BSD-2-Clause */
/* The two of a fragment's formats (formats.h) that are YAML. Pure. */
#ifndef DETOURD_POSTFIX_FORMATS_YAML_H
#define DETOURD_POSTFIX_FORMATS_YAML_H

#include "postfix/fragment/fragment.h"
#include <stdio.h>

void put_ansible(FILE *out, const struct fragment *fragment);
void put_salt(FILE *out, const struct fragment *fragment);

#endif
