/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The queue as "postqueue -j" prints it (postqueue(1), "JSON OBJECT FORMAT"; Postfix 3.1 and
 * later): one object a line, one line a message. Read as it comes and visited message by message,
 * so that memory does not grow with the queue.
 *
 * Senders, addresses and reasons were written by anybody: they may hold any text, also UTF-8.
 */
#ifndef DETOURD_POSTFIX_QUEUE_READER_H
#define DETOURD_POSTFIX_QUEUE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of a line: some thousand recipients with their reasons. Of a longer one the recipients are
 * left out. */
#define QUEUE_LINE_MAX ((size_t)1024 * 1024)

struct queue_recipient {
    const char *address;
    const char *delay_reason; /* of the last attempt; NULL when there is none */
};

/* Valid while it is visited. */
struct queue_message {
    const char *queue;  /* "deferred", "active", "incoming", "hold", "maildrop" */
    const char *id;     /* as mail_queue_id_ok() of Postfix's wants it: letters, digits, "_" */
    const char *sender; /* the envelope's, in printable form; "" is the null sender */
    int64_t arrival;    /* seconds since 1970 */
    int64_t size;       /* bytes of header and body */
    const struct queue_recipient *recipients;
    size_t recipient_count;
    bool recipients_known; /* false where the line was too long */
};

/* False ends the reading. MESSAGE may be one that was visited before: the queue changes while it is
 * read, and postqueue(1) promises no more. */
typedef bool queue_visit(void *context, const struct queue_message *message);

struct queue_reader;

/* EMPTY_ADDRESS is Postfix's empty_address_recipient, which stands for the null sender. */
struct queue_reader *queue_reader_new(const char *empty_address, queue_visit *visit, void *context);

/* The next bytes of the output; false when the visitor wants no more. */
bool queue_reader_feed(struct queue_reader *reader, const char *bytes, size_t len);

/* Lines that were no message, a last one without its end included. */
size_t queue_reader_unreadable(const struct queue_reader *reader);

/* NULL is allowed. */
void queue_reader_free(struct queue_reader *reader);

#endif
