/* SPDX-License-Identifier: BSD-2-Clause */
/* The parameters that a route sets in main.cf, in their order. */
#ifndef DETOURD_POSTFIX_SETTINGS_H
#define DETOURD_POSTFIX_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#define NO_SETTING ((size_t)-1)

/* What leads mail to a relay with the method transport; with the other it is relayhost. */
#define TRANSPORT_SETTING "sender_dependent_default_transport_maps"

/* Both strings, of one line each, belong to the settings. */
struct setting {
    char *name, *value;
};

struct settings {
    struct setting *item;
    size_t count;
};

/* Both are copied. */
void settings_add(struct settings *settings, const char *name, const char *value);
/* All of FROM but NAME, added to SETTINGS. */
void settings_add_others(struct settings *settings, const struct settings *from, const char *name);

/* The number of a parameter; NO_SETTING where it is not among them. */
size_t settings_find(const struct settings *settings, const char *name);
/* Its value, or NULL. */
const char *settings_value(const struct settings *settings, const char *name);
bool settings_equal(const struct settings *a, const struct settings *b);

void settings_free(struct settings *settings);

/* TEXT as a value that Postfix expands to just that: every "$" doubled. The caller frees it. */
char *settings_escape(const char *text);

#endif
