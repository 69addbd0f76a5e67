/* SPDX-License-Identifier: BSD-2-Clause */
/* Comma-separated values, RFC 4180. */
#ifndef DETOURD_CSV_H
#define DETOURD_CSV_H

#include "daemon/report/text.h"
#include <stddef.h>

/* One record; a field that is NULL is empty. */
void csv_record(struct text *text, const char *const fields[], size_t count);

#endif
