/* SPDX-License-Identifier: BSD-2-Clause */
/* The one request line: what is taken, what is refused, and how long that may take. */
#include "tests/unit/unit.h"

#include "lib/clock.h"
#include "postfix/request/intake.h"
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SHORT_MS 100

/* Gives LEN bytes, and the end of the input where CLOSED. */
static int take(const char *bytes, size_t len, bool closed, struct request *request,
                struct why *why)
{
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(write(pair[1], bytes, len), (ssize_t)len);
    if (closed)
        assert_int_equal(shutdown(pair[1], SHUT_WR), 0);
    int rc = intake_read(pair[0], SHORT_MS, request, why);
    close(pair[0]);
    close(pair[1]);
    return rc;
}

static void a_line_is_taken(void **state)
{
    struct request request;
    struct why why;

    (void)state;
    assert_int_equal(take("1 relay ses 587\n", 16, false, &request, &why), 0);
    assert_int_equal(request.verb, VERB_RELAY);
    assert_string_equal(request.route.name, "ses");
    assert_int_equal(request.route.port, 587);
    assert_int_equal(take("1 facts\n", 8, true, &request, &why), 0);
    assert_int_equal(request.verb, VERB_FACTS);
}

static void expect_refusal(const char *bytes, size_t len, bool closed, const char *word)
{
    struct request request;
    struct why why = { "" };

    assert_int_equal(take(bytes, len, closed, &request, &why), -1);
    if (strstr(why.text, word) == NULL)
        fail_msg("expected '%s' in: %s", word, why.text);
}

#define REFUSED(bytes, word) expect_refusal(bytes, sizeof(bytes) - 1, true, word)

static void what_is_no_request(void **state)
{
    char many[REQUEST_MAX + 1];

    (void)state;
    REFUSED("", "no request");
    REFUSED("1 status", "half a line");
    REFUSED("1 status\n1 direct\n", "more than one line");
    REFUSED("1 status\n\n", "more than one line");
    REFUSED("1 status\nx", "more than one line");
    REFUSED("1 sta\0tus\n", "bytes");
    REFUSED("\0\n", "bytes");
    REFUSED("1 status\r\n", "bytes");
    REFUSED("1 dance\n", "unknown verb");
    REFUSED("2 status\n", "version");
    REFUSED("status\n", "expected");
    REFUSED("1 relay ../x 587\n", "name");
    REFUSED("1 relay ses 0\n", "port");
    REFUSED("1 relay ses 65536\n", "port");
    REFUSED("1 relay ses\n", "expected");
    memset(many, 'x', sizeof many);
    expect_refusal(many, sizeof many, false, "longer");
}

static void silence_ends(void **state)
{
    int64_t start = clock_mono_ms();

    (void)state;
    expect_refusal("", 0, false, "no request came");
    expect_refusal("1 sta", 5, false, "half a line");
    assert_true(clock_mono_ms() - start >= (int64_t)2 * SHORT_MS);
    assert_true(clock_mono_ms() - start < 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_taken),
        cmocka_unit_test(what_is_no_request),
        cmocka_unit_test(silence_ends),
    };
    return cmocka_run_group_tests_name("intake", tests, NULL, NULL);
}
