/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/request/answer.h"

#include "lib/clock.h"
#include "postfix/base/json_text.h"
#include "postfix/base/text.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A caller that reads nothing for so long is taken for gone. */
#define PATIENCE_MS 5000

/* Without blocking, whatever the descriptor is: poll() promises room for one byte at least, but a
 * write of more may block on a pipe, so no more than PIPE_BUF at once. */
#define PIECE 4096

static void send_bytes(struct answer *answer, const char *bytes, size_t len)
{
    int64_t deadline = clock_mono_ms() + PATIENCE_MS;

    while (len > 0 && !answer->gone) {
        int64_t left = deadline - clock_mono_ms();
        struct pollfd fd = { .fd = answer->fd, .events = POLLOUT };
        size_t piece = len < PIECE ? len : PIECE;
        if (left <= 0) {
            answer->gone = true;
        } else if (poll(&fd, 1, (int)left) == 1) {
            ssize_t n = send(answer->fd, bytes, piece, MSG_DONTWAIT | MSG_NOSIGNAL);
            if (n == -1 && errno == ENOTSOCK)
                n = write(answer->fd, bytes, piece);
            if (n == -1 && errno != EINTR && errno != EAGAIN)
                answer->gone = true;
            bytes += n > 0 ? n : 0;
            len -= n > 0 ? (size_t)n : 0;
        }
    }
}

static void send_json(struct answer *answer, json_t *object)
{
    char *line = json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER);

    if (line == NULL)
        return;
    send_bytes(answer, line, strlen(line));
    send_bytes(answer, "\n", 1);
    free(line);
}

#define COLUMN "%-19s "
#define INDENT "\n                    "

static const char *value_of(const json_t *text)
{
    if (!json_is_string(text))
        return "(not set)";
    return json_string_length(text) == 0 ? "(empty)" : json_string_value(text);
}

static void print_object(FILE *out, const json_t *object)
{
    const char *name = json_string_value(json_object_get(object, "name"));
    json_int_t port = json_integer_value(json_object_get(object, "port"));
    const json_t *after = json_object_get(object, "after");
    const char *way = json_string_value(json_object_get(object, "way"));

    fputs(name == NULL ? "" : name, out);
    if (port != 0)
        fprintf(out, ":%d", (int)port);
    if (way != NULL)
        fprintf(out, " -> %s", way);
    if (after != NULL)
        fprintf(out, ": %s -> %s", value_of(json_object_get(object, "before")), value_of(after));
}

static void print_value(FILE *out, const json_t *value)
{
    if (json_is_string(value))
        fputs(json_string_length(value) == 0 ? "-" : json_string_value(value), out);
    else if (json_is_boolean(value))
        fputs(json_is_true(value) ? "yes" : "no", out);
    else if (json_is_integer(value))
        fprintf(out, "%lld", (long long)json_integer_value(value));
    else if (json_is_object(value))
        print_object(out, value);
    else if (json_array_size(value) == 0)
        fputc('-', out);
    for (size_t i = 0; i < json_array_size(value); i++) {
        fputs(i == 0 ? "" : INDENT, out);
        print_value(out, json_array_get(value, i));
    }
}

/* Lists of sentences, each with its heading, in this order below everything else. */
static const struct {
    const char *key, *heading;
} lists[] = {
    { "refusals", "What speaks against it" },
    { "not_following", "Mail that does not follow" },
    { "following_unexpectedly", "Mail that follows, though one may not expect it" },
    { "notes", "Notes" },
};

static bool is_list(const char *key)
{
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        if (strcmp(key, lists[i].key) == 0)
            return true;
    return false;
}

static void print_list(FILE *out, const char *heading, const json_t *list)
{
    if (json_array_size(list) > 0)
        fprintf(out, "\n%s:\n", heading);
    for (size_t i = 0; i < json_array_size(list); i++)
        fprintf(out, "  - %s\n", json_string_value(json_array_get(list, i)));
}

/* The difference and the lists are texts of their own; everything else is a line. */
static void print_members(FILE *out, json_t *members)
{
    const char *key;
    json_t *value;

    json_object_foreach(members, key, value)
    {
        if (strcmp(key, "schema") == 0 || strcmp(key, "difference") == 0 || is_list(key))
            continue;
        fprintf(out, COLUMN, key);
        print_value(out, value);
        fputc('\n', out);
    }
    const char *difference = json_string_value(json_object_get(members, "difference"));
    if (difference != NULL)
        fprintf(out, "\n%s", difference);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        print_list(out, lists[i].heading, json_object_get(members, lists[i].key));
    if (difference != NULL)
        fputc('\n', out);
}

/* A terminal must not obey what somebody wrote into a host name. */
static void make_printable(char *text)
{
    for (unsigned char *p = (unsigned char *)text; *p != '\0'; p++)
        if ((*p < 0x20 && *p != '\n' && *p != '\t') || *p == 0x7f)
            *p = '?';
}

static void send_text(struct answer *answer, struct text *text)
{
    text_close(text);
    make_printable(text->bytes);
    send_bytes(answer, text->bytes, text->len);
    free(text->bytes);
}

void answer_step(struct answer *answer, const char *step, bool ok, int64_t ms, const char *detail)
{
    struct text text;

    if (answer->human) {
        text_open(&text);
        fprintf(text.out, "%-10s %6lld ms  %s%s%s\n", step, (long long)ms, ok ? "ok" : "failed",
                detail == NULL ? "" : ": ", detail == NULL ? "" : detail);
        send_text(answer, &text);
        return;
    }
    json_t *line = json_pack("{s:s, s:b, s:I}", "step", step, "ok", (int)ok, "ms", (json_int_t)ms);
    if (detail != NULL)
        json_object_set_new(line, "detail", text_json(detail));
    send_json(answer, line);
    json_decref(line);
}

void answer_end(struct answer *answer, const char *result, const char *reason, json_t *members)
{
    struct text text;

    answer->ended = true;
    if (answer->human) {
        text_open(&text);
        if (members != NULL)
            print_members(text.out, members);
        if (reason != NULL && json_array_size(json_object_get(members, "refusals")) > 0)
            reason = "for what is listed above";
        fprintf(text.out, "%s%s%s\n", result, reason == NULL ? "" : ": ",
                reason == NULL ? "" : reason);
        send_text(answer, &text);
        json_decref(members);
        return;
    }
    json_t *line = json_pack("{s:s}", "result", result);
    if (reason != NULL)
        json_object_set_new(line, "reason", text_json(reason));
    if (members != NULL)
        json_object_update(line, members);
    json_decref(members);
    send_json(answer, line);
    json_decref(line);
}
