/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/base/utf8.h"

static bool is_continued(const unsigned char *p, int count)
{
    for (int i = 1; i <= count; i++)
        if ((p[i] & 0xc0) != 0x80)
            return false;
    return true;
}

/* The length of the character at P; 0 where there is none. */
static int character(const unsigned char *p)
{
    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xc2 && p[0] <= 0xdf)
        return is_continued(p, 1) ? 2 : 0;
    /* The second byte's range keeps out overlong forms, surrogates and what is above U+10FFFF. */
    if (p[0] >= 0xe0 && p[0] <= 0xef)
        return is_continued(p, 2) && !(p[0] == 0xe0 && p[1] < 0xa0) &&
                       !(p[0] == 0xed && p[1] > 0x9f)
                   ? 3
                   : 0;
    if (p[0] >= 0xf0 && p[0] <= 0xf4)
        return is_continued(p, 3) && !(p[0] == 0xf0 && p[1] < 0x90) &&
                       !(p[0] == 0xf4 && p[1] > 0x8f)
                   ? 4
                   : 0;
    return 0;
}

bool utf8_valid(const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0';) {
        int n = character(p);
        if (n == 0)
            return false;
        p += n;
    }
    return true;
}
