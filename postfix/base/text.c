/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/base/text.h"

#include "lib/memory.h"

void text_open(struct text *text)
{
    text->bytes = NULL;
    text->len = 0;
    text->out = open_memstream(&text->bytes, &text->len);
    if (text->out == NULL)
        memory_exhausted();
}

void text_close(struct text *text)
{
    if (fclose(text->out) != 0)
        memory_exhausted();
    text->out = NULL;
}

void run_end(struct run *run)
{
    if (run->len > 0)
        fwrite(run->bytes, 1, run->len, run->out);
    run->len = 0;
}

void run_put(struct run *run, const char *bytes, size_t len)
{
    if (run->len > 0 && run->bytes + run->len == bytes) {
        run->len += len;
        return;
    }
    run_end(run);
    run->bytes = bytes;
    run->len = len;
}
