/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/running/processes.h"

#include "lib/memory.h"
#include "postfix/base/files.h"
#include "postfix/host/view.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum program program_named(const char *name)
{
    static const struct {
        const char *name;
        enum program program;
    } programs[] = { { "qmgr", PROGRAM_QMGR },  { "oqmgr", PROGRAM_QMGR },
                     { "nqmgr", PROGRAM_QMGR }, { "trivial-rewrite", PROGRAM_TRIVIAL_REWRITE },
                     { "smtp", PROGRAM_SMTP },  { "lmtp", PROGRAM_SMTP } };

    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
        if (strcmp(programs[i].name, name) == 0)
            return programs[i].program;
    return PROGRAM_OTHER;
}

/* "PID (NAME) STATE PPID ..." of proc(5), whose field 22 is the start. A process gives itself a
 * name, and may put a ")" in it. */
static bool parse_stat(char *text, struct process *out, pid_t *parent)
{
    char *name = strchr(text, '('), *end = strrchr(text, ')');
    int pid, ppid;
    uint64_t started;

    if (name == NULL || end == NULL || end < name || sscanf(text, "%d", &pid) != 1 ||
        sscanf(
            end + 1,
            " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %" SCNu64,
            &out->state, &ppid, &started) != 3)
        return false;
    *end = '\0';
    out->pid = pid;
    out->program = program_named(name + 1);
    out->started = (int64_t)(started * 1000 / (uint64_t)sysconf(_SC_CLK_TCK));
    *parent = ppid;
    return true;
}

/* False when it is gone, with errno 0, or cannot be looked at. */
static bool read_process(const char *pid, struct process *out, pid_t *parent)
{
    char path[64], text[1024];

    snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
    errno = 0;
    FILE *file = fopen(path, "re");
    bool read = file != NULL && fgets(text, sizeof text, file) != NULL;
    int error = read || errno == ENOENT || errno == ESRCH ? 0 : errno;
    if (file != NULL)
        fclose(file);
    read = read && parse_stat(text, out, parent);
    errno = error;
    return read;
}

int processes_of(pid_t master, struct processes *found, struct why *why)
{
    struct process p;
    pid_t parent;
    DIR *dir = opendir("/proc");
    int rc = dir == NULL ? why_errno(why, "/proc") : 0;

    *found = (struct processes){ 0 };
    for (struct dirent *entry;
         rc == 0 && (entry = directory_next(dir, "/proc", &rc, why)) != NULL;) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
            continue;
        if (!read_process(entry->d_name, &p, &parent))
            rc = errno == 0 ? 0 : why_errno(why, "/proc/%s", entry->d_name);
        else if (parent == master)
            processes_add(found, &p);
    }
    if (dir != NULL)
        closedir(dir);
    return rc;
}

void processes_add(struct processes *list, const struct process *process)
{
    list->item = memory_grow(list->item, list->count + 1, sizeof *list->item);
    list->item[list->count++] = *process;
}

void processes_free(struct processes *list)
{
    free(list->item);
    *list = (struct processes){ 0 };
}

static bool is_same(const struct process *a, const struct process *b)
{
    return a->pid == b->pid && a->started == b->started;
}

bool processes_hold(const struct processes *list, const struct process *process)
{
    for (size_t i = 0; i < list->count; i++)
        if (is_same(&list->item[i], process))
            return true;
    return false;
}

struct processes processes_clients(const struct processes *list, int64_t before)
{
    struct processes clients = { 0 };

    for (size_t i = 0; i < list->count; i++)
        if (list->item[i].program == PROGRAM_SMTP && list->item[i].started < before)
            processes_add(&clients, &list->item[i]);
    return clients;
}

bool process_find(pid_t pid, struct process *out)
{
    pid_t parent;
    char text[24];

    snprintf(text, sizeof text, "%jd", (intmax_t)pid);
    return read_process(text, out, &parent);
}

bool process_runs(const struct process *process)
{
    struct process now;

    if (!process_find(process->pid, &now))
        return errno != 0;
    return is_same(&now, process) && now.state != 'Z';
}

int process_sockets(pid_t pid, uint64_t inodes[], int max)
{
    char path[64], link[64];
    int count = 0, failed = 0;

    snprintf(path, sizeof path, "/proc/%jd/fd", (intmax_t)pid);
    DIR *dir = opendir(path);
    if (dir == NULL)
        return -1;
    for (struct dirent *entry; count < max && (entry = readdir(dir)) != NULL;) {
        ssize_t n = entry->d_name[0] == '.'
                        ? 0
                        : readlinkat(dirfd(dir), entry->d_name, link, sizeof link - 1);
        /* A descriptor may have been closed, or its process may have ended, since. */
        if (n == -1 && (errno == EACCES || errno == EPERM))
            failed = errno;
        link[n < 0 ? 0 : n] = '\0';
        count += sscanf(link, "socket:[%" SCNu64 "]", &inodes[count]) == 1;
    }
    closedir(dir);
    errno = failed;
    return failed != 0 ? -1 : count;
}

pid_t processes_master(const struct config *config, struct why *why)
{
    char *queue = view_one(config->postfix.config_directory, "queue_directory", why);
    char *path = memory_format("%s/pid/master.pid", queue == NULL ? "" : queue);
    size_t len;
    char *text = queue == NULL ? NULL : file_read(path, 64, &len, why);
    long pid = text == NULL ? 0 : strtol(text, NULL, 10);

    free(text);
    free(path);
    free(queue);
    if (pid > 1 && pid <= INT32_MAX)
        return (pid_t)pid;
    why_set(why, "cannot find Postfix's master process");
    return 0;
}
