/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/method/render.h"

#include "lib/memory.h"
#include "lib/secret.h"
#include "postfix/base/utf8.h"
#include "postfix/method/shield.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *render_sasl_options_name(enum tls_level level)
{
    return level == TLS_LEVEL_ENCRYPT ? "smtp_sasl_tls_security_options"
                                      : "smtp_sasl_tls_verified_security_options";
}

const char *render_path_wrong(const char *path)
{
    if (path[0] != '/')
        return "it must begin with a slash";
    if (path[strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._+-")] !=
        '\0')
        return "only letters, digits and / . _ + - can stand in a list of maps";
    return NULL;
}

/* postmap(1) skips a line that is not UTF-8, with a warning. */
static int check_encoding(const char *username, const char *password, struct why *why)
{
    if (!utf8_valid(username))
        return why_set(why,
                       "the relay's username is not UTF-8, which Postfix's maps hold only with "
                       "smtputf8_enable = no");
    if (!utf8_valid(password))
        return why_set(why,
                       "the relay's password is not UTF-8, which Postfix's maps hold only with "
                       "smtputf8_enable = no");
    return 0;
}

/* postmap(1) cuts white space off both ends of a value, and a line ends it. */
static int check_credentials(const char *username, const char *password, struct why *why)
{
    size_t n = strlen(password);

    if (username[0] == '\0' || strpbrk(username, "\r\n") != NULL)
        return why_set(why, "the relay's username must be one line, and not empty");
    if (strchr(username, ':') != NULL)
        return why_set(why, "the relay's username holds a colon, where Postfix's password map "
                            "takes the password to begin");
    if (isspace((unsigned char)username[0]))
        return why_set(why, "the relay's username begins with white space, which Postfix's "
                            "password map cannot hold");
    if (n == 0 || strpbrk(password, "\r\n") != NULL)
        return why_set(why, "the relay's password must be one line, and not empty");
    if (isspace((unsigned char)password[n - 1]))
        return why_set(why, "the relay's password ends with white space, which Postfix's password "
                            "map cannot hold");
    return 0;
}

/* A certificate names hosts; Postfix compares those names alone. */
static int check_host(const struct render_input *in, struct why *why)
{
    struct endpoint endpoint;
    const char *wrong;
    char *nexthop = memory_format("[%s]:%u", in->relay->host, in->port);
    int rc = endpoint_parse(nexthop, 0, &endpoint, &wrong);

    if (rc == -1)
        why_set(why, "the relay's host %s: %s", in->relay->host, wrong);
    else if (endpoint.is_literal && in->tls_level != TLS_LEVEL_ENCRYPT)
        rc = why_set(why, "the relay's host %s is an address; tls_level = %s needs a host name",
                     in->relay->host, tls_level_name(in->tls_level));
    free(nexthop);
    return rc;
}

int render_check(const struct render_input *in, struct why *why)
{
    const char *wrong = render_path_wrong(in->directory);

    if (wrong != NULL)
        return why_set(why, "config_directory %s: %s", in->directory, wrong);
    if (in->relay->ca_file[0] != '/' || strpbrk(in->relay->ca_file, "\r\n") != NULL)
        return why_set(why, "the relay's ca_file must be an absolute path on one line");
    if (check_host(in, why) == -1)
        return -1;
    if (in->utf8_maps && check_encoding(in->relay->username, in->password, why) == -1)
        return -1;
    return check_credentials(in->relay->username, in->password, why);
}

/* Keys are compared letter for letter with what relayhost says, so there is one spelling. */
static char *lower_case(const char *text)
{
    char *copy = memory_copy(text);

    for (char *p = copy; *p != '\0'; p++)
        *p = (char)tolower((unsigned char)*p);
    return copy;
}

/* Their maps stay, behind ours: the first answer counts. */
static void set_map(struct rendering *out, const struct render_input *in, const char *name,
                    const char *map, const char *theirs)
{
    char *value = memory_format("%s:%s/%s%s%s", in->map_type, in->directory, map,
                                theirs[0] == '\0' ? "" : ", ", theirs);

    settings_add(&out->settings, name, value);
    free(value);
}

/* Whether a list of SASL security options lets a client send the password itself (PLAIN, LOGIN),
 * as it may inside TLS. */
static bool allows_plaintext(const char *options)
{
    static const char *const forbid[] = { "noplaintext", "noactive", "nodictionary",
                                          "forward_secrecy", "mutual_auth" };
    char *copy = memory_copy(options), *rest = copy;
    bool allowed = true;

    for (char *word; (word = strsep(&rest, ", \t")) != NULL;)
        for (size_t i = 0; i < sizeof forbid / sizeof forbid[0]; i++)
            allowed = allowed && strcasecmp(word, forbid[i]) != 0;
    free(copy);
    return allowed;
}

/* The owner's authorities must go on to count for the owner's other destinations, so a second file
 * is merged behind theirs. (A CApath does not work in a chroot, nor does a policy's tafile.) */
static void set_ca(struct rendering *out, const struct render_input *in)
{
    const char *theirs = in->tls_ca_file;

    if (theirs[0] == '\0') {
        char *path = settings_escape(in->relay->ca_file);
        settings_add(&out->settings, "smtp_tls_CAfile", path);
        free(path);
        return;
    }
    if (strcmp(theirs, in->relay->ca_file) == 0 ||
        (in->owner_ca != NULL && strstr(in->owner_ca, in->relay_ca) != NULL))
        return;
    const char *owner_ca = in->owner_ca == NULL ? "" : in->owner_ca;
    size_t n = strlen(owner_ca);
    bool needs_newline = n > 0 && owner_ca[n - 1] != '\n';
    char *bundle = memory_format("%s%s%s", owner_ca, needs_newline ? "\n" : "", in->relay_ca);
    contents_add_file(&out->contents, CA_BUNDLE, bundle);
    free(bundle);
    char *path = memory_format("%s/" CA_BUNDLE, in->directory);
    settings_add(&out->settings, "smtp_tls_CAfile", path);
    free(path);
}

static char *policy(enum tls_level level, const char *host)
{
    if (level == TLS_LEVEL_ENCRYPT)
        return memory_copy("encrypt");
    return memory_format("%s match=%s", tls_level_name(level), host);
}

/* The relay's bare host and its nexthop, as keys of the maps. */
struct keys {
    char *host, *nexthop;
};

/* The same smtp(8) serves other destinations too. */
static void set_shield(struct rendering *out, const struct render_input *in,
                       const struct keys *keys)
{
    char *table = shield_table(keys->host), *marks = shield_marks(keys->host);
    char *path = memory_format("%s/" SHIELD, in->directory);
    char *marks_path = memory_format("%s/" SHIELD_MARKS, in->directory);
    char *filter = shield_filter(path, marks_path, in->status_filter);

    contents_add_file(&out->contents, SHIELD, table);
    if (in->status_filter[0] != '\0')
        contents_add_file(&out->contents, SHIELD_MARKS, marks);
    settings_add(&out->settings, "smtp_delivery_status_filter", filter);
    free(filter);
    free(marks_path);
    free(path);
    free(marks);
    free(table);
}

static void set_all(struct rendering *out, const struct render_input *in, const struct keys *keys)
{
    settings_add(&out->settings, "relayhost", keys->nexthop);
    if (strcasecmp(in->sasl_auth_enable, "yes") != 0)
        settings_add(&out->settings, "smtp_sasl_auth_enable", "yes");
    set_map(out, in, "smtp_sasl_password_maps", SASL_MAP, in->sasl_password_maps);
    if (!allows_plaintext(in->sasl_security_options))
        settings_add(&out->settings, render_sasl_options_name(in->tls_level), "noanonymous");
    set_map(out, in, "smtp_tls_policy_maps", POLICY_MAP, in->tls_policy_maps);
    set_ca(out, in);
    set_shield(out, in, keys);
}

/* Both keys: Postfix asks for the bare host first. */
static void add_sasl_map(struct rendering *out, const struct render_input *in,
                         const struct keys *keys)
{
    char *value = memory_format("%s:%s", in->relay->username, in->password);
    char *map = memory_format("%s %s\n%s %s\n", keys->host, value, keys->nexthop, value);

    contents_add_map(&out->contents, SASL_MAP, map);
    contents_add_answer(&out->contents, SASL_MAP, keys->host, value);
    contents_add_answer(&out->contents, SASL_MAP, keys->nexthop, value);
    secret_free(map);
    secret_free(value);
}

static void add_policy_map(struct rendering *out, const struct render_input *in,
                           const struct keys *keys)
{
    char *value = policy(in->tls_level, keys->host);
    char *map = memory_format("%s %s\n", keys->nexthop, value);

    contents_add_map(&out->contents, POLICY_MAP, map);
    contents_add_answer(&out->contents, POLICY_MAP, keys->nexthop, value);
    free(map);
    free(value);
}

int render(const struct render_input *in, struct rendering *out, struct why *why)
{
    struct keys keys;

    *out = (struct rendering){ 0 };
    if (render_check(in, why) == -1)
        return -1;
    keys.host = lower_case(in->relay->host);
    keys.nexthop = memory_format("[%s]:%u", keys.host, in->port);
    add_sasl_map(out, in, &keys);
    add_policy_map(out, in, &keys);
    set_all(out, in, &keys);
    free(keys.host);
    free(keys.nexthop);
    return 0;
}

void render_free(struct rendering *rendering)
{
    settings_free(&rendering->settings);
    services_free(&rendering->services);
    contents_free(&rendering->contents);
    *rendering = (struct rendering){ 0 };
}
