/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The head of a Postfix queue file: whose message it is.
 *
 * Records of a type byte, a length in groups of seven bits, and data; Postfix's
 * src/global/record.c and rec_type.h, the same from 3.5 to 3.11, in every queue.
 */
#ifndef DETOURD_POSTFIX_QUEUE_FILE_H
#define DETOURD_POSTFIX_QUEUE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#define QUEUE_FILE_HEAD 4096 /* bytes of a file that are looked at */
#define QUEUE_ID_MAX    64

struct queue_file {
    char sender[512];      /* as the queue manager routes it; "" for the null sender */
    char recipient[512];   /* the first; "" where none stands in the head */
    char envelope_id[128]; /* ENVID (RFC 3461 4.4); "" where there is none */
};

/* False when there is no sender among the BYTES from the beginning of a queue file. */
bool queue_file_parse(const char *bytes, size_t len, struct queue_file *out);

/* The message ID in the queue, which may be hashed (postconf(5) hash_queue_names); false where it
 * is not to be read there. */
bool queue_file_read(const char *queue_directory, const char *queue, const char *id,
                     struct queue_file *out);

/* The queue that holds the message of this ENVELOPE_ID, or a report (from the null sender) to
 * REPORT_TO where that is not NULL, which was not there before SINCE; its queue ID is put into ID,
 * of QUEUE_ID_MAX bytes. NULL where there is none. The queues are looked
 * through in the direction in which a message goes, so none is overlooked on its way. */
const char *queue_file_find(const char *queue_directory, const char *envelope_id,
                            const char *report_to, time_t since, char *id);

#endif
