/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/probe/smtp_client.h"

#include "daemon/probe/deadline.h"
#include "daemon/probe/masked.h"
#include "daemon/probe/sasl.h"
#include "daemon/probe/smtp_reply.h"
#include "lib/address.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "lib/secret.h"
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SESSION_BYTES ((size_t)96 * 1024) /* a relay's takes about 2 KiB */
#define READ_AT_ONCE  16384
#define QUIT_WAIT_MS  1000
#define COMMAND_MAX   512 /* RFC 5321 4.5.3.1.4 */

struct smtp_client {
    struct event_base *base;
    struct bufferevent *io;
    int fd; /* as long as IO is plain; a TLS one owns its descriptor */
    struct event *timer;
    int64_t started_ms, deadline_ms;
    smtp_done *callback;
    void *context;
    char peer[ADDRESS_TEXT + 8]; /* for the trace */

    enum smtp_tls tls;
    struct tls_trust *trust;
    char *tls_name;
    bool verify;
    char helo_name[HOST_MAX + 1];
    char *username;
    smtp_password *password;
    void *password_context;

    enum smtp_stage stage;
    struct smtp_parser parser;
    size_t bytes;
    struct sasl_session *sasl;
    char *held_response; /* an initial response too long for the AUTH command */
    struct smtp_report report;
    bool is_settled; /* the result stands, only QUIT is left */
    bool is_over;    /* the timer delivers the result */
    bool in_callback;
};

static const char *const stage_names[] = {
    [SMTP_BANNER] = "banner",     [SMTP_EHLO] = "EHLO",
    [SMTP_HELO] = "HELO",         [SMTP_STARTTLS] = "STARTTLS",
    [SMTP_TLS] = "TLS handshake", [SMTP_EHLO_AGAIN] = "EHLO under TLS",
    [SMTP_AUTH] = "AUTH",         [SMTP_QUIT] = "QUIT",
    [SMTP_DONE] = "done",
};

static const char *const end_names[] = {
    [SMTP_OK] = "ok",
    [SMTP_TIMEOUT] = "timeout",
    [SMTP_CLOSED] = "closed",
    [SMTP_REJECTED] = "rejected",
    [SMTP_MALFORMED] = "malformed",
    [SMTP_NO_STARTTLS] = "no-starttls",
    [SMTP_TRAILING_DATA] = "trailing-data",
    [SMTP_TLS_FAILED] = "tls-failed",
    [SMTP_NO_AUTH] = "no-auth",
    [SMTP_NO_MECHANISM] = "no-mechanism",
    [SMTP_NO_PASSWORD] = "no-password",
    [SMTP_AUTH_FAILED] = "auth-failed",
};

const char *smtp_stage_name(enum smtp_stage stage)
{
    return stage_names[stage];
}

const char *smtp_end_name(enum smtp_end end)
{
    return end_names[end];
}

/*
 * How a session ends
 */

static void settle(struct smtp_client *c, enum smtp_end end)
{
    c->is_settled = true;
    c->report.end = end;
    c->report.stage = end == SMTP_OK ? SMTP_DONE : c->stage;
    c->report.settled_ms = clock_mono_ms();
    log_debug("smtp %s: %s at %s%s%s", c->peer, smtp_end_name(end), smtp_stage_name(c->stage),
              c->report.text[0] != '\0' ? ": " : "", c->report.text);
    sasl_session_free(c->sasl); /* the password has done its work */
    c->sasl = NULL;
}

/* Nothing more is read or sent, and the result goes out in the next turn of the loop: nothing is
 * freed under the feet of whoever is on the stack. */
static void over(struct smtp_client *c)
{
    if (c->is_over)
        return;
    c->is_over = true;
    if (c->io != NULL)
        bufferevent_disable(c->io, EV_READ | EV_WRITE);
    deadline_soon(c->timer);
}

/* What went wrong where no reply tells it. */
static void set_text(struct smtp_client *c, const char *text)
{
    c->report.code = 0;
    c->report.enhanced[0] = '\0';
    snprintf(c->report.text, sizeof c->report.text, "%s", text);
}

