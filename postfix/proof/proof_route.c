/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/proof/proof.h"

#include "lib/memory.h"
#include "postfix/method/transport.h"
#include <stdlib.h>

enum proof_result proof_of_route(const struct config *config, const struct route *route,
                                 const char *sender, struct why *why)
{
    const struct relay *relay = config_relay(config, route->name);
    char *recipient = memory_format("postmaster@%s", relay->host);
    char *service = transport_service(relay, route->port);
    struct proof_plan plan = {
        .sender = sender,
        .recipient = recipient,
        .host = relay->host,
        .port = route->port,
        .service = service,
    };
    enum proof_result result = proof_run(config, &plan, why);

    free(recipient);
    free(service);
    return result;
}
