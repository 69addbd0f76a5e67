/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs another program for what it prints, and never waits for it without an end. */
#ifndef DETOURD_CTL_RUN_TOOL_H
#define DETOURD_CTL_RUN_TOOL_H

#include <stddef.h>
#include <stdint.h>

enum tool_end {
    TOOL_OK,
    TOOL_ABSENT, /* there is no such program */
    TOOL_FAILED, /* it could not be started, or ended with an error */
    TOOL_LATE,   /* it ran beyond the deadline, and was killed */
    TOOL_LONG,   /* it printed more than MAX bytes, and was killed */
};

/* PATH is absolute; ARGV ends with NULL. Its standard input is /dev/null, its standard error goes
 * there, its environment is clean. Whatever the end, *OUT is what it printed so far, a string, and
 * the caller's to free. DEADLINE_MS is on clock_mono_ms(). */
enum tool_end run_tool(const char *path, const char *const argv[], int64_t deadline_ms, size_t max,
                       char **out);

#endif
