/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/probe/sasl.h"

#include "lib/log.h"
#include "lib/memory.h"
#include "lib/secret.h"
#include <malloc.h>
#include <nss.h>
#include <sasl/sasl.h>
#include <sasl/saslutil.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The mechanisms that need a user name and a password and nothing else. No "-PLUS": channel
 * binding would have to come from the TLS session, and Postfix does not give it either. */
static const char *const password_mechanisms[] = {
    "PLAIN",         "LOGIN",         "CRAM-MD5",      "DIGEST-MD5",    "SCRAM-SHA-1",
    "SCRAM-SHA-224", "SCRAM-SHA-256", "SCRAM-SHA-384", "SCRAM-SHA-512", NULL,
};

struct sasl_session {
    sasl_conn_t *connection;
    char *username;
    sasl_secret_t *password;
    char *sent; /* the last response in base64, or NULL */
    bool plaintext;
    char why[256];
    sasl_callback_t callbacks[5];
};

/* Cyrus SASL's own memory, which holds the password in many shapes, is wiped on its way out. */
static void wiping_free(void *p)
{
    if (p != NULL)
        explicit_bzero(p, malloc_usable_size(p));
    free(p);
}

static void *wiping_realloc(void *old, size_t size)
{
    size_t had = old != NULL ? malloc_usable_size(old) : 0;
    void *new = malloc(size);

    if (new == NULL || old == NULL)
        return new;
    memcpy(new, old, had < size ? had : size);
    wiping_free(old);
    return new;
}

static int on_log(void *context, int level, const char *message)
{
    (void)context;
    /* Above SASL_LOG_NOTE come traces, and at last passwords (sasl.h). */
    if (level != SASL_LOG_NONE && level <= SASL_LOG_NOTE && message != NULL)
        log_debug("SASL: %s", message);
    return SASL_OK;
}

/* No option of any file on this host applies to us. */
static int on_option(void *context, const char *plugin, const char *option, const char **result,
                     unsigned *len)
{
    (void)context, (void)plugin, (void)option, (void)result, (void)len;
    return SASL_FAIL;
}

static int on_username(void *context, int id, const char **result, unsigned *len)
{
    const struct sasl_session *s = context;
    (void)id;

    *result = s->username;
    if (len != NULL)
        *len = (unsigned)strlen(s->username);
    return SASL_OK;
}

static int on_password(sasl_conn_t *connection, void *context, int id, sasl_secret_t **result)
{
    struct sasl_session *s = context;
    (void)connection, (void)id;

    *result = s->password;
    return SASL_OK;
}

typedef int (*sasl_proc)(void);

/* Cyrus SASL keeps callbacks of all types as one. */
#define CALLBACK(function) ((sasl_proc)(void (*)(void))(function))

static int library_start(void)
{
    static const sasl_callback_t callbacks[] = {
        { SASL_CB_LOG, CALLBACK(on_log), NULL },
        { SASL_CB_GETOPT, CALLBACK(on_option), NULL },
        { SASL_CB_LIST_END, NULL, NULL },
    };

    /* Plugins come from where the library was built to look, whatever the caller's environment. */
    unsetenv("SASL_PATH");
    unsetenv("SASL_CONF_PATH");
    /* sasl_client_new() looks up this host's own name by getaddrinfo(3), which could hold up the
     * event loop for as long as the DNS is down. From here on that reads /etc/hosts alone; every
     * other lookup of ours goes through c-ares. */
    __nss_configure_lookup("hosts", "files");
    sasl_set_alloc(malloc, calloc, wiping_realloc, wiping_free);
    return sasl_client_init(callbacks);
}

static void set_callbacks(struct sasl_session *s)
{
    const sasl_callback_t callbacks[] = {
        { SASL_CB_USER, CALLBACK(on_username), s }, { SASL_CB_AUTHNAME, CALLBACK(on_username), s },
        { SASL_CB_PASS, CALLBACK(on_password), s }, { SASL_CB_GETOPT, CALLBACK(on_option), s },
        { SASL_CB_LIST_END, NULL, NULL },
    };

    memcpy(s->callbacks, callbacks, sizeof callbacks);
}

static sasl_secret_t *secret_copy(const char *password)
{
    size_t len = strlen(password);
    sasl_secret_t *secret = memory_zero(1, sizeof *secret + len + 1);

    secret->len = len;
    memcpy(secret->data, password, len);
    return secret;
}

/* No security layer under SMTP: TLS is there for that. */
static int limit(struct sasl_session *s)
{
    sasl_security_properties_t properties = { 0 };

    properties.security_flags = SASL_SEC_NOANONYMOUS;
    if (!s->plaintext)
        properties.security_flags |= SASL_SEC_NOPLAINTEXT;
    return sasl_setprop(s->connection, SASL_SEC_PROPS, &properties);
}

struct sasl_session *sasl_session_new(const char *host, const char *username, const char *password,
                                      bool plaintext, char *why, size_t whylen)
{
    int rc = library_start();

    if (rc != SASL_OK) {
        snprintf(why, whylen, "Cyrus SASL cannot be used: %s", sasl_errstring(rc, NULL, NULL));
        return NULL;
    }
    struct sasl_session *s = memory_zero(1, sizeof *s);
    s->plaintext = plaintext;
    s->username = memory_copy(username);
    s->password = secret_copy(password);
    set_callbacks(s);
    rc = sasl_client_new("smtp", host, NULL, NULL, s->callbacks, 0, &s->connection);
    if (rc == SASL_OK)
        rc = limit(s);
    if (rc != SASL_OK) {
        snprintf(why, whylen, "Cyrus SASL cannot be used: %s", sasl_errstring(rc, NULL, NULL));
        sasl_session_free(s);
        return NULL;
    }
    return s;
}

