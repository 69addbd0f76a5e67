/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/base/checksum.h"

uint64_t checksum_add(uint64_t sum, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        sum = (sum ^ (unsigned char)bytes[i]) * UINT64_C(1099511628211);
    return sum;
}
