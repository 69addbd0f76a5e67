/* SPDX-License-Identifier: BSD-2-Clause */
/* Which certificates are good enough, and what is said of those that are not. */
#include "tests/unit/unit.h"

#include "daemon/probe/tls.h"
#include "tests/unit/fake_ca.h"
#include <openssl/bio.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NAME "relay.test.example"

static struct fake_ca *ca, *stranger;
static struct tls_trust *trust;
static char sni[256];

static int set_up(void **state)
{
    char why[256];

    (void)state;
    ca = fake_ca_new();
    stranger = fake_ca_new();
    trust = tls_trust_new(fake_ca_file(ca), why, sizeof why);
    return trust != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    tls_trust_free(trust);
    fake_ca_free(ca);
    fake_ca_free(stranger);
    return 0;
}

static int on_name(SSL *ssl, int *alert, void *context)
{
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    (void)alert, (void)context;

    snprintf(sni, sizeof sni, "%s", name != NULL ? name : "");
    return SSL_TLSEXT_ERR_OK;
}

static SSL *server_for(SSL_CTX *context, SSL *client)
{
    SSL *server = SSL_new(context);
    BIO *ours, *theirs;

    assert_int_equal(BIO_new_bio_pair(&ours, 0, &theirs, 0), 1);
    SSL_set_bio(client, ours, ours);
    SSL_set_bio(server, theirs, theirs);
    SSL_set_connect_state(client);
    SSL_set_accept_state(server);
    return server;
}

static bool wants_more(SSL *ssl, int rc)
{
    int error = SSL_get_error(ssl, rc);

    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

/* Shakes hands with a server that has CONTEXT (and ends it), asking for NAME. */
static bool shake(SSL_CTX *context, const char *name, bool verify, struct tls_info *info, char *why,
                  size_t whylen)
{
    SSL *client = tls_session_new(trust, name, verify);
    int rc = 0, theirs = 0;

    assert_non_null(client);
    SSL_CTX_set_tlsext_servername_callback(context, on_name);
    SSL *server = server_for(context, client);
    ERR_clear_error();
    for (int i = 0; i < 1000; i++) {
        rc = SSL_do_handshake(client);
        if (rc != 1 && !wants_more(client, rc))
            break;
        theirs = SSL_do_handshake(server);
        if (theirs != 1 && !wants_more(server, theirs)) {
            rc = SSL_do_handshake(client);
            break;
        }
        if (rc == 1 && theirs == 1)
            break;
    }
    tls_describe(client, info);
    tls_why(client, rc == 1 ? 0 : ERR_peek_last_error(), why, whylen);
    SSL_free(client);
    SSL_free(server);
    SSL_CTX_free(context);
    ERR_clear_error();
    return rc == 1 && theirs == 1;
}

static void good_certificate(void **state)
{
    struct tls_info info;
    char why[256];

    (void)state;
    assert_true(shake(fake_ca_server(ca, NAME, -1, 30), NAME, true, &info, why, sizeof why));
    assert_true(info.established);
    assert_true(info.verified);
    assert_string_equal(info.protocol, "TLSv1.3");
    assert_true(strlen(info.cipher) > 0);
    assert_true(info.has_certificate);
    assert_int_equal(info.days_left, 30);
    assert_string_equal(info.why, "");
    assert_string_equal(sni, NAME);
}

static void good_names(void **state)
{
    static const struct {
        const char *certificate, *asked;
    } rows[] = {
        { "*.test.example", NAME },
        { "RELAY.test.example", NAME },
        { "192.0.2.1", "192.0.2.1" },
        { "2001:db8::1", "2001:db8:0::1" },
    };
    struct tls_info info;
    char why[256];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SSL_CTX *context = fake_ca_server(ca, rows[i].certificate, -1, 1);
        if (!shake(context, rows[i].asked, true, &info, why, sizeof why))
            fail_msg("%s for %s: %s", rows[i].certificate, rows[i].asked, why);
        assert_true(info.verified);
    }
}

static void an_address_is_no_server_name(void **state)
{
    struct tls_info info;
    char why[256];

    (void)state;
    shake(fake_ca_server(ca, "192.0.2.1", -1, 1), "192.0.2.1", true, &info, why, sizeof why);
    assert_string_equal(sni, "");
}

static SSL_CTX *expired(void)
{
    return fake_ca_server(ca, NAME, -40, -3);
}

static SSL_CTX *too_young(void)
{
    return fake_ca_server(ca, NAME, 3, 40);
}

static SSL_CTX *self_signed(void)
{
    return fake_ca_server(NULL, NAME, -1, 30);
}

static SSL_CTX *by_a_stranger(void)
{
    return fake_ca_server(stranger, NAME, -1, 30);
}

