/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/probe/tls.h"

#include "lib/address.h"
#include "lib/memory.h"
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Certificates that are sent: real chains have up to four, of about 2 KiB each. */
#define CHAIN_BYTES 65536
#define CHAIN_DEPTH 8

struct tls_trust {
    SSL_CTX *context; /* with the one store */
    unsigned holders;
};

/* What a session remembers: OpenSSL drops the certificate of a handshake that fails. */
struct session_note {
    char name[256];
    X509 *certificate; /* the one that the first error is about, or NULL */
    int error;         /* X509_V_... */
};

static void free_note(void *parent, void *ptr, CRYPTO_EX_DATA *data, int index, long argl,
                      void *argp)
{
    struct session_note *note = ptr;
    (void)parent, (void)data, (void)index, (void)argl, (void)argp;

    if (note != NULL)
        X509_free(note->certificate);
    free(note);
}

static int note_index(void)
{
    static int index = -1;

    if (index == -1)
        index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_note);
    return index;
}

static int on_verify(int ok, X509_STORE_CTX *store)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct session_note *note = SSL_get_ex_data(ssl, note_index());

    if (!ok && note->error == X509_V_OK) {
        X509 *certificate = X509_STORE_CTX_get_current_cert(store);

        note->error = X509_STORE_CTX_get_error(store);
        if (certificate != NULL && X509_up_ref(certificate) == 1)
            note->certificate = certificate;
    }
    return ok;
}

static void ssl_error_text(unsigned long error, char *out, size_t len)
{
    const char *reason = error != 0 ? ERR_reason_error_string(error) : NULL;

    if (error != 0 && ERR_SYSTEM_ERROR(error))
        reason = strerror(ERR_GET_REASON(error));

    snprintf(out, len, "%s", reason != NULL ? reason : "unknown TLS error");
}

static SSL_CTX *context_new(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    if (context == NULL)
        return NULL;
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_cert_list(context, CHAIN_BYTES);
    SSL_CTX_set_verify_depth(context, CHAIN_DEPTH);
    return context;
}

struct tls_trust *tls_trust_new(const char *ca_file, char *why, size_t whylen)
{
    ERR_clear_error();
    SSL_CTX *context = context_new();
    int ok = context == NULL   ? 0
             : ca_file == NULL ? SSL_CTX_set_default_verify_paths(context)
                               : SSL_CTX_load_verify_file(context, ca_file);

    if (ok != 1) {
        char reason[160];
        ssl_error_text(ERR_peek_error(), reason, sizeof reason);
        snprintf(why, whylen, "%s: %s", ca_file != NULL ? ca_file : "the system's CA certificates",
                 reason);
        SSL_CTX_free(context);
        ERR_clear_error();
        return NULL;
    }
    struct tls_trust *trust = memory_zero(1, sizeof *trust);
    trust->context = context;
    trust->holders = 1;
    return trust;
}

struct tls_trust *tls_trust_hold(struct tls_trust *trust)
{
    trust->holders++;
    return trust;
}

void tls_trust_free(struct tls_trust *trust)
{
    if (trust == NULL || --trust->holders > 0)
        return;
    SSL_CTX_free(trust->context);
    free(trust);
}

/* A name goes into SNI and the check; an address only into the check (RFC 6066 3). */
static bool expect_name(SSL *ssl, const char *name)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    struct address literal;

    if (address_parse(name, 0, &literal))
        return X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1;
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_host(param, name, 0) == 1 &&
           SSL_set_tlsext_host_name(ssl, name) == 1;
}

SSL *tls_session_new(struct tls_trust *trust, const char *name, bool verify)
{
    SSL *ssl = SSL_new(trust->context);
    struct session_note *note = memory_zero(1, sizeof *note);

    snprintf(note->name, sizeof note->name, "%s", name);
    if (ssl == NULL || SSL_set_ex_data(ssl, note_index(), note) != 1) {
        free(note);
        SSL_free(ssl);
        return NULL;
    }
    SSL_set_verify(ssl, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, on_verify);
    if (!expect_name(ssl, name)) {
        SSL_free(ssl);
        return NULL;
    }
    return ssl;
}

