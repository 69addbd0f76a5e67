/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/answer.h"

#include "lib/clock.h"
#include "postfix/facts.h"
#include "postfix/text.h"
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

static void print_value(FILE *out, const json_t *value)
{
    size_t i;
    json_t *item;

    if (json_is_string(value)) {
        fputs(json_string_value(value), out);
        return;
    }
    if (json_is_array(value) && json_array_size(value) > 0 &&
        json_is_string(json_array_get(value, 0))) {
        json_array_foreach(value, i, item) fprintf(out, "%s%s", i == 0 ? "" : "\n                  ",
                                                   json_string_value(item));
        return;
    }
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_PRESERVE_ORDER);
    fputs(text == NULL ? "" : text, out);
    free(text);
}

/* The difference is a text of its own; everything else is a line. */
static void print_members(FILE *out, json_t *members)
{
    const char *key;
    json_t *value;

    json_object_foreach(members, key, value)
    {
        if (strcmp(key, "difference") == 0)
            continue;
        fprintf(out, "%-17s ", key);
        print_value(out, value);
        fputc('\n', out);
    }
    const char *difference = json_string_value(json_object_get(members, "difference"));
    if (difference != NULL)
        fprintf(out, "\n%s", difference);
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
