/* SPDX-License-Identifier: BSD-2-Clause */
/* AUTH from the client's side, mechanism by mechanism. */
#include "tests/unit/unit.h"

#include "daemon/probe/sasl.h"
#include "lib/memory.h"
#include "lib/secret.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#define USER     "apikey"
#define PASSWORD "correct horse battery"

static struct sasl_session *session;
static char *response;
static const char *mechanism;

static void begin_with(const char *username, const char *password, bool plaintext)
{
    char why[256] = "";

    session = sasl_session_new("relay.example", username, password, plaintext, why, sizeof why);
    if (session == NULL)
        fail_msg("%s", why);
}

static int begin(void **state)
{
    (void)state;
    response = NULL;
    begin_with(USER, PASSWORD, true);
    return 0;
}

static int end(void **state)
{
    (void)state;
    secret_free(response);
    sasl_session_free(session);
    return 0;
}

/* Caller frees. */
static char *encoded(const void *bytes, size_t len)
{
    char *out = memory_zero(1, len * 2 + 8);

    EVP_EncodeBlock((unsigned char *)out, bytes, (int)len);
    return out;
}

/* The response as text; caller frees. */
static char *decoded(void)
{
    size_t len = strlen(response);
    char *out = memory_zero(1, len + 4);
    int n = EVP_DecodeBlock((unsigned char *)out, (const unsigned char *)response, (int)len);

    assert_true(n >= 0);
    out[n - (len > 0 && response[len - 1] == '=') - (len > 1 && response[len - 2] == '=')] = '\0';
    return out;
}

static enum sasl_step next(const char *challenge)
{
    secret_free(response);
    return sasl_session_next(session, challenge, &response);
}

/* CHALLENGE in clear. */
static enum sasl_step next_clear(const char *challenge)
{
    char *text = encoded(challenge, strlen(challenge));
    enum sasl_step step = next(text);

    free(text);
    return step;
}

static enum sasl_step first(const char *offered)
{
    secret_free(response);
    return sasl_session_first(session, offered, &mechanism, &response);
}

static void plain(void **state)
{
    static const char message[] = USER "\0" USER "\0" PASSWORD;
    char *expected = encoded(message, sizeof message - 1);

    (void)state;
    assert_int_equal(first("PLAIN"), SASL_STEP_SEND);
    assert_string_equal(mechanism, "PLAIN");
    assert_string_equal(response, expected);
    free(expected);
}

static void login(void **state)
{
    char *text;

    (void)state;
    assert_int_equal(first("LOGIN"), SASL_STEP_SEND);
    assert_string_equal(mechanism, "LOGIN");
    assert_null(response);
    assert_int_equal(next_clear("Username:"), SASL_STEP_SEND);
    text = decoded();
    assert_string_equal(text, USER);
    free(text);
    assert_int_equal(next_clear("Password:"), SASL_STEP_SEND);
    text = decoded();
    assert_string_equal(text, PASSWORD);
    free(text);
    assert_int_equal(next_clear("And?"), SASL_STEP_FAILED);
}

static void cram_md5(void **state)
{
    static const char challenge[] = "<1896.697170952@relay.example>";
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    char expected[128] = USER " ", *text;

    (void)state;
    assert_int_equal(first("CRAM-MD5"), SASL_STEP_SEND);
    assert_null(response);
    assert_int_equal(next_clear(challenge), SASL_STEP_SEND);
    HMAC(EVP_md5(), PASSWORD, strlen(PASSWORD), (const unsigned char *)challenge, strlen(challenge),
         digest, &len);
    for (unsigned i = 0; i < len; i++)
        snprintf(expected + strlen(expected), 3, "%02x", digest[i]);
    text = decoded();
    assert_string_equal(text, expected);
    free(text);
}

static void digest_md5(void **state)
{
    char *text;

    (void)state;
    assert_int_equal(first("DIGEST-MD5"), SASL_STEP_SEND);
    assert_int_equal(next_clear("realm=\"relay.example\",nonce=\"OA6MG9tEQGm2hh\",qop=\"auth\","
                                "algorithm=md5-sess,charset=utf-8"),
                     SASL_STEP_SEND);
    text = decoded();
    assert_non_null(strstr(text, "username=\"" USER "\""));
    assert_non_null(strstr(text, "digest-uri=\"smtp/relay.example\""));
    assert_null(strstr(text, PASSWORD));
    free(text);
    assert_int_equal(next_clear("rspauth=00000000000000000000000000000000"), SASL_STEP_FAILED);
}

