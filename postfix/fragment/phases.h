/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The steps in which a fragment is applied (formats.h), and what their words have in common.
 * Between two steps Postfix is reloaded.
 */
#ifndef DETOURD_POSTFIX_PHASES_H
#define DETOURD_POSTFIX_PHASES_H

#include "postfix/fragment/fragment.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum phase_kind {
    PHASE_SERVICES,   /* entries of master.cf, which nobody uses yet */
    PHASE_GIVE_BACK,  /* parameters, to the owner's values, where one of ours stands */
    PHASE_SET,        /* parameters, all in one write */
    PHASE_NO_SERVICES /* entries of master.cf go */
};

struct phase {
    enum phase_kind kind;
    bool leads; /* parameters that send mail to the relay, or all others */
    const char *what;
};

#define PHASES 6

/* Those that have something to do, in their order. */
size_t phases_of(const struct fragment *fragment, struct phase out[PHASES]);
bool phase_has(const struct phase *phase, const struct fragment_item *item);

typedef char *quoting(const char *text);

/* What postconf(1) is to be told: "name = value" or "name/type=entry", and the same for the owner's
 * value and one of the stale ones. The caller frees them. */
char *quote_line(const struct fragment_item *item, quoting *quote);
char *quote_owner(const struct fragment_item *item, quoting *quote);
char *quote_stale(const struct fragment_item *item, size_t n, quoting *quote);

/* Comments, as all of the formats take them. */
void put_fragment_head(FILE *out, const struct fragment *fragment);

/* "detour-apply reload" as a line of shell; the caller frees it. */
char *reload_command(const struct fragment *fragment);

#endif
