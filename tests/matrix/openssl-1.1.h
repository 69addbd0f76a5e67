/* SPDX-License-Identifier: BSD-2-Clause
 * The oldest release of the matrix has OpenSSL 1.1.1, and detourd wants 3.0. What the programs use of
 * the newer one, for the tests alone: it is Postfix that is tested there. */
#ifndef TESTS_MATRIX_OPENSSL_1_1_H
#define TESTS_MATRIX_OPENSSL_1_1_H

#define SSL_CTX_load_verify_file(context, file) SSL_CTX_load_verify_locations(context, file, NULL)

/* The session keeps a reference of its own. */
#define SSL_get0_peer_certificate(ssl)                      \
    ({                                                      \
        X509 *certificate_ = SSL_get_peer_certificate(ssl); \
        X509_free(certificate_);                            \
        certificate_;                                       \
    })

#define ERR_SYSTEM_ERROR(code) (ERR_GET_LIB(code) == ERR_LIB_SYS)

/* 1.1.1 has no such reason; none of its own has this number. */
#define SSL_R_UNEXPECTED_EOF_WHILE_READING 294

#endif
