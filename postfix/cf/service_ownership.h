/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose each line of master.cf is.
 *
 * An entry that is to the byte as we wrote it is ours wherever it stands: it names our own files.
 * Any other entry of a name of ours belongs to whoever wrote it. The type is a part of the name,
 * but for the one thing that it is for: every local type has its socket in the same place, so
 * "detour-ses fifo" takes the place of "detour-ses unix".
 */
#ifndef DETOURD_POSTFIX_SERVICE_OWNERSHIP_H
#define DETOURD_POSTFIX_SERVICE_OWNERSHIP_H

#include "postfix/cf/ownership.h"
#include "postfix/cf/services.h"

/* One for each physical line; "setting" is the number of a service. The caller frees it. SERVICES
 * are those that we wrote. */
struct line_owner *service_ownership_find(const struct main_cf *cf,
                                          const struct services *services);

/* The number of the service whose place an entry called NAME ("name/type") takes; NO_SERVICE where
 * it takes none. */
size_t service_in_place(const struct services *services, const char *name);

#endif
