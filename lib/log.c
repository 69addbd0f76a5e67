/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048

static const char *program = "detourd";
static bool debug_wanted;
static bool to_journal;

/* systemd sets JOURNAL_STREAM to the device and inode of the stream that it gave us as stderr; a
 * stderr redirected elsewhere must get plain text (systemd.exec(5)). */
static bool stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat st;

    if (stream == NULL || sscanf(stream, "%llu:%llu", &device, &inode) != 2 ||
        fstat(STDERR_FILENO, &st) == -1)
        return false;
    return st.st_dev == device && st.st_ino == inode;
}

void log_open(const char *name, bool verbose)
{
    program = name;
    debug_wanted = verbose;
    to_journal = stderr_is_journal();
}

static const char *level_name(int priority)
{
    switch (priority) {
    case LOG_ERR:
        return "error: ";
    case LOG_WARNING:
        return "warning: ";
    case LOG_DEBUG:
        return "debug: ";
    default:
        return "";
    }
}

static void make_printable(char *text)
{
    for (unsigned char *p = (unsigned char *)text; *p != '\0'; p++)
        if (*p < 0x20 || *p == 0x7f)
            *p = '?';
}

void log_at(int priority, const char *format, ...)
{
    char text[LINE_MAX_BYTES];
    va_list args;

    if (priority == LOG_DEBUG && !debug_wanted)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    make_printable(text);
    if (to_journal)
        fprintf(stderr, "<%d>%s\n", priority, text);
    else
        fprintf(stderr, "%s: %s%s\n", program, level_name(priority), text);
}
