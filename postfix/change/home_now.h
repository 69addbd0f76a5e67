/* SPDX-License-Identifier: BSD-2-Clause */
/* The configuration directory as it is now: main.cf, master.cf, the map of senders, and what in
 * them is ours. */
#ifndef DETOURD_POSTFIX_HOME_NOW_H
#define DETOURD_POSTFIX_HOME_NOW_H

#include "lib/config.h"
#include "postfix/base/why.h"
#include "postfix/cf/main_cf.h"
#include "postfix/cf/mark.h"
#include "postfix/cf/master_cf.h"
#include "postfix/method/senders.h"
#include <stdbool.h>
#include <stddef.h>

/* What stands in the configuration directory. */
struct home_now {
    char *bytes; /* main.cf */
    size_t len;
    struct main_cf *cf;
    struct mark *mark; /* with all drift, also of master.cf's */
    struct {
        char *bytes;
        size_t len;
        struct main_cf *cf;
        struct master_mark *mark;
    } master;
    unsigned long map; /* the number of the map of senders in force; 0 for none */
    struct senders senders;
};

/* Whether a run was cut off, or is at work. */
bool home_is_unfinished(const struct config *config);

/* 0, or -1 with a reason. home_now_free ends NOW either way. */
int home_now_read(const struct config *config, struct home_now *now, struct why *why);
/* The same of texts without NUL and without a mark of ours. */
void home_now_take(const char *main_cf, const char *master_cf, struct home_now *now);
void home_now_free(struct home_now *now);

#endif
