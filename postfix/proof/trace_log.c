/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/proof/trace_log.h"

#include <string.h>
#include <strings.h>

static void copy_printable(char *out, size_t room, const char *bytes, size_t len)
{
    if (len >= room)
        len = room - 1;
    for (size_t i = 0; i < len; i++)
        out[i] = bytes[i] >= 0x20 && bytes[i] <= 0x7e ? bytes[i] : '?';
    out[len] = '\0';
}

static bool begins_with(const char *line, size_t len, const char *word)
{
    size_t n = strlen(word);

    return len >= n && memcmp(line, word, n) == 0;
}

static void take_line(struct trace_record *record, const char *line, size_t len)
{
    const struct {
        const char *name;
        char *value;
        size_t room;
    } fields[] = {
        { "recipient=", record->recipient, sizeof record->recipient },
        { "original_recipient=", record->original_recipient, sizeof record->original_recipient },
        { "action=", record->action, sizeof record->action },
        { "reason=", record->reason, sizeof record->reason },
    };

    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        size_t n = strlen(fields[i].name);
        if (begins_with(line, len, fields[i].name))
            copy_printable(fields[i].value, fields[i].room, line + n, len - n);
    }
}

static bool is_of(const struct trace_record *record, const char *recipient)
{
    return strcasecmp(record->recipient, recipient) == 0 ||
           strcasecmp(record->original_recipient, recipient) == 0;
}

bool trace_log_find(const char *text, size_t len, const char *recipient, struct trace_record *out)
{
    const char *end = text + len, *newline;

    memset(out, 0, sizeof *out);
    for (; text < end && (newline = memchr(text, '\n', (size_t)(end - text))) != NULL;
         text = newline + 1) {
        if (newline > text) {
            take_line(out, text, (size_t)(newline - text));
            continue;
        }
        if (is_of(out, recipient) && out->action[0] != '\0')
            return true;
        memset(out, 0, sizeof *out);
    }
    return false;
}
