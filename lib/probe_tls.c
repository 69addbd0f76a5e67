/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/probe_tls.h"

#include <stddef.h>
#include <string.h>

const char *const probe_tls_words[] = {
    [PROBE_TLS_MAY] = "may",
    [PROBE_TLS_ENCRYPT] = "encrypt",
    [PROBE_TLS_SECURE] = "secure",
    NULL,
};

bool probe_tls_parse(const char *text, enum probe_tls *out)
{
    for (int i = 0; probe_tls_words[i] != NULL; i++)
        if (strcmp(text, probe_tls_words[i]) == 0) {
            *out = (enum probe_tls)i;
            return true;
        }
    return false;
}