/* The server's half of SCRAM-SHA-256 (RFC 7677, RFC 5802 3): what it says last, in clear. */
static void scram_server_final(const char *client_first_bare, const char *server_first,
                               const char *client_final, char *out, size_t outlen)
{
    unsigned char salted[32], server_key[32], signature[32];
    unsigned len;
    char auth[1024], *text;

    PKCS5_PBKDF2_HMAC(PASSWORD, (int)strlen(PASSWORD), (const unsigned char *)"saltsalt", 8, 4096,
                      EVP_sha256(), 32, salted);
    HMAC(EVP_sha256(), salted, 32, (const unsigned char *)"Server Key", 10, server_key, &len);
    snprintf(auth, sizeof auth, "%s,%s,%.*s", client_first_bare, server_first,
             (int)(strstr(client_final, ",p=") - client_final), client_final);
    HMAC(EVP_sha256(), server_key, 32, (const unsigned char *)auth, strlen(auth), signature, &len);
    text = encoded(signature, 32);
    snprintf(out, outlen, "v=%s", text);
    free(text);
}

static void scram_until_final(char *final, size_t len)
{
    char server_first[512], *client_first, *client_final;

    assert_int_equal(first("PLAIN LOGIN SCRAM-SHA-256"), SASL_STEP_SEND);
    assert_string_equal(mechanism, "SCRAM-SHA-256");
    client_first = decoded();
    char *bare = strstr(client_first, "n=" USER);
    assert_non_null(bare);
    snprintf(server_first, sizeof server_first, "r=%sSERVER,s=c2FsdHNhbHQ=,i=4096",
             strstr(bare, "r=") + 2);
    assert_int_equal(next_clear(server_first), SASL_STEP_SEND);
    client_final = decoded();
    assert_null(strstr(client_final, PASSWORD));
    scram_server_final(bare, server_first, client_final, final, len);
    free(client_first);
    free(client_final);
}

static void scram_sha_256(void **state)
{
    char final[256];

    (void)state;
    scram_until_final(final, sizeof final);
    assert_int_equal(next_clear(final), SASL_STEP_SEND);
    assert_string_equal(response, "");
}

/* A server that does not know the password cannot pretend to. */
static void scram_server_must_prove_itself(void **state)
{
    char final[256];

    (void)state;
    scram_until_final(final, sizeof final);
    final[2] = final[2] == 'A' ? 'B' : 'A';
    assert_int_equal(next_clear(final), SASL_STEP_FAILED);
    assert_true(strlen(sasl_session_why(session)) > 0);
}

static void the_choice(void **state)
{
    static const struct {
        const char *offered, *chosen;
    } rows[] = {
        { "GSSAPI NTLM XOAUTH2 PLAIN", "PLAIN" },
        { "ANONYMOUS EXTERNAL LOGIN", "LOGIN" },
        { "PLAIN CRAM-MD5", "CRAM-MD5" },
        { "SCRAM-SHA-1-PLUS PLAIN", "PLAIN" },
        { "  PLAIN  ", "PLAIN" },
        { "XPLAIN PLAINX LOGIN", "LOGIN" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(first(rows[i].offered), SASL_STEP_SEND);
        assert_string_equal(mechanism, rows[i].chosen);
        sasl_session_free(session);
        begin_with(USER, PASSWORD, true);
    }
}

static void no_mechanism(void **state)
{
    static const char *const rows[] = {
        "", " ", "GSSAPI", "ANONYMOUS", "EXTERNAL NTLM XOAUTH2", "SCRAM-SHA-256-PLUS"
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(first(rows[i]), SASL_STEP_NO_MECHANISM);
        assert_null(response);
        assert_non_null(strstr(sasl_session_why(session), "no mechanism"));
    }
}

static void no_plaintext_unless_allowed(void **state)
{
    (void)state;
    sasl_session_free(session);
    begin_with(USER, PASSWORD, false);
    assert_int_equal(first("PLAIN LOGIN"), SASL_STEP_NO_MECHANISM);
    assert_int_equal(first("PLAIN LOGIN CRAM-MD5"), SASL_STEP_SEND);
    assert_string_equal(mechanism, "CRAM-MD5");
}

static void bad_challenges(void **state)
{
    static const char *const rows[] = { "!!!!", "PDE4OT=", "=x", "PDE4\x80" };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(first("CRAM-MD5"), SASL_STEP_SEND);
        assert_int_equal(next(rows[i]), SASL_STEP_FAILED);
        assert_null(response);
        assert_true(strlen(sasl_session_why(session)) > 0);
        sasl_session_free(session);
        begin_with(USER, PASSWORD, true);
    }
    char *huge = memory_zero(1, SASL_CHALLENGE_MAX + 5);
    memset(huge, 'A', SASL_CHALLENGE_MAX + 4);
    assert_int_equal(first("CRAM-MD5"), SASL_STEP_SEND);
    assert_int_equal(next(huge), SASL_STEP_FAILED);
    free(huge);
}

