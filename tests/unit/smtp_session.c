/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/smtp_session.h"

#include "lib/memory.h"
#include "tests/unit/loop.h"
#include "tests/unit/unit.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct event_base *base;
struct fake_ca *ca;
struct tls_trust *trust;
struct smtp_report report;
bool reported;
unsigned passwords_given;

static struct smtp_client *running;

int session_set_up(void **state)
{
    char why[256];

    (void)state;
    base = loop_new();
    ca = fake_ca_new();
    trust = tls_trust_new(fake_ca_file(ca), why, sizeof why);
    return trust != NULL ? 0 : -1;
}

int session_tear_down(void **state)
{
    (void)state;
    tls_trust_free(trust);
    fake_ca_free(ca);
    loop_free(base);
    return 0;
}

static void on_done(const struct smtp_report *r, void *context)
{
    (void)context;
    assert_false(reported);
    report = *r;
    reported = true;
    smtp_client_stop(running); /* harmless in here */
}

static char *give_password(void *context, char *why, size_t whylen)
{
    passwords_given++;
    if (context == NULL)
        return memory_copy(PASSWORD);
    snprintf(why, whylen, "%s", (const char *)context);
    return NULL;
}

struct smtp_plan probe_plan(void)
{
    return (struct smtp_plan){ .helo_name = "host.example", .deadline_ms = soon(8000) };
}

struct smtp_plan relay_plan(enum smtp_tls tls)
{
    return (struct smtp_plan){
        .helo_name = "host.example",
        .tls = tls,
        .trust = trust,
        .tls_name = SERVER_NAME,
        .verify = true,
        .username = USER,
        .password = give_password,
        .deadline_ms = soon(8000),
    };
}

static int connected_to(const struct fake_smtp *server)
{
    const struct address *to = fake_smtp_address(server);
    int fd = socket(to->u.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    assert_true(connect(fd, &to->u.sa, to->len) == 0 || errno == EINPROGRESS);
    return fd;
}

struct fake_smtp *session_begin(const char *host, const char *script, SSL_CTX *tls,
                                const struct smtp_plan *plan)
{
    struct fake_smtp *server = fake_smtp_new(base, host, script, tls);

    reported = false;
    passwords_given = 0;
    memset(&report, 0xee, sizeof report);
    running = smtp_client_start(base, connected_to(server), plan, on_done, NULL);
    assert_false(reported); /* never from inside the start */
    return server;
}

void session_stop(void)
{
    smtp_client_stop(running);
}

char *session_run(const char *script, SSL_CTX *tls, const struct smtp_plan *plan)
{
    struct fake_smtp *server = session_begin("127.0.0.1", script, tls, plan);
    char *heard;

    loop_until(base, &reported);
    fake_smtp_check(server);
    heard = memory_copy(fake_smtp_heard(server));
    fake_smtp_free(server);
    return heard;
}

void session_ended(const char *what, enum smtp_end end, enum smtp_stage stage, int code,
                   const char *text)
{
    if (report.end != end || report.stage != stage || report.code != code ||
        strstr(report.text, text) == NULL)
        fail_msg("%s: %s at %s, code %d: \"%s\", not %s at %s, code %d: \"%s\"", what,
                 smtp_end_name(report.end), smtp_stage_name(report.stage), report.code, report.text,
                 smtp_end_name(end), smtp_stage_name(stage), code, text);
}

void session_check(const struct smtp_row *row, SSL_CTX *tls, const struct smtp_plan *plan)
{
    free(session_run(row->script, tls, plan));
    session_ended(row->what, row->end, row->stage, row->code, row->text);
}