void sasl_session_free(struct sasl_session *s)
{
    if (s == NULL)
        return;
    if (s->connection != NULL)
        sasl_dispose(&s->connection);
    sasl_client_done(); /* the last session takes the plugins out of memory */
    explicit_bzero(s->password, sizeof *s->password + s->password->len);
    free(s->password);
    secret_free(s->sent);
    free(s->username);
    free(s);
}

static bool is_password_mechanism(const char *word, size_t len)
{
    for (const char *const *m = password_mechanisms; *m != NULL; m++)
        if (strlen(*m) == len && strncmp(*m, word, len) == 0)
            return true;
    return false;
}

/* Those of OFFERED that are password_mechanisms; caller frees. */
static char *usable(const char *offered)
{
    char *list = memory_zero(1, strlen(offered) + 1);
    size_t have = 0, len;

    for (; *offered != '\0'; offered += len) {
        offered += strspn(offered, " ");
        len = strcspn(offered, " ");
        if (!is_password_mechanism(offered, len))
            continue;
        if (have > 0)
            list[have++] = ' ';
        memcpy(list + have, offered, len);
        have += len;
    }
    return list;
}

/* Remembers what is about to be sent and gives it away. */
static char *encode(struct sasl_session *s, const char *bytes, unsigned len)
{
    unsigned size = (len + 2) / 3 * 4 + 1;
    char *text = memory_zero(1, size);

    sasl_encode64(bytes, len, text, size, NULL);
    secret_free(s->sent);
    s->sent = memory_copy(text);
    return text;
}

static enum sasl_step fail(struct sasl_session *s, const char *what, int rc)
{
    snprintf(s->why, sizeof s->why, "%s: %s", what, sasl_errstring(rc, NULL, NULL));
    return SASL_STEP_FAILED;
}

enum sasl_step sasl_session_first(struct sasl_session *s, const char *offered,
                                  const char **mechanism, char **response)
{
    char *list = usable(offered);
    const char *bytes = NULL;
    unsigned len = 0;
    int rc = list[0] == '\0'
                 ? SASL_NOMECH
                 : sasl_client_start(s->connection, list, NULL, &bytes, &len, mechanism);

    *response = NULL;
    if (rc == SASL_NOMECH && list[0] != '\0')
        snprintf(s->why, sizeof s->why,
                 "none of %s can be used from this host (Debian: install libsasl2-modules)", list);
    else if (rc == SASL_NOMECH)
        snprintf(s->why, sizeof s->why, "no mechanism for a user name and a password in \"%s\"",
                 offered);
    free(list);
    if (rc == SASL_NOMECH)
        return SASL_STEP_NO_MECHANISM;
    if (rc != SASL_OK && rc != SASL_CONTINUE)
        return fail(s, "authentication cannot begin", rc);
    if (bytes != NULL)
        *response = len > 0 ? encode(s, bytes, len) : memory_copy("=");
    return SASL_STEP_SEND;
}

/* "=" for nothing is meant for initial responses, but servers send it as a challenge too. */
static int decode(const char *challenge, char *out, size_t size, unsigned *len)
{
    *len = 0;
    if (challenge[0] == '\0' || strcmp(challenge, "=") == 0)
        return SASL_OK;
    /* Anything else, SASL_CONTINUE too, is base64 that breaks off or is none. */
    return sasl_decode64(challenge, (unsigned)strlen(challenge), out, (unsigned)size, len) ==
                   SASL_OK
               ? SASL_OK
               : SASL_BADPROT;
}

enum sasl_step sasl_session_next(struct sasl_session *s, const char *challenge, char **response)
{
    size_t challenge_len = strlen(challenge);
    const char *bytes = NULL;
    unsigned len = 0, decoded_len = 0;

    *response = NULL;
    if (challenge_len > SASL_CHALLENGE_MAX)
        return fail(s, "the server's challenge is too long", SASL_BADPROT);
    char *decoded = memory_zero(1, challenge_len + 1);
    int rc = decode(challenge, decoded, challenge_len + 1, &decoded_len);
    if (rc == SASL_OK)
        rc = sasl_client_step(s->connection, decoded, decoded_len, NULL, &bytes, &len);
    free(decoded);
    if (rc != SASL_OK && rc != SASL_CONTINUE)
        return fail(s, "the server's challenge makes no sense", rc);
    *response = encode(s, bytes != NULL ? bytes : "", len);
    return SASL_STEP_SEND;
}

const char *sasl_session_why(const struct sasl_session *s)
{
    return s->why;
}

#define REVEALING 8 /* bytes in a row that are no coincidence */

/* Whether REVEALING bytes in a row of SECRET stand in TEXT, or all of a shorter one. */
static bool repeats(const char *text, const char *secret, size_t len)
{
    size_t window = len < REVEALING ? len : REVEALING;

    if (len == 0)
        return false;
    for (size_t i = 0; i + window <= len; i++)
        if (memmem(text, strlen(text), secret + i, window) != NULL)
            return true;
    return false;
}

bool sasl_session_reveals(const struct sasl_session *s, const char *text)
{
    return repeats(text, (const char *)s->password->data, s->password->len) ||
           (s->sent != NULL && repeats(text, s->sent, strlen(s->sent)));
}
