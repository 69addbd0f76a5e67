/* SPDX-License-Identifier: BSD-2-Clause */
/* flock(2) with a deadline. */
#ifndef DETOURD_POSTFIX_LOCK_H
#define DETOURD_POSTFIX_LOCK_H

#include <stdbool.h>

/* Takes the exclusive lock on FD. False with errno EINTR when TIMEOUT_MS passed before. Uses
 * SIGALRM and the real interval timer, which this program uses for nothing else. */
bool lock_exclusive(int fd, int timeout_ms);

#endif
