/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/fake_ca.h"

#include "lib/address.h"
#include "lib/memory.h"
#include "tests/unit/unit.h"
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct fake_ca {
    EVP_PKEY *key;
    X509 *certificate;
    char file[64];
};

static void set_name(X509 *x, const char *name)
{
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
}

static void add_extension(X509 *x, int nid, const char *value)
{
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    assert_non_null(e);
    X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
}

static X509 *blank(EVP_PKEY *key, const char *name, int from, int to)
{
    static long serial = 1;
    X509 *x = X509_new();

    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
    X509_time_adj_ex(X509_getm_notBefore(x), from, 0, NULL);
    /* An hour more, so that "30 days" are still 30 when they are counted. */
    X509_time_adj_ex(X509_getm_notAfter(x), to, 3600, NULL);
    X509_set_pubkey(x, key);
    set_name(x, name);
    return x;
}

struct fake_ca *fake_ca_new(void)
{
    static int count;
    struct fake_ca *ca = memory_zero(1, sizeof *ca);

    ca->key = EVP_EC_gen("P-256");
    /* Two that are called alike would be told apart by a broken signature alone. */
    char *name = memory_format("Test Authority %d", ++count);
    ca->certificate = blank(ca->key, name, -400, 400);
    free(name);
    add_extension(ca->certificate, NID_basic_constraints, "critical,CA:TRUE");
    X509_set_issuer_name(ca->certificate, X509_get_subject_name(ca->certificate));
    assert_true(X509_sign(ca->certificate, ca->key, EVP_sha256()) > 0);

    snprintf(ca->file, sizeof ca->file, "/tmp/detourd-ca-XXXXXX");
    FILE *f = fdopen(mkstemp(ca->file), "w");
    assert_non_null(f);
    assert_int_equal(PEM_write_X509(f, ca->certificate), 1);
    fclose(f);
    return ca;
}

void fake_ca_free(struct fake_ca *ca)
{
    unlink(ca->file);
    X509_free(ca->certificate);
    EVP_PKEY_free(ca->key);
    free(ca);
}

const char *fake_ca_file(const struct fake_ca *ca)
{
    return ca->file;
}

X509 *fake_ca_certificate(const struct fake_ca *ca)
{
    return ca->certificate;
}

SSL_CTX *fake_ca_server(struct fake_ca *ca, const char *name, int from, int to)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = blank(key, name, from, to);
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    struct address literal;
    char alternative[300];

    snprintf(alternative, sizeof alternative, "%s:%s",
             address_parse(name, 0, &literal) ? "IP" : "DNS", name);
    add_extension(x, NID_subject_alt_name, alternative);
    X509_set_issuer_name(x, X509_get_subject_name(ca != NULL ? ca->certificate : x));
    assert_true(X509_sign(x, ca != NULL ? ca->key : key, EVP_sha256()) > 0);
    assert_int_equal(SSL_CTX_use_certificate(context, x), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(context, key), 1);
    X509_free(x);
    EVP_PKEY_free(key);
    return context;
}
