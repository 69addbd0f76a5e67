/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/report/text.h"

#include "daemon/report/translate.h"
#include "lib/memory.h"

void text_begin(struct text *text)
{
    *text = (struct text){ 0 };
    text->stream = open_memstream(&text->bytes, &text->len);
}

void text_add(struct text *text, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    text_add_list(text, format, args);
    va_end(args);
}

void text_add_list(struct text *text, const char *format, va_list args)
{
    if (text->stream != NULL)
        vfprintf(text->stream, format, args);
}

char *text_end(struct text *text)
{
    if (text->stream != NULL)
        fclose(text->stream);
    return text->bytes != NULL ? text->bytes : memory_copy("");
}

void text_make_printable(char *text)
{
    for (unsigned char *p = (unsigned char *)text; *p != '\0'; p++)
        if ((*p < 0x20 && *p != '\n' && *p != '\t') || *p == 0x7f)
            *p = '?';
}

void span_text(long long s, char *out)
{
    if (s < 0)
        s = 0;
    if (s < 120)
        snprintf(out, SPAN_TEXT, "%lld s", s);
    else if (s < 7200)
        snprintf(out, SPAN_TEXT, "%lld min", s / 60);
    else if (s < 172800)
        snprintf(out, SPAN_TEXT, "%lld h %lld min", s / 3600, s % 3600 / 60);
    else
        /* Translators: days and hours */
        snprintf(out, SPAN_TEXT, _("%lld d %lld h"), s / 86400, s % 86400 / 3600);
}
