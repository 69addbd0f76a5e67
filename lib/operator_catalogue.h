/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The third catalogue, operators.conf: what is known of large mail operators, so that somebody who
 * answers in their place can be told from them. Data in the syntax of detourd.conf; each statement
 * has a source and a date. Everything is owned by the catalogue.
 */
#ifndef DETOURD_OPERATOR_CATALOGUE_H
#define DETOURD_OPERATOR_CATALOGUE_H

#include "lib/complaints.h"
#include "lib/probe_tls.h"
#include <stddef.h>

struct mail_operator {
    char *name;     /* "google" */
    char *title;    /* "Gmail" */
    char **targets; /* its mail domains, ended by NULL */
    char **mx;      /* the domains that its MX hosts are under, ended by NULL */
    enum probe_tls tls;
    char *source, *date;
};

struct operator_catalogue;

/* Reads DIRECTORY/operators.conf. NULL with complaints when it is unusable. */
struct operator_catalogue *operator_catalogue_load(const char *directory,
                                                   struct complaints *complaints);
void operator_catalogue_free(struct operator_catalogue *catalogue);

const struct mail_operator *operator_catalogue_at(const struct operator_catalogue *catalogue,
                                                  size_t n);

/* The operator of the mail domain DOMAIN, or NULL. */
const struct mail_operator *operator_catalogue_target(const struct operator_catalogue *catalogue,
                                                      const char *domain);

/* The operator whose MX hosts are in a domain that HOST is or lies under, or NULL. */
const struct mail_operator *operator_catalogue_host(const struct operator_catalogue *catalogue,
                                                    const char *host);

#endif
