/* SPDX-License-Identifier: BSD-2-Clause */
/* Replies of every shape, put together byte by byte. */
#include "tests/unit/unit.h"

#include "daemon/probe/smtp_reply.h"
#include "lib/memory.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct smtp_parser parser;

static enum smtp_parse feed_all(const char *bytes, size_t len, size_t *taken)
{
    smtp_parser_reset(&parser);
    return smtp_parser_feed(&parser, bytes, len, taken);
}

/* The same in pieces of SIZE, as a network would deliver it. */
static enum smtp_parse feed_pieces(const char *bytes, size_t len, size_t size)
{
    enum smtp_parse state = SMTP_PARSE_MORE;

    smtp_parser_reset(&parser);
    for (size_t at = 0; at < len && state == SMTP_PARSE_MORE; at += size) {
        size_t taken, piece = len - at < size ? len - at : size;
        state = smtp_parser_feed(&parser, bytes + at, piece, &taken);
    }
    return state;
}

static void good_replies(void **state)
{
    static const struct {
        const char *wire;
        int code;
        size_t lines;
        const char *text, *enhanced;
    } rows[] = {
        { "220 mx.example ESMTP\r\n", 220, 1, "mx.example ESMTP", "" },
        { "220 mx.example ESMTP\n", 220, 1, "mx.example ESMTP", "" },
        { "220 mx.example ESMTP\r\r\n", 220, 1, "mx.example ESMTP", "" },
        { "250\r\n", 250, 1, "", "" },
        { "250 \r\n", 250, 1, "", "" },
        { "250-\r\n250 x\r\n", 250, 2, "\nx", "" },
        { "250-a\r\n250-b\r\n250 c\r\n", 250, 3, "a\nb\nc", "" },
        { "250-a\n250-b\r\n250\n", 250, 3, "a\nb\n", "" },
        { "554 5.7.1 go away\r\n", 554, 1, "5.7.1 go away", "5.7.1" },
        { "554-5.7.1 go\r\n554 5.7.9 away\r\n", 554, 2, "5.7.1 go\n5.7.9 away", "5.7.1" },
        { "421 4.123.456\r\n", 421, 1, "4.123.456", "4.123.456" },
        { "421 5.1.1 of another class\r\n", 421, 1, "5.1.1 of another class", "" },
        { "421 4.1234.1 too long\r\n", 421, 1, "4.1234.1 too long", "" },
        { "421 4.1.1x\r\n", 421, 1, "4.1.1x", "" },
        { "421 4.1. 1\r\n", 421, 1, "4.1. 1", "" },
        { "421 4.\r\n", 421, 1, "4.", "" },
        { "220 caf\xc3\xa9 \x1b[31m\t\r\n", 220, 1, "caf?? ?[31m?", "" },
        { "599 last\r\n", 599, 1, "last", "" },
        { "200 first\r\n", 200, 1, "first", "" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t size = 1; size <= 64; size *= 2) {
            if (feed_pieces(rows[i].wire, strlen(rows[i].wire), size) != SMTP_PARSE_REPLY)
                fail_msg("%s: %s", rows[i].wire, smtp_parser_error(&parser));
            assert_int_equal(parser.reply.code, rows[i].code);
            assert_int_equal(parser.reply.lines, rows[i].lines);
            assert_string_equal(parser.reply.text, rows[i].text);
            assert_string_equal(parser.reply.enhanced, rows[i].enhanced);
            assert_false(parser.reply.is_cut);
        }
}

#define ROW(text)             \
    {                         \
        text, sizeof text - 1 \
    }

static void bad_replies(void **state)
{
    static const struct {
        const char *wire;
        size_t len;
    } rows[] = {
        ROW("\r\n"),
        ROW("\n"),
        ROW("22\r\n"),
        ROW("2200 four digits\r\n"),
        ROW("abc\r\n"),
        ROW(" 220 x\r\n"),
        ROW("199 x\r\n"),
        ROW("600 x\r\n"),
        ROW("2x0 x\r\n"),
        ROW("22x x\r\n"),
        ROW("220\tx\r\n"),
        ROW("220_x\r\n"),
        ROW("HTTP/1.1 400 Bad Request\r\n"),
        ROW("SSH-2.0-OpenSSH_9.2p1\r\n"),
        ROW("\x15\x03\x01\x00\x02\x02\x46\n"),
        ROW("250-a\r\n251 b\r\n"),
        ROW("250-a\r\nb\r\n"),
        ROW("220 a\0b\r\n"),
        ROW("\0"),
        ROW("220 a\rb\r\n"),
        ROW("220 a\r220 b\r\n"),
        ROW("220\r 250 x\r\n"),
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t size = 1; size <= 64; size *= 2) {
            if (feed_pieces(rows[i].wire, rows[i].len, size) != SMTP_PARSE_ERROR)
                fail_msg("row %zu was taken", i);
            assert_true(strlen(smtp_parser_error(&parser)) > 0);
        }
}

static void unfinished_replies_wait(void **state)
{
    static const char *const rows[] = { "", "2", "220", "220 ", "220 x", "220 x\r", "250-x\r\n" };
    size_t taken;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(feed_all(rows[i], strlen(rows[i]), &taken), SMTP_PARSE_MORE);
        assert_int_equal(taken, strlen(rows[i]));
    }
}

