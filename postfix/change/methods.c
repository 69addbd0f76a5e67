/* SPDX-License-Identifier: BSD-2-Clause */
/* What both methods need. */
#include "postfix/change/methods.h"

#include "lib/memory.h"
#include "lib/secret.h"
#include "lib/trust.h"
#include "postfix/base/files.h"
#include "postfix/change/steps.h"
#include <pwd.h>
#include <string.h>

#define CA_MAX ((size_t)16 * 1024 * 1024)

/* The group that may read a password file: the daemon's, which proves relays with it. */
static gid_t group_of(const char *user)
{
    const struct passwd *entry = getpwnam(user);

    return entry == NULL ? SECRET_NO_GROUP : entry->pw_gid;
}

char *read_password(const struct config *config, const struct relay *relay, struct why *why)
{
    if (trust_check(relay->password_file, why->text, sizeof why->text) == -1)
        return NULL;
    return secret_read(relay->password_file, group_of(config->user), why->text, sizeof why->text);
}

char *read_relay_ca(const struct relay *relay, struct why *why)
{
    size_t len;

    if (trust_check(relay->ca_file, why->text, sizeof why->text) == -1)
        return NULL;
    return file_read(relay->ca_file, CA_MAX, &len, why);
}

char *or_placeholder(char *text, bool preview, struct change *change, const struct why *why)
{
    if (text != NULL || !preview)
        return text;
    findings_add(&change->refusals, "%s", why->text);
    return memory_copy("?");
}

void add_prepared(struct change *change, unsigned long generation, const struct settings *settings)
{
    struct main_cf *owners_cf = main_cf_parse(change->original, change->original_len);
    struct route direct = route_direct();
    struct settings prepared = { 0 };
    size_t len;

    settings_add_others(&prepared, settings, "relayhost");
    char *text = mark_set(owners_cf, &direct, generation, &prepared, &len);
    steps_add_file(change, CHANGE_MAIN_CF, STEP_PREPARE, text, len, true);
    settings_free(&prepared);
    main_cf_free(owners_cf);
}

static char *copy(const char *bytes, size_t len)
{
    char *text = memory_zero(len + 1, 1);

    memcpy(text, bytes, len);
    return text;
}

void add_owners_main_cf(struct change *change)
{
    steps_add_file(change, CHANGE_MAIN_CF, STEP_INSTALL,
                   copy(change->original, change->original_len), change->original_len, true);
}

void add_owners_master_cf(struct change *change)
{
    steps_add_file(change, CHANGE_MASTER_CF, STEP_MASTER,
                   copy(change->original_master, change->original_master_len),
                   change->original_master_len, true);
}

void end_relayhost(struct change *change)
{
    const struct mark *mark = change->now.mark;

    if (mark->kind == BLOCK_RELAY && !route_is_direct(&mark->route))
        add_prepared(change, mark->generation, &mark->settings);
}

/* The map first, so that nothing is on its way to the services when they go. */
void end_transport(const struct config *config, struct change *change)
{
    const struct mark *mark = change->now.mark;
    struct senders direct = { .route = route_direct(), .proof = route_direct() };
    struct contents contents;

    /* A map that is gone would defer all mail. */
    if (!mark->leads || (route_is_direct(&mark->route) && change->now.map != 0))
        return;
    /* The proof's way stays, for the next switch. */
    if (config_relay(config, change->now.senders.proof.name) != NULL)
        direct = change->now.senders;
    direct.route = route_direct();
    senders_contents(config, NULL, &direct, &contents);
    steps_add_map(change, &contents, false, true);
}
