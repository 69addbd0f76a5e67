/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/running/activate.h"

#include "postfix/base/command.h"
#include "postfix/host/view.h"
#include "postfix/running/running.h"

int activate_running(const struct config *config, struct why *why)
{
    static const char *const names[] = { "daemon_directory", "queue_directory", NULL };
    struct parameters *p = view_some(config->postfix.config_directory, true, names, why);
    int running = -1;

    if (p != NULL && parameters_count(p) != 2)
        why_set(why, "postconf does not say where Postfix's directories are");
    else if (p != NULL)
        running = postfix_running(config, parameters_value(p, names[0]),
                                  parameters_value(p, names[1]), why);
    parameters_free(p);
    return running;
}

static int run(const char *const argv[], struct why *why)
{
    struct command_result result = { 0 };
    int rc = command_ok(argv, COMMAND_QUEUE_TIMEOUT_MS, &result, why);

    command_result_free(&result);
    return rc;
}

int activate_reload(const struct config *config, struct why *why)
{
    const char *const argv[] = { "postfix", "-c", config->postfix.config_directory, "reload",
                                 NULL };
    struct why ignored;
    int running = activate_running(config, why);

    if (running != 1)
        return running == 0 ? 1 : -1;
    /* Twice: postsuper(1), which it runs first, can meet a message that is just leaving. */
    if (run(argv, why) == 0 || run(argv, why) == 0)
        return 0;
    /* It may have been stopped this very moment. */
    return activate_running(config, &ignored) == 0 ? 1 : -1;
}

/* What qmgr(8) found locked waits in the incoming queue for its time, and a flush alone lets it
 * wait until the next message comes ("A": whatever its time stamp, "I": incoming). */
static void flush_incoming(const struct config *config)
{
    const char *const argv[] = { "postkick", "-c",   config->postfix.config_directory,
                                 "public",   "qmgr", "AI",
                                 NULL };
    struct why ignored;

    run(argv, &ignored);
}

int activate_flush(const struct config *config, struct why *why)
{
    const char *const argv[] = { "postqueue", "-c", config->postfix.config_directory, "-f", NULL };
    int rc = run(argv, why);

    if (rc == 0)
        flush_incoming(config);
    return rc;
}
