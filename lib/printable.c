/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/printable.h"

void make_printable(char *text)
{
    for (; *text != '\0'; text++)
        if (*text < 0x20 || *text > 0x7e)
            *text = '?';
}
