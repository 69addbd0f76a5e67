/* SPDX-License-Identifier: BSD-2-Clause */
/* The two clocks. Only mains, the engine and the probes read them; decide/ is handed the time. */
#ifndef DETOURD_CLOCK_H
#define DETOURD_CLOCK_H

#include <stdint.h>

/* Milliseconds that never jump, suspended time included (CLOCK_BOOTTIME). */
int64_t clock_mono_ms(void);

/* Seconds since 1970. */
int64_t clock_wall(void);

/* "2026-11-22T14:46:13Z" into OUT, which holds at least CLOCK_TEXT bytes. */
#define CLOCK_TEXT 32
void clock_text(int64_t wall, char *out);

#endif
