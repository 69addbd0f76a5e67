/* SPDX-License-Identifier: BSD-2-Clause */
/* One session of the SMTP client with a fake server, from the start to the report. */
#ifndef DETOURD_TEST_SMTP_SESSION_H
#define DETOURD_TEST_SMTP_SESSION_H

#include "daemon/probe/smtp_client.h"
#include "tests/unit/fake_ca.h"
#include "tests/unit/fake_smtp.h"
#include <stdbool.h>

#define SERVER_NAME "relay.test.example"
#define USER        "apikey"
#define PASSWORD    "correct horse battery"

/* What most scripts are made of. */
#define HELLO     "S: 220 mx.example ESMTP\nC: EHLO host.example\n"
#define BYE       "C: QUIT\nS: 221 bye\nCLOSE\n"
#define OFFERS    "S: 250-mx.example\nS: 250 STARTTLS\nC: STARTTLS\n"
#define UNTIL_TLS HELLO OFFERS "S: 220 go\nTLS\n"
#define UNTIL_AUTH(mechanisms) \
    UNTIL_TLS "C: EHLO host.example\nS: 250-mx.example\nS: 250 AUTH " mechanisms "\nC: AUTH "

struct smtp_row {
    const char *what, *script;
    enum smtp_end end;
    enum smtp_stage stage;
    int code;
    const char *text; /* stands somewhere in the report's */
};

extern struct event_base *base;
extern struct fake_ca *ca;
extern struct tls_trust *trust;

/* Of the last session. */
extern struct smtp_report report;
extern bool reported;
extern unsigned passwords_given;

int session_set_up(void **state);
int session_tear_down(void **state);

/* Eight seconds for each. */
struct smtp_plan probe_plan(void);
struct smtp_plan relay_plan(enum smtp_tls tls);

/* Starts a session with a server of its own. */
struct fake_smtp *session_begin(const char *host, const char *script, SSL_CTX *tls,
                                const struct smtp_plan *plan);
void session_stop(void);

/* The whole session; what the server heard is for the caller to free. */
char *session_run(const char *script, SSL_CTX *tls, const struct smtp_plan *plan);

/* Runs a row's script and compares. */
void session_check(const struct smtp_row *row, SSL_CTX *tls, const struct smtp_plan *plan);
void session_ended(const char *what, enum smtp_end end, enum smtp_stage stage, int code,
                   const char *text);

#endif
