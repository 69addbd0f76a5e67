/* SPDX-License-Identifier: BSD-2-Clause */
/* cmocka with what it wants included before it. */
#ifndef DETOURD_UNIT_H
#define DETOURD_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
