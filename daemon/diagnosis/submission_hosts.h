/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose submission ports are looked at: the configured relays', or the catalogue's when none is
 * configured. */
#ifndef DETOURD_SUBMISSION_HOSTS_H
#define DETOURD_SUBMISSION_HOSTS_H

#include "daemon/diagnosis/submission.h"
#include "lib/config.h"
#include "lib/relay_catalogue.h"
#include <stddef.h>

struct submission_hosts {
    struct submission_host hosts[SUBMISSION_HOSTS_MAX];
    size_t count;
    char *names[SUBMISSION_HOSTS_MAX]; /* those that had to be made */
};

/* The result refers to CONFIG and CATALOGUE (which may be NULL) and must not outlive them. */
void submission_hosts_collect(const struct config *config, const struct relay_catalogue *catalogue,
                              struct submission_hosts *out);
void submission_hosts_free(struct submission_hosts *hosts);

#endif
