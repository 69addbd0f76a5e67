/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Postfix reads in a configuration directory, as postconf(1) says it: the parameters that
 * main.cf sets ("-n"), the entries of master.cf ("-M"), and the warnings. Two readings show what a
 * change has changed.
 */
#ifndef DETOURD_POSTFIX_READING_H
#define DETOURD_POSTFIX_READING_H

#include "postfix/base/why.h"
#include "postfix/cf/main_cf.h"
#include "postfix/cf/services.h"
#include "postfix/cf/settings.h"
#include "postfix/host/view.h"

struct reading {
    struct parameters *set;
    struct main_cf *entries;
    char *warnings;
};

/* Of DIRECTORY, a copy of HOME or HOME itself (view.h). 0, or -1 with a reason; reading_free ends
 * OUT either way. */
int reading_take(const char *directory, const char *home, struct reading *out, struct why *why);
void reading_free(struct reading *reading);

/* Each of these: 0, or -1 with a reason. */

/* AFTER sets what BEFORE sets, but for SETTINGS (NULL: none). */
int reading_same_without(const struct reading *before, const struct reading *after,
                         const struct settings *settings, struct why *why);
/* Every one of SETTINGS is set as they say. */
int reading_has(const struct reading *reading, const struct settings *settings, struct why *why);
/* AFTER has the entries of BEFORE, in their order, but for SERVICES (NULL: none). */
int reading_same_services(const struct reading *before, const struct reading *after,
                          const struct services *services, struct why *why);
/* Every one of SERVICES is entered as it is written. */
int reading_has_services(const struct reading *reading, const struct services *services,
                         struct why *why);
/* AFTER draws no warning that BEFORE does not draw. */
int reading_no_new_warning(const struct reading *before, const struct reading *after,
                           struct why *why);

#endif