/* A server cannot go on asking, whatever the mechanism. */
static void endless_conversations_end(void **state)
{
    static const char *const mechanisms[] = { "PLAIN",      "LOGIN",         "CRAM-MD5",
                                              "DIGEST-MD5", "SCRAM-SHA-256", NULL };

    (void)state;
    for (const char *const *m = mechanisms; *m != NULL; m++) {
        int steps = 0;
        assert_int_equal(first(*m), SASL_STEP_SEND);
        while (next_clear("Username:") == SASL_STEP_SEND)
            if (++steps == 10)
                fail_msg("%s goes on", *m);
        sasl_session_free(session);
        begin_with(USER, PASSWORD, true);
    }
}

static void long_and_odd_secrets(void **state)
{
    char *password = memory_zero(1, SECRET_MAX + 1), *text;

    (void)state;
    memset(password, 'p', SECRET_MAX);
    sasl_session_free(session);
    begin_with("x", password, true);
    assert_int_equal(first("LOGIN"), SASL_STEP_SEND);
    assert_int_equal(next_clear("Username:"), SASL_STEP_SEND);
    assert_int_equal(next_clear("Password:"), SASL_STEP_SEND);
    text = decoded();
    assert_string_equal(text, password);
    free(text);
    free(password);

    sasl_session_free(session);
    begin_with("j\xc3\xb6rg@example.com", "p\xc3\xa4ss \"w\\ord%s", true);
    assert_int_equal(first("PLAIN"), SASL_STEP_SEND);
}

static void what_reveals(void **state)
{
    static const char *const telling[] = {
        "5.7.8 bad password: " PASSWORD,
        "starts with correct h",
        "y horse battery x",
    };
    static const char *const harmless[] = {
        "", "535 5.7.8 authentication failed for " USER, "correct", "horse", "battery",
    };
    char reply[512];

    (void)state;
    assert_int_equal(first("PLAIN"), SASL_STEP_SEND);
    for (size_t i = 0; i < sizeof telling / sizeof telling[0]; i++)
        assert_true(sasl_session_reveals(session, telling[i]));
    for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++)
        assert_false(sasl_session_reveals(session, harmless[i]));
    snprintf(reply, sizeof reply, "500 unknown command: AUTH PLAIN %s", response);
    assert_true(sasl_session_reveals(session, reply));
    snprintf(reply, sizeof reply, "500 unknown: AUTH PLAIN %.12s...", response);
    assert_true(sasl_session_reveals(session, reply));

    sasl_session_free(session);
    begin_with(USER, "pw1", true);
    assert_true(sasl_session_reveals(session, "you said pw1"));
    assert_false(sasl_session_reveals(session, "you said pw"));
}

enum { ABSENT, PRESENT, UNKNOWN };

