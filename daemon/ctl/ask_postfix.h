/* SPDX-License-Identifier: BSD-2-Clause */
/* Asks this host's Postfix, if there is one, how it goes out, by postconf(1). */
#ifndef DETOURD_CTL_ASK_POSTFIX_H
#define DETOURD_CTL_ASK_POSTFIX_H

#include "daemon/round/identity.h"

#define POSTFIX_ANSWER_MAX 4096

/* CONFIG_DIRECTORY is Postfix's. What is found in OUT points into ANSWER, which holds
 * POSTFIX_ANSWER_MAX bytes. */
void ask_postfix(const char *config_directory, char *answer, struct postfix_identity *out);

#endif
