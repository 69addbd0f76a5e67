/* SPDX-License-Identifier: BSD-2-Clause */
/* The configuration directory: what stands where, and main.cf as it is now. */
#ifndef DETOURD_POSTFIX_HOME_H
#define DETOURD_POSTFIX_HOME_H

#include "lib/config.h"
#include "postfix/main_cf.h"
#include "postfix/mark.h"
#include "postfix/master_cf.h"
#include "postfix/senders.h"
#include "postfix/why.h"
#include <stddef.h>

/* Ours, all of it root's alone. */
#define OUR_DIRECTORY "detourd"
#define LOCK_FILE     OUR_DIRECTORY "/lock"
#define STAGE         OUR_DIRECTORY "/stage"
#define PRIVATE       OUR_DIRECTORY "/private"
/* For configuration management (shelf.h). */
#define FRAGMENTS OUR_DIRECTORY "/fragments"
/* The owner's files as they were before the last route to a relay: for the postmaster to look at; a
 * return never needs it. */
#define BEFORE        OUR_DIRECTORY "/main.cf.before"
#define MASTER_BEFORE OUR_DIRECTORY "/master.cf.before"
/* Stands from before main.cf is replaced until Postfix works by it: whoever finds it finishes. */
#define UNFINISHED OUR_DIRECTORY "/unfinished"
/* When somebody else has taken a route out of force (reverts.h). */
#define REVERTS OUR_DIRECTORY "/reverts"

/* The path of a file in the configuration directory; the caller frees it. */
char *home_path(const struct config *config, const char *name);

/* Whether the directory is one of a Postfix that is installed, and could have been written by root
 * alone: 0, or -1 with a reason. */
int home_check(const struct config *config, struct why *why);

/* Takes the lock that every change is made under, into *FD; closing that lets go of it. The
 * directories are made first. 0, 1 when another change held it for 30 s, or -1 with a reason; *FD
 * is -1 then. */
int home_lock(const struct config *config, int *fd, struct why *why);

/* Takes away all that is ours, unless something is left that main.cf, master.cf or configuration
 * management may still need; the lock file goes last. 0, or -1 with a reason. */
int home_remove(const struct config *config, struct why *why);

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