static void what_follows_is_left(void **state)
{
    const char *wire = "220 a\r\n250 b\r\n";
    size_t taken, again;

    (void)state;
    assert_int_equal(feed_all(wire, strlen(wire), &taken), SMTP_PARSE_REPLY);
    assert_int_equal(taken, 7);
    assert_int_equal(feed_all(wire + taken, strlen(wire) - taken, &again), SMTP_PARSE_REPLY);
    assert_int_equal(parser.reply.code, 250);
    assert_string_equal(parser.reply.text, "b");
}

/* A line of LEN bytes before its CRLF, "220 xxx..."; caller frees. */
static char *long_line(size_t len)
{
    char *line = memory_zero(1, len + 3);

    memset(line, 'x', len);
    memcpy(line, "220 ", 4);
    memcpy(line + len, "\r\n", 2);
    return line;
}

static void long_lines_are_cut(void **state)
{
    static const struct {
        size_t len;
        bool is_cut;
    } rows[] = {
        { 512, false }, { SMTP_LINE_MAX, false }, { SMTP_LINE_MAX + 1, true }, { 60000, true }
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *line = long_line(rows[i].len);
        assert_int_equal(feed_pieces(line, rows[i].len + 2, 1000), SMTP_PARSE_REPLY);
        assert_int_equal(parser.reply.is_cut, rows[i].is_cut);
        size_t kept = rows[i].is_cut ? SMTP_LINE_MAX : rows[i].len;
        assert_int_equal(strlen(parser.reply.text), kept - 4);
        free(line);
    }
}

static void endless_line_ends(void **state)
{
    char chunk[4096];
    size_t taken, total = 0;

    (void)state;
    memset(chunk, 'x', sizeof chunk);
    memcpy(chunk, "220 ", 4);
    smtp_parser_reset(&parser);
    while (smtp_parser_feed(&parser, chunk, sizeof chunk, &taken) == SMTP_PARSE_MORE) {
        total += taken;
        assert_true(total <= SMTP_REPLY_BYTES);
    }
    assert_string_equal(smtp_parser_error(&parser), "a reply that is too long");
}

static enum smtp_parse feed_lines(size_t count, const char *more, const char *last)
{
    enum smtp_parse state = SMTP_PARSE_MORE;
    size_t taken;

    smtp_parser_reset(&parser);
    for (size_t i = 0; i < count && state == SMTP_PARSE_MORE; i++) {
        const char *line = i + 1 < count ? more : last;
        state = smtp_parser_feed(&parser, line, strlen(line), &taken);
    }
    return state;
}

static void lines_are_counted(void **state)
{
    (void)state;
    assert_int_equal(feed_lines(SMTP_LINES_MAX, "250-X\r\n", "250 X\r\n"), SMTP_PARSE_REPLY);
    assert_int_equal(parser.reply.lines, SMTP_LINES_MAX);
    assert_int_equal(feed_lines(SMTP_LINES_MAX + 1, "250-X\r\n", "250 X\r\n"), SMTP_PARSE_ERROR);
    assert_int_equal(feed_lines(10000, "250-X\r\n", "250 X\r\n"), SMTP_PARSE_ERROR);
    assert_string_equal(smtp_parser_error(&parser), "a reply of too many lines");
}

static void text_is_bounded(void **state)
{
    char line[300];

    (void)state;
    snprintf(line, sizeof line, "250-%0200d\r\n", 7);
    assert_int_equal(feed_lines(100, line, "250 end\r\n"), SMTP_PARSE_REPLY);
    assert_true(parser.reply.is_cut);
    assert_int_equal(parser.reply.lines, 100);
    assert_true(strlen(parser.reply.text) < SMTP_TEXT_MAX);
    /* The first of the lines stand there whole, and a short one at the end still fits. */
    assert_int_equal(strcspn(parser.reply.text, "\n"), 200);
    assert_string_equal(strrchr(parser.reply.text, '\n'), "\nend");
}

static void nothing_stays_from_before(void **state)
{
    size_t taken;

    (void)state;
    assert_int_equal(feed_all("554-5.7.1 a\r\n554 b\r\n", 21, &taken), SMTP_PARSE_REPLY);
    assert_int_equal(feed_all("250\r\n", 5, &taken), SMTP_PARSE_REPLY);
    assert_string_equal(parser.reply.text, "");
    assert_string_equal(parser.reply.enhanced, "");
    assert_int_equal(parser.reply.lines, 1);
    assert_int_equal(feed_all("x\n", 2, &taken), SMTP_PARSE_ERROR);
    assert_int_equal(feed_all("250\r", 4, &taken), SMTP_PARSE_MORE);
    assert_string_equal(smtp_parser_error(&parser), "");
}

static void one_line_of_it(void **state)
{
    char out[20];
    size_t taken;

    (void)state;
    feed_all("554-5.7.1 first\r\n554 second\r\n", 29, &taken);
    smtp_reply_line(&parser.reply, out, sizeof out);
    assert_string_equal(out, "554 5.7.1 first");
    smtp_reply_line(&parser.reply, out, 8);
    assert_string_equal(out, "554 5.7");
    feed_all("250\r\n", 5, &taken);
    smtp_reply_line(&parser.reply, out, sizeof out);
    assert_string_equal(out, "250");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_replies),
        cmocka_unit_test(bad_replies),
        cmocka_unit_test(unfinished_replies_wait),
        cmocka_unit_test(what_follows_is_left),
        cmocka_unit_test(long_lines_are_cut),
        cmocka_unit_test(endless_line_ends),
        cmocka_unit_test(lines_are_counted),
        cmocka_unit_test(text_is_bounded),
        cmocka_unit_test(nothing_stays_from_before),
        cmocka_unit_test(one_line_of_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
