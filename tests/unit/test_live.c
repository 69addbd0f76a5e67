/* SPDX-License-Identifier: BSD-2-Clause */
/* The live view, on a pseudo terminal: what stands there while it lives, and that nothing is left.
 */
#include "tests/unit/unit.h"

#include "daemon/ctl/live.h"
#include "lib/clock.h"
#include "lib/memory.h"
#include "tests/unit/french.h"
#include "tests/unit/screen.h"
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 20000
#define FLOOD_ROWS  2000

/* Text */

static const struct live_row three[] = {
    { "gmail.com", "open", LIVE_GOOD, 0 },
    { "outlook.com", "connecting", LIVE_WAITING, 4300 },
    { "yahoo.com", "refused", LIVE_BAD, 0 },
};

static const struct terminal_size usual = { .columns = 80, .lines = 24 };

static void test_a_row_a_target(void **state)
{
    int lines;
    char *text = live_text(three, 3, 1000, &usual, false, &lines);

    (void)state;
    assert_string_equal(text, "gmail.com    open\n"
                              "outlook.com  connecting                      4 s left\n"
                              "yahoo.com    refused\n");
    assert_int_equal(lines, 3);
    free(text);
}

static void test_the_deadline_has_passed(void **state)
{
    int lines;
    char *text = live_text(three, 3, 9000, &usual, false, &lines);

    (void)state;
    assert_non_null(strstr(text, " 0 s left\n"));
    free(text);
}

static void test_colours(void **state)
{
    int lines;
    char *text = live_text(three, 3, 1000, &usual, true, &lines);

    (void)state;
    assert_memory_equal(text, "\033[32mgmail.com", 14);
    assert_non_null(strstr(text, "\033[0m\noutlook.com"));
    assert_non_null(strstr(text, "\033[31myahoo.com"));
    free(text);
}

static void test_narrow(void **state)
{
    const struct terminal_size narrow = { .columns = 20, .lines = 24 };
    int lines;
    char *text = live_text(three, 3, 1000, &narrow, false, &lines), *rest = text;

    (void)state;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;)
        assert_true(strlen(line) < 20);
    free(text);
}

static void test_the_seconds_fit_into_sixty_columns(void **state)
{
    const struct terminal_size sixty = { .columns = 60, .lines = 24 };
    const struct live_row row = { .target = "outlook.com (IPv6)",
                                  .state = "waiting for the banner",
                                  .deadline_ms = 10000,
                                  .mood = LIVE_WAITING };
    int lines;

    (void)state;
    char *text = live_text(&row, 1, 0, &sixty, false, &lines);
    assert_non_null(strstr(text, " waiting for the banner  "));
    assert_non_null(strstr(text, " 10 s left\n"));
    free(text);
}

static void test_more_rows_than_lines(void **state)
{
    static struct live_row many[1000];
    const struct terminal_size sizes[] = { { 80, 5 }, { 80, 2 }, { 80, 1 } };

    (void)state;
    for (size_t i = 0; i < 1000; i++)
        many[i] = (struct live_row){ i < 990 ? "done.example" : "waits.example",
                                     i < 990 ? "open" : "connecting",
                                     i < 990 ? LIVE_GOOD : LIVE_WAITING, 2000 };
    for (size_t i = 0; i < 3; i++) {
        int lines, ends = 0;
        char *text = live_text(many, 1000, 1000, &sizes[i], false, &lines);
        for (const char *p = text; *p != '\0'; p++)
            ends += *p == '\n';
        assert_int_equal(lines, ends);
        assert_true(lines < sizes[i].lines || lines == 1);
        assert_null(strstr(text, "done.example"));
        assert_true(i > 0 || strstr(text, "waits.example") == text);
        assert_non_null(strstr(text, "990 of 1000 targets have ended\n"));
        free(text);
    }
}

static void test_french(void **state)
{
    int lines;

    (void)state;
    if (!french_begin())
        skip();
    char *text = live_text(three, 3, 1000, &usual, false, &lines);
    french_end();
    assert_non_null(strstr(text, "refusé"));
    free(text);
}

/* The terminal */

struct show {
    int ticks;
    struct event_base *base;
};

