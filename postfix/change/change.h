/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a request would change, worked out without changing anything: main.cf and master.cf are
 * read, Postfix is asked, refusals are looked for, and what is to be written is rendered in memory.
 * A switch from one relay to another starts from the owner's files, never from the first relay's.
 * Where somebody else has edited what is ours (mark.h, master_cf.h), the only change is the one to
 * direct, which keeps every edit.
 *
 * A change is a list of steps, each of which replaces one thing and leaves a whole state. With the
 * method relayhost these are main.cf files that fit the one before: what the relay demands
 * (password, TLS) comes before the route to it and goes after it. For the route counts at once, for
 * any trivial-rewrite(8) that starts, while an smtp(8) goes on by what it has read; in one step
 * messages would reach the relay without a password, and bounce. With the method transport the
 * services come first, then the line in main.cf, whose map leads nowhere yet, then the map; and out
 * in reverse.
 */
#ifndef DETOURD_POSTFIX_CHANGE_H
#define DETOURD_POSTFIX_CHANGE_H

#include "lib/config.h"
#include "lib/route.h"
#include "postfix/base/findings.h"
#include "postfix/change/home_now.h"
#include "postfix/host/stage.h"
#include "postfix/host/view.h"
#include "postfix/method/render.h"
#include "postfix/method/senders.h"

enum change_kind {
    CHANGE_NEEDED,
    CHANGE_NONE, /* all is in force already, with just this content */
    CHANGE_REFUSED,
    CHANGE_FAILED
};

/* What is replaced. */
enum change_place { CHANGE_MAIN_CF, CHANGE_MASTER_CF, CHANGE_MAP };

struct change_step {
    enum change_place place;
    const char *name;     /* in the answer */
    bool settles;         /* Postfix must work by it before the next step */
    bool proved;          /* the relay's service must have proved itself before this step */
    char *before, *after; /* a file's text */
    size_t before_len, after_len;
    struct contents contents; /* the map's directory to be built; none: the link goes */
    unsigned long from,
        to; /* numbers of such directories (senders.h); TO is known when it is built */
};

struct change {
    struct route route; /* in force in the end */
    struct home_now now;
    char *original; /* the owner's main.cf */
    size_t original_len;
    char *original_master; /* and master.cf */
    size_t original_master_len;
    struct view *view;        /* of the owner's configuration */
    struct findings refusals; /* of the host; in a preview all of them */
    struct findings notes;
    struct findings exceptions; /* refusals.h */
    struct rendering rendering; /* empty where nothing of ours stays */
    unsigned long generation;   /* that stays; 0 for none */
    bool builds;                /* it has to be built first */
    struct change_step *step;
    size_t step_count;
    char *after; /* main.cf to be; NULL where there is no change */
    size_t after_len;
    char *after_master;
    size_t after_master_len;
    char *proof_sender; /* NULL: no proof */
    struct route proof; /* what is proved */
    bool proved_last;   /* when all steps are taken, where none is to be proved before */
};

void change_free(struct change *change);

/* The map type that maps are built with. */
const char *change_map_type(const struct change *change);

/* The owner's files; points into CHANGE. */
struct stage_texts change_owners(const struct change *change);

/* Whether something of ours stands in main.cf or master.cf in the end. */
bool change_leaves_ours(const struct change *change);

/* Whether main.cf or master.cf is replaced. */
bool change_replaces_files(const struct change *change);

/* The parameters that CHANGE touches, with their values before and after (NULL where main.cf does
 * not set them), for each in turn. */
typedef void change_visit(void *context, const char *name, const char *before, const char *after);
int change_each(const struct config *config, const struct change *change, change_visit *visit,
                void *context, struct why *why);

#endif
