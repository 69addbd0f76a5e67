/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a route to a relay sets, by the method relayhost. Pure: everything it depends on is passed
 * in, nothing is read or written.
 *
 * As narrow as Postfix allows: the TLS level and the certificate's name are demanded of this
 * nexthop alone, the password stands under this host alone, and what is in effect already is not
 * set again. The rules are postconf(5)'s, smtp_tls_policy_maps and smtp_sasl_password_maps.
 */
#ifndef DETOURD_POSTFIX_RENDER_H
#define DETOURD_POSTFIX_RENDER_H

#include "lib/config.h"
#include "postfix/base/contents.h"
#include "postfix/base/why.h"
#include "postfix/cf/services.h"
#include "postfix/cf/settings.h"

/* The files of a generation, as main.cf refers to them. */
#define SASL_MAP     "sasl"
#define POLICY_MAP   "policy"
#define CA_BUNDLE    "ca.pem"
#define SHIELD       "shield"
#define SHIELD_MARKS "shield.marks"

struct render_input {
    const struct relay *relay;
    uint16_t port;
    enum tls_level tls_level;
    const char *password;
    const char *map_type;  /* "hash" */
    const char *directory; /* of the generation's files */

    /* The owner's configuration. The two map lists as written, the others with all $names replaced;
     * "" where empty. */
    const char *sasl_auth_enable;
    const char *sasl_password_maps;
    const char *sasl_security_options; /* for sessions of the route's TLS level */
    const char *tls_policy_maps;
    const char *tls_ca_file;
    const char *status_filter; /* smtp_delivery_status_filter */
    bool utf8_maps;            /* the host's maps hold UTF-8 alone (postconf(5), smtputf8_enable) */
    const char *owner_ca;      /* the content of tls_ca_file; NULL where there is none */
    const char *relay_ca;      /* the content of the relay's ca_file */
};

struct rendering {
    struct settings settings; /* of main.cf */
    struct services services; /* of master.cf, with the method transport */
    struct contents contents; /* of the generation */
};

/* The parameter that says what SASL may do at that TLS level. smtp(8) counts a session as verified
 * when the certificate matched (levels verify and secure). */
const char *render_sasl_options_name(enum tls_level level);

/* Whether a relay, its password and the directory are such that Postfix's files can hold them: 0,
 * or -1 with a reason that never holds the password. The owner's configuration is not looked at. */
int render_check(const struct render_input *in, struct why *why);

/* 0, or -1 with a reason that never holds the password. render_free ends OUT either way. */
int render(const struct render_input *in, struct rendering *out, struct why *why);
void render_free(struct rendering *rendering);

/* The first colon-free reason why PATH cannot stand in main.cf as the name of a map; NULL if it
 * can. */
const char *render_path_wrong(const char *path);

#endif
