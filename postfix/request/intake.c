/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/request/intake.h"

#include "lib/clock.h"
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Waits for input until DEADLINE: 1 when there is some (or the end), 0 when the time is over. */
static int wait_for_input(int fd, int64_t deadline)
{
    for (;;) {
        int64_t left = deadline - clock_mono_ms();
        struct pollfd p = { .fd = fd, .events = POLLIN };
        if (poll(&p, 1, left > 0 ? (int)left : 0) == 1)
            return 1;
        if (left <= 0)
            return 0;
    }
}

/* Appends what there is to BUFFER: 1, 0 at the end of the input, -1 with a reason. */
static int read_some(int fd, char *buffer, size_t *have, struct why *why)
{
    ssize_t n = read(fd, buffer + *have, REQUEST_MAX - *have);

    if (n == -1 && (errno == EINTR || errno == EAGAIN))
        return 1;
    if (n == -1)
        return why_errno(why, "cannot read the request");
    *have += (size_t)n;
    return n > 0;
}

/* The length of the line, or -1. A NUL ends nothing: request_parse refuses it. */
static ssize_t read_line(int fd, int timeout_ms, char *buffer, size_t *have, struct why *why)
{
    int64_t deadline = clock_mono_ms() + timeout_ms;

    for (*have = 0; *have < REQUEST_MAX;) {
        if (wait_for_input(fd, deadline) == 0)
            return why_set(why,
                           *have == 0 ? "no request came within %d s"
                                      : "half a line, and nothing more within %d s",
                           timeout_ms / 1000);
        int rc = read_some(fd, buffer, have, why);
        if (rc == -1)
            return -1;
        const char *newline = memchr(buffer, '\n', *have);
        if (newline != NULL)
            return newline - buffer;
        if (rc == 0)
            return why_set(why, "%s",
                           *have == 0 ? "no request" : "half a line: no newline at its end");
    }
    return why_set(why, "the line is longer than %d bytes", REQUEST_MAX - 1);
}

static int more_follows(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    char byte;

    return poll(&p, 1, 0) == 1 && read(fd, &byte, 1) == 1;
}

void intake_discard(int fd)
{
    char bytes[4096];

    if (shutdown(fd, SHUT_RD) == -1)
        return;
    while (recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
        continue;
}

int intake_read(int fd, int timeout_ms, struct request *request, struct why *why)
{
    char buffer[REQUEST_MAX];
    const char *wrong;
    size_t have;
    ssize_t len = read_line(fd, timeout_ms, buffer, &have, why);

    if (len == -1)
        return -1;
    if ((size_t)len + 1 < have || more_follows(fd))
        return why_set(why, "more than one line; a connection is for one request");
    if (request_parse(buffer, (size_t)len, request, &wrong) == -1)
        return why_set(why, "%s", wrong);
    return 0;
}
