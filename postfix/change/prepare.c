/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/change/prepare.h"

#include "lib/memory.h"
#include "postfix/change/home.h"
#include "postfix/change/home_now.h"
#include "postfix/change/methods.h"
#include "postfix/change/steps.h"
#include "postfix/host/stage.h"
#include "postfix/method/refusals.h"
#include <string.h>

static enum change_kind refuse_drift(const struct mark *mark, struct why *why)
{
    struct findings drift = { .text = mark->drift, .count = mark->drift_count };
    struct why all;

    findings_join(&drift, &all);
    why_set(why,
            "%.700s; nothing of that is overruled: \"detourctl release\" lets detourd start over "
            "from main.cf as it is",
            all.text);
    return CHANGE_REFUSED;
}

static enum change_kind look_at_host(const struct config *config, const char *workspace,
                                     struct change *change, struct why *why)
{
    struct stage_texts texts = change_owners(change);

    change->view = view_staged(config, workspace, &texts, why);
    if (change->view == NULL)
        return CHANGE_FAILED;
    find_refusals(change->view, config, &change->refusals);
    find_notes(change->view, config, &change->notes);
    find_exceptions(change->view, config, &change->exceptions);
    if (change->refusals.count == 0)
        return CHANGE_NEEDED;
    findings_join(&change->refusals, why);
    return CHANGE_REFUSED;
}

/* The way to a relay, or to an installation. */
static enum change_kind prepare_ours(const struct config *config,
                                     const struct change_request *request, const char *workspace,
                                     struct change *change, struct why *why)
{
    enum change_kind kind = look_at_host(config, workspace, change, why);

    if (kind == CHANGE_FAILED || (kind == CHANGE_REFUSED && !request->preview))
        return kind;
    return config->postfix.method == METHOD_TRANSPORT
               ? prepare_transport(config, &change->route, request->preview, change, why)
               : prepare_relayhost(config, request->preview, change, why);
}

/* The way to direct. */

/* What others have edited stays as it is. Only where the route is still ours is there a step on the
 * way, which takes nothing but that. */
static void prepare_kept(const struct config *config, struct change *change)
{
    const struct mark *mark = change->now.mark;
    size_t len;

    for (size_t i = 0; i < mark->drift_count; i++)
        findings_add(&change->notes, "%s: that stays", mark->drift[i]);
    if (mark_is_handed_over(change->now.cf, mark))
        findings_add(&change->notes,
                     "relayhost leads to the relay that detourd's password and TLS settings are "
                     "for: they stay too, as your own, with the files that they name");
    if (mark->kind == BLOCK_TRANSPORT) {
        end_transport(config, change);
    } else if (!route_is_direct(&mark->route)) {
        char *text = mark_remove_route(change->now.cf, mark, &len);
        steps_add_file(change, CHANGE_MAIN_CF, STEP_PREPARE, text, len, true);
    }
}

/* The installation stays, and its map leads nowhere. */
static enum change_kind flip_to_direct(const struct config *config, struct change *change)
{
    change->generation = change->now.mark->generation;
    end_transport(config, change);
    return change->step_count == 0 ? CHANGE_NONE : CHANGE_NEEDED;
}

static enum change_kind prepare_direct(const struct config *config, enum change_wish wish,
                                       struct change *change)
{
    const struct mark *mark = change->now.mark;

    if (mark->kind == BLOCK_TRANSPORT && mark->generation != 0 && mark->drift_count == 0 &&
        wish == WISH_ROUTE && config->postfix.method == METHOD_TRANSPORT)
        return flip_to_direct(config, change);
    if (mark->drift_count > 0)
        prepare_kept(config, change);
    else if (mark->kind == BLOCK_TRANSPORT)
        end_transport(config, change);
    else
        end_relayhost(change);
    add_owners_main_cf(change);
    add_owners_master_cf(change);
    return change->step_count == 0 ? CHANGE_NONE : CHANGE_NEEDED;
}

