/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/engine/postfix_news.h"

#include "lib/log.h"

bool postfix_has_drift(const json_t *members)
{
    return json_array_size(json_object_get(members, "drift")) > 0;
}

static void log_drift(struct postfix_news *news, const json_t *members)
{
    const char *first = json_string_value(json_array_get(json_object_get(members, "drift"), 0));
    bool drifts = postfix_has_drift(members);

    if (drifts && !news->stands_down)
        log_warning("main.cf was edited by somebody else: %s; standing down until release",
                    first == NULL ? "" : first);
    else if (!drifts && news->stands_down)
        log_notice("nothing of detourd's in main.cf is edited any more");
    news->stands_down = drifts;
}

/* What the relay refuses waits, and somebody has to look why. */
static void log_shield(struct postfix_news *news, const json_t *members)
{
    const json_t *held = json_object_get(json_object_get(members, "shield"), "held");
    bool any = json_integer_value(held) > 0;

    if (!json_is_integer(held))
        return;
    if (any && !news->holds_back)
        log_warning("the relay refuses mail; what it refused is held back, see status");
    else if (!any && news->holds_back)
        log_notice("nothing is held back any more");
    news->holds_back = any;
}

void postfix_news_log(struct postfix_news *news, const json_t *members)
{
    log_drift(news, members);
    log_shield(news, members);
}
