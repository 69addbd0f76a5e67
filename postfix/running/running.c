/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/running/running.h"

#include "lib/clock.h"
#include "lib/memory.h"
#include "postfix/base/command.h"
#include "postfix/base/files.h"
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#define PATIENCE_MS 1000
#define AGAIN_MS    50

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
static int try_lock(const struct config *config, const char *master, struct why *why)
{
    const char *const argv[] = { master, "-c", config->postfix.config_directory, "-t", NULL };
    struct command_result result = { 0 };
    int status = command_run(argv, COMMAND_TIMEOUT_MS, &result, why);

    if (status == 0)
        status = result.status;
    command_result_free(&result);
    return status;
}

/* For a moment the lock may be held by somebody else who tries it, or by a master(8) that has not
 * written master.pid yet. */
int postfix_running(const struct config *config, const char *daemon_directory,
                    const char *queue_directory, struct why *why)
{
    char *master = memory_format("%s/master", daemon_directory);
    int64_t deadline = clock_mono_ms() + PATIENCE_MS;
    int status = try_lock(config, master, why);
    bool alive = master_alive(queue_directory);

    while (status == 1 && !alive && clock_mono_ms() < deadline) {
        poll(NULL, 0, AGAIN_MS);
        status = try_lock(config, master, why);
        alive = master_alive(queue_directory);
    }
    if (status > 0 && !(status == 1 && alive))
        why_set(why,
                "cannot find out whether Postfix runs: %s -t exited with status %d; the mail log "
                "may say more",
                master, status);
    free(master);
    return status == 1 && alive ? 1 : status == 0 ? 0 : -1;
}