/* The end where there is nobody to say QUIT to. */
static void fail(struct smtp_client *c, enum smtp_end end, const char *text)
{
    if (!c->is_settled && c->stage == SMTP_HELO) {
        settle(c, SMTP_REJECTED); /* who refuses EHLO and then hangs up has refused */
    } else if (!c->is_settled) {
        set_text(c, text);
        settle(c, end);
    }
    over(c);
}

static void enter(struct smtp_client *c, enum smtp_stage stage);

/* The polite end, with the report's code and text as they stand. */
static void leave(struct smtp_client *c, enum smtp_end end)
{
    settle(c, end);
    enter(c, SMTP_QUIT);
}

static void leave_because(struct smtp_client *c, enum smtp_end end, const char *text)
{
    set_text(c, text);
    leave(c, end);
}

/*
 * Commands
 */

static void write_line(struct smtp_client *c, const char *verb, const char *argument)
{
    const char *space = argument[0] != '\0' ? " " : "";

    log_debug("smtp %s: > %s%s%s", c->peer, verb, space, argument);
    evbuffer_add_printf(bufferevent_get_output(c->io), "%s%s%s\r\n", verb, space, argument);
}

static void wipe_line(const void *line, size_t len, void *context)
{
    (void)len;
    (void)context;
    secret_free((char *)(uintptr_t)line);
}

/* Takes over LINE, CRLF included, which is wiped as soon as it has been written. */
static void write_secret(struct smtp_client *c, char *line)
{
    struct evbuffer *output = bufferevent_get_output(c->io);

    if (evbuffer_add_reference(output, line, strlen(line), wipe_line, NULL) == 0)
        return;
    secret_free(line);
    fail(c, SMTP_CLOSED, "out of memory");
}

static void write_response(struct smtp_client *c, char *response)
{
    log_debug("smtp %s: > (response)", c->peer);
    write_secret(c, memory_format("%s\r\n", response));
    secret_free(response);
}

/* The initial response goes with the command unless the line would get too long (RFC 4954 4). */
static void write_auth(struct smtp_client *c, const char *mechanism, char *response)
{
    size_t room = COMMAND_MAX - strlen("AUTH  \r\n") - strlen(mechanism);

    if (response == NULL || strlen(response) > room) {
        write_line(c, "AUTH", mechanism);
        c->held_response = response;
        return;
    }
    log_debug("smtp %s: > AUTH %s (response)", c->peer, mechanism);
    write_secret(c, memory_format("AUTH %s %s\r\n", mechanism, response));
    secret_free(response);
}

static void start_auth(struct smtp_client *c)
{
    const struct tls_info *tls = &c->report.tls;
    const char *mechanism;
    char why[SMTP_TEXT], *response;

    if (!tls->established || (c->verify && !tls->verified)) {
        leave_because(c, SMTP_NO_AUTH, "the password is sent under verified TLS alone");
        return;
    }
    char *password = c->password(c->password_context, why, sizeof why);
    if (password == NULL) {
        leave_because(c, SMTP_NO_PASSWORD, why);
        return;
    }
    c->sasl = sasl_session_new(c->tls_name, c->username, password, true, why, sizeof why);
    secret_free(password);
    if (c->sasl == NULL) {
        leave_because(c, SMTP_NO_MECHANISM, why);
        return;
    }
    enum sasl_step step = sasl_session_first(c->sasl, c->report.ehlo.auth, &mechanism, &response);
    if (step == SASL_STEP_SEND)
        write_auth(c, mechanism, response);
    else
        leave_because(c, step == SASL_STEP_NO_MECHANISM ? SMTP_NO_MECHANISM : SMTP_AUTH_FAILED,
                      sasl_session_why(c->sasl));
}

static void start_tls(struct smtp_client *c);

