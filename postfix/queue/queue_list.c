/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/queue/queue_list.h"

#include "lib/memory.h"
#include "postfix/base/command.h"
#include "postfix/host/view.h"
#include <stdlib.h>

/* showq(8) tells of each message as soon as it has opened its file. */
#define SILENCE_MS 60000

/* The name under which showq(8) tells of the null sender; NULL with a reason. The caller frees it.
 */
static char *empty_address(const struct config *config, struct why *why)
{
    return view_one(config->postfix.config_directory, "empty_address_recipient", why);
}

struct listing {
    struct queue_reader *reader;
    bool any;     /* something was said */
    bool stopped; /* the visitor has seen enough */
};

static bool take(void *context, const char *bytes, size_t len)
{
    struct listing *l = context;

    l->any = true;
    l->stopped = !queue_reader_feed(l->reader, bytes, len);
    return !l->stopped;
}

static int run(const struct config *config, int limit_ms, struct listing *l, struct why *why)
{
    const char *const argv[] = { "postqueue", "-c", config->postfix.config_directory, "-j", NULL };
    struct command_result result = { 0 };
    char words[WHY_MAX / 2];
    int rc = command_stream(argv, limit_ms, SILENCE_MS, take, l, &result, why);

    if (rc == 0 && result.status != 0 && !l->stopped) {
        command_words(&result, words, sizeof words);
        rc = why_set(why, "postqueue -j exited with status %d: %s", result.status, words);
    }
    command_result_free(&result);
    return rc;
}

int queue_list(const struct config *config, int limit_ms, queue_visit *visit, void *context,
               struct why *why)
{
    char *empty = empty_address(config, why);
    struct listing l = { 0 };

    if (empty == NULL)
        return -1;
    l.reader = queue_reader_new(empty, visit, context);
    int rc = run(config, limit_ms, &l, why);
    size_t unreadable = queue_reader_unreadable(l.reader);
    if (rc == -1 && l.any)
        rc = 1;
    if (rc == 0 && !l.stopped && unreadable > 0) {
        why_set(why, "%zu lines of postqueue -j cannot be read", unreadable);
        rc = 1;
    }
    queue_reader_free(l.reader);
    free(empty);
    return rc;
}
