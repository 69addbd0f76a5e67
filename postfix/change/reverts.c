/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/change/reverts.h"

#include "lib/clock.h"
#include "lib/memory.h"
#include "postfix/base/files.h"
#include "postfix/base/paths.h"
#include "postfix/base/text.h"
#include "postfix/change/home_now.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SIZE_MAX_READ 4096
#define KEPT          32
#define WINDOW        (INT64_C(7) * 86400) /* s */
#define AGAIN         2                    /* so often within the window is no accident */

struct times {
    int64_t at[KEPT]; /* wall clock, in the order in which they came */
    size_t count;
};

/* What the managers write at the head of their files, and where they live. */
static const struct {
    const char *name, *comment, *path;
} managers[] = {
    { "Ansible", "ansible", NULL },
    { "Puppet", "puppet", "/opt/puppetlabs/puppet/bin/puppet" },
    { "Salt", "salt managed", "/etc/salt/minion" },
    { "Salt", "managed by salt", NULL },
    { "Chef", "chef", "/etc/chef/client.rb" },
    { "CFEngine", "cfengine", "/var/cfengine/bin/cf-agent" },
    { "Puppet", NULL, "/etc/puppet/puppet.conf" },
};

static struct times read_times(const struct config *config)
{
    char *path = home_path(config, REVERTS);
    struct times times = { 0 };
    struct why ignored;
    size_t len;
    char *text = file_read(path, SIZE_MAX_READ, &len, &ignored), *rest = text;

    for (char *line; rest != NULL && (line = strsep(&rest, "\n")) != NULL;) {
        int64_t at = strtoll(line, NULL, 10);
        if (at > 0 && times.count < KEPT)
            times.at[times.count++] = at;
    }
    free(text);
    free(path);
    return times;
}

int reverts_add(const struct config *config, struct why *why)
{
    struct times times = read_times(config);
    char *path = home_path(config, REVERTS);
    struct text text;

    text_open(&text);
    for (size_t i = times.count == KEPT ? 1 : 0; i < times.count; i++)
        fprintf(text.out, "%" PRId64 "\n", times.at[i]);
    fprintf(text.out, "%" PRId64 "\n", clock_wall());
    text_close(&text);
    int rc = file_replace(path, 0600, text.bytes, text.len, why);
    free(text.bytes);
    free(path);
    return rc;
}

static bool comments_say(const struct main_cf *cf, const char *word)
{
    for (size_t i = 0; word != NULL && i < main_cf_line_count(cf); i++) {
        const struct main_cf_line *line = main_cf_line(cf, i);
        if (line->len == 0 || line->text[0] != '#')
            continue;
        char *text = memory_format("%.*s", (int)(line->len < 1000 ? line->len : 1000), line->text);
        bool found = strcasestr(text, word) != NULL;
        free(text);
        if (found)
            return true;
    }
    return false;
}

/* What main.cf says of itself counts before what is installed. */
static const char *manager_of(const struct main_cf *cf)
{
    size_t count = sizeof managers / sizeof managers[0];

    for (size_t i = 0; i < count; i++)
        if (comments_say(cf, managers[i].comment))
            return managers[i].name;
    for (size_t i = 0; i < count; i++)
        if (managers[i].path != NULL && access(managers[i].path, F_OK) == 0)
            return managers[i].name;
    return NULL;
}

char *reverts_advice(const struct config *config, const struct home_now *now)
{
    struct times times = read_times(config);
    int64_t present = clock_wall();
    size_t count = now->mark->reverted ? 1 : 0;

    for (size_t i = 0; i < times.count; i++)
        count += times.at[i] <= present && present - times.at[i] < WINDOW;
    if (count < AGAIN)
        return NULL;
    const char *manager = manager_of(now->cf);
    return memory_format("a route of detourd's was taken out of main.cf %zu times within 7 days%s%s"
                         "%s: a configuration manager seems to put main.cf back; let it apply the "
                         "route itself (mode = fragment), or leave main.cf out of it",
                         count, manager == NULL ? "" : ", probably by ",
                         manager == NULL ? "" : manager,
                         manager == NULL ? "" : ", as main.cf or this host says");
}