/* Rows come and go; after a while it is over. */
static const struct live_row *next_rows(void *context, size_t *count)
{
    static const size_t counts[] = { 3, 2, 3, 1 };
    struct show *show = context;

    *count = counts[show->ticks % 4];
    if (show->ticks++ == 5)
        event_base_loopbreak(show->base);
    return three;
}

static const struct live_row *endless_rows(void *context, size_t *count)
{
    (void)context;
    *count = 3;
    return three;
}

/* Frames that no terminal's buffer holds, when nobody reads them. */
static const struct live_row *flood_rows(void *context, size_t *count)
{
    static struct live_row rows[FLOOD_ROWS];

    (void)context;
    for (size_t i = 0; i < FLOOD_ROWS; i++)
        rows[i] = three[1];
    *count = FLOOD_ROWS;
    return rows;
}

/* What stood on the terminal before and what comes after frame the view. */
static _Noreturn void play(live_source *source)
{
    struct show show = { .base = event_base_new() };

    printf("before\n");
    fflush(stdout);
    struct live *live = live_start(show.base, STDOUT_FILENO, source, &show);
    if (live == NULL) {
        printf("no view\n");
        exit(0);
    }
    if (source == flood_rows)
        event_base_loopexit(show.base, &(struct timeval){ .tv_usec = 500000 });
    event_base_dispatch(show.base);
    live_stop(live);
    if (source == flood_rows) /* what is printed now would wait for whoever reads */
        _exit(0);
    printf("after\n");
    event_base_free(show.base);
    exit(0);
}

struct terminal {
    int fd;
    pid_t child;
    struct screen screen;
    char *bytes; /* all that came */
    size_t len;
};

static void begin(struct terminal *t, const char *term, live_source *source)
{
    const struct winsize window = { .ws_row = source == flood_rows ? FLOOD_ROWS + 1 : SCREEN_LINES,
                                    .ws_col = SCREEN_COLUMNS };

    *t = (struct terminal){ 0 };
    screen_clear(&t->screen);
    t->child = forkpty(&t->fd, NULL, NULL, &window);
    assert_true(t->child >= 0);
    if (t->child == 0) {
        setenv("TERM", term, 1);
        play(source);
    }
}

/* False at the end, which a pseudo terminal shows as an error. */
static bool read_more(struct terminal *t)
{
    char bytes[4096];
    ssize_t n = read(t->fd, bytes, sizeof bytes);

    if (n <= 0)
        return false;
    t->bytes = memory_grow(t->bytes, t->len + (size_t)n + 1, 1);
    memcpy(t->bytes + t->len, bytes, (size_t)n);
    t->len += (size_t)n;
    t->bytes[t->len] = '\0';
    return true;
}

static void read_until(struct terminal *t, const char *text)
{
    int64_t end = clock_mono_ms() + PATIENCE_MS;

    while (t->bytes == NULL || strstr(t->bytes, text) == NULL) {
        assert_true(clock_mono_ms() < end);
        assert_true(read_more(t));
    }
}

/* The child's status, when all it wrote stands on the screen. */
static int finish(struct terminal *t)
{
    int status;

    while (read_more(t))
        ;
    assert_int_equal(waitpid(t->child, &status, 0), t->child);
    close(t->fd);
    screen_write(&t->screen, t->bytes, t->len);
    assert_int_equal(t->screen.wrapped, 0);
    assert_int_equal(t->screen.scrolled, 0);
    assert_int_equal(t->screen.unknown, 0);
    assert_false(t->screen.hidden);
    return status;
}

static void assert_line(const struct screen *s, int line, const char *expected)
{
    char text[SCREEN_COLUMNS + 1];

    snprintf(text, sizeof text, "%-*s", SCREEN_COLUMNS, expected);
    assert_string_equal(s->cell[line], text);
}

static void test_nothing_is_left(void **state)
{
    struct terminal t;

    (void)state;
    begin(&t, "xterm", next_rows);
    assert_int_equal(finish(&t), 0);
    assert_non_null(strstr(t.bytes, "outlook.com  connecting"));
    assert_line(&t.screen, 0, "before");
    assert_line(&t.screen, 1, "after");
    for (int i = 2; i < SCREEN_LINES; i++)
        assert_line(&t.screen, i, "");
    free(t.bytes);
}

