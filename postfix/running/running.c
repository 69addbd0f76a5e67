/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/running/running.h"

#include "lib/memory.h"
#include "postfix/base/command.h"
#include "postfix/base/files.h"
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

/* Whether the process that wrote master.pid is there. */
static bool master_alive(const char *queue_directory)
{
    char *path = memory_format("%s/pid/master.pid", queue_directory);
    struct why ignored;
    size_t len;
    char *text = file_read(path, 64, &len, &ignored);
    long pid = text == NULL ? 0 : strtol(text, NULL, 10);

    free(text);
    free(path);
    return pid > 1 && pid <= INT_MAX && kill((pid_t)pid, 0) == 0;
}

/* "master -t" tries master's own lock: 0 means that nobody holds it, and 1 that somebody does, or
 * that it could not find out. "postfix status" says the same, but writes a line to the mail log
 * each time. */
int postfix_running(const struct config *config, const char *daemon_directory,
                    const char *queue_directory, struct why *why)
{
    char *master = memory_format("%s/master", daemon_directory);
    const char *const argv[] = { master, "-c", config->postfix.config_directory, "-t", NULL };
    struct command_result result = { 0 };
    int running = command_run(argv, COMMAND_TIMEOUT_MS, &result, why);

    if (running == 0 && result.status != 0)
        running = result.status == 1 && master_alive(queue_directory)
                      ? 1
                      : why_set(why,
                                "cannot find out whether Postfix runs: %s -t exited with "
                                "status %d; the mail log may say more",
                                master, result.status);
    command_result_free(&result);
    free(master);
    return running;
}