/* Sends what STAGE calls for. */
static void enter(struct smtp_client *c, enum smtp_stage stage)
{
    c->stage = stage;
    smtp_parser_reset(&c->parser);
    switch (stage) {
    case SMTP_BANNER:
        break;
    case SMTP_EHLO:
    case SMTP_EHLO_AGAIN:
        write_line(c, "EHLO", c->helo_name);
        break;
    case SMTP_HELO:
        write_line(c, "HELO", c->helo_name);
        break;
    case SMTP_STARTTLS:
        write_line(c, "STARTTLS", "");
        break;
    case SMTP_TLS:
        start_tls(c);
        break;
    case SMTP_AUTH:
        start_auth(c);
        break;
    case SMTP_QUIT:
        write_line(c, "QUIT", "");
        deadline_arm(c->timer, deadline_within(c->deadline_ms, QUIT_WAIT_MS));
        break;
    case SMTP_DONE:
        over(c);
        break;
    }
}

/*
 * Replies
 */

static bool is_refusal(const struct smtp_reply *reply)
{
    return reply->code >= 400;
}

static void note_reply(struct smtp_client *c, const struct smtp_reply *reply)
{
    c->report.code = reply->code;
    memcpy(c->report.enhanced, reply->enhanced, sizeof c->report.enhanced);
    smtp_reply_line(reply, c->report.text, sizeof c->report.text);
}

static void refuse_code(struct smtp_client *c, const struct smtp_reply *reply)
{
    char text[64];

    snprintf(text, sizeof text, "unexpected code %d in reply to %s", reply->code,
             smtp_stage_name(c->stage));
    fail(c, SMTP_MALFORMED, text);
}

static void judge_banner(struct smtp_client *c, const struct smtp_reply *reply)
{
    if (is_refusal(reply)) {
        leave(c, SMTP_REJECTED);
    } else if (reply->code != 220) {
        refuse_code(c, reply);
    } else {
        snprintf(c->report.banner, sizeof c->report.banner, "%.*s", (int)strcspn(reply->text, "\n"),
                 reply->text);
        c->report.masked = masked_greeting(c->report.banner);
        enter(c, c->tls == SMTP_TLS_IMPLICIT ? SMTP_EHLO_AGAIN : SMTP_EHLO);
    }
}

/* The last reply stands, since nobody but the server has written it once there is TLS; but whom the
 * server takes this end for may have been said only once. */
static void take_ehlo(struct smtp_client *c, const struct smtp_reply *reply)
{
    struct ehlo earlier = c->report.ehlo, *e = &c->report.ehlo;

    ehlo_parse(reply->text, e);
    c->report.starttls_offered = c->report.starttls_offered || e->starttls;
    c->report.masked = c->report.masked || e->masked;
    if (!e->has_client && earlier.has_client) {
        e->has_client = true;
        e->client = earlier.client;
    }
}

static void after_ehlo(struct smtp_client *c)
{
    const struct ehlo *e = &c->report.ehlo;
    bool in_the_clear = c->stage == SMTP_EHLO;

    if (in_the_clear && c->tls == SMTP_TLS_STARTTLS && !e->starttls)
        leave_because(c, SMTP_NO_STARTTLS, "STARTTLS is not offered");
    else if (in_the_clear && c->tls != SMTP_TLS_NONE && e->starttls)
        enter(c, SMTP_STARTTLS);
    else if (c->username == NULL)
        leave(c, SMTP_OK);
    else if (!e->has_auth)
        leave_because(c, SMTP_NO_AUTH, "AUTH is not offered");
    else
        enter(c, SMTP_AUTH);
}

static void judge_ehlo(struct smtp_client *c, const struct smtp_reply *reply)
{
    bool needs_ehlo = c->tls == SMTP_TLS_STARTTLS || c->tls == SMTP_TLS_IMPLICIT ||
                      c->username != NULL || c->stage == SMTP_EHLO_AGAIN;

    if (reply->code >= 500 && !needs_ehlo) {
        enter(c, SMTP_HELO);
    } else if (is_refusal(reply)) {
        leave(c, SMTP_REJECTED);
    } else if (reply->code != 250) {
        refuse_code(c, reply);
    } else {
        take_ehlo(c, reply);
        after_ehlo(c);
    }
}

static void judge_helo(struct smtp_client *c, const struct smtp_reply *reply)
{
    if (is_refusal(reply))
        leave(c, SMTP_REJECTED);
    else if (reply->code == 250)
        leave(c, SMTP_OK);
    else
        refuse_code(c, reply);
}

