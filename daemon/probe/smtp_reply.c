/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/probe/smtp_reply.h"

#include <stdio.h>
#include <string.h>

void smtp_parser_reset(struct smtp_parser *p)
{
    p->reply.code = 0;
    p->reply.enhanced[0] = '\0';
    p->reply.lines = 0;
    p->reply.is_cut = false;
    p->reply.text[0] = '\0';
    p->line_len = p->text_len = p->bytes = 0;
    p->saw_cr = p->line_is_cut = false;
    p->error = NULL;
}

static enum smtp_parse fail(struct smtp_parser *p, const char *why)
{
    p->error = why;
    return SMTP_PARSE_ERROR;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The code of the line, or -1. */
static int line_code(const struct smtp_parser *p)
{
    const char *l = p->line;

    if (p->line_len < 3 || l[0] < '2' || l[0] > '5' || !is_digit(l[1]) || !is_digit(l[2]))
        return -1;
    return (l[0] - '0') * 100 + (l[1] - '0') * 10 + (l[2] - '0');
}

static size_t digits(const char *text, size_t max)
{
    size_t n = 0;

    while (n < max && is_digit(text[n]))
        n++;
    return n > 0 && !is_digit(text[n]) ? n : 0;
}

/* "5.7.1 " at the start of TEXT, whose class must be that of the code (RFC 2034 4). */
static void take_enhanced(struct smtp_reply *reply, const char *text)
{
    size_t subject, detail;

    if (text[0] != '0' + reply->code / 100 || text[1] != '.')
        return;
    subject = digits(text + 2, 3);
    if (subject == 0 || text[2 + subject] != '.')
        return;
    detail = digits(text + 3 + subject, 3);
    size_t len = 3 + subject + detail;
    if (detail == 0 || (text[len] != ' ' && text[len] != '\0'))
        return;
    snprintf(reply->enhanced, sizeof reply->enhanced, "%.*s", (int)len, text);
}

static void keep_text(struct smtp_parser *p, const char *text, size_t len)
{
    struct smtp_reply *r = &p->reply;
    size_t separator = r->lines > 0 ? 1 : 0;

    if (p->text_len + separator + len + 1 > sizeof r->text) {
        r->is_cut = true;
        return;
    }
    if (separator > 0)
        r->text[p->text_len++] = '\n';
    for (size_t i = 0; i < len; i++)
        r->text[p->text_len++] = text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?';
    r->text[p->text_len] = '\0';
}

static enum smtp_parse end_line(struct smtp_parser *p)
{
    int code = line_code(p);
    char separator = p->line_len > 3 ? p->line[3] : ' ';

    if (code == -1)
        return fail(p, "a line that does not begin with a reply code");
    if (separator != ' ' && separator != '-')
        return fail(p, "a reply code that is not followed by a space or a hyphen");
    if (p->reply.lines > 0 && code != p->reply.code)
        return fail(p, "a reply whose lines have different codes");
    if (p->reply.lines == SMTP_LINES_MAX)
        return fail(p, "a reply of too many lines");

    p->reply.code = code;
    p->reply.is_cut = p->reply.is_cut || p->line_is_cut;
    keep_text(p, p->line + 4, p->line_len > 4 ? p->line_len - 4 : 0);
    if (p->reply.lines++ == 0)
        take_enhanced(&p->reply, p->reply.text);
    p->line_len = 0;
    p->saw_cr = p->line_is_cut = false;
    return separator == '-' ? SMTP_PARSE_MORE : SMTP_PARSE_REPLY;
}

static enum smtp_parse take_byte(struct smtp_parser *p, char c)
{
    if (c == '\n')
        return end_line(p);
    if (c == '\0')
        return fail(p, "a NUL byte");
    if (c == '\r') {
        p->saw_cr = true;
        return SMTP_PARSE_MORE;
    }
    if (p->saw_cr)
        return fail(p, "a carriage return inside a line");
    if (p->line_len < sizeof p->line)
        p->line[p->line_len++] = c;
    else
        p->line_is_cut = true;
    return SMTP_PARSE_MORE;
}

enum smtp_parse smtp_parser_feed(struct smtp_parser *p, const char *bytes, size_t len,
                                 size_t *taken)
{
    for (size_t i = 0; i < len; i++) {
        enum smtp_parse state = ++p->bytes > SMTP_REPLY_BYTES ? fail(p, "a reply that is too long")
                                                              : take_byte(p, bytes[i]);
        if (state != SMTP_PARSE_MORE) {
            *taken = i + 1;
            return state;
        }
    }
    *taken = len;
    return SMTP_PARSE_MORE;
}

const char *smtp_parser_error(const struct smtp_parser *p)
{
    return p->error != NULL ? p->error : "";
}

void smtp_reply_line(const struct smtp_reply *reply, char *out, size_t len)
{
    int first = (int)strcspn(reply->text, "\n");

    snprintf(out, len, "%d%s%.*s", reply->code, first > 0 ? " " : "", first, reply->text);
}
