/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/conf_pairs.h"

#include "lib/conf_scan.h"
#include <string.h>

struct flattening {
    char *text;
    const char *path;
    struct complaints *complaints;
};

static const cfg_opt_t *find_option(const struct flattening *f, const cfg_opt_t *opts,
                                    const struct conf_statement *st)
{
    for (; opts->name != NULL; opts++)
        if (conf_token_is(f->text, &st->name, opts->name))
            return opts;
    return NULL;
}

/* Reads one pair and what follows it. Returns 1 when another one may come, 0 at the end of the
 * list, and -1 where *TOKEN is out of place. */
static int flatten_pair(const struct flattening *f, struct conf_scanner *s,
                        struct conf_token *token)
{
    *token = conf_scan_next(s);
    if (token->kind == CONF_CLOSE)
        return 0;
    if (token->kind != CONF_WORD)
        return -1;
    *token = conf_scan_next(s);
    if (token->kind != CONF_EQUALS || token->end - token->start != 1)
        return -1;
    size_t equals = token->start;
    *token = conf_scan_next(s);
    if (token->kind != CONF_WORD)
        return -1;
    f->text[equals] = ',';
    *token = conf_scan_next(s);
    return token->kind == CONF_COMMA ? 1 : token->kind == CONF_CLOSE ? 0 : -1;
}

static void flatten_list(const struct flattening *f, const struct conf_statement *st,
                         const char *name)
{
    struct conf_scanner s = { .text = f->text, .at = st->name.end, .line = st->name.line };
    struct conf_token token;
    int rc;

    if (conf_scan_next(&s).kind != CONF_EQUALS || conf_scan_next(&s).kind != CONF_OPEN)
        return; /* no list: libconfuse says so */
    while ((rc = flatten_pair(f, &s, &token)) == 1)
        continue;
    if (rc == 0)
        return;
    complain(f->complaints, f->path, token.line,
             "%s: these are no pairs; expected %s = { \"from\" = \"to\", \"from\" = \"to\" }, each "
             "in double quotes, with a comma between two pairs",
             name, name);
    conf_scan_blank(f->text, st->name.start, st->end);
}

static void flatten_level(const struct flattening *f, struct conf_scanner scanner,
                          const cfg_opt_t *opts)
{
    struct conf_statement st;
    const cfg_opt_t *opt;

    while (conf_scan_statement(&scanner, &st)) {
        opt = find_option(f, opts, &st);
        if (opt == NULL)
            continue;
        if (opt->type == CFGT_SEC && st.is_section)
            flatten_level(f, st.body, opt->subopts);
        else if ((opt->flags & CONF_PAIRS) != 0 && !st.is_section)
            flatten_list(f, &st, opt->name);
    }
}

void conf_pairs_flatten(char *text, const cfg_opt_t *opts, const char *path,
                        struct complaints *complaints)
{
    const struct flattening f = { .text = text, .path = path, .complaints = complaints };
    struct conf_scanner scanner;

    conf_scan_begin(&scanner, text);
    flatten_level(&f, scanner, opts);
}
