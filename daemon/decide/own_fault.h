/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When certificates fail because of this host: its clock is wrong, or it does not know the
 * authorities. Pure.
 *
 * Unrelated operators do not let their certificates expire on one day, nor do they all go to
 * authorities that nobody knows. So where every certificate of those that are known to have good
 * ones fails in the same way, at two operators or more, and not one that was shown is good, the
 * fault is this host's. Hosts that somebody else has answered (interception.h) are left out by the
 * caller.
 */
#ifndef DETOURD_OWN_FAULT_H
#define DETOURD_OWN_FAULT_H

#include <stdbool.h>
#include <stddef.h>

enum certificate_state {
    CERTIFICATE_UNSEEN,
    CERTIFICATE_GOOD,
    CERTIFICATE_OUT_OF_TIME,       /* expired, or not valid yet */
    CERTIFICATE_UNKNOWN_AUTHORITY, /* and not signed by itself alone */
    CERTIFICATE_OTHERWISE_BAD,
};

struct own_fault_host {
    size_t target;       /* the number of its target: hosts of one share it */
    const char *network; /* as address_network() has it */
    bool known_good;     /* it has a good certificate, as far as anybody knows */
    enum certificate_state state;
};

enum own_fault { OWN_FAULT_NONE, OWN_FAULT_CLOCK, OWN_FAULT_AUTHORITIES };

/* "clock", "authorities"; NULL for OWN_FAULT_NONE. */
const char *own_fault_name(enum own_fault fault);

enum own_fault own_fault_find(const struct own_fault_host *hosts, size_t count);

#endif
