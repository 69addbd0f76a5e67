/* SPDX-License-Identifier: BSD-2-Clause */
/* Certificates made on the spot. */
#ifndef DETOURD_TEST_FAKE_CA_H
#define DETOURD_TEST_FAKE_CA_H

#include <openssl/ssl.h>

struct fake_ca;

struct fake_ca *fake_ca_new(void);
void fake_ca_free(struct fake_ca *ca);

/* Its certificate in PEM, in a file of its own that fake_ca_free removes. */
const char *fake_ca_file(const struct fake_ca *ca);

/* The same; the CA's own. */
X509 *fake_ca_certificate(const struct fake_ca *ca);

/* What a server needs that calls itself NAME (a host name or an IP address), valid from FROM to TO
 * days from now. Signed by CA, or by itself when CA is NULL. The caller frees it. */
SSL_CTX *fake_ca_server(struct fake_ca *ca, const char *name, int from, int to);

#endif
