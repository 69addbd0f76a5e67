/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The proof of a relay's service by Postfix itself, before real mail is routed through it.
 *
 * "sendmail -bv" sends a probe, no mail: qmgr(8) routes it by its sender, the service starts,
 * connects, does TLS and AUTH, says MAIL FROM and RCPT TO, and leaves. Whatever would stop mail
 * stops the probe: a service that cannot start, a SASL plugin or a CA file that is not there, a
 * wrong password. Of the report, which Postfix mails to the probe's sender, see proof_sender.
 *
 * What this does not see: what a relay says only after the data, and whether it took the password
 * where it offers no AUTH at all and takes the probe without.
 */
#ifndef DETOURD_POSTFIX_PROOF_H
#define DETOURD_POSTFIX_PROOF_H

#include "lib/config.h"
#include "lib/route.h"
#include "postfix/base/why.h"
#include "postfix/host/view.h"
#include "postfix/proof/proof_plan.h"

/* Postfix must be running, and have settled with the service and the sender's entry. When this
 * returns, nothing of the probe is left but what is on its way out: when a relay hangs, until
 * smtp(8) gives it up. */
enum proof_result proof_run(const struct config *config, const struct proof_plan *plan,
                            struct why *why);

/* The same of the service by which ROUTE, one to a relay of the configuration's, is to go: the
 * probe is for the postmaster of the relay's host. */
enum proof_result proof_of_route(const struct config *config, const struct route *route,
                                 const char *sender, struct why *why);

/*
 * A sender for the probe: double_bounce_sender at an address of this host's own, such as
 * "double-bounce@[127.0.0.1]". That is of the local address class, and qmgr(8) discards what is
 * addressed to double_bounce_sender there before any delivery agent sees it (qmgr_message.c, 3.5 to
 * 3.11). It differs from the sender of address verification probes, which has $myorigin. The caller
 * frees it; NULL with a reason where this Postfix has no such address.
 */
char *proof_sender(const struct view *view, struct why *why);

#endif
