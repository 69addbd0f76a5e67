/* SPDX-License-Identifier: BSD-2-Clause */
/* The processes of this Postfix instance: the children of its master(8), by proc(5). */
#ifndef DETOURD_POSTFIX_PROCESSES_H
#define DETOURD_POSTFIX_PROCESSES_H

#include "lib/config.h"
#include "postfix/base/why.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum program { PROGRAM_QMGR, PROGRAM_TRIVIAL_REWRITE, PROGRAM_SMTP, PROGRAM_OTHER };

struct process {
    pid_t pid;
    enum program program;
    char state;      /* proc(5): R, S, D, Z, ... */
    int64_t started; /* ms, as clock_mono_ms() counts them, in steps of 10 */
};

/* Ended by processes_free; all zero is an empty list. */
struct processes {
    struct process *item;
    size_t count;
};

/* The pid of master(8), or 0 with a reason. */
pid_t processes_master(const struct config *config, struct why *why);

/* All children of MASTER, or -1 with a reason: without one of them, too little would be waited for.
 * processes_free() ends FOUND either way. */
int processes_of(pid_t master, struct processes *found, struct why *why);

void processes_add(struct processes *list, const struct process *process);
void processes_free(struct processes *list);

/* By pid and start: a pid alone may have been used again. */
bool processes_hold(const struct processes *list, const struct process *process);

/* The smtp(8) and lmtp(8) of LIST that were started before a time as of clock_mono_ms(). */
struct processes processes_clients(const struct processes *list, int64_t before);

/* The process of that pid; false where there is none, with errno 0, or where that is not to be
 * known. */
bool process_find(pid_t pid, struct process *out);

/* Whether PROCESS, as it was seen once, still runs, for all that can be known. */
bool process_runs(const struct process *process);

/* The inodes of its sockets, at most MAX: how many, or -1 with errno. Of a process that runs under
 * another user the kernel wants CAP_SYS_PTRACE for this, also of root. */
int process_sockets(pid_t pid, uint64_t inodes[], int max);

#endif
