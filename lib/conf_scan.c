/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/conf_scan.h"

#include <string.h>

void conf_scan_begin(struct conf_scanner *scanner, const char *text)
{
    *scanner = (struct conf_scanner){ .text = text, .line = 1 };
}

static char peek(const struct conf_scanner *s)
{
    return s->text[s->at];
}

static void step(struct conf_scanner *s)
{
    if (s->text[s->at] == '\n')
        s->line++;
    s->at++;
}

static void skip_line(struct conf_scanner *s)
{
    while (peek(s) != '\0' && peek(s) != '\n')
        step(s);
}

static void skip_block_comment(struct conf_scanner *s)
{
    const char *closing = strstr(s->text + s->at + 2, "*/");

    if (closing == NULL)
        s->unclosed = s->line;
    while (closing != NULL ? s->text + s->at < closing + 2 : peek(s) != '\0')
        step(s);
}

static void skip_blanks(struct conf_scanner *s)
{
    for (;;) {
        if (peek(s) == '#' || strncmp(s->text + s->at, "//", 2) == 0)
            skip_line(s);
        else if (strncmp(s->text + s->at, "/*", 2) == 0)
            skip_block_comment(s);
        else if (peek(s) != '\0' && strchr(" \t\r\n", peek(s)) != NULL)
            step(s);
        else
            return;
    }
}

static void skip_quoted(struct conf_scanner *s)
{
    char quote = peek(s);
    int line = s->line;

    step(s);
    while (peek(s) != '\0' && peek(s) != quote) {
        if (peek(s) == '\\' && s->text[s->at + 1] != '\0')
            step(s);
        step(s);
    }
    if (peek(s) != '\0')
        step(s);
    else
        s->unclosed_string = line;
}

static void skip_word(struct conf_scanner *s)
{
    while (peek(s) != '\0' && strchr(" \t\r\n\"'{}=,#+()", peek(s)) == NULL)
        step(s);
}

struct conf_token conf_scan_next(struct conf_scanner *s)
{
    skip_blanks(s);

    struct conf_token token = { .kind = CONF_WORD, .start = s->at, .line = s->line };
    switch (peek(s)) {
    case '\0':
        token.kind = CONF_END;
        break;
    case '{':
        token.kind = CONF_OPEN;
        step(s);
        break;
    case '}':
        token.kind = CONF_CLOSE;
        step(s);
        break;
    case ',':
        token.kind = CONF_COMMA;
        step(s);
        break;
    case '=':
        token.kind = CONF_EQUALS;
        step(s);
        break;
    case '"':
    case '\'':
        skip_quoted(s);
        break;
    default:
        skip_word(s);
        if (s->at == token.start && strncmp(s->text + s->at, "+=", 2) == 0) {
            token.kind = CONF_EQUALS;
            step(s);
        }
        if (s->at == token.start || token.kind == CONF_EQUALS)
            step(s);
    }
    token.end = s->at;
    return token;
}

void conf_scan_blank(char *text, size_t start, size_t end)
{
    for (size_t i = start; i < end; i++)
        if (text[i] != '\n')
            text[i] = ' ';
}

/* Between two tokens there is nothing but blanks and comments. */
int conf_scan_blank_comments(char *text)
{
    struct conf_scanner s;
    struct conf_token token;
    size_t from = 0;

    conf_scan_begin(&s, text);
    do {
        token = conf_scan_next(&s);
        if (s.unclosed != 0)
            return s.unclosed;
        conf_scan_blank(text, from, token.start);
        from = token.end;
    } while (token.kind != CONF_END);
    return 0;
}

bool conf_token_is(const char *text, const struct conf_token *token, const char *name)
{
    size_t start = token->start, end = token->end;

    if (token->kind != CONF_WORD)
        return false;
    if (end - start >= 2 && (text[start] == '"' || text[start] == '\'')) {
        start++;
        end--;
    }
    return strlen(name) == end - start && strncmp(text + start, name, end - start) == 0;
}

/* Reads on behind the closing brace of a group whose opening one was just read. */
static void skip_group(struct conf_scanner *s)
{
    int depth = 1;

    while (depth > 0) {
        struct conf_token token = conf_scan_next(s);
        if (token.kind == CONF_END)
            return;
        depth += token.kind == CONF_OPEN ? 1 : token.kind == CONF_CLOSE ? -1 : 0;
    }
}

bool conf_scan_statement(struct conf_scanner *s, struct conf_statement *out)
{
    struct conf_token token = conf_scan_next(s);

    *out = (struct conf_statement){ .title.kind = CONF_END };
    while (token.kind != CONF_WORD) {
        if (token.kind == CONF_END || token.kind == CONF_CLOSE)
            return false;
        token = conf_scan_next(s);
    }
    out->name = token;
    struct conf_scanner ahead = *s;
    token = conf_scan_next(&ahead);
    if (token.kind == CONF_WORD) {
        out->title = token;
        token = conf_scan_next(&ahead);
    }
    out->is_section = token.kind == CONF_OPEN;
    if (out->is_section) {
        out->body = ahead;
        skip_group(&ahead);
    } else if (token.kind == CONF_EQUALS) {
        token = conf_scan_next(&ahead);
        if (token.kind == CONF_OPEN)
            skip_group(&ahead);
    } else {
        ahead = *s;
    }
    *s = ahead;
    out->end = s->at;
    return true;
}
