/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/queue/queue_facts.h"

#include "lib/relay.h"
#include "postfix/base/json_text.h"
#include "postfix/queue/queue_list.h"
#include "postfix/queue/scope.h"
#include <stdlib.h>

/* A status may be asked for in the middle of an outage: it must not wait for a large queue. */
#define LIST_MS 1000

/* While the route is direct, only what an earlier one has left behind can be held: a long queue is
 * not searched for that. */
#define SEARCHED_MAX 1000

struct look {
    struct held held;
    struct outside outside; /* without a relay: nobody is */
};

static bool visit(void *context, const struct queue_message *message)
{
    struct look *look = context;

    held_add(&look->held, message);
    if (look->outside.relay != NULL)
        outside_add(&look->outside, message);
    return true;
}

/* The relay in force, where there is mail that it does not take. */
static const struct relay *scoped_relay(const struct config *config,
                                        const struct queue_question *question)
{
    const struct relay *relay = config_relay(config, question->route->name);

    return !question->by_transport || relay == NULL || relay_takes_all(relay) ? NULL : relay;
}

static json_t *unknown(const char *member, const struct why *why)
{
    return json_pack("{s:n, s:o}", member, "reason", text_json(why->text));
}

void queue_facts(const struct config *config, const struct queue_question *question,
                 json_t *members)
{
    struct look look = { .held = { .lifetimes = *question->lifetimes },
                         .outside = { .relay = scoped_relay(config, question) } };
    bool scoped = look.outside.relay != NULL;
    struct why why;
    int rc = 0;

    json_object_set_new(members, "shield", json_null());
    json_object_set_new(members, "outside", json_null());
    if (route_is_direct(question->route) && question->queued > SEARCHED_MAX)
        return;
    char *delimiters = scope_delimiters(config, look.outside.relay, &why);
    look.outside.delimiters = delimiters;
    if (delimiters == NULL)
        rc = -1;
    else if (question->queued != 0)
        rc = queue_list(config, LIST_MS, visit, &look, &why);
    json_object_set_new(members, "shield",
                        rc == -1 ? unknown("held", &why) : held_json(&look.held, rc == 1));
    if (scoped)
        json_object_set_new(members, "outside",
                            rc == -1 ? unknown("waiting", &why)
                                     : outside_json(&look.outside, rc == 1));
    free(delimiters);
}
