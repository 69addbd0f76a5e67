/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/settle.h"

#include "lib/clock.h"
#include "lib/memory.h"
#include "postfix/command.h"
#include "postfix/files.h"
#include "postfix/view.h"
#include <dirent.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#define LIMIT_MS      20000
#define LOOK_EVERY_MS 20
#define WAKE_EVERY_MS 500

static const char NEW_QMGR[] = "a new qmgr(8)";

enum program { QMGR, TRIVIAL_REWRITE, SMTP, OTHER };

struct process {
    pid_t pid;
    enum program program;
    char state; /* proc(5): R, S, D, Z, ... */
};

struct processes {
    struct process *item;
    size_t count;
};

struct settle {
    const struct config *config;
    pid_t master;
    struct processes before;
    const char *waits_for;
};

static enum program program_named(const char *name)
{
    static const struct {
        const char *name;
        enum program program;
    } programs[] = { { "qmgr", QMGR },  { "oqmgr", QMGR },
                     { "nqmgr", QMGR }, { "trivial-rewrite", TRIVIAL_REWRITE },
                     { "smtp", SMTP },  { "lmtp", SMTP } };

    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
        if (strcmp(programs[i].name, name) == 0)
            return programs[i].program;
    return OTHER;
}

/* "PID (NAME) STATE PPID ..." of proc(5); false when the process is gone or another's child. */
static bool read_process(const char *pid, pid_t parent, struct process *out)
{
    char path[64], text[512], name[32];
    int number, ppid;

    snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    bool read = fgets(text, sizeof text, file) != NULL &&
                sscanf(text, "%d (%31[^)]) %c %d", &number, name, &out->state, &ppid) == 4;
    fclose(file);
    if (!read || ppid != parent)
        return false;
    out->pid = number;
    out->program = program_named(name);
    return true;
}

static struct processes children_of(pid_t parent)
{
    struct processes found = { 0 };
    struct process p;
    DIR *dir = opendir("/proc");

    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9' ||
            !read_process(entry->d_name, parent, &p))
            continue;
        found.item = memory_grow(found.item, found.count + 1, sizeof *found.item);
        found.item[found.count++] = p;
    }
    if (dir != NULL)
        closedir(dir);
    return found;
}

static bool holds(const struct processes *list, pid_t pid)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->item[i].pid == pid)
            return true;
    return false;
}

static pid_t find_master(const struct config *config, struct why *why)
{
    static const char *const names[] = { "queue_directory", NULL };
    struct parameters *p = view_some(config->postfix.config_directory, true, names, why);
    const char *queue = p == NULL ? NULL : parameters_value(p, names[0]);
    char *path = memory_format("%s/pid/master.pid", queue == NULL ? "" : queue);
    size_t len;
    char *text = queue == NULL ? NULL : file_read(path, 64, &len, why);
    long pid = text == NULL ? 0 : strtol(text, NULL, 10);

    free(text);
    free(path);
    parameters_free(p);
    return pid > 1 && pid <= INT32_MAX ? (pid_t)pid : 0;
}

struct settle *settle_begin(const struct config *config, struct why *why)
{
    pid_t master = find_master(config, why);

    if (master == 0) {
        why_set(why, "cannot find Postfix's master process");
        return NULL;
    }
    struct settle *s = memory_zero(1, sizeof *s);
    s->config = config;
    s->master = master;
    s->before = children_of(master);
    return s;
}

void settle_free(struct settle *s)
{
    if (s == NULL)
        return;
    free(s->before.item);
    free(s);
}

/* A new queue manager is started when master has let go of all old processes. One of those that was
 * idle then has its end before it (it reads as running until it has got there), and one that sleeps
 * is busy with a delivery: it ends with that, and is never handed another. */
static bool is_settled(struct settle *s, const struct processes *now)
{
    bool renewed = false;

    s->waits_for = NULL;
    for (size_t i = 0; i < now->count; i++) {
        const struct process *p = &now->item[i];
        bool old = holds(&s->before, p->pid);
        renewed = renewed || (p->program == QMGR && !old);
        if (old && p->program == QMGR)
            s->waits_for = "the old qmgr(8) to end";
        else if (old && p->program == TRIVIAL_REWRITE)
            s->waits_for = "an old trivial-rewrite(8) to end";
        else if (old && p->program == SMTP && p->state == 'R')
            s->waits_for = "an old smtp(8) to end";
    }
    if (!renewed && s->waits_for == NULL)
        s->waits_for = NEW_QMGR;
    return s->waits_for == NULL;
}

/* master wakes each service after a reload, but a dying qmgr(8) may take the call and the new one
 * is then not started before its next occasion, up to 300 s later. */
static void wake_qmgr(const struct settle *s)
{
    const char *const argv[] = { "postkick", "-c",   s->config->postfix.config_directory,
                                 "public",   "qmgr", "W",
                                 NULL };
    struct command_result result = { 0 };
    struct why ignored;

    command_run(argv, COMMAND_TIMEOUT_MS, &result, &ignored);
    command_result_free(&result);
}

int settle_wait(struct settle *s, struct why *why)
{
    int64_t start = clock_mono_ms(), woken = start;

    /* Twice in a row: a busy process may sleep between two steps of its last delivery. */
    for (int settled = 0; settled < 2;) {
        struct processes now = children_of(s->master);
        settled = is_settled(s, &now) ? settled + 1 : 0;
        free(now.item);
        if (settled < 2 && clock_mono_ms() - start > LIMIT_MS)
            return why_set(why,
                           "Postfix has not taken the new configuration up within %d s: "
                           "still waiting for %s",
                           LIMIT_MS / 1000, s->waits_for);
        if (settled < 2)
            poll(NULL, 0, LOOK_EVERY_MS);
        if (s->waits_for == NEW_QMGR && clock_mono_ms() - woken > WAKE_EVERY_MS) {
            wake_qmgr(s);
            woken = clock_mono_ms();
        }
    }
    return 0;
}
