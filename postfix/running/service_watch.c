/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/running/service_watch.h"

#include "lib/memory.h"
#include "postfix/running/processes.h"
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct service_watch {
    const char *service;
    pid_t master;
    struct processes before; /* idle ones, which may end of that */
    bool was_there;
    int64_t ended;
};

struct service_watch *service_watch_begin(const struct config *config, const char *service,
                                          struct why *why)
{
    pid_t master = processes_master(config, why);

    if (master == 0)
        return NULL;
    struct service_watch *watch = memory_zero(1, sizeof *watch);
    watch->master = master;
    watch->service = service;
    if (processes_of(master, &watch->before, why) == 0)
        return watch;
    service_watch_free(watch);
    return NULL;
}

/* master(8) starts a service as "PROGRAM -n SERVICE -t unix ...". */
static bool is_of(const struct process *process, const char *service)
{
    char path[64], text[4096];

    snprintf(path, sizeof path, "/proc/%jd/cmdline", (intmax_t)process->pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd == -1 ? -1 : read(fd, text, sizeof text - 1);
    if (fd != -1)
        close(fd);
    if (n <= 0)
        return false;
    text[n] = '\0';
    for (const char *word = text; word < text + n; word += strlen(word) + 1)
        if (strcmp(word, "-n") == 0 && word + 3 < text + n)
            return strcmp(word + 3, service) == 0;
    return false;
}

/* Whether a process of the service, other than those of LESS, is there; false in *SURE when not all
 * processes could be looked at. */
static bool is_there(const struct service_watch *watch, const struct processes *less, bool *sure)
{
    struct processes children;
    struct why ignored;
    bool there = false;

    *sure = processes_of(watch->master, &children, &ignored) == 0;
    for (size_t i = 0; i < children.count && !there; i++)
        there = children.item[i].program == PROGRAM_SMTP && children.item[i].state != 'Z' &&
                !processes_hold(less, &children.item[i]) &&
                is_of(&children.item[i], watch->service);
    processes_free(&children);
    return there;
}

int64_t service_watch_look(struct service_watch *watch, int64_t now)
{
    bool sure, there = is_there(watch, &watch->before, &sure);

    if (there)
        watch->ended = 0;
    else if (watch->was_there && watch->ended == 0 && sure)
        watch->ended = now;
    watch->was_there = watch->was_there || there;
    return watch->ended;
}

bool service_watch_lives(const struct service_watch *watch)
{
    const struct processes none = { 0 };
    bool sure, there = is_there(watch, &none, &sure);

    return there || !sure;
}

void service_watch_free(struct service_watch *watch)
{
    if (watch != NULL)
        processes_free(&watch->before);
    free(watch);
}
