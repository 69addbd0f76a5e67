/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/report/translate.h"

#include "lib/memory.h"

locale_t english_begin(void)
{
    locale_t before = uselocale((locale_t)0), now = duplocale(before);

    if (now == (locale_t)0)
        memory_exhausted();
    now = newlocale(LC_MESSAGES_MASK, "C", now);
    if (now == (locale_t)0)
        memory_exhausted();
    uselocale(now);
    return before;
}

void english_end(locale_t before)
{
    freelocale(uselocale(before));
}
