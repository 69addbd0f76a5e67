/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs a tool beside us, for a caller that must go on watching what comes of it. */
#ifndef DETOURD_POSTFIX_SUBMIT_H
#define DETOURD_POSTFIX_SUBMIT_H

#include "postfix/base/why.h"

struct submit;

/* command_ok(ARGV) in a process of its own. NULL with a reason. */
struct submit *submit_begin(const char *const argv[], struct why *why);

/* Readable when the tool has ended; -1 once submit_result has been asked. */
int submit_fd(const struct submit *submit);

/* 0 when the tool has succeeded, else -1 with a reason. To be asked once. */
int submit_result(struct submit *submit, struct why *why);

/* Ends the tool if it still runs. NULL is allowed. */
void submit_free(struct submit *submit);

#endif
