/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An SMTP session that looks and does not send mail: banner, EHLO, STARTTLS, EHLO again, AUTH,
 * QUIT, as far as the plan wants it.
 *
 * One function sends what a stage calls for, one judges the reply, and the result stands before
 * QUIT. Commands and replies are traced at debug level, except for what belongs to AUTH.
 *
 * The program has to ignore SIGPIPE.
 */
#ifndef DETOURD_SMTP_CLIENT_H
#define DETOURD_SMTP_CLIENT_H

#include "daemon/probe/ehlo.h"
#include "daemon/probe/tls.h"
#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum smtp_tls {
    SMTP_TLS_NONE,
    SMTP_TLS_MAY,      /* STARTTLS where it is offered */
    SMTP_TLS_STARTTLS, /* RFC 3207 */
    SMTP_TLS_IMPLICIT, /* from the first byte, RFC 8314 3.3 */
};

/* How far a session came: the stage in which it ended. */
enum smtp_stage {
    SMTP_BANNER,
    SMTP_EHLO,
    SMTP_HELO, /* where EHLO was refused and nothing of it is needed */
    SMTP_STARTTLS,
    SMTP_TLS, /* the handshake */
    SMTP_EHLO_AGAIN,
    SMTP_AUTH,
    SMTP_QUIT,
    SMTP_DONE, /* everything that the plan wanted */
};

enum smtp_end {
    SMTP_OK,
    SMTP_TIMEOUT,
    SMTP_CLOSED,        /* by the other side */
    SMTP_REJECTED,      /* 4xx or 5xx to the greeting, EHLO or HELO */
    SMTP_MALFORMED,     /* not SMTP, or more of it than anybody needs */
    SMTP_NO_STARTTLS,   /* not offered, or refused */
    SMTP_TRAILING_DATA, /* plaintext behind the reply to STARTTLS (CVE-2011-0411) */
    SMTP_TLS_FAILED,
    SMTP_NO_AUTH,      /* not offered */
    SMTP_NO_MECHANISM, /* offered, but none for a user name and a password */
    SMTP_NO_PASSWORD,  /* the caller had none to give */
    SMTP_AUTH_FAILED,  /* 4xx or 5xx to AUTH (see the code); 0: the server failed its own proof */
};

/* "banner", "EHLO", ...; "ok", "timeout", ...: for logs. */
const char *smtp_stage_name(enum smtp_stage stage);
const char *smtp_end_name(enum smtp_end end);

/* The password, fetched at the moment when it is needed and freed by secret_free right after.
 * NULL with a reason in WHY. */
typedef char *smtp_password(void *context, char *why, size_t whylen);

/* Strings are copied. */
struct smtp_plan {
    const char
        *helo_name; /* NULL, empty or unfit to be sent: this end's address (RFC 5321 4.1.3) */
    enum smtp_tls tls;
    struct tls_trust *trust; /* needed with TLS; held as long as the session runs */
    const char *tls_name;    /* the name in the server's certificate; needed with TLS */
    bool verify;             /* end the session when the certificate is not good for that name */
    const char *username;    /* NULL: no AUTH. Without TLS there is none either */
    smtp_password *password;
    void *password_context;
    int64_t deadline_ms;
};

#define SMTP_TEXT 256

struct smtp_report {
    enum smtp_end end;
    enum smtp_stage stage;
    int code;               /* of the last reply that counted, 0 without one */
    char enhanced[12];      /* its enhanced status code, or empty */
    char text[SMTP_TEXT];   /* that reply as one line, or what else went wrong */
    char banner[SMTP_TEXT]; /* the first line of the greeting without its code */
    struct ehlo ehlo;       /* from the last reply to EHLO; all zero without one */
    bool starttls_offered;
    bool masked; /* the greeting or a reply to EHLO: see masked.h */
    struct tls_info tls;
    int64_t settled_ms; /* when the result stood, on clock_mono_ms(); QUIT comes after */
};

/* REPORT is valid during the call alone; the session is gone when it returns. */
typedef void smtp_done(const struct smtp_report *report, void *context);

struct smtp_client;

/* Takes over FD, a connected non-blocking socket. The callback comes once, always from the loop.
 * Never NULL. */
struct smtp_client *smtp_client_start(struct event_base *base, int fd, const struct smtp_plan *plan,
                                      smtp_done *callback, void *context);

/* Ends the session without its callback. NULL is allowed; so is the call inside the callback. */
void smtp_client_stop(struct smtp_client *client);

#endif
