/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/queue/queue_reader.h"

#include "lib/memory.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* mail_queue_id_ok() takes VALID_HOSTNAME_LEN bytes. */
#define ID_MAX 255

/* What stands before the recipients is written first (showq_json.c), and within a string each quote
 * has a backslash before it: this can be the real one alone. */
static const char RECIPIENTS[] = "\"recipients\": [";

struct queue_reader {
    char *empty_address;
    queue_visit *visit;
    void *context;
    char *line; /* room for QUEUE_LINE_MAX and a few */
    size_t len, room;
    bool too_long, stopped;
    size_t unreadable;
};

struct queue_reader *queue_reader_new(const char *empty_address, queue_visit *visit, void *context)
{
    struct queue_reader *r = memory_zero(1, sizeof *r);

    r->empty_address = memory_copy(empty_address);
    r->visit = visit;
    r->context = context;
    return r;
}

void queue_reader_free(struct queue_reader *r)
{
    if (r == NULL)
        return;
    free(r->empty_address);
    free(r->line);
    free(r);
}

static bool is_queue_id(const char *id)
{
    size_t len = strlen(id);

    return len > 0 && len <= ID_MAX &&
           strspn(id, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_") == len;
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text == NULL ? "" : text;
}

static struct queue_recipient *recipients_of(const json_t *object, size_t *count)
{
    const json_t *array = json_object_get(object, "recipients"), *one;
    size_t i;

    *count = json_array_size(array);
    struct queue_recipient *list = memory_zero(*count + 1, sizeof *list);
    json_array_foreach(array, i, one) list[i] =
        (struct queue_recipient){ .address = text_of(one, "address"),
                                  .delay_reason =
                                      json_string_value(json_object_get(one, "delay_reason")) };
    return list;
}

/* False when OBJECT is no message. */
static bool visit(struct queue_reader *r, const json_t *object)
{
    struct queue_message m = { .queue = text_of(object, "queue_name"),
                               .id = text_of(object, "queue_id"),
                               .sender = text_of(object, "sender"),
                               .arrival =
                                   json_integer_value(json_object_get(object, "arrival_time")),
                               .size = json_integer_value(json_object_get(object, "message_size")),
                               .recipients_known = !r->too_long };

    if (!is_queue_id(m.id) || m.queue[0] == '\0')
        return false;
    if (strcmp(m.sender, r->empty_address) == 0)
        m.sender = "";
    struct queue_recipient *recipients = recipients_of(object, &m.recipient_count);
    m.recipients = recipients;
    r->stopped = !r->visit(r->context, &m);
    free(recipients);
    return true;
}

/* Of a line that was cut, what stands before the recipients is a whole object with an end to it. */
static void cut_recipients(struct queue_reader *r)
{
    char *from = memmem(r->line, r->len, RECIPIENTS, sizeof RECIPIENTS - 1);

    if (from == NULL)
        return;
    memcpy(from + sizeof RECIPIENTS - 1, "]}", 3);
    r->len = (size_t)(from - r->line) + sizeof RECIPIENTS + 1;
}

static void take_line(struct queue_reader *r)
{
    json_t *object;

    if (r->too_long)
        cut_recipients(r);
    object = json_loadb(r->line, r->len, 0, NULL);
    /* Where it is not UTF-8, what we need of it is ASCII all the same. */
    if (object == NULL) {
        for (size_t i = 0; i < r->len; i++)
            if ((unsigned char)r->line[i] >= 0x80)
                r->line[i] = '?';
        object = json_loadb(r->line, r->len, 0, NULL);
    }
    if (!json_is_object(object) || !visit(r, object))
        r->unreadable++;
    json_decref(object);
    r->len = 0;
    r->too_long = false;
}

static void add(struct queue_reader *r, const char *bytes, size_t len)
{
    if (len > QUEUE_LINE_MAX - r->len) {
        len = QUEUE_LINE_MAX - r->len;
        r->too_long = true;
    }
    /* A line begins small: most are. */
    if (r->len + len + 4 > r->room) {
        r->room = 2 * (r->len + len + 4);
        r->line = memory_grow(r->line, r->room, 1);
    }
    memcpy(r->line + r->len, bytes, len);
    r->len += len;
}

bool queue_reader_feed(struct queue_reader *r, const char *bytes, size_t len)
{
    while (len > 0 && !r->stopped) {
        const char *end = memchr(bytes, '\n', len);
        size_t part = end == NULL ? len : (size_t)(end - bytes);
        add(r, bytes, part);
        if (end != NULL) {
            take_line(r);
            part++;
        }
        bytes += part;
        len -= part;
    }
    return !r->stopped;
}

size_t queue_reader_unreadable(const struct queue_reader *r)
{
    return r->unreadable + (r->len > 0 && !r->stopped);
}
