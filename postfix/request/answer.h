/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What detour-apply says to its caller: a line for each step, then the result. JSON for programs,
 * plain lines for a person at a terminal.
 *
 * A caller that goes away or does not read never holds up a change: the answer is then dropped.
 */
#ifndef DETOURD_POSTFIX_ANSWER_H
#define DETOURD_POSTFIX_ANSWER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct answer {
    int fd;
    bool human;
    bool gone;
    bool ended; /* the result is out */
};

/* {"step": ..., "ok": ..., "ms": ..., "detail": ...}; DETAIL may be NULL. */
void answer_step(struct answer *answer, const char *step, bool ok, int64_t ms, const char *detail);

/* The last line: RESULT is "ok", "unchanged", "failed", "refused" or "busy"; REASON and MEMBERS (an
 * object that is given away) may be NULL. */
void answer_end(struct answer *answer, const char *result, const char *reason, json_t *members);

#endif
