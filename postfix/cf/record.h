/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main.cf, and with the method transport master.cf, as it was written for a generation, kept beside
 * its maps: what tells an edit by somebody else from our own words. It goes with the generation;
 * without one, nothing of ours is in force.
 */
#ifndef DETOURD_POSTFIX_RECORD_H
#define DETOURD_POSTFIX_RECORD_H

#include "lib/config.h"
#include "postfix/cf/generation.h"
#include "postfix/cf/main_cf.h"

/* NAME is RECORD or RECORD_MASTER. The caller frees it; NULL where there is none that can be read.
 */
struct main_cf *record_read(const struct config *config, const char *name,
                            unsigned long generation);

/* The record of the latest generation that has one, or NULL. */
struct main_cf *record_latest(const struct config *config, const char *name);

#endif
