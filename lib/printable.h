/* SPDX-License-Identifier: BSD-2-Clause */
/* Text from outside, before it is shown. */
#ifndef DETOURD_PRINTABLE_H
#define DETOURD_PRINTABLE_H

/* Whatever is not printable ASCII becomes '?'. */
void make_printable(char *text);

#endif
