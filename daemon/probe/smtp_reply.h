/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A server's reply, put together from bytes as they come (RFC 5321 4.2).
 *
 * Where servers in the field stray from the RFC and Postfix goes along, so does this: a line may
 * end with a bare LF or with several CRs before it, the text may be missing, a line may be longer
 * than 512 bytes (what lies beyond SMTP_LINE_MAX is dropped). Where straying could make one thing
 * look like another, it does not: NUL, a CR inside a line, a code that changes between the lines of
 * one reply.
 */
#ifndef DETOURD_SMTP_REPLY_H
#define DETOURD_SMTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#define SMTP_LINE_MAX    2048  /* bytes of a line that are kept, code included */
#define SMTP_LINES_MAX   200   /* lines of one reply */
#define SMTP_REPLY_BYTES 65536 /* bytes of one reply, kept or not */
#define SMTP_TEXT_MAX    8192  /* bytes of the text that is kept of one reply */

struct smtp_reply {
    int code;          /* 200 to 599 */
    char enhanced[12]; /* "5.7.1" (RFC 2034); empty where the reply has none */
    size_t lines;
    bool is_cut; /* some of the text was dropped */
    /* The lines without their codes, joined by newlines. Printable ASCII alone: any other byte
     * has become '?'. Lines that do not fit as a whole are left out. */
    char text[SMTP_TEXT_MAX];
};

enum smtp_parse {
    SMTP_PARSE_MORE,  /* everything was taken, and the reply goes on */
    SMTP_PARSE_REPLY, /* the reply is complete; bytes behind it were not taken */
    SMTP_PARSE_ERROR, /* this is not SMTP; smtp_parser_error() says why */
};

struct smtp_parser {
    struct smtp_reply reply;
    char line[SMTP_LINE_MAX];
    size_t line_len, text_len, bytes;
    bool saw_cr, line_is_cut;
    const char *error;
};

/* Before the first byte of each reply. */
void smtp_parser_reset(struct smtp_parser *parser);

/* Takes bytes up to the end of the reply; *TAKEN says how many. */
enum smtp_parse smtp_parser_feed(struct smtp_parser *parser, const char *bytes, size_t len,
                                 size_t *taken);

/* A constant phrase, after SMTP_PARSE_ERROR. */
const char *smtp_parser_error(const struct smtp_parser *parser);

/* "554 5.7.1 text of the first line", cut to LEN. */
void smtp_reply_line(const struct smtp_reply *reply, char *out, size_t len);

#endif
