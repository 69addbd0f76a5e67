/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/proof/proof_maps.h"

#include "lib/memory.h"
#include "postfix/base/command.h"
#include "postfix/host/view.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SEPARATORS ", \t\r\n"
#define MAPS_MAX   32

struct table {
    const char *maps, *classes, *class; /* CLASSES may be NULL */
    bool of_sender;
};

static const struct table tables[] = {
    { "sender_canonical_maps", "sender_canonical_classes", "envelope_sender", true },
    { "canonical_maps", "canonical_classes", "envelope_sender", true },
    { "recipient_canonical_maps", "recipient_canonical_classes", "envelope_recipient", false },
    { "canonical_maps", "canonical_classes", "envelope_recipient", false },
    { "virtual_alias_maps", NULL, NULL, false },
};

/* The next of a list of tables, cut out of *REST: braces hold white space and commas together
 * (DATABASE_README). NULL at the end. */
static char *next_map(char **rest)
{
    char *map = *rest + strspn(*rest, SEPARATORS), *p = map;

    if (*map == '\0')
        return NULL;
    for (int depth = 0; *p != '\0' && (depth > 0 || strchr(SEPARATORS, *p) == NULL); p++)
        depth += (*p == '{') - (*p == '}');
    *rest = *p == '\0' ? p : p + 1;
    *p = '\0';
    return map;
}

/* What the first of the tables MAPS with an answer says for KEY; NULL for nothing. *RC is -1, with
 * a reason, when that cannot be found out. */
static char *look_up(const struct config *config, const char *maps, const char *key, int *rc,
                     struct why *why)
{
    const char *argv[MAPS_MAX + 6] = { "postmap", "-c", config->postfix.config_directory, "-q",
                                       key };
    char *copy = memory_copy(maps), *rest = copy;
    struct command_result result = { 0 };
    char words[WHY_MAX / 2], *value = NULL;
    size_t n = 5;

    while (n < MAPS_MAX + 5 && (argv[n] = next_map(&rest)) != NULL)
        n++;
    *rc = command_run(argv, COMMAND_TIMEOUT_MS, &result, why);
    if (*rc == 0 && result.status == 0) {
        value = memory_copy(result.out);
        value[strcspn(value, "\n")] = '\0';
    } else if (*rc == 0 && result.err_len > 0) { /* a key that is not there draws no word */
        command_words(&result, words, sizeof words);
        *rc = why_set(why, "postmap -q: %s", words);
    }
    command_result_free(&result);
    free(copy);
    return value;
}

/* The keys of canonical(5) and virtual(5) for an address of this host's own. */
static int check_table(const struct config *config, const struct table *table, const char *maps,
                       const char *sender, struct why *why)
{
    const char *at = strrchr(sender, '@');
    char *local = memory_format("%.*s", (int)(at - sender), sender);
    const char *const keys[] = { sender, local, at };
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < sizeof keys / sizeof keys[0]; i++) {
        char *value = look_up(config, maps, keys[i], &rc, why);
        if (value != NULL && strcasecmp(value, sender) == 0) {
            free(value);
            break; /* an entry that leaves it alone */
        }
        if (value != NULL) {
            why_set(why,
                    "%s leads <%s>, %s, to %.200s; an entry that leads this address to itself, in "
                    "front of the one that does, would help",
                    table->maps, sender,
                    table->of_sender ? "the sender of the probe"
                                     : "to which Postfix reports on the probe",
                    value);
            rc = 1;
        }
        free(value);
    }
    free(local);
    return rc;
}

static bool counts(const struct parameters *p, const struct table *table)
{
    const char *maps = parameters_value(p, table->maps);
    const char *classes = table->classes == NULL ? NULL : parameters_value(p, table->classes);
    const char *override = parameters_value(p, "receive_override_options");

    if (maps == NULL || maps[0] == '\0')
        return false;
    /* A probe comes in by pickup(8); a report is made inside and always mapped. */
    if (table->of_sender && override != NULL && strstr(override, "no_address_mappings") != NULL)
        return false;
    return classes == NULL || strstr(classes, table->class) != NULL;
}

int proof_maps_check(const struct config *config, const char *sender, struct why *why)
{
    static const char *const names[] = {
        "sender_canonical_maps", "sender_canonical_classes", "canonical_maps",
        "canonical_classes",     "recipient_canonical_maps", "recipient_canonical_classes",
        "virtual_alias_maps",    "receive_override_options", NULL
    };
    struct parameters *p = view_some(config->postfix.config_directory, true, names, why);
    int rc = p == NULL ? -1 : 0;

    for (size_t i = 0; rc == 0 && i < sizeof tables / sizeof tables[0]; i++)
        if (counts(p, &tables[i]))
            rc = check_table(config, &tables[i], parameters_value(p, tables[i].maps), sender, why);
    parameters_free(p);
    return rc;
}
