/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of an advice: its steps are made one after the other, in the order in which they are to
 * be taken. */
#ifndef DETOURD_REPORT_ADVICE_STEPS_H
#define DETOURD_REPORT_ADVICE_STEPS_H

#include "daemon/report/advice_input.h"
#include <stdbool.h>

struct adviser {
    const struct advice_input *in;
    const char *family;     /* the one that the advice is about: "ipv4" or "ipv6" */
    const json_t *verdict;  /* of that family */
    const char *name;       /* the verdict's */
    const char *cause;      /* why, or "none" */
    const json_t *provider; /* the document's; NULL where it is not known */
    json_t *steps;
};

/* The member of the family in question in the document's object KEY: its trace, its address. */
const json_t *advice_of_family(const struct adviser *a, const char *key);

/* Adds a step of that name; the result is borrowed, to be filled. */
json_t *advice_step(struct adviser *a, const char *name);

/* Relays: those of the configuration, else how to come by one. */
void advice_relays(struct adviser *a);

/* What was measured, for whoever is to open the port; a new reference. */
json_t *advice_evidence(const struct adviser *a);

/* A letter with that evidence and blanks for what only its sender knows; in English, or in the
 * reader's language. The caller frees it. */
char *advice_request(const json_t *evidence, bool translate);

#endif
