/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Our mark on the owner's main.cf, how it comes off again, and what others have made of it.
 *
 * A logical line that sets a parameter which a route needs stays where it is, every physical line
 * of it behind "#detourd: ", so that no name stands twice (Postfix's programs all warn of that) and
 * nothing of the owner's is lost. The mark stands between "#" and the name because tools of
 * configuration management take "# name = value" for the line they look for. Our own settings stand
 * in one block at the end of the file (block.h).
 *
 * Others may edit main.cf while a route of ours is in force. What they do to other parameters is
 * none of our business and stays. A parameter of ours that they change is theirs from then on:
 * that is drift, it is named, and a mark that comes off leaves main.cf as if they had made the same
 * edit to the owner's own file: what they set stands, in the place of the line put aside; what they
 * commented out or deleted stays so.
 */
#ifndef DETOURD_POSTFIX_MARK_H
#define DETOURD_POSTFIX_MARK_H

#include "lib/route.h"
#include "postfix/cf/block.h"
#include "postfix/cf/main_cf.h"
#include "postfix/cf/settings.h"

/* Whose a setting of ours is now. */
enum claim {
    CLAIM_OURS,
    CLAIM_EDITED,    /* another value stands in our block */
    CLAIM_ELSEWHERE, /* somebody's own line sets it too, outside our block */
    CLAIM_COMMENTED,
    CLAIM_DELETED
};

struct mark {
    struct route route;       /* direct where no line of ours sets one that counts; with the
                                 installation of the method transport, what its map says */
    unsigned long generation; /* of the maps that the block refers to; 0 where there is none */
    enum block_kind kind;     /* of the block; BLOCK_RELAY where there is none */
    bool leads;               /* a line of ours that leads to a relay or to our map counts */
    bool no_newline;          /* the owner's file did not end in a newline */
    struct settings settings; /* as we wrote them */
    enum claim *claims;       /* one for each */
    char **drift;             /* what somebody else changed of ours, a sentence each */
    size_t drift_count;
    bool gone;     /* nothing of the block is left */
    bool legible;  /* whose each line is can be told; otherwise no mark comes off */
    bool reverted; /* somebody else took the route out of force */
};

/* The generation that a block in CF speaks of; 0 where none does, or it was edited. *ANY tells
 * whether there is any line of a block. */
unsigned long mark_generation(const struct main_cf *cf, bool *any);

/* RECORD is main.cf as it was written for that generation, or NULL where that is not known. Never
 * NULL; mark_free ends it. */
struct mark *mark_read(const struct main_cf *cf, const struct main_cf *record);
/* A sentence more, on what else somebody changed of ours. */
void mark_add_drift(struct mark *mark, const char *text);
void mark_free(struct mark *mark);

/* The texts belong to the caller; *LEN is their length. MARK is what mark_read made of CF. */

/* CF without any mark of ours. MARK must be legible. */
char *mark_remove(const struct main_cf *cf, const struct mark *mark, size_t *len);

/* CF with our relayhost alone taken off, which must be ours: prepared. For a main.cf with drift. */
char *mark_remove_route(const struct main_cf *cf, const struct mark *mark, size_t *len);

/* Whether MARK's other settings stay when it comes off, as the owner's from then on: somebody
 * else's relayhost leads to our relay's host, which would refuse mail without them for good. */
bool mark_is_handed_over(const struct main_cf *cf, const struct mark *mark);

/* The settings that change when the mark comes off, copied. */
void mark_taken_off(const struct main_cf *cf, const struct mark *mark, struct settings *out);

/* CF, which must bear no mark, with the route's settings in force; direct for one that is only
 * prepared. GENERATION is at least 1. */
char *mark_set(const struct main_cf *cf, const struct route *route, unsigned long generation,
               const struct settings *settings, size_t *len);

/* The same with those of the method transport, whatever the route. */
char *mark_install(const struct main_cf *cf, unsigned long generation,
                   const struct settings *settings, size_t *len);

#endif
