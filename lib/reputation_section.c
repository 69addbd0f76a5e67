/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/reputation_section.h"

#include "lib/endpoint.h"
#include "lib/memory.h"
#include <stdlib.h>
#include <string.h>

/* Each is asked about every address, and most ask for a contract beyond a few thousand questions.
 */
#define LIST_MAX 8

cfg_opt_t reputation_section_opts[] = {
    CFG_STR("sender_domain", NULL, CFGF_NONE),
    CFG_STR_LIST("dnsbl", NULL, CFGF_NONE),
    CFG_STR_LIST("dkim_selectors", NULL, CFGF_NONE),
    CFG_END(),
};

/* A domain of at least two labels. */
static bool domain_valid(const char *name)
{
    return hostname_valid(name) && strchr(name, '.') != NULL;
}

/* The names of the list OPT that FITS takes; the others are complained about as no WHAT. */
static char **read_names(struct conf_file *file, cfg_t *section, const char *opt,
                         bool (*fits)(const char *name), const char *what, size_t *count)
{
    unsigned size = cfg_size(section, opt);
    char **names = memory_zero(size + 1, sizeof *names);

    *count = 0;
    if (size > LIST_MAX)
        conf_file_complain(file, section, opt, "%s: at most %d of them", opt, LIST_MAX);
    for (unsigned i = 0; i < size && i < LIST_MAX; i++) {
        const char *name = cfg_getnstr(section, opt, i);
        if (fits(name))
            names[(*count)++] = memory_copy(name);
        else
            conf_file_complain_item(file, section, opt, i, "%s: %s is not %s", opt, name, what);
    }
    return names;
}

void reputation_section_read(struct conf_file *file, cfg_t *section, struct reputation_config *out)
{
    out->sender_domain = conf_file_copy(section, "sender_domain", NULL);
    if (out->sender_domain != NULL && !domain_valid(out->sender_domain))
        conf_file_complain(file, section, "sender_domain",
                           "sender_domain = %s; expected a domain such as example.com",
                           out->sender_domain);
    out->dnsbl = read_names(file, section, "dnsbl", domain_valid,
                            "the zone of a blocklist, such as zen.spamhaus.org", &out->dnsbl_count);
    out->dkim_selectors =
        read_names(file, section, "dkim_selectors", hostname_valid,
                   "a selector, such as mail or s1.mail", &out->dkim_selector_count);
}

static void free_names(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

void reputation_section_free(struct reputation_config *out)
{
    free(out->sender_domain);
    free_names(out->dnsbl, out->dnsbl_count);
    free_names(out->dkim_selectors, out->dkim_selector_count);
}
