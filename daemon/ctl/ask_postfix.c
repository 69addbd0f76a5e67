/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/ctl/ask_postfix.h"

#include "daemon/ctl/run_tool.h"
#include "lib/clock.h"
#include <stdlib.h>
#include <string.h>

#define POSTCONF_MS 3000

enum parameter { HELO_NAME, BIND4, BIND6, PROTOCOLS, ORIGIN, PARAMETERS };

/* Runs "postconf -xh" and returns the length of what it printed, 0 where it failed. */
static size_t ask_postconf(const char *config_directory, char *answer)
{
    const char *argv[] = { "postconf",           "-c",
                           config_directory,     "-xh",
                           "smtp_helo_name",     "smtp_bind_address",
                           "smtp_bind_address6", "inet_protocols",
                           "myorigin",           NULL };
    char *text;
    size_t have;

    /* What it has printed counts, however it ended. */
    run_tool("/usr/sbin/postconf", argv, clock_mono_ms() + POSTCONF_MS, POSTFIX_ANSWER_MAX - 1,
             &text);
    have = strnlen(text, POSTFIX_ANSWER_MAX - 1);
    memcpy(answer, text, have);
    answer[have] = '\0';
    free(text);
    return have;
}

static void split_protocols(char *text, struct postfix_identity *out)
{
    int count = 0;

    for (char *word; (word = strsep(&text, ", \t")) != NULL;)
        if (*word != '\0' && count < FAMILIES)
            out->protocols[count++] = word;
}

void ask_postfix(const char *config_directory, char *answer, struct postfix_identity *out)
{
    char *values[PARAMETERS], *rest = answer;

    memset(out, 0, sizeof *out);
    if (ask_postconf(config_directory, answer) == 0)
        return;
    for (int i = 0; i < PARAMETERS; i++) {
        values[i] = strsep(&rest, "\n");
        if (values[i] == NULL)
            return;
    }
    out->helo_name = values[HELO_NAME];
    out->bind_address[FAMILY_IPV4] = values[BIND4];
    out->bind_address[FAMILY_IPV6] = values[BIND6];
    out->origin = values[ORIGIN];
    split_protocols(values[PROTOCOLS], out);
}
