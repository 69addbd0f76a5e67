/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether a domain has keys for DKIM (RFC 6376 3.6.2). Under which selector is not to be seen from
 * outside; without one, all there is to see is whether _domainkey.DOMAIN exists, above which no
 * name can exist where it does not (RFC 8020).
 */
#ifndef DETOURD_DOMAIN_KEYS_H
#define DETOURD_DOMAIN_KEYS_H

#include "daemon/probe/examination.h"

/* SELECTOR may be NULL. */
struct examination *domain_keys_examine(const struct examination_plan *plan, const char *domain,
                                        const char *selector);

#endif
