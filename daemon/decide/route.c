/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/decide/route.h"

size_t choose_route(const enum candidate_state *candidates, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (candidates[i] == CANDIDATE_PENDING)
            return CHOICE_WAIT;
        if (candidates[i] == CANDIDATE_PROVEN)
            return i;
    }
    return CHOICE_NONE;
}
