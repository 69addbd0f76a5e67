/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The words and statements of a text in libconfuse's syntax with their places, for what libconfuse
 * does not tell: on which line a section begins, and from where to where a statement reaches.
 */
#ifndef DETOURD_CONF_SCAN_H
#define DETOURD_CONF_SCAN_H

#include <stdbool.h>
#include <stddef.h>

enum conf_token_kind {
    CONF_END,
    CONF_WORD, /* a name or a value, quoted or not */
    CONF_OPEN,
    CONF_CLOSE,
    CONF_EQUALS, /* = or += */
    CONF_COMMA,
};

struct conf_token {
    enum conf_token_kind kind;
    size_t start, end; /* in the text, quotes included */
    int line;          /* of its first byte */
};

struct conf_scanner {
    const char *text;
    size_t at;
    int line;
    int unclosed;        /* the line of a comment that runs into the end of the text, or 0 */
    int unclosed_string; /* the same of a quoted word */
};

/* TEXT ends with NUL and outlives the scanner. */
void conf_scan_begin(struct conf_scanner *scanner, const char *text);
struct conf_token conf_scan_next(struct conf_scanner *scanner);

/* Whether TOKEN is a word that reads NAME, quotes not counted. */
bool conf_token_is(const char *text, const struct conf_token *token, const char *name);

/* "name = value", "name = { list }", "name { ... }" or "name title { ... }". */
struct conf_statement {
    struct conf_token name, title; /* title.kind is CONF_END where there is none */
    bool is_section;
    struct conf_scanner body; /* of a section: scans what its braces hold */
    size_t end;               /* behind the value, the list or the closing brace */
};

/* Overwrites every comment of TEXT with blanks, so that lines stay what they are. Returns 0, or the
 * line of a comment that is never closed, which is left alone. */
int conf_scan_blank_comments(char *text);

/* Overwrites TEXT from START to END with blanks; lines stay. */
void conf_scan_blank(char *text, size_t start, size_t end);

/* The next statement on this level; false at the end of the text or of the section. Text that makes
 * no statement is passed over: libconfuse is the one to complain about it. */
bool conf_scan_statement(struct conf_scanner *scanner, struct conf_statement *out);

#endif
