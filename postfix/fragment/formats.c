/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/fragment/formats.h"

#include "postfix/base/quote.h"
#include "postfix/base/text.h"
#include "postfix/fragment/formats_yaml.h"
#include "postfix/fragment/phases.h"
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name, *file;
} names[FORMATS] = {
    [FORMAT_MAIN_CF] = { "main.cf", "main.cf" },
    [FORMAT_POSTCONF] = { "postconf", "postconf.sh" },
    [FORMAT_ANSIBLE] = { "ansible", "ansible.yml" },
    [FORMAT_SALT] = { "salt", "salt.sls" },
    [FORMAT_MASTER_CF] = { "master.cf", "master.cf" },
};

const char *format_name(enum fragment_format format)
{
    return names[format].name;
}

const char *format_file(enum fragment_format format)
{
    return names[format].file;
}

static void put(FILE *out, const char *before, char *text, const char *after)
{
    fprintf(out, "%s%s%s", before, text, after);
    free(text);
}

/* Snippets */

static void put_replaced(FILE *out, const struct fragment_item *item)
{
    if (item->value == NULL)
        fprintf(out, "# take out: %s\n", item->name);
    if (item->before != NULL && (item->value == NULL || strcmp(item->before, item->value) != 0))
        put(out, item->value == NULL ? "#   it was: " : "# in the place of: ",
            fragment_line(item->name, item->before), "\n");
    if (item->value == NULL || item->restores)
        return;
    if (item->owner == NULL)
        fprintf(out, "# without the route: not set\n");
    else if (item->before == NULL || strcmp(item->owner, item->before) != 0)
        put(out, "# without the route: ", fragment_line(item->name, item->owner), "\n");
}

static void put_parameter(FILE *out, const struct fragment_item *item)
{
    put_replaced(out, item);
    if (item->value != NULL)
        put(out, "", fragment_line(item->name, item->value), "\n");
}

static void put_order(FILE *out, const struct fragment *f)
{
    fprintf(out, "# No name may stand twice in main.cf: each line below replaces every line that "
                 "sets the same.\n");
    if (f->maps != NULL)
        fprintf(out, "# The values refer to %s; detour-apply must have built it.\n", f->maps);
    for (size_t i = 0; i < f->count; i++)
        if (f->item[i].leads)
            fprintf(out,
                    route_is_direct(&f->route)
                        ? "# In two steps, with a reload after each: first %s, then the rest.\n"
                        : "# In two steps, with a reload after each: first the rest, then %s.\n",
                    f->item[i].name);
    put(out, "# Reload with: ", reload_command(f), "\n");
}

static void put_main_cf(FILE *out, const struct fragment *f)
{
    bool direct = route_is_direct(&f->route);

    put_fragment_head(out, f);
    put_order(out, f);
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < f->count; i++)
            if (!f->item[i].is_service && f->item[i].leads == (direct ? pass == 0 : pass == 1))
                put_parameter(out, &f->item[i]);
}

static void put_master_cf(FILE *out, const struct fragment *f)
{
    put_fragment_head(out, f);
    for (size_t i = 0; i < f->count; i++) {
        const struct fragment_item *item = &f->item[i];
        if (item->is_service && item->value == NULL)
            fprintf(out, "# take out: %s\n", item->name);
        else if (item->is_service)
            fprintf(out, "%s\n", item->value);
    }
}

/* The script */

static const char script_head[] =
    "set -eu\n"
    "export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C\n"
    "\n"
    "# has LINE...: whether main.cf says all of that\n"
    "has() {\n"
    "    for wanted; do\n"
    "        postconf -c \"$directory\" -n 2>/dev/null | grep -qxF -e \"$wanted\" || return 1\n"
    "    done\n"
    "}\n"
    "\n"
    "# give_back NAME LINE OURS...: where NAME is still as we set it, LINE or nothing instead\n"
    "give_back() {\n"
    "    name=$1 line=$2\n"
    "    shift 2\n"
    "    for ours; do\n"
    "        has \"$ours\" || continue\n"
    "        if [ -n \"$line\" ]; then\n"
    "            postconf -c \"$directory\" -e \"$line\"\n"
    "        else\n"
    "            postconf -c \"$directory\" -X \"$name\"\n"
    "        fi\n"
    "        return\n"
    "    done\n"
    "}\n"
    "\n";

