/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/ctl/live.h"

#include "lib/clock.h"
#include "lib/memory.h"
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TICK_MS  100
#define FLUSH_MS 500 /* so long the end waits for a terminal that takes nothing */

#define CURSOR_OFF "\033[?25l"
#define CURSOR_ON  "\033[?25h"
#define ERASE_LINE "\033[K" /* to its end */
#define ERASE_REST "\033[J" /* of the screen */

static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
#define SIGNALS (sizeof signals / sizeof signals[0])

struct live {
    int fd; /* a description of our own, so that it can be non-blocking without others noticing */
    live_source *source;
    void *context;
    struct event *timer, *on_signal[SIGNALS];
    int lines; /* that stand on the terminal, or will when PENDING has been written */
    bool drawn;
    struct text text; /* being made */
    char *pending;    /* what the terminal has not taken yet */
    size_t written;   /* of it */
};

/* Writes what is pending, as much as the terminal takes; whether that was all. */
static bool push(struct live *live)
{
    while (live->pending != NULL) {
        size_t rest = strlen(live->pending + live->written);
        ssize_t n = write(live->fd, live->pending + live->written, rest);
        if (n < 0)
            return false;
        live->written += (size_t)n;
        if ((size_t)n == rest) {
            free(live->pending);
            live->pending = NULL;
        }
    }
    return true;
}

static void send_text(struct live *live)
{
    live->pending = text_end(&live->text);
    live->written = 0;
    push(live);
}

/* The beginning of whatever is written: the cursor goes to where the first row stands. */
static void begin_text(struct live *live)
{
    text_begin(&live->text);
    text_add(&live->text, "\r");
    if (live->lines > 0)
        text_add(&live->text, "\033[%dA", live->lines);
}

static void draw(struct live *live)
{
    struct terminal_size size = terminal_size(live->fd);
    size_t count;
    int lines;

    if (!push(live)) /* half a frame stands there: the other half comes first */
        return;
    const struct live_row *rows = live->source(live->context, &count);
    begin_text(live);
    char *text =
        live_text(rows, count, clock_mono_ms(), &size, terminal_has_colour(live->fd), &lines);
    text_add(&live->text, CURSOR_OFF);
    for (char *rest = text, *line; (line = strsep(&rest, "\n")) != NULL && rest != NULL;)
        text_add(&live->text, "%s" ERASE_LINE "\n", line);
    text_add(&live->text, ERASE_REST);
    free(text);
    live->lines = lines;
    live->drawn = true;
    send_text(live);
}

/* The same with some patience; poll(2) may call ready what then takes nothing. */
static bool push_all(struct live *live)
{
    struct pollfd ready = { .fd = live->fd, .events = POLLOUT };
    int64_t end = clock_mono_ms() + FLUSH_MS;

    while (!push(live)) {
        int64_t left = end - clock_mono_ms();
        if (left <= 0 || poll(&ready, 1, (int)left) <= 0)
            return false;
    }
    return true;
}

/* So that nothing of it is left; a terminal that does not listen keeps what it has. */
static void take_away(struct live *live)
{
    if (!push_all(live) || !live->drawn)
        return;
    begin_text(live);
    text_add(&live->text, ERASE_REST CURSOR_ON);
    live->lines = 0;
    live->drawn = false;
    send_text(live);
    push_all(live);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    /* The loop may work in English, for the sake of the document; this is for the caller. */
    locale_t before = uselocale(LC_GLOBAL_LOCALE);
    (void)fd;
    (void)what;

    draw(context);
    uselocale(before);
}

/* Stopped here until somebody continues the program. */
static void suspend(struct live *live)
{
    take_away(live);
    for (size_t i = 0; i < SIGNALS; i++)
        if (signals[i] == SIGTSTP)
            event_del(live->on_signal[i]);
    raise(SIGTSTP);
    for (size_t i = 0; i < SIGNALS; i++)
        if (signals[i] == SIGTSTP)
            event_add(live->on_signal[i], NULL);
}

static void on_signal(evutil_socket_t number, short what, void *context)
{
    struct live *live = context;
    (void)what;

    if (number == SIGTSTP) {
        suspend(live);
        return;
    }
    live_stop(live);
    raise((int)number); /* as if nobody had been in its way */
}

/* Whoever started the program may have had it ignore a signal, as a shell does with SIGINT for what
 * it puts into the background; then the signal is to end nothing, the view neither. */
static bool is_ignored(int number)
{
    struct sigaction action;

    return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

/* FD again, as a description of its own. */
static int own_description(int fd)
{
    char path[32];

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

struct live *live_start(struct event_base *base, int fd, live_source *source, void *context)
{
    static const struct timeval tick = { .tv_usec = TICK_MS * 1000 };
    int own = terminal_can_move(fd) ? own_description(fd) : -1;

    if (own == -1)
        return NULL;
    struct live *live = memory_zero(1, sizeof *live);
    live->fd = own;
    live->source = source;
    live->context = context;
    live->timer = event_new(base, -1, EV_PERSIST, on_timer, live);
    event_add(live->timer, &tick);
    for (size_t i = 0; i < SIGNALS; i++) {
        live->on_signal[i] = evsignal_new(base, signals[i], on_signal, live);
        if (!is_ignored(signals[i]))
            event_add(live->on_signal[i], NULL);
    }
    return live;
}

void live_stop(struct live *live)
{
    if (live == NULL)
        return;
    take_away(live);
    event_free(live->timer);
    for (size_t i = 0; i < SIGNALS; i++)
        event_free(live->on_signal[i]);
    close(live->fd);
    free(live->pending);
    free(live);
}
