/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/generator.h"

#include <stdlib.h>
#include <string.h>

/* Of the C library's own the numbers may change with its version. */
static uint32_t state;

void generate_start(uint32_t seed)
{
    state = seed * 2654435761u + 12345u;
    generate_below(1);
}

uint32_t generate_below(uint32_t limit)
{
    state = state * 1664525u + 1013904223u;
    return (uint32_t)(((uint64_t)(state >> 8) * limit) >> 24);
}

bool generate_one_in(uint32_t n)
{
    return generate_below(n) == 0;
}

/* Between two physical lines of one logical line, and between two logical lines. */
static const char *const between[] = {
    "# a comment\n",
    "#relayhost = commented out\n",
    "  # indented\n",
    "\t#\n",
    "\n",
    "   \n",
    " \t\v\f\r\n",
    "\r\n",
    "#detourd:relayhost = x\n",
    "#detourd\n",
    "#detourd:\n",
    "#Detourd: relayhost = x\n",
    "# detourd: relayhost = x\n",
    "# detourd:begin relay ses 587 generation 7\n",
    "# detourd: beginning\n",
    "#  detourd: end 0123456789abcdef\n",
    "## detourd: begin relay ses 587 generation 7\n",
    " #detourd: relayhost = x\n",
    "\t# detourd: begin relay ses 587 generation 7\n",
    "# \xff\xfe not UTF-8\n",
    "# Written by detour-apply(8); \"detour-apply direct\" takes it out again.\n",
};

void generate_between(FILE *out)
{
    for (uint32_t n = generate_below(3); n > 0; n--)
        fputs(PICK(between), out);
}

/* A few bytes at random places changed, put in or taken out. */
void generate_disturbance(struct bytes *file)
{
    static const char bytes[] = "\n\n\r \t\v\f#=:$ {}x\xff\xc3";

    for (uint32_t n = 1 + generate_below(4); n > 0 && file->len > 0; n--) {
        uint32_t at = generate_below((uint32_t)file->len);
        if (generate_one_in(3))
            memmove(file->text + at, file->text + at + 1, file->len-- - at);
        else
            file->text[at] = bytes[generate_below(sizeof bytes - 1)];
    }
}

void generate_carriage_returns(struct bytes *file)
{
    struct bytes out = { NULL, 0 };
    FILE *to = open_memstream(&out.text, &out.len);

    for (size_t i = 0; i < file->len; i++)
        if (file->text[i] == '\n')
            fputs("\r\n", to);
        else
            fputc(file->text[i], to);
    fclose(to);
    free(file->text);
    *file = out;
}

void generate_cut(struct bytes *file, size_t len)
{
    file->len = len;
    file->text[len] = '\0';
}

/* Where the last line ends without a newline, or goes on into nothing. */
void generate_no_end(struct bytes *file)
{
    size_t len = file->len;

    while (len > 0 && file->text[len - 1] == '\n')
        len--;
    generate_cut(file, len);
}
