/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A server's replies, cut into packets: the first byte says how long each is. What is parsed must
 * keep the promises of smtp_reply.h and ehlo.h.
 */
#include "daemon/probe/ehlo.h"
#include "daemon/probe/smtp_reply.h"
#include "tests/fuzz/fuzz.h"
#include <stdlib.h>
#include <string.h>

static void check_printable(const char *text, size_t max)
{
    MUST(strlen(text) < max);
    for (; *text != '\0'; text++)
        MUST((*text >= 0x20 && *text < 0x7f) || *text == '\n');
}

static void check_reply(const struct smtp_reply *reply)
{
    char line[64];
    struct ehlo ehlo;

    MUST(reply->code >= 200 && reply->code <= 599);
    MUST(reply->lines >= 1 && reply->lines <= SMTP_LINES_MAX);
    MUST(strlen(reply->enhanced) < sizeof reply->enhanced);
    check_printable(reply->text, sizeof reply->text);
    smtp_reply_line(reply, line, sizeof line);
    check_printable(line, sizeof line);
    ehlo_parse(reply->text, &ehlo);
    check_printable(ehlo.name, sizeof ehlo.name);
    check_printable(ehlo.auth, sizeof ehlo.auth);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct smtp_parser parser;
    size_t packet = size > 0 ? data[0] + 1U : 1, at = size > 0;

    smtp_parser_reset(&parser);
    while (at < size) {
        size_t len = size - at < packet ? size - at : packet, taken = 0;
        /* A copy of its own, so that reading past its end is seen. */
        char *bytes = malloc(len);
        MUST(bytes != NULL);
        memcpy(bytes, data + at, len);
        enum smtp_parse state = smtp_parser_feed(&parser, bytes, len, &taken);
        free(bytes);
        MUST(taken >= 1 && taken <= len);
        if (state == SMTP_PARSE_ERROR) {
            MUST(smtp_parser_error(&parser)[0] != '\0');
            return 0;
        }
        MUST(state == SMTP_PARSE_REPLY || taken == len);
        if (state == SMTP_PARSE_REPLY) {
            check_reply(&parser.reply);
            smtp_parser_reset(&parser);
        }
        at += taken;
    }
    return 0;
}
