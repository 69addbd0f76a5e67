/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A log of bounce(8)'s, as trace(8) keeps it for "sendmail -bv": what became of each recipient.
 *
 * The format is Postfix's src/bounce/bounce_append_service.c, the same from 3.5 to 3.11: records
 * of "name=value" lines between empty lines, before them perhaps an old-style line, "<address>:
 * text". A value may hold whatever a server at the other end has said, but never a line's end.
 */
#ifndef DETOURD_POSTFIX_TRACE_LOG_H
#define DETOURD_POSTFIX_TRACE_LOG_H

#include <stdbool.h>
#include <stddef.h>

/* Each value is cut to fit, ended by NUL, and what is not printable ASCII is "?" in it. */
struct trace_record {
    char recipient[512];
    char original_recipient[512]; /* "" where it is the same */
    char action[32];              /* "deliverable", "undeliverable", ... */
    char reason[8192];
};

/* The record of RECIPIENT, by its present or its original address, letter case aside. False where
 * there is none that is whole: one that is still being written has no empty line behind it. */
bool trace_log_find(const char *text, size_t len, const char *recipient, struct trace_record *out);

#endif
