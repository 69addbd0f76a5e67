/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/probe/tls.h"

#include "lib/address.h"
#include "lib/config.h"
#include "lib/memory.h"
#include "lib/printable.h"
#include <dirent.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Certificates that are sent: real chains have up to four, of about 2 KiB each. */
#define CHAIN_KIB   64
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

    if (ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) == SSL_R_EXCESSIVE_MESSAGE_SIZE)
        snprintf(out, len,
                 "a certificate chain of more than %d KiB, or another TLS message too long",
                 CHAIN_KIB);
    else
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
    /* A read that meets nothing but session tickets comes back to the loop, so that no stream of
     * them outlasts a deadline. */
    SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_cert_list(context, CHAIN_KIB * 1024);
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

/* A certificate in a folder that c_rehash has made is found by its name, "5ad8a5d6.0". */
static bool has_hashed(const char *path)
{
    DIR *directory = opendir(path);
    bool found = false;

    if (directory == NULL)
        return false;
    for (struct dirent *e; !found && (e = readdir(directory)) != NULL;)
        found = strlen(e->d_name) == 10 && strcmp(e->d_name + 8, ".0") == 0;
    closedir(directory);
    return found;
}

struct tls_trust *tls_trust_system(char *why, size_t whylen)
{
    if (has_hashed(X509_get_default_cert_dir()) || access(X509_get_default_cert_file(), R_OK) == 0)
        return tls_trust_new(NULL, why, whylen);
    return tls_trust_new(SYSTEM_CA_FILE, why, whylen);
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

static enum tls_fault fault_of(int error)
{
    switch (error) {
    case X509_V_OK:
        return TLS_FAULT_NONE;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return TLS_FAULT_EXPIRED;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return TLS_FAULT_NOT_YET_VALID;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return TLS_FAULT_OTHER_NAME;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        return TLS_FAULT_SELF_SIGNED;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        return TLS_FAULT_UNKNOWN_AUTHORITY;
    default:
        return TLS_FAULT_OTHER;
    }
}

/* Whole days until the certificate's end, rounded down. */
static bool days_until_end(const X509 *certificate, int *out)
{
    int days, seconds;

    if (certificate == NULL ||
        ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate)) != 1)
        return false;
    *out = seconds < 0 ? days - 1 : days;
    return true;
}

static void explain_expiry(const X509 *certificate, char *out, size_t len)
{
    char date[32] = "?";
    int days;

    date_text(certificate != NULL ? X509_get0_notAfter(certificate) : NULL, date, sizeof date);
    if (days_until_end(certificate, &days))
        snprintf(out, len, "certificate expired on %s, %d day%s ago", date, -days,
                 days == -1 ? "" : "s");
    else
        snprintf(out, len, "certificate expired on %s", date);
}

static void explain_certificate(const struct session_note *note, char *out, size_t len)
{
    X509 *c = note->certificate;
    char text[TLS_NAME] = "?", date[32] = "?";

    switch (fault_of(note->error)) {
    case TLS_FAULT_EXPIRED:
        explain_expiry(c, out, len);
        return;
    case TLS_FAULT_NOT_YET_VALID:
        date_text(c != NULL ? X509_get0_notBefore(c) : NULL, date, sizeof date);
        snprintf(out, len, "certificate is not valid before %s", date);
        return;
    case TLS_FAULT_OTHER_NAME:
        if (c != NULL)
            first_name(c, text, sizeof text);
        snprintf(out, len, "certificate is for %.100s, not for %.100s", text, note->name);
        return;
    case TLS_FAULT_SELF_SIGNED:
        snprintf(out, len, "self-signed certificate");
        return;
    case TLS_FAULT_UNKNOWN_AUTHORITY:
        if (c != NULL)
            common_name(X509_get_issuer_name(c), text, sizeof text);
        snprintf(out, len, "certificate from an unknown authority, %s", text);
        return;
    default:
        snprintf(out, len, "certificate refused: %s", X509_verify_cert_error_string(note->error));
    }
}

static void fingerprint(const unsigned char *der, int len, char *out)
{
    unsigned char digest[32];

    out[0] = '\0';
    if (len <= 0 || EVP_Digest(der, (size_t)len, digest, NULL, EVP_sha256(), NULL) != 1)
        return;
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

/* The certificate among those sent that signed this one: itself, or the next. */
static X509 *issuer_of(SSL *ssl, X509 *certificate)
{
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);

    if (X509_self_signed(certificate, 0) == 1)
        return certificate;
    for (int i = 0; i < sk_X509_num(chain); i++)
        if (X509_check_issued(sk_X509_value(chain, i), certificate) == X509_V_OK)
            return sk_X509_value(chain, i);
    return NULL;
}

static void describe_issuer(SSL *ssl, X509 *certificate, char *out)
{
    X509 *issuer = issuer_of(ssl, certificate);
    unsigned char *der = NULL;
    int len = issuer != NULL ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(issuer), &der)
                             : i2d_X509_NAME(X509_get_issuer_name(certificate), &der);

    fingerprint(der, len, out);
    OPENSSL_free(der);
}

static void describe_certificate(SSL *ssl, X509 *certificate, struct tls_info *out)
{
    unsigned char *der = NULL;
    int len = i2d_X509(certificate, &der);

    first_name(certificate, out->name, sizeof out->name);
    fingerprint(der, len, out->fingerprint);
    OPENSSL_free(der);
    if (out->fault == TLS_FAULT_SELF_SIGNED || out->fault == TLS_FAULT_UNKNOWN_AUTHORITY)
        describe_issuer(ssl, certificate, out->issuer_fingerprint);
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
    X509 *shown = SSL_get0_peer_certificate(ssl);

    memset(out, 0, sizeof *out);
    out->fault = fault_of(note->error);
    if (out->fault != TLS_FAULT_NONE)
        explain_certificate(note, out->why, sizeof out->why);
    out->has_certificate =
        days_until_end(shown != NULL ? shown : note->certificate, &out->days_left);
    if (shown != NULL)
        describe_certificate(ssl, shown, out);
    out->established = SSL_is_init_finished(ssl) == 1;
    if (!out->established)
        return;
    out->verified = shown != NULL && SSL_get_verify_result(ssl) == X509_V_OK;
    snprintf(out->protocol, sizeof out->protocol, "%s", SSL_get_version(ssl));
    snprintf(out->cipher, sizeof out->cipher, "%s", SSL_get_cipher_name(ssl));
}
