/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client's side of SMTP AUTH (RFC 4954), by Cyrus SASL as in Postfix, so that the mechanism
 * chosen here is the one that Postfix would choose. Only mechanisms that need no more than a user
 * name and a password are considered.
 *
 * Every string that may hold a secret is wiped when it is freed, Cyrus SASL's own included.
 */
#ifndef DETOURD_SASL_H
#define DETOURD_SASL_H

#include <stdbool.h>
#include <stddef.h>

struct sasl_session;

enum sasl_step {
    SASL_STEP_SEND,         /* there is something to send */
    SASL_STEP_NO_MECHANISM, /* nothing that both sides have */
    SASL_STEP_FAILED,       /* the server's challenge made no sense, or it failed its own proof */
};

/* The longest challenge that is taken, in base64 (RFC 4954 section 4 allows 12288). */
#define SASL_CHALLENGE_MAX 12288

/* HOST is the server's name. USERNAME and PASSWORD are copied. PLAINTEXT allows mechanisms that
 * show the password to the server and to whoever reads the line: only under TLS. NULL with a
 * reason in WHY when Cyrus SASL cannot be used at all. */
struct sasl_session *sasl_session_new(const char *host, const char *username, const char *password,
                                      bool plaintext, char *why, size_t whylen);

/* Chooses from OFFERED, mechanisms with spaces in between. *MECHANISM belongs to the session.
 * *RESPONSE is the initial response in base64, "=" when it is empty, NULL when there is none; the
 * caller ends it with secret_free. */
enum sasl_step sasl_session_first(struct sasl_session *session, const char *offered,
                                  const char **mechanism, char **response);

/* Answers CHALLENGE, in base64 as it came. *RESPONSE as above, but "" when it is empty. Each
 * mechanism ends by itself: a server that asks once more than it may has failed. */
enum sasl_step sasl_session_next(struct sasl_session *session, const char *challenge,
                                 char **response);

/* What went wrong, in words, after anything but SASL_STEP_SEND. */
const char *sasl_session_why(const struct sasl_session *session);

/* Whether TEXT repeats the password, or a good part of it or of what was last sent, in base64.
 * Servers do quote a line that they did not understand, and such a reply must not be shown. */
bool sasl_session_reveals(const struct sasl_session *session, const char *text);

/* Wipes; NULL is allowed. */
void sasl_session_free(struct sasl_session *session);

#endif
