/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TLS towards relays and mail operators: TLS 1.2 at least, the server's certificate checked against
 * the name that was asked for (RFC 6125; a wildcard stands for one whole label).
 */
#ifndef DETOURD_TLS_H
#define DETOURD_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

/* The certificate authorities of one CA file. A store costs about 0.6 MiB: share one for all
 * relays that name the same file. */
struct tls_trust;

/* CA_FILE in PEM, or NULL for the system's default. NULL with a reason in WHY. */
struct tls_trust *tls_trust_new(const char *ca_file, char *why, size_t whylen);

/* The certificates that this system trusts, looked up as they are needed where OpenSSL has a folder
 * of them. NULL with a reason in WHY where it has none at all: nothing could be verified then. */
struct tls_trust *tls_trust_system(char *why, size_t whylen);

/* Another holder; each one calls tls_trust_free. */
struct tls_trust *tls_trust_hold(struct tls_trust *trust);
void tls_trust_free(struct tls_trust *trust);

/* A client session for the server NAME, a host name or an IP address. With VERIFY the handshake
 * fails unless the certificate is good for NAME; without it TLS_INFO says what is wrong. The caller
 * frees it with SSL_free; it keeps what it needs of TRUST. NULL when there is no memory left. */
SSL *tls_session_new(struct tls_trust *trust, const char *name, bool verify);

#define TLS_WHY         256
#define TLS_FINGERPRINT 65 /* SHA-256 in hexadecimal digits */
#define TLS_NAME        128

/* What is wrong with a certificate: the first that OpenSSL found. */
enum tls_fault {
    TLS_FAULT_NONE,
    TLS_FAULT_EXPIRED,
    TLS_FAULT_NOT_YET_VALID,
    TLS_FAULT_OTHER_NAME,
    TLS_FAULT_SELF_SIGNED,
    TLS_FAULT_UNKNOWN_AUTHORITY,
    TLS_FAULT_OTHER,
};

struct tls_info {
    bool established;
    bool verified;     /* chain and name */
    char protocol[16]; /* "TLSv1.3" */
    char cipher[64];
    bool has_certificate;
    int days_left; /* of the server's certificate, rounded down; negative when expired */
    enum tls_fault fault;
    char why[TLS_WHY]; /* why it is not verified; empty when it is */

    /* Of the server's certificate; empty without one. */
    char name[TLS_NAME]; /* the first that it is for, printable */
    char fingerprint[TLS_FINGERPRINT];
    /* Of the key that signed it, or of the issuer's name where that key was not sent: who stands
     * behind a certificate that is self-signed or from an unknown authority; empty for others. */
    char issuer_fingerprint[TLS_FINGERPRINT];
};

/* What there is to say of SSL once its handshake has ended, well or badly. */
void tls_describe(SSL *ssl, struct tls_info *out);

/* Why a handshake failed, in words: the certificate's fault where there is one, else ERROR, from
 * OpenSSL's error queue (0 if there was none). */
void tls_why(SSL *ssl, unsigned long error, char *out, size_t len);

#endif
