/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lists of pairs, opt = { "from" = "to", ... }: libconfuse has none. Before it reads the text, the
 * = within each pair becomes a comma, so that it sees a plain list with an even number of words.
 */
#ifndef DETOURD_CONF_PAIRS_H
#define DETOURD_CONF_PAIRS_H

#include "lib/complaints.h"
#include <confuse.h>

/* The flag of such an option, beside libconfuse's own: CFG_STR_LIST("opt", NULL, CONF_PAIRS). */
#define CONF_PAIRS (1 << 24)

/* Goes through TEXT, which has no comments, by OPTS and changes it in place; its length and its
 * lines stay, and so does every byte outside these lists. A list of anything but pairs is
 * complained about and overwritten with blanks together with its name. */
void conf_pairs_flatten(char *text, const cfg_opt_t *opts, const char *path,
                        struct complaints *complaints);

#endif
