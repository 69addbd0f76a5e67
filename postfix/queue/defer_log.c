/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/queue/defer_log.h"

#include "lib/memory.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The end of the file is enough: the reason comes last. */
#define TAIL_MAX 8192

/* Step by step, since the directories are not root's: no link is followed. */
static int open_below(const char *queue_directory, const char *below, const char *id)
{
    char *path = memory_format("defer/%s%s", below, id), *rest = path, *name;
    int fd = open(queue_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    while (fd != -1 && (name = strsep(&rest, "/")) != NULL) {
        int kind = rest == NULL ? O_NONBLOCK : O_DIRECTORY;
        int next = openat(fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | kind);
        close(fd);
        fd = next;
    }
    free(path);
    return fd;
}

/* The last line that begins with "reason=". */
static bool find_reason(char *text, char *out)
{
    static const char name[] = "\nreason=";
    char *found = NULL;

    for (char *at = text; (at = strstr(at, name)) != NULL; at++)
        found = at;
    if (found == NULL)
        return false;
    found += sizeof name - 1;
    size_t len = strcspn(found, "\n");
    len = len < DEFER_REASON_MAX ? len : DEFER_REASON_MAX - 1;
    memcpy(out, found, len);
    out[len] = '\0';
    return true;
}

bool defer_reason(const char *queue_directory, const char *below, const char *id, char *out)
{
    char text[TAIL_MAX + 1];
    struct stat st;
    ssize_t len = -1;
    int fd = open_below(queue_directory, below, id);

    if (fd == -1)
        return false;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        len = pread(fd, text, TAIL_MAX, st.st_size > TAIL_MAX ? st.st_size - TAIL_MAX : 0);
    close(fd);
    if (len <= 0)
        return false;
    for (ssize_t i = 0; i < len; i++)
        if (text[i] == '\0')
            text[i] = ' ';
    text[len] = '\0';
    return find_reason(text, out);
}

/* The reply that REASON quotes, or NULL (smtp_trouble.c, smtp_connect.c, smtp_sasl_glue.c). */
static const char *reply_of(const char *reason)
{
    static const char *const before[] = { " said: ", " refused to talk to me: " };

    for (size_t i = 0; i < sizeof before / sizeof before[0]; i++) {
        const char *found = strstr(reason, before[i]);
        if (found != NULL)
            return found + strlen(before[i]);
    }
    return NULL;
}

/* As "HOST[ADDRESS]". */
static bool names_host(const char *reason, const char *host)
{
    size_t len = strlen(host);

    for (const char *at = reason; len > 0 && (at = strcasestr(at, host)) != NULL; at++)
        if (at[len] == '[' && (at == reason || at[-1] == ' '))
            return true;
    return false;
}

bool defer_is_relays(const char *reason, const char *host)
{
    const char *reply = reply_of(reason);

    if (!names_host(reason, host))
        return false;
    if (reply == NULL)
        return true;
    if (reply[0] != '4' || strspn(reply, "0123456789") != 3)
        return false;
    bool to_recipient = strstr(reason, "(in reply to RCPT TO command)") != NULL;
    const char *status = reply[3] == '\0' ? "" : reply + 4;
    bool of_mailbox = strncmp(status, "4.1.", 4) == 0 || strncmp(status, "4.2.", 4) == 0;
    return !(to_recipient && of_mailbox);
}