static const char script_services[] =
    "# serves NAME/TYPE ENTRY: whether master.cf says that\n"
    "serves() {\n"
    "    [ \"$(postconf -c \"$directory\" -M \"$1\" 2>/dev/null | tr -s ' \\t' ' ')\" = \"$2\" ]\n"
    "}\n"
    "\n";

static void put_script_set(FILE *out, const struct fragment *f, const struct phase *s)
{
    for (size_t i = 0; s->kind == PHASE_SET && i < f->count; i++)
        if (phase_has(s, &f->item[i]))
            put(out, " \\\n    ", quote_line(&f->item[i], quote_shell), "");
}

static void put_script_item(FILE *out, const struct phase *s, const struct fragment_item *item)
{
    if (s->kind == PHASE_SERVICES) {
        put(out, "serves ", quote_shell(item->name), " ");
        put(out, "", quote_shell(item->value), " ||\n    postconf -c \"$directory\" -Me ");
        put(out, "", quote_line(item, quote_shell), "\n");
        return;
    }
    if (s->kind == PHASE_NO_SERVICES) {
        put(out, "postconf -c \"$directory\" -MX ", quote_shell(item->name), "\n");
        return;
    }
    put(out, "give_back ", quote_shell(item->name), " ");
    put(out, "", item->owner == NULL ? quote_shell("") : quote_owner(item, quote_shell), "");
    for (size_t i = 0; i < item->stale_count; i++)
        put(out, " \\\n    ", quote_stale(item, i, quote_shell), "");
    fputc('\n', out);
}

static void put_script_phase(FILE *out, const struct fragment *f, const struct phase *s)
{
    fprintf(out, "\n# %s\n", s->what);
    if (s->kind == PHASE_SET) {
        fprintf(out, "set --");
        put_script_set(out, f, s);
        fprintf(out, "\nhas \"$@\" || postconf -c \"$directory\" -e \"$@\"\n");
    }
    for (size_t i = 0; s->kind != PHASE_SET && i < f->count; i++)
        if (phase_has(s, &f->item[i]))
            put_script_item(out, s, &f->item[i]);
    fprintf(out, "reload\n");
}

static void put_script(FILE *out, const struct fragment *f)
{
    struct phase phases[PHASES];
    size_t count = phases_of(f, phases);

    fprintf(out, "#!/bin/sh\n");
    put_fragment_head(out, f);
    put(out, "directory=", quote_shell(f->config_directory), "\n");
    fprintf(out, "%s%s", script_head, fragment_has_services(f) ? script_services : "");
    put(out,
        "# Until no process is left that works by an older configuration.\n"
        "reload() {\n    ",
        reload_command(f), " >/dev/null\n}\n");
    if (f->maps != NULL) {
        put(out, "\n[ -d ", quote_shell(f->maps), " ] || {\n");
        fprintf(out,
                "    echo 'generation %lu has not been built, or is gone: nothing is changed' >&2\n"
                "    exit 1\n}\n",
                f->generation);
    }
    for (size_t i = 0; i < count; i++)
        put_script_phase(out, f, &phases[i]);
}

char *format_text(const struct fragment *f, enum fragment_format format)
{
    static void (*const writers[FORMATS])(FILE * out, const struct fragment *f) = {
        [FORMAT_MAIN_CF] = put_main_cf,     [FORMAT_POSTCONF] = put_script,
        [FORMAT_ANSIBLE] = put_ansible,     [FORMAT_SALT] = put_salt,
        [FORMAT_MASTER_CF] = put_master_cf,
    };
    struct text text;

    text_open(&text);
    writers[format](text.out, f);
    text_close(&text);
    return text.bytes;
}