static enum change_kind refuse_installation(const struct config *config,
                                            const struct change *change, struct why *why)
{
    if (config->postfix.method != METHOD_TRANSPORT)
        why_set(why,
                "method = relayhost installs nothing before a switch; write method = transport "
                "in the section postfix");
    else if (change->now.mark->kind == BLOCK_RELAY && !route_is_direct(&change->now.mark->route))
        why_set(why, "a route by relayhost is in force; \"detour-apply direct\" first");
    else
        return CHANGE_NEEDED;
    return CHANGE_REFUSED;
}

/* Where the change is to lead. */
static struct route goal(const struct config *config, const struct change_request *request,
                         const struct mark *mark)
{
    if (request->wish == WISH_ROUTE)
        return request->route;
    return request->wish == WISH_INSTALL && mark->kind == BLOCK_TRANSPORT &&
                   config_relay(config, mark->route.name) != NULL
               ? mark->route
               : route_direct();
}

static void set_after(struct change *change)
{
    const char *text = steps_text(change, CHANGE_MAIN_CF, &change->after_len);

    change->after = memory_zero(change->after_len + 1, 1);
    memcpy(change->after, text, change->after_len);
    text = steps_text(change, CHANGE_MASTER_CF, &change->after_master_len);
    change->after_master = memory_zero(change->after_master_len + 1, 1);
    memcpy(change->after_master, text, change->after_master_len);
}

static enum change_kind prepare_goal(const struct config *config,
                                     const struct change_request *request, const char *workspace,
                                     struct change *change, struct why *why)
{
    const struct mark *mark = change->now.mark;
    bool ours = request->wish == WISH_INSTALL || !route_is_direct(&change->route);

    if (request->wish == WISH_RELEASE && mark->drift_count == 0) {
        change->route = mark->route;
        change->generation = mark->generation;
        return CHANGE_NONE;
    }
    if (!mark->legible || (mark->drift_count > 0 && ours))
        return refuse_drift(mark, why);
    change->original = mark_remove(change->now.cf, mark, &change->original_len);
    change->original_master = master_mark_remove(change->now.master.cf, change->now.master.mark,
                                                 &change->original_master_len);
    if (request->wish == WISH_INSTALL && refuse_installation(config, change, why) == CHANGE_REFUSED)
        return CHANGE_REFUSED;
    enum change_kind kind = ours ? prepare_ours(config, request, workspace, change, why)
                                 : prepare_direct(config, request->wish, change);
    if (kind == CHANGE_NEEDED || (kind == CHANGE_REFUSED && change->step_count > 0))
        set_after(change);
    return kind;
}

static int read_now(const struct config *config, const struct change_request *request,
                    struct home_now *now, struct why *why)
{
    if (request->owner == NULL)
        return home_now_read(config, now, why);
    home_now_take(request->owner, request->owner_master, now);
    return 0;
}

static enum change_kind prepare(const struct config *config, const struct change_request *request,
                                const char *workspace, struct change *change, struct why *why)
{
    *change = (struct change){ .route = request->route };
    if (request->wish == WISH_ROUTE && route_allowed(config, &request->route, why) == -1)
        return CHANGE_REFUSED;
    if (home_check(config, why) == -1 || read_now(config, request, &change->now, why) == -1)
        return CHANGE_FAILED;
    change->route = goal(config, request, change->now.mark);
    return prepare_goal(config, request, workspace, change, why);
}

enum change_kind change_prepare(const struct config *config, const struct change_request *request,
                                const char *workspace, struct change *change, struct why *why)
{
    enum change_kind kind = prepare(config, request, workspace, change, why);

    if (!request->preview || kind == CHANGE_FAILED)
        return kind;
    if (kind == CHANGE_REFUSED)
        findings_add(&change->refusals, "%s", why->text);
    if (change->refusals.count == 0)
        return kind;
    findings_join(&change->refusals, why);
    return CHANGE_REFUSED;
}
