/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/probe/mail_policy.h"

#include "daemon/probe/tags.h"
#include "lib/memory.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define QUESTIONS_MAX 8 /* from the domain up to the one below the top level */

struct mail_policy {
    char domain[HOST_MAX + 1];
    const char *at; /* the part of it that is asked */
    unsigned questions;
};

static void ask(struct examination *e, struct mail_policy *p);

/* The next parent that has a parent itself. */
static const char *parent(const char *domain)
{
    const char *dot = strchr(domain, '.');

    return dot != NULL && strchr(dot + 1, '.') != NULL ? dot + 1 : NULL;
}

static void go_up(struct examination *e, struct mail_policy *p)
{
    p->at = parent(p->at);
    if (p->at != NULL && p->questions < QUESTIONS_MAX)
        ask(e, p);
    else
        examination_finish(e, REPUTATION_WARNING,
                           "%s has no DMARC record, which large operators ask of whoever sends "
                           "much mail",
                           p->domain);
}

static bool is_policy(const char *word)
{
    return strcasecmp(word, "none") == 0 || strcasecmp(word, "quarantine") == 0 ||
           strcasecmp(word, "reject") == 0;
}

static void judge(struct examination *e, const struct mail_policy *p, const char *text)
{
    bool is_own = p->at == p->domain;
    char policy[32] = "", below[32] = "";

    tag_value(text, "p", policy, sizeof policy);
    if (!is_own && tag_value(text, "sp", below, sizeof below) && is_policy(below))
        snprintf(policy, sizeof policy, "%s", below);
    if (is_policy(policy))
        examination_finish(e, REPUTATION_OK, "DMARC policy of %s: %s%s%s", p->domain, policy,
                           is_own ? "" : ", by the record of ", is_own ? "" : p->at);
    else
        examination_finish(e, REPUTATION_WARNING, "the DMARC record of %s has no policy (p=)",
                           p->at);
}

static void on_record(struct examination *e, const struct record_answer *answer, size_t left)
{
    struct mail_policy *p = examination_state(e);
    const char *found = NULL;
    size_t count = 0;
    (void)left;

    for (size_t i = 0; i < answer->count; i++)
        if (tag_is_first(answer->records[i].text, "v", "DMARC1")) {
            found = answer->records[i].text;
            count++;
        }
    if (examination_is_failure(answer))
        examination_finish(e, REPUTATION_UNKNOWN, "%s", answer->detail);
    else if (count > 1)
        examination_finish(e, REPUTATION_WARNING,
                           "%s has more than one DMARC record, so that none counts", p->at);
    else if (count == 1)
        judge(e, p, found);
    else
        go_up(e, p);
}

static void ask(struct examination *e, struct mail_policy *p)
{
    char *name = memory_format("_dmarc.%s", p->at);

    p->questions++;
    examination_ask(e, name, RECORD_TXT, on_record);
    free(name);
}

struct examination *mail_policy_examine(const struct examination_plan *plan, const char *domain)
{
    struct mail_policy *p = memory_zero(1, sizeof *p);
    struct examination *e = examination_new(plan, REPUTATION_DMARC, NULL, p, free);

    snprintf(p->domain, sizeof p->domain, "%s", domain);
    p->at = p->domain;
    ask(e, p);
    return e;
}
