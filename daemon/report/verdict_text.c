/* SPDX-License-Identifier: BSD-2-Clause */
/* A verdict in one sentence. */
#include "daemon/report/check.h"
#include "daemon/report/check_parts.h"
#include "daemon/report/member.h"
#include "daemon/report/text.h"
#include "daemon/report/translate.h"
#include <stdlib.h>

#define TARGETS_SAID 3

static void blocked_sentence(struct text *t, const json_t *family, const char *scope)
{
    const char *control = answered_control(family);
    int operators = (int)number(family, "operators");

    if (*control != '\0' && controls_refuse(family))
        text_add(t,
                 _("Outbound port 25 is blocked: none of %d mail operators can be reached, while "
                   "the network is up: %s answers, by a refusal (%s)."),
                 operators, control, scope);
    else if (*control != '\0')
        text_add(t,
                 _("Outbound port 25 is blocked: none of %d mail operators can be reached, while "
                   "the network is up: %s answers (%s)."),
                 operators, control, scope);
    else
        text_add(t,
                 _("Outbound port 25 is blocked: none of %d mail operators can be reached (%s)."),
                 operators, scope);
}

static void remote_sentence(struct text *t, const json_t *family, const char *scope)
{
    char *names = failing_targets(family, TARGETS_SAID);

    text_add(t,
             _("Outbound port 25 is open, but not to everybody (remote): %d of %d operators "
               "answer; not %s (%s)."),
             (int)number(family, "open"), (int)number(family, "operators"), names, scope);
    free(names);
}

static void unstable_sentence(struct text *t, const json_t *family, const char *scope)
{
    if (number(family, "connected") == 0)
        text_add(t,
                 _("Outbound port 25 is unstable: open and silent by turns, and silent now; look "
                   "for a local firewall or a path that loses packets (%s)."),
                 scope);
    else
        text_add(t,
                 _("Outbound port 25 is unstable: %d of %d operators answer and the others do not; "
                   "look for a local firewall or a path that loses packets (%s)."),
                 (int)number(family, "open"), (int)number(family, "operators"), scope);
}

/* Whether it was for want of addresses that nobody could be probed. */
static bool has_no_address(const json_t *family)
{
    size_t i;
    json_t *row;

    json_array_foreach(json_object_get(family, "outcomes"), i, row)
    {
        if (!word_is(row, "outcome", "dns-failed"))
            return false;
    }
    return true;
}

static void unknown_sentence(struct text *t, const json_t *family, const char *scope)
{
    if (number(family, "operators") == 0 && !has_no_address(family))
        text_add(t,
                 _("Outbound port 25 is unknown: this host could not begin to probe; the reason "
                   "stands beside each target (%s)."),
                 scope);
    else if (number(family, "operators") == 0)
        text_add(t,
                 _("Outbound port 25 is unknown: no target has an address to probe; look at the "
                   "DNS (%s)."),
                 scope);
    else if (number(family, "connected") > 0)
        text_add(t,
                 _("Outbound port 25 is unknown: connections stand, but nobody speaks SMTP (%s)."),
                 scope);
    else
        text_add(t,
                 _("Outbound port 25 is unknown: too few operators could be probed, or the network "
                   "came and went (%s)."),
                 scope);
}

static void family_sentence(struct text *t, const json_t *family, const char *scope)
{
    if (word_is(family, "name", "open"))
        text_add(t,
                 _("Outbound port 25 is open: %d of %d mail operators answer as themselves (%s)."),
                 (int)number(family, "open"), (int)number(family, "operators"), scope);
    else if (word_is(family, "name", "blocked"))
        blocked_sentence(t, family, scope);
    else if (word_is(family, "name", "offline"))
        text_add(t,
                 _("Outbound port 25 is offline: nothing answers, on no port; the network is down "
                   "or has no route (%s)."),
                 scope);
    else if (word_is(family, "name", "remote"))
        remote_sentence(t, family, scope);
    else if (word_is(family, "name", "unstable"))
        unstable_sentence(t, family, scope);
    else if (word_is(family, "name", "reputation"))
        text_add(t,
                 _("Outbound port 25 is open, but most operators turn this host away "
                   "(reputation); look at blocklists and reverse DNS (%s)."),
                 scope);
    else if (word_is(family, "name", "intercepted"))
        text_add(t,
                 _("Outbound port 25 is intercepted: something answers in the operators' place "
                   "(%s)."),
                 scope);
    else
        unknown_sentence(t, family, scope);
}

/* Whether this is no more than that a host with a network has none over FAMILY. */
static bool is_missing(const json_t *family, const json_t *other)
{
    return word_is(family, "name", "offline") && !word_is(other, "name", "unknown");
}

static void one_of_two(struct text *t, const json_t *family, const json_t *other, const char *name)
{
    if (is_missing(family, other))
        text_add(t, _("Over %s nothing answers, on no port: this host has no way out over it."),
                 name);
    else if (word_is(family, "name", "unknown") && number(family, "operators") == 0 &&
             has_no_address(family) && number(other, "operators") > 0)
        text_add(t, _("No target has an %s address."), name);
    else
        family_sentence(t, family, name);
}

/* What is there stands first. */
static void two_sentences(struct text *t, const json_t *v4, const json_t *v6)
{
    bool v6_first = is_missing(v4, v6);

    if (v6_first)
        family_sentence(t, v6, "IPv6");
    else
        one_of_two(t, v4, v6, "IPv4");
    text_add(t, " ");
    if (v6_first)
        one_of_two(t, v4, v6, "IPv4");
    else
        one_of_two(t, v6, v4, "IPv6");
}

/* One sentence for both, which counts the operators of IPv4: fewer have an address over IPv6. */
static void alike_sentence(struct text *t, const json_t *v4, const json_t *v6)
{
    long long operators = number(v6, "operators");
    struct text scope;

    text_begin(&scope);
    if (operators == 0 || operators == number(v4, "operators"))
        text_add(&scope, "%s", _("IPv4 and IPv6 alike"));
    else
        text_add(&scope,
                 PLURAL("IPv4; IPv6 alike, with %d operator", "IPv4; IPv6 alike, with %d operators",
                        (unsigned long)operators),
                 (int)operators);
    char *words = text_end(&scope);
    family_sentence(t, v4, words);
    free(words);
}

char *verdict_sentence(const json_t *verdict)
{
    const json_t *v4 = json_object_get(verdict, "ipv4"), *v6 = json_object_get(verdict, "ipv6");
    struct text t;

    text_begin(&t);
    if (!json_is_object(v6)) {
        family_sentence(&t, v4, _("IPv4 alone"));
    } else if (!json_is_object(v4)) {
        family_sentence(&t, v6, _("IPv6 alone"));
    } else if (verdicts_alike(v4, v6)) {
        alike_sentence(&t, v4, v6);
    } else {
        two_sentences(&t, v4, v6);
    }
    return text_end(&t);
}