static void test_interrupted(void **state)
{
    static const int deadly[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

    (void)state;
    for (size_t i = 0; i < sizeof deadly / sizeof deadly[0]; i++) {
        struct terminal t;
        begin(&t, "xterm", endless_rows);
        read_until(&t, "yahoo.com");
        kill(t.child, deadly[i]);
        int status = finish(&t);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), deadly[i]);
        assert_line(&t.screen, 0, "before");
        for (int l = 1; l < SCREEN_LINES; l++)
            assert_line(&t.screen, l, "");
        free(t.bytes);
    }
}

/* As a shell starts what it puts into the background: an interrupt is for the others. */
static void test_not_interrupted(void **state)
{
    struct terminal t;

    (void)state;
    signal(SIGINT, SIG_IGN);
    begin(&t, "xterm", endless_rows);
    signal(SIGINT, SIG_DFL);
    read_until(&t, "yahoo.com");
    kill(t.child, SIGINT);
    for (int frames = 0; frames < 3; frames++) {
        size_t before = t.len;
        while (strstr(t.bytes + before, "yahoo.com") == NULL)
            assert_true(read_more(&t));
    }
    kill(t.child, SIGTERM);
    int status = finish(&t);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGTERM);
    free(t.bytes);
}

static void test_stopped_and_continued(void **state)
{
    struct terminal t;
    int status;

    (void)state;
    begin(&t, "xterm", endless_rows);
    read_until(&t, "yahoo.com");
    kill(t.child, SIGTSTP);
    read_until(&t, "\033[?25h");
    /* A group that nobody could continue is not stopped by SIGTSTP (POSIX, orphaned); then it has
     * just gone on. */
    (void)waitpid(t.child, &status, WNOHANG | WUNTRACED);
    size_t before = t.len;
    kill(t.child, SIGCONT);
    while (strstr(t.bytes + before, "yahoo.com") == NULL)
        assert_true(read_more(&t));
    kill(t.child, SIGINT);
    assert_true(WIFSIGNALED(finish(&t)));
    free(t.bytes);
}

static void test_no_terminal_for_it(void **state)
{
    static const char *const terms[] = { "dumb", "" };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct terminal t;
        begin(&t, terms[i], endless_rows);
        assert_int_equal(finish(&t), 0);
        assert_string_equal(t.bytes, "before\r\nno view\r\n");
        free(t.bytes);
    }
}

/* Whoever reads nothing keeps nobody from coming to an end. */
static void test_a_terminal_that_takes_nothing(void **state)
{
    struct terminal t;
    int status;

    (void)state;
    begin(&t, "xterm", flood_rows);
    alarm(PATIENCE_MS / 1000); /* which ends the test */
    assert_int_equal(waitpid(t.child, &status, 0), t.child);
    alarm(0);
    assert_int_equal(status, 0);
    close(t.fd);
    free(t.bytes);
}

static void test_no_colour_where_none_is_wanted(void **state)
{
    int fd, other;

    (void)state;
    assert_int_equal(openpty(&fd, &other, NULL, NULL, NULL), 0);
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    assert_true(terminal_has_colour(other));
    setenv("NO_COLOR", "", 1);
    assert_true(terminal_has_colour(other));
    setenv("NO_COLOR", "1", 1);
    assert_false(terminal_has_colour(other));
    assert_true(terminal_can_move(other));
    unsetenv("NO_COLOR");
    close(fd);
    close(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_row_a_target),
        cmocka_unit_test(test_the_deadline_has_passed),
        cmocka_unit_test(test_colours),
        cmocka_unit_test(test_narrow),
        cmocka_unit_test(test_the_seconds_fit_into_sixty_columns),
        cmocka_unit_test(test_more_rows_than_lines),
        cmocka_unit_test(test_french),
        cmocka_unit_test(test_nothing_is_left),
        cmocka_unit_test(test_interrupted),
        cmocka_unit_test(test_not_interrupted),
        cmocka_unit_test(test_stopped_and_continued),
        cmocka_unit_test(test_no_terminal_for_it),
        cmocka_unit_test(test_a_terminal_that_takes_nothing),
        cmocka_unit_test(test_no_colour_where_none_is_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