static SSL_CTX *other_name(void)
{
    return fake_ca_server(ca, "other.example", -1, 30);
}

static SSL_CTX *deeper_wildcard(void)
{
    return fake_ca_server(ca, "*.relay.test.example", -1, 30);
}

static SSL_CTX *partial_wildcard(void)
{
    return fake_ca_server(ca, "rel*.test.example", -1, 30);
}

static SSL_CTX *suffix_of_it(void)
{
    return fake_ca_server(ca, "test.example", -1, 30);
}

static SSL_CTX *an_address(void)
{
    return fake_ca_server(ca, "192.0.2.1", -1, 30);
}

static const struct {
    SSL_CTX *(*make)(void);
    const char *why;
    int days_left;
    enum tls_fault fault;
} bad[] = {
    { expired, "certificate expired on 20", -3, TLS_FAULT_EXPIRED },
    { too_young, "certificate is not valid before 20", 40, TLS_FAULT_NOT_YET_VALID },
    { self_signed, "self-signed certificate", 30, TLS_FAULT_SELF_SIGNED },
    { by_a_stranger, "certificate from an unknown authority, Test Authority 2", 30,
      TLS_FAULT_UNKNOWN_AUTHORITY },
    { other_name, "certificate is for other.example, not for relay.test.example", 30,
      TLS_FAULT_OTHER_NAME },
    { deeper_wildcard, "certificate is for *.relay.test.example, not for relay.test.example", 30,
      TLS_FAULT_OTHER_NAME },
    { partial_wildcard, "certificate is for rel*.test.example, not for relay.test.example", 30,
      TLS_FAULT_OTHER_NAME },
    { suffix_of_it, "certificate is for test.example, not for relay.test.example", 30,
      TLS_FAULT_OTHER_NAME },
    { an_address, "certificate is for 192.0.2.1, not for relay.test.example", 30,
      TLS_FAULT_OTHER_NAME },
};

static void bad_certificates(void **state)
{
    struct tls_info info;
    char why[256];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (shake(bad[i].make(), NAME, true, &info, why, sizeof why))
            fail_msg("row %zu passed", i);
        assert_false(info.established);
        assert_false(info.verified);
        if (strncmp(why, bad[i].why, strlen(bad[i].why)) != 0)
            fail_msg("row %zu: %s", i, why);
        assert_string_equal(info.why, why);
        assert_true(info.has_certificate);
        assert_int_equal(info.days_left, bad[i].days_left);
        assert_int_equal(info.fault, bad[i].fault);
    }
}

/* For the one case in which the operator has written that TLS need not be verified. */
static void without_verification(void **state)
{
    struct tls_info info;
    char why[256];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_true(shake(bad[i].make(), NAME, false, &info, why, sizeof why));
        assert_true(info.established);
        assert_false(info.verified);
        if (strncmp(info.why, bad[i].why, strlen(bad[i].why)) != 0)
            fail_msg("row %zu: %s", i, info.why);
        assert_int_equal(info.fault, bad[i].fault);
    }
    assert_true(shake(fake_ca_server(ca, NAME, -1, 30), NAME, false, &info, why, sizeof why));
    assert_true(info.verified);
}

static struct tls_info info_of(SSL_CTX *context)
{
    struct tls_info info;
    char why[256];

    assert_true(shake(context, NAME, false, &info, why, sizeof why));
    return info;
}

static void an_expiry_is_told_in_days(void **state)
{
    static const struct {
        int to;
        const char *text;
    } rows[] = { { -1, ", 1 day ago" }, { -12, ", 12 days ago" } };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tls_info info = info_of(fake_ca_server(ca, NAME, -40, rows[i].to));
        assert_string_equal(strchr(info.why, ','), rows[i].text);
    }
}

/* Two servers with one certificate are told from two that have one each. */
static void fingerprints(void **state)
{
    SSL_CTX *context = fake_ca_server(ca, NAME, -1, 30);
    struct tls_info a, b, c;

    (void)state;
    assert_int_equal(SSL_CTX_up_ref(context), 1);
    a = info_of(context);
    b = info_of(context);
    c = info_of(fake_ca_server(ca, NAME, -1, 30));
    assert_int_equal(strlen(a.fingerprint), 64);
    assert_int_equal(strspn(a.fingerprint, "0123456789abcdef"), 64);
    assert_string_equal(a.fingerprint, b.fingerprint);
    assert_string_not_equal(a.fingerprint, c.fingerprint);
    assert_string_equal(a.name, NAME);
    assert_string_equal(a.issuer_fingerprint, ""); /* it is known */
}

