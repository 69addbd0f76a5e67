/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/text.h"

#include "lib/log.h"
#include <stdlib.h>

static _Noreturn void out_of_memory(void)
{
    log_error("out of memory");
    exit(EXIT_FAILURE);
}

void text_open(struct text *text)
{
    text->bytes = NULL;
    text->len = 0;
    text->out = open_memstream(&text->bytes, &text->len);
    if (text->out == NULL)
        out_of_memory();
}

void text_close(struct text *text)
{
    if (fclose(text->out) != 0)
        out_of_memory();
    text->out = NULL;
}
