/* SPDX-License-Identifier: BSD-2-Clause */
/* One proof, for tests/lab: prove CONFIG_DIRECTORY SERVICE HOST PORT [TIMEOUT_MS [SENDER]]. Says
 * the result and the reason, in a line each. SENDER "?" only says which sender a proof would have.
 */
#include "lib/config_load.h"
#include "lib/memory.h"
#include "postfix/proof/proof.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = { [PROOF_GOOD] = "good",
                                     [PROOF_REFUSED] = "refused",
                                     [PROOF_FAILED] = "failed",
                                     [PROOF_UNKNOWN] = "unknown" };

int main(int argc, char **argv)
{
    struct why why = { "" };

    if (argc < 5)
        return 2;
    struct config *config = config_defaults();
    free(config->postfix.config_directory);
    config->postfix.config_directory = memory_copy(argv[1]);
    struct view *view = view_read(argv[1], argv[1], &why);
    char *sender = view == NULL ? NULL : proof_sender(view, &why);
    char *recipient = memory_format("postmaster@%s", argv[3]);
    struct proof_plan plan = { .sender = argc > 6 ? argv[6] : sender,
                               .recipient = recipient,
                               .host = argv[3],
                               .port = (uint16_t)atoi(argv[4]),
                               .service = argv[2],
                               .timeout_ms = argc > 5 ? atoi(argv[5]) : 0 };
    bool just_say = plan.sender != NULL && strcmp(plan.sender, "?") == 0;
    enum proof_result result =
        plan.sender == NULL || just_say ? PROOF_UNKNOWN : proof_run(config, &plan, &why);
    printf("%s\n%s\n", just_say && sender != NULL ? sender : names[result], why.text);
    free(recipient);
    free(sender);
    view_free(view);
    config_free(config);
    return 0;
}
