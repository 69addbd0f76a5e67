/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/probe/domain_keys.h"

#include "daemon/probe/tags.h"
#include "lib/memory.h"
#include <stdlib.h>

static void on_names(struct examination *e, const struct record_answer *answer, size_t left)
{
    (void)left;
    if (answer->status == DNS_NXDOMAIN)
        examination_finish(e, REPUTATION_WARNING, "no DKIM key: %s does not exist", answer->name);
    else if (examination_is_failure(answer) || answer->status == DNS_UNUSABLE)
        examination_finish(e, REPUTATION_UNKNOWN, "%s", answer->detail);
    else
        examination_finish(e, REPUTATION_OK,
                           "%s exists, so there may be DKIM keys; which one signs cannot be seen "
                           "from outside",
                           answer->name);
}

/* "v=" may be missing, but has to be the first tag where it stands (RFC 6376 3.6.1). */
static bool is_key(const struct record *record, char *key, size_t size)
{
    char version[16];

    if (tag_value(record->text, "v", version, sizeof version) &&
        !tag_is_first(record->text, "v", "DKIM1"))
        return false;
    return tag_value(record->text, "p", key, size);
}

static void judge_key(struct examination *e, const struct record_answer *answer)
{
    char key[16];

    for (size_t i = 0; i < answer->count; i++) {
        if (!is_key(&answer->records[i], key, sizeof key))
            continue;
        if (key[0] == '\0')
            examination_finish(e, REPUTATION_BAD, "the DKIM key at %s is revoked (p= is empty)",
                               answer->name);
        else
            examination_finish(e, REPUTATION_OK, "a DKIM key at %s", answer->name);
        return;
    }
    examination_finish(e, REPUTATION_BAD, "what stands at %s is no DKIM key", answer->name);
}

static void on_key(struct examination *e, const struct record_answer *answer, size_t left)
{
    (void)left;
    if (examination_is_failure(answer))
        examination_finish(e, REPUTATION_UNKNOWN, "%s", answer->detail);
    else if (answer->count == 0)
        examination_finish(e, REPUTATION_BAD, "no DKIM key at %s", answer->name);
    else
        judge_key(e, answer);
}

struct examination *domain_keys_examine(const struct examination_plan *plan, const char *domain,
                                        const char *selector)
{
    struct examination *e = examination_new(plan, REPUTATION_DKIM, NULL, NULL, NULL);
    char *name = selector != NULL ? memory_format("%s._domainkey.%s", selector, domain)
                                  : memory_format("_domainkey.%s", domain);

    examination_ask(e, name, RECORD_TXT, selector != NULL ? on_key : on_names);
    free(name);
    return e;
}