/* Who signs for everybody, whether it sends its own certificate along or not. */
static void who_stands_behind_it(void **state)
{
    struct tls_info a = info_of(by_a_stranger()), b = info_of(by_a_stranger());
    struct tls_info own = info_of(self_signed()), other = info_of(self_signed()), sent;
    SSL_CTX *context = by_a_stranger();

    (void)state;
    assert_int_equal(strlen(a.issuer_fingerprint), 64);
    assert_string_equal(a.issuer_fingerprint, b.issuer_fingerprint);
    assert_string_not_equal(a.fingerprint, b.fingerprint);
    assert_int_equal(strlen(own.issuer_fingerprint), 64);
    assert_string_not_equal(own.issuer_fingerprint, other.issuer_fingerprint);
    assert_string_equal(info_of(expired()).issuer_fingerprint, "");
    assert_string_equal(info_of(other_name()).issuer_fingerprint, "");

    assert_int_equal(SSL_CTX_add1_chain_cert(context, fake_ca_certificate(stranger)), 1);
    sent = info_of(context);
    assert_int_equal(strlen(sent.issuer_fingerprint), 64);
    assert_string_not_equal(sent.issuer_fingerprint, a.issuer_fingerprint); /* its key */
}

static void old_protocols_are_refused(void **state)
{
    SSL_CTX *context = fake_ca_server(ca, NAME, -1, 30);
    struct tls_info info;
    char why[256];

    (void)state;
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION);
    assert_false(shake(context, NAME, true, &info, why, sizeof why));
    assert_non_null(strstr(why, "protocol version"));

    context = fake_ca_server(ca, NAME, -1, 30);
    SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
    assert_true(shake(context, NAME, true, &info, why, sizeof why));
    assert_string_equal(info.protocol, "TLSv1.2");
}

static void huge_chains_are_refused(void **state)
{
    SSL_CTX *context = fake_ca_server(ca, NAME, -1, 30);
    struct tls_info info;
    char why[256];

    (void)state;
    for (int i = 0; i < 300; i++) {
        X509 *copy = X509_dup(SSL_CTX_get0_certificate(context));
        assert_int_equal(SSL_CTX_add_extra_chain_cert(context, copy), 1);
    }
    assert_false(shake(context, NAME, true, &info, why, sizeof why));
    assert_string_equal(why,
                        "a certificate chain of more than 64 KiB, or another TLS message too long");
}

static void trust_errors_are_named(void **state)
{
    char path[] = "/tmp/detourd-pem-XXXXXX", why[256] = "";
    int fd = mkstemp(path);

    (void)state;
    assert_null(tls_trust_new("/nonexistent/ca.pem", why, sizeof why));
    assert_string_equal(why, "/nonexistent/ca.pem: No such file or directory");
    assert_null(tls_trust_new(path, why, sizeof why));
    assert_int_equal(strncmp(why, path, strlen(path)), 0);
    assert_int_equal(write(fd, "-----BEGIN CERTIFICATE-----\nxx\n", 31), 31);
    assert_null(tls_trust_new(path, why, sizeof why));
    assert_int_equal(strncmp(why, path, strlen(path)), 0);
    assert_int_equal(ERR_peek_error(), 0);
    close(fd);
    unlink(path);

    struct tls_trust *standard = tls_trust_new(NULL, why, sizeof why);
    assert_non_null(standard);
    tls_trust_free(standard);
    standard = tls_trust_system(why, sizeof why);
    if (standard == NULL) /* a machine without certificates */
        assert_non_null(strstr(why, "ca-certificates.crt: "));
    tls_trust_free(standard);
    tls_trust_free(NULL);
}

static void sessions_outlive_their_trust(void **state)
{
    char why[256];
    struct tls_trust *short_lived = tls_trust_new(fake_ca_file(ca), why, sizeof why);
    SSL *ssl;

    (void)state;
    tls_trust_hold(short_lived);
    tls_trust_free(short_lived);
    ssl = tls_session_new(short_lived, NAME, true);
    tls_trust_free(short_lived);
    assert_non_null(SSL_get_SSL_CTX(ssl));
    SSL_free(ssl);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_certificate),
        cmocka_unit_test(good_names),
        cmocka_unit_test(an_address_is_no_server_name),
        cmocka_unit_test(bad_certificates),
        cmocka_unit_test(without_verification),
        cmocka_unit_test(an_expiry_is_told_in_days),
        cmocka_unit_test(fingerprints),
        cmocka_unit_test(who_stands_behind_it),
        cmocka_unit_test(old_protocols_are_refused),
        cmocka_unit_test(huge_chains_are_refused),
        cmocka_unit_test(trust_errors_are_named),
        cmocka_unit_test(sessions_outlive_their_trust),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
