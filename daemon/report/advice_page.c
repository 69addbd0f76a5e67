/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/report/advice_page.h"

#include "lib/memory.h"
#include <stdlib.h>
#include <string.h>

#define COMMAND_DEPTH 7

void advice_say(struct advice_page *page, const char *format, ...)
{
    struct text t;
    va_list args;

    text_begin(&t);
    va_start(args, format);
    text_add_list(&t, format, args);
    va_end(args);
    char *text = text_end(&t);
    add_paragraph(page->text, page->layout, page->mark, text);
    memset(page->mark, ' ', strlen(page->mark));
    free(text);
}

void advice_label(struct advice_page *page, const char *label, const char *text)
{
    char *mark;

    if (*text == '\0')
        return;
    mark = memory_format("%s%s ", page->mark, label);
    add_paragraph(page->text, page->layout, mark, text);
    free(mark);
}

void advice_command(struct advice_page *page, const char *command)
{
    text_add(page->text, "%*s%s\n", COMMAND_DEPTH, "", command);
}

void advice_quote(struct advice_page *page, int depth, const char *text)
{
    while (*text != '\0') {
        int len = (int)strcspn(text, "\n");
        text_add(page->text, "%*s%.*s\n", len > 0 ? depth : 0, "", len, text);
        text += len + (text[len] == '\n');
    }
}
