/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the configured method cannot do safely on this host, and what the postmaster should know
 * before it does the rest.
 *
 * A refusal stands for mail that would go astray, or for somebody else's mail that would be
 * changed: it names the parameter, its value and the way out.
 */
#ifndef DETOURD_POSTFIX_REFUSALS_H
#define DETOURD_POSTFIX_REFUSALS_H

#include "lib/config.h"
#include "lib/route.h"
#include "postfix/base/findings.h"
#include "postfix/base/why.h"
#include "postfix/host/view.h"

/* VIEW is of the owner's configuration, without any route of ours. */
void find_refusals(const struct view *view, const struct config *config, struct findings *refusals);
/* What is worth knowing of the route itself. */
void find_notes(const struct view *view, const struct config *config, struct findings *notes);
/* What makes mail not follow the route, or follow it unexpectedly, in short: no table is looked
 * into. consequences.h tells it at length. */
void find_exceptions(const struct view *view, const struct config *config,
                     struct findings *exceptions);

/* The list of restrictions that has addresses verified; NULL where none does. */
const char *verifying_restriction(const struct view *view);
/* The list of restrictions that has addresses verified by way of a relay; NULL where none does. */
const char *verified_by_relay(const struct view *view);

/* What speaks against this one route, whatever the host: 0, or -1 with the reason. */
int route_allowed(const struct config *config, const struct route *route, struct why *why);

#endif
