/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names that a provider gives to every address of its own, "203-0-113-5.dyn.example.net". Mail
 * operators take them for those of dial-up lines and of servers that nobody looks after. Pure.
 */
#ifndef DETOURD_GENERIC_NAME_H
#define DETOURD_GENERIC_NAME_H

#include "lib/address.h"
#include <stdbool.h>

/* Whether NAME is made of ADDRESS: all its numbers in decimal, in any order, or its hexadecimal
 * digits in one piece. */
bool generic_name(const char *name, const struct address *address);

#endif