/* Whatever a certificate says is shown as printable ASCII. */
static void make_printable(char *text)
{
    for (; *text != '\0'; text++)
        if (*text < 0x20 || *text > 0x7e)
            *text = '?';
}

static void common_name(X509_NAME *name, char *out, size_t len)
{
    if (name == NULL || X509_NAME_get_text_by_NID(name, NID_commonName, out, (int)len) < 0)
        if (name == NULL || X509_NAME_oneline(name, out, (int)len) == NULL)
            snprintf(out, len, "?");
    make_printable(out);
}

/* The first DNS name of a certificate, its common name without one. */
static void first_name(X509 *certificate, char *out, size_t len)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);

    out[0] = '\0';
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && out[0] == '\0'; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_DNS)
            snprintf(out, len, "%.*s", ASN1_STRING_length(name->d.dNSName),
                     (const char *)ASN1_STRING_get0_data(name->d.dNSName));
    }
    GENERAL_NAMES_free(names);
    if (out[0] == '\0')
        common_name(X509_get_subject_name(certificate), out, len);
    make_printable(out);
}

/* "2026-11-22", or "?". */
static void date_text(const ASN1_TIME *time, char *out, size_t len)
{
    struct tm tm;

    if (time == NULL || ASN1_TIME_to_tm(time, &tm) != 1 || strftime(out, len, "%Y-%m-%d", &tm) == 0)
        snprintf(out, len, "?");
}

static void explain_certificate(const struct session_note *note, char *out, size_t len)
{
    X509 *c = note->certificate;
    char text[128] = "?", date[32] = "?";

    switch (note->error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        date_text(c != NULL ? X509_get0_notAfter(c) : NULL, date, sizeof date);
        snprintf(out, len, "certificate expired on %s", date);
        return;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        date_text(c != NULL ? X509_get0_notBefore(c) : NULL, date, sizeof date);
        snprintf(out, len, "certificate is not valid before %s", date);
        return;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        if (c != NULL)
            first_name(c, text, sizeof text);
        snprintf(out, len, "certificate is for %.100s, not for %.100s", text, note->name);
        return;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        snprintf(out, len, "self-signed certificate");
        return;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        if (c != NULL)
            common_name(X509_get_issuer_name(c), text, sizeof text);
        snprintf(out, len, "certificate from an unknown authority, %s", text);
        return;
    default:
        snprintf(out, len, "certificate refused: %s", X509_verify_cert_error_string(note->error));
    }
}

void tls_why(SSL *ssl, unsigned long error, char *out, size_t len)
{
    const struct session_note *note = SSL_get_ex_data(ssl, note_index());

    if (note->error != X509_V_OK)
        explain_certificate(note, out, len);
    else
        ssl_error_text(error, out, len);
}

void tls_describe(SSL *ssl, struct tls_info *out)
{
    const struct session_note *note = SSL_get_ex_data(ssl, note_index());
    X509 *certificate = SSL_get0_peer_certificate(ssl);
    int days, seconds;

    memset(out, 0, sizeof *out);
    if (note->error != X509_V_OK)
        explain_certificate(note, out->why, sizeof out->why);
    if (certificate == NULL)
        certificate = note->certificate;
    out->has_certificate =
        certificate != NULL &&
        ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate)) == 1;
    if (out->has_certificate)
        out->days_left = seconds < 0 ? days - 1 : days;
    out->established = SSL_is_init_finished(ssl) == 1;
    if (!out->established)
        return;
    out->verified =
        SSL_get0_peer_certificate(ssl) != NULL && SSL_get_verify_result(ssl) == X509_V_OK;
    snprintf(out->protocol, sizeof out->protocol, "%s", SSL_get_version(ssl));
    snprintf(out->cipher, sizeof out->cipher, "%s", SSL_get_cipher_name(ssl));
}