/* A server has no business to speak between its reply to STARTTLS and our first TLS record. */
static bool more_waits(struct smtp_client *c)
{
    char byte;

    return evbuffer_get_length(bufferevent_get_input(c->io)) > 0 ||
           recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

static void judge_starttls(struct smtp_client *c, const struct smtp_reply *reply)
{
    if (is_refusal(reply))
        leave(c, SMTP_NO_STARTTLS);
    else if (reply->code != 220)
        refuse_code(c, reply);
    else if (more_waits(c))
        fail(c, SMTP_TRAILING_DATA, "plaintext behind the reply to STARTTLS");
    else
        enter(c, SMTP_TLS);
}

static void answer_challenge(struct smtp_client *c, const struct smtp_reply *reply)
{
    char *response = c->held_response;

    c->held_response = NULL;
    if (response == NULL && (reply->is_cut || reply->lines > 1))
        fail(c, SMTP_MALFORMED, "a challenge that is too long");
    else if (response == NULL &&
             sasl_session_next(c->sasl, reply->text, &response) != SASL_STEP_SEND)
        fail(c, SMTP_AUTH_FAILED, sasl_session_why(c->sasl));
    else
        write_response(c, response);
}

static void judge_auth(struct smtp_client *c, const struct smtp_reply *reply)
{
    if (reply->code == 334) {
        answer_challenge(c, reply);
        smtp_parser_reset(&c->parser);
    } else if (is_refusal(reply)) {
        leave(c, SMTP_AUTH_FAILED);
    } else if (reply->code == 235) {
        leave(c, SMTP_OK);
    } else {
        refuse_code(c, reply);
    }
}

/* What belongs to AUTH does not get into the trace, nor a reply with the password in it anywhere.
 */
static void trace_reply(struct smtp_client *c, const struct smtp_reply *reply)
{
    if (c->stage != SMTP_AUTH) {
        log_debug("smtp %s: < %s", c->peer, c->report.text);
        return;
    }
    log_debug("smtp %s: < %d (reply to AUTH)", c->peer, reply->code);
    if (reply->code == 334 || sasl_session_reveals(c->sasl, reply->text))
        snprintf(c->report.text, sizeof c->report.text,
                 "%d (text withheld: it repeats what was sent)", reply->code);
}

static void judge(struct smtp_client *c, const struct smtp_reply *reply)
{
    if (c->stage == SMTP_QUIT) {
        over(c);
        return;
    }
    note_reply(c, reply);
    trace_reply(c, reply);
    switch (c->stage) {
    case SMTP_BANNER:
        judge_banner(c, reply);
        break;
    case SMTP_EHLO:
    case SMTP_EHLO_AGAIN:
        judge_ehlo(c, reply);
        break;
    case SMTP_HELO:
        judge_helo(c, reply);
        break;
    case SMTP_STARTTLS:
        judge_starttls(c, reply);
        break;
    case SMTP_AUTH:
        judge_auth(c, reply);
        break;
    case SMTP_TLS:
    case SMTP_QUIT:
    case SMTP_DONE:
        break;
    }
}

static void take_reply(struct smtp_client *c, bool more_follows)
{
    /* Replies come one for one: we never send ahead. What follows would be taken for the answer
     * to a question that has not been asked yet. STARTTLS has its own rule. */
    if (more_follows && c->stage != SMTP_STARTTLS)
        fail(c, SMTP_MALFORMED, "more than one reply at once");
    else
        judge(c, &c->parser.reply);
}

static void on_read(struct bufferevent *io, void *context)
{
    struct smtp_client *c = context;
    struct evbuffer *input = bufferevent_get_input(io);

    /* The session may go over to TLS, and so to another bufferevent, in the middle of this. */
    while (!c->is_over && c->io == io) {
        char chunk[2048];
        size_t taken;
        ev_ssize_t n = evbuffer_copyout(input, chunk, sizeof chunk);
        if (n <= 0)
            return;
        enum smtp_parse state = smtp_parser_feed(&c->parser, chunk, (size_t)n, &taken);
        evbuffer_drain(input, taken);
        c->bytes += taken;
        if (c->bytes > SESSION_BYTES)
            fail(c, SMTP_MALFORMED, "more data than any session needs");
        else if (state == SMTP_PARSE_ERROR)
            fail(c, SMTP_MALFORMED, smtp_parser_error(&c->parser));
        else if (state == SMTP_PARSE_REPLY)
            take_reply(c, evbuffer_get_length(input) > 0);
    }
}

/*
 * The connection
 */

static void on_tls_established(struct smtp_client *c)
{
    tls_describe(bufferevent_openssl_get_ssl(c->io), &c->report.tls);
    log_debug("smtp %s: %s, %s%s", c->peer, c->report.tls.protocol,
              c->report.tls.verified ? "verified" : "not verified: ", c->report.tls.why);
    if (c->verify && !c->report.tls.verified)
        fail(c, SMTP_TLS_FAILED, c->report.tls.why);
    else
        enter(c, c->tls == SMTP_TLS_IMPLICIT ? SMTP_BANNER : SMTP_EHLO_AGAIN);
}

static void on_tls_error(struct smtp_client *c, unsigned long error)
{
    SSL *ssl = bufferevent_openssl_get_ssl(c->io);
    char why[TLS_WHY];

    tls_why(ssl, error, why, sizeof why);
    if (c->stage == SMTP_TLS)
        tls_describe(ssl, &c->report.tls);
    /* OpenSSL 3 calls it an error when the other side hangs up without a close_notify. */
    if (ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        fail(c, SMTP_CLOSED, "connection closed by the other side");
    else
        fail(c, SMTP_TLS_FAILED, why);
}

static void on_event(struct bufferevent *io, short what, void *context)
{
    struct smtp_client *c = context;
    int error = errno;
    unsigned long tls_error = 0;

    if (c->is_over || io != c->io)
        return;
    if (what & BEV_EVENT_CONNECTED) {
        on_tls_established(c);
        return;
    }
    if (bufferevent_openssl_get_ssl(io) != NULL)
        tls_error = bufferevent_get_openssl_error(io);
    /* For a broken connection libevent has the number of an SSL_ERROR_..., of no library's. */
    if (ERR_GET_LIB(tls_error) != 0)
        on_tls_error(c, tls_error);
    else if ((what & BEV_EVENT_EOF) || error == 0)
        fail(c, SMTP_CLOSED, "connection closed by the other side");
    else
        fail(c, SMTP_CLOSED, strerror(error));
}

static void use(struct smtp_client *c, struct bufferevent *io)
{
    c->io = io;
    if (io == NULL) {
        fail(c, SMTP_CLOSED, "out of memory");
        return;
    }
    bufferevent_setcb(io, on_read, NULL, on_event, c);
    bufferevent_setwatermark(io, EV_READ, 0, READ_AT_ONCE);
    bufferevent_enable(io, EV_READ | EV_WRITE);
}

/* Takes the descriptor back from the plain bufferevent. */
static int release_fd(struct smtp_client *c)
{
    int fd = c->fd;

    if (c->io != NULL) {
        bufferevent_disable(c->io, EV_READ | EV_WRITE);
        bufferevent_setfd(c->io, -1);
        bufferevent_free(c->io);
        c->io = NULL;
    }
    c->fd = -1;
    return fd;
}

static void start_tls(struct smtp_client *c)
{
    SSL *ssl = tls_session_new(c->trust, c->tls_name, c->verify);

    if (ssl == NULL) {
        fail(c, SMTP_TLS_FAILED, "no TLS session can be made");
        return;
    }
    ERR_clear_error();
    use(c, bufferevent_openssl_socket_new(c->base, release_fd(c), ssl, BUFFEREVENT_SSL_CONNECTING,
                                          BEV_OPT_CLOSE_ON_FREE));
}

static void close_io(struct smtp_client *c)
{
    SSL *ssl = c->io != NULL ? bufferevent_openssl_get_ssl(c->io) : NULL;

    if (ssl != NULL) {
        if (c->report.tls.established)
            SSL_shutdown(ssl);
        ERR_clear_error();
        bufferevent_disable(c->io, EV_READ | EV_WRITE);
        bufferevent_free(c->io);
        c->io = NULL;
    } else {
        int fd = release_fd(c);
        if (fd != -1)
            close(fd);
    }
}

static void dispose(struct smtp_client *c)
{
    close_io(c);
    sasl_session_free(c->sasl);
    secret_free(c->held_response);
    tls_trust_free(c->trust);
    event_free(c->timer);
    free(c->tls_name);
    free(c->username);
    free(c);
}

/* What has been waited for, and how much of it came: a server may send a byte a second. */
static void silence_text(const struct smtp_client *c, char *out, size_t len)
{
    const char *reply_to = c->stage == SMTP_BANNER ? "" : "reply to ";
    size_t used =
        (size_t)snprintf(out, len, "no %s%s in %.1f s", reply_to, smtp_stage_name(c->stage),
                         (double)(clock_mono_ms() - c->started_ms) / 1000.0);

    if (c->parser.bytes > 0)
        snprintf(out + used, len - used, ", %zu byte%s of it came", c->parser.bytes,
                 c->parser.bytes == 1 ? "" : "s");
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    struct smtp_client *c = context;
    char text[128];
    (void)fd;
    (void)what;

    if (!c->is_settled) {
        silence_text(c, text, sizeof text);
        fail(c, SMTP_TIMEOUT, text);
    }
    c->in_callback = true;
    c->callback(&c->report, c->context);
    dispose(c);
}

/*
 * The start
 */

static bool may_be_sent(const char *name)
{
    for (const char *p = name; *p != '\0'; p++)
        if (*p <= 0x20 || *p > 0x7e)
            return false;
    return name[0] != '\0' && strlen(name) <= HOST_MAX;
}

/* "An address literal" is for who has no name (RFC 5321 4.1.3, 4.1.4). */
static void own_literal(int fd, char *out, size_t len)
{
    struct address own = { .len = sizeof own.u };
    char text[ADDRESS_TEXT] = "127.0.0.1";

    if (getsockname(fd, &own.u.sa, &own.len) == 0)
        address_text(&own, text);
    snprintf(out, len, "[%s%s]", strchr(text, ':') != NULL ? "IPv6:" : "", text);
}

static void name_peer(int fd, char *out, size_t len)
{
    struct address peer = { .len = sizeof peer.u };
    char text[ADDRESS_TEXT] = "?";
    unsigned port = 0;

    if (getpeername(fd, &peer.u.sa, &peer.len) == 0) {
        address_text(&peer, text);
        port = address_port(&peer);
    }
    snprintf(out, len, "%s#%u", text, port);
}

static void copy_plan(struct smtp_client *c, const struct smtp_plan *plan)
{
    c->deadline_ms = plan->deadline_ms;
    c->tls = plan->tls;
    c->verify = plan->verify;
    c->trust = plan->trust != NULL ? tls_trust_hold(plan->trust) : NULL;
    c->tls_name = plan->tls_name != NULL ? memory_copy(plan->tls_name) : NULL;
    c->username = plan->username != NULL ? memory_copy(plan->username) : NULL;
    c->password = plan->password;
    c->password_context = plan->password_context;
    if (plan->helo_name != NULL && may_be_sent(plan->helo_name))
        snprintf(c->helo_name, sizeof c->helo_name, "%s", plan->helo_name);
    else
        own_literal(c->fd, c->helo_name, sizeof c->helo_name);
}

struct smtp_client *smtp_client_start(struct event_base *base, int fd, const struct smtp_plan *plan,
                                      smtp_done *callback, void *context)
{
    struct smtp_client *c = memory_zero(1, sizeof *c);

    c->base = base;
    c->fd = fd;
    c->callback = callback;
    c->context = context;
    c->started_ms = clock_mono_ms();
    c->timer = deadline_timer(base, on_timer, c);
    copy_plan(c, plan);
    name_peer(fd, c->peer, sizeof c->peer);
    deadline_arm(c->timer, c->deadline_ms);
    if (c->tls == SMTP_TLS_IMPLICIT) {
        enter(c, SMTP_TLS);
    } else {
        enter(c, SMTP_BANNER);
        use(c, bufferevent_socket_new(base, fd, 0));
    }
    return c;
}

void smtp_client_stop(struct smtp_client *c)
{
    if (c != NULL && !c->in_callback)
        dispose(c);
}