/* Whether PATTERN, which stands on the stack alone, is on the heap, in use or freed. */
static int heap_holds(const char *pattern)
{
    unsigned long from, to;
    char line[512];
    int answer = UNKNOWN; /* a sanitizer's heap lies elsewhere */
    FILE *maps = fopen("/proc/self/maps", "r");
    int memory = open("/proc/self/mem", O_RDONLY);

    assert_non_null(maps);
    while (fgets(line, sizeof line, maps) != NULL) {
        if (strstr(line, "[heap]") == NULL || sscanf(line, "%lx-%lx", &from, &to) != 2)
            continue;
        char *copy =
            mmap(NULL, to - from, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        ssize_t n = pread(memory, copy, to - from, (off_t)from);
        if (n > 0)
            answer = memmem(copy, (size_t)n, pattern, strlen(pattern)) != NULL ? PRESENT : ABSENT;
        munmap(copy, to - from);
    }
    fclose(maps);
    close(memory);
    return answer;
}

/* Once a session has ended, nothing of the password is left in this process. What is asked for
 * lies far into the buffers, since free(3) itself overwrites the first bytes. */
static void no_trace(const char *offered, const char *password)
{
    char in_clear[16], in_base64[16] = "";
    bool has_steps = strcmp(offered, "LOGIN") == 0;

    snprintf(in_clear, sizeof in_clear, "%s", password + strlen(password) - 12);
    begin_with(USER, password, true);
    assert_int_equal(first(offered), SASL_STEP_SEND);
    if (has_steps)
        assert_int_equal(next_clear("Username:"), SASL_STEP_SEND);
    if (has_steps)
        assert_int_equal(next_clear("Password:"), SASL_STEP_SEND);
    snprintf(in_base64, sizeof in_base64, "%s", response + strlen(response) - 14);
    if (heap_holds(in_clear) == UNKNOWN)
        skip();
    assert_int_equal(heap_holds(in_clear), PRESENT);
    assert_int_equal(heap_holds(in_base64), PRESENT);
    sasl_session_free(session);
    session = NULL;
    secret_free(response);
    response = NULL;
    assert_int_equal(heap_holds(in_clear), ABSENT);
    assert_int_equal(heap_holds(in_base64), ABSENT);
}

static void secrets_are_wiped(void **state)
{
    (void)state;
    sasl_session_free(session);
    session = NULL;
    no_trace("PLAIN", "zq-XYZZY-0147-plugh-plover-y2-fee-fie");
    no_trace("LOGIN", "Maze of twisty little passages, all alike");
}

/*
 * Cyrus SASL looks up this host's name by itself. With a resolver that does not answer, that would
 * hold up everything else for many seconds.
 */
static bool write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    bool ok = fd != -1 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

    if (fd != -1)
        close(fd);
    return ok;
}

static bool enter_lonely_host(const char *resolv_conf)
{
    return unshare(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWUTS) == 0 &&
           mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0 &&
           system("ip link set lo up") == 0 && sethostname("lonely", 6) == 0 &&
           mount(resolv_conf, "/etc/resolv.conf", "none", MS_BIND, NULL) == 0;
}

enum { QUIET, ASKED, IMPOSSIBLE };

static int session_in_lonely_host(const char *resolv_conf)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_port = htons(53),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    char why[256], byte;

    if (!enter_lonely_host(resolv_conf))
        return IMPOSSIBLE;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd == -1 || bind(fd, (struct sockaddr *)&at, sizeof at) == -1)
        return IMPOSSIBLE;
    struct sasl_session *s =
        sasl_session_new("relay.example", USER, PASSWORD, true, why, sizeof why);
    if (s == NULL)
        return IMPOSSIBLE;
    sasl_session_free(s);
    return recv(fd, &byte, 1, 0) == -1 && errno == EAGAIN ? QUIET : ASKED;
}

static void the_dns_is_left_alone(void **state)
{
    char path[] = "/tmp/detourd-resolv-XXXXXX";
    int fd = mkstemp(path), status;

    (void)state;
    close(fd);
    assert_true(write_file(path, "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"));
    pid_t child = fork();
    if (child == 0)
        _exit(session_in_lonely_host(path));
    assert_int_equal(waitpid(child, &status, 0), child);
    unlink(path);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == IMPOSSIBLE)
        skip(); /* needs the right to make namespaces */
    assert_int_equal(WEXITSTATUS(status), QUIET);
}

static void the_environment_does_not_matter(void **state)
{
    (void)state;
    sasl_session_free(session);
    setenv("SASL_PATH", "/nonexistent", 1);
    setenv("SASL_CONF_PATH", "/nonexistent", 1);
    begin_with(USER, PASSWORD, true);
    assert_int_equal(first("PLAIN"), SASL_STEP_SEND);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_dns_is_left_alone),
        EACH(plain),
        EACH(login),
        EACH(cram_md5),
        EACH(digest_md5),
        EACH(scram_sha_256),
        EACH(scram_server_must_prove_itself),
        EACH(the_choice),
        EACH(no_mechanism),
        EACH(no_plaintext_unless_allowed),
        EACH(bad_challenges),
        EACH(endless_conversations_end),
        EACH(long_and_odd_secrets),
        EACH(what_reveals),
        EACH(secrets_are_wiped),
        EACH(the_environment_does_not_matter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
