/* SPDX-License-Identifier: BSD-2-Clause */
/* A configuration directory of its own for a test, and others who edit in it. */
#ifndef DETOURD_SCRATCH_H
#define DETOURD_SCRATCH_H

#include "tests/unit/main_cf_oracle.h"
#include <sys/types.h>

/* The directory's path; "" where there is none. */
extern char scratch[64];

/* For cmocka. Its main.cf and master.cf are empty, and old. */
int scratch_make(void **state);
int scratch_remove(void **state);

/* NAME is a file's name in it. The caller frees what is read. */
void scratch_put(const char *name, const struct bytes *file);
struct bytes scratch_read(const char *name);

#define EDITORS 3
#define EDITS   20

/* EDITORS processes, each of which makes EDITS edits, one after the other. EDIT fills in one
 * "postconf OPTION ARGUMENT". */
typedef void fill_in(int editor, int edit, char *argument, size_t len);
struct editors {
    pid_t pids[EDITORS]; /* 0: has ended */
};

void editors_start(struct editors *editors, const char *option, fill_in *edit);
/* Whether all have ended, each well. */
bool editors_ended(struct editors *editors);

#endif
