/* SPDX-License-Identifier: BSD-2-Clause */
/* The services that an installation of the method transport enters in master.cf, in their order. */
#ifndef DETOURD_POSTFIX_SERVICES_H
#define DETOURD_POSTFIX_SERVICES_H

#include "postfix/cf/settings.h"
#include <stdbool.h>
#include <stddef.h>

#define NO_SERVICE ((size_t)-1)

/* Both strings belong to the services. */
struct service {
    char *name; /* with its type: "detour-ses/unix" */
    char *text; /* the whole entry: one or more physical lines, each with its newline */
};

struct services {
    struct service *item;
    size_t count;
};

/* Both are copied. */
void services_add(struct services *services, const char *name, const char *text);

/* The number of a service; NO_SERVICE where it is not among them. */
size_t services_find(const struct services *services, const char *name);
bool services_equal(const struct services *a, const struct services *b);
void services_free(struct services *services);

/* An entry of a private service of type unix, with one "-o" for each of OPTIONS, just as
 * postconf(1) writes one (pcf_print_master_entry() in Postfix's src/postconf/postconf_master.c):
 * so an edit of it by postconf that changes nothing leaves its bytes. The caller frees it. */
char *service_text(const char *name, const char *chroot, const char *maxproc, const char *command,
                   const struct settings *options);

/* Whether a value can stand behind "-o name=": one line, braces in pairs (mystrtokq() and extpar()
 * in Postfix's src/util), no white space around it. */
bool service_value_fits(const char *value);

#endif
