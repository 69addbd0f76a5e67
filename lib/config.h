/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration file, detourd.conf(5), read and checked as a whole.
 *
 * All strings belong to the configuration. Times are seconds. Relays stand in the order of the
 * file, which is the order of preference; provider and region are already turned into a host and
 * ports.
 */
#ifndef DETOURD_CONFIG_H
#define DETOURD_CONFIG_H

#include "lib/endpoint.h"
#include "lib/probe_tls.h"
#include "lib/relay_catalogue.h"
#include <stdbool.h>
#include <stddef.h>

enum mode { MODE_OBSERVE, MODE_FRAGMENT, MODE_SWITCH };
enum method { METHOD_RELAYHOST, METHOD_TRANSPORT };
enum tls_level { TLS_LEVEL_ENCRYPT, TLS_LEVEL_VERIFY, TLS_LEVEL_SECURE };

/* The words of the configuration for each, in their order, NULL at the end. */
extern const char *const config_modes[], *const config_methods[], *const config_tls_levels[];

const char *mode_name(enum mode mode);
const char *method_name(enum method method);
const char *tls_level_name(enum tls_level level);

/* What the relay gets to see in place of an address of this host: generic(5). */
struct rewrite {
    char *from, *to;
};

struct relay {
    char *name; /* a token */
    char *host;
    struct ports ports; /* in the order in which they are tried */
    char *username;
    char *password_file;
    char *ca_file; /* never NULL: the system's bundle unless told otherwise */

    /* With the method transport alone. */
    char **senders; /* "user@domain" or "@domain", in lower case; none: everybody */
    size_t sender_count;
    bool null_sender; /* whether mail from <> goes by the relay too */
    struct rewrite *rewrites;
    size_t rewrite_count;

    /* The relay's pace; 0 where it is not known. */
    int concurrency; /* connections at once */
    int rate;        /* messages an hour */
    int line;
};

/* What the owner says of a target's TLS, above what the catalogue knows. */
struct tls_policy {
    struct endpoint target;
    enum probe_tls tls;
};

struct config {
    char *path;
    enum mode mode;
    char *user;
    char *state_directory;
    char *catalogue_directory;
    int switch_limit; /* switches within an hour */

    struct probe_config {
        struct endpoint *targets;
        size_t target_count;
        int interval, fastinter, timeout, fall, rise, stay, quorum;
        struct tls_policy *tls_policy;
        size_t tls_policy_count;
        char *helo_name;      /* NULL: Postfix's own */
        char *source_address; /* NULL: Postfix's own */
        char *source_address6;
    } probe;

    struct relay *relays;
    size_t relay_count;

    /* What detourd cannot see for itself, to judge how this host looks to mail operators. */
    struct reputation_config {
        char *sender_domain; /* NULL: not known */
        char **dnsbl;        /* zones of blocklists */
        size_t dnsbl_count;
        char **dkim_selectors;
        size_t dkim_selector_count;
    } reputation;

    struct postfix_config {
        char *config_directory;
        enum method method;
        enum tls_level tls_level;
        bool replace_relayhost;
        bool force; /* also where another product made the configuration */
    } postfix;

    struct status_config {
        char *socket, *group, *admin_group;
    } status;

    struct apply_config {
        char *socket;
    } apply;
};

#define CONFIG_DEFAULT_PATH SYSCONFDIR "/detourd/detourd.conf"

/* Where Debian, and with it the relay sections' default, has the certificates of the system. */
#define SYSTEM_CA_FILE "/etc/ssl/certs/ca-certificates.crt"

const struct relay *config_relay(const struct config *config, const char *name);

#endif
