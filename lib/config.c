/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/config.h"

#include <string.h>

const char *const config_modes[] = { "observe", "fragment", "switch", NULL };
const char *const config_methods[] = { "relayhost", "transport", NULL };
const char *const config_tls_levels[] = { "encrypt", "verify", "secure", NULL };

const char *mode_name(enum mode mode)
{
    return config_modes[mode];
}

const char *method_name(enum method method)
{
    return config_methods[method];
}

const char *tls_level_name(enum tls_level level)
{
    return config_tls_levels[level];
}

const struct relay *config_relay(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->relay_count; i++)
        if (strcmp(config->relays[i].name, name) == 0)
            return &config->relays[i];
    return NULL;
}
