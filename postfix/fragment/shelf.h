/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fragments that wait for configuration management, or were applied by it:
 *
 *     detourd/fragments/7/       one generation: a file for each format (formats.h), manifest.json,
 *                                SHA256SUMS; renamed into place as a whole
 *     detourd/fragments/current  a link to the one that is to be applied, replaced by rename(2)
 *     detourd/fragments/applied  the number of the last one that was seen in force
 *
 * All of it is root's. Numbers are those of the generations of maps (generation.h), and maps stay
 * as long as a fragment here may refer to them: configuration management may be at work with the
 * one before the current one.
 */
#ifndef DETOURD_POSTFIX_SHELF_H
#define DETOURD_POSTFIX_SHELF_H

#include "lib/config.h"
#include "postfix/base/contents.h"
#include "postfix/base/why.h"
#include "postfix/fragment/fragment.h"

struct shelf {
    struct fragment **kept; /* up to the current one, the oldest first */
    size_t count;
    struct fragment *current; /* the last of KEPT; NULL where there is none */
    unsigned long applied;    /* 0 where none was ever seen in force */
    unsigned long highest;    /* number that is there, published or not */
};

/* 0, or -1 with a reason. An empty shelf is no error. shelf_free ends OUT either way. */
int shelf_read(const struct config *config, struct shelf *out, struct why *why);
void shelf_free(struct shelf *shelf);

/* The directory of a fragment; the caller frees it. */
char *shelf_path(const struct config *config, unsigned long generation);

/* The files of a fragment; contents_free ends OUT. */
void shelf_contents(const struct fragment *fragment, struct contents *out);

/* Puts the fragment there and makes it the current one: 0, or -1 with a reason. */
int shelf_put(const struct config *config, const struct fragment *fragment, struct why *why);

/* Notes that it was seen in force. */
int shelf_set_applied(const struct config *config, unsigned long generation, struct why *why);

/* Removes what was never published, and what is older than the one that was last seen in force. */
int shelf_clean(const struct config *config, const struct shelf *shelf, struct why *why);

#endif
