/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/fragment/formats_yaml.h"

#include "lib/memory.h"
#include "postfix/base/quote.h"
#include "postfix/base/text.h"
#include "postfix/fragment/phases.h"
#include <stdlib.h>
#include <string.h>

static void put(FILE *out, const char *before, char *text, const char *after)
{
    fprintf(out, "%s%s%s", before, text, after);
    free(text);
}

/* Ansible: tasks. What is in force is asked for once, before the first step. */

#define INDENT "        - "

static void begin_task(FILE *out, const struct fragment *f, const char *what, const char *detail)
{
    char *name = memory_format("detourd generation %lu: %s%s%s", f->generation, what,
                               detail[0] == '\0' ? "" : ": ", detail);

    put(out, "\n- name: ", quote_ansible(name), "\n");
    free(name);
    fprintf(out, "  ansible.builtin.command:\n      argv:\n");
}

static void put_argument(FILE *out, const char *word)
{
    put(out, INDENT, quote_ansible(word), "\n");
}

static void put_postconf(FILE *out, const struct fragment *f, const char *option)
{
    put_argument(out, "postconf");
    put_argument(out, "-c");
    put_argument(out, f->config_directory);
    put_argument(out, option);
}

static void put_question(FILE *out, const struct fragment *f, const char *option, const char *name,
                         const char *what)
{
    begin_task(out, f, what, "");
    put_postconf(out, f, option);
    fprintf(out, "  register: %s\n  changed_when: false\n  check_mode: false\n", name);
}

static void put_ansible_set(FILE *out, const struct fragment *f, const struct phase *s)
{
    begin_task(out, f, s->what, "");
    put_postconf(out, f, "-e");
    for (size_t i = 0; i < f->count; i++)
        if (phase_has(s, &f->item[i]))
            put(out, INDENT, quote_line(&f->item[i], quote_ansible), "\n");
    fprintf(out, "  when: detourd_lines | difference(detourd_main_cf.stdout_lines) | length > 0\n"
                 "  vars:\n      detourd_lines:\n");
    for (size_t i = 0; i < f->count; i++)
        if (phase_has(s, &f->item[i]))
            put(out, INDENT, quote_line(&f->item[i], quote_ansible), "\n");
}

static void put_ansible_back(FILE *out, const struct fragment *f, const struct phase *s,
                             const struct fragment_item *item)
{
    begin_task(out, f, s->what, item->name);
    put_postconf(out, f, item->owner == NULL ? "-X" : "-e");
    if (item->owner == NULL)
        put_argument(out, item->name);
    else
        put(out, INDENT, quote_owner(item, quote_ansible), "\n");
    fprintf(out, "  when: detourd_lines | intersect(detourd_main_cf.stdout_lines) | length > 0\n"
                 "  vars:\n      detourd_lines:\n");
    for (size_t i = 0; i < item->stale_count; i++)
        put(out, INDENT, quote_stale(item, i, quote_ansible), "\n");
}

static void put_ansible_service(FILE *out, const struct fragment *f, const struct phase *s,
                                const struct fragment_item *item)
{
    bool goes = s->kind == PHASE_NO_SERVICES;

    begin_task(out, f, s->what, item->name);
    put_postconf(out, f, goes ? "-MX" : "-Me");
    if (goes)
        put_argument(out, item->name);
    else
        put(out, INDENT, quote_line(item, quote_ansible), "\n");
    fprintf(
        out,
        goes ? "  when: detourd_name in ((detourd_master_cf.stdout | regex_replace('[ \\t]+', ' ')"
               ").splitlines() | map('regex_replace', '^([^ ]+) ([^ ]+) .*', '\\\\1/\\\\2') | "
               "list)\n"
             : "  when: detourd_entry not in (detourd_master_cf.stdout | regex_replace('[ \\t]+', "
               "' ')).splitlines()\n");
    fprintf(out, "  vars:\n");
    put(out, goes ? "      detourd_name: " : "      detourd_entry: ",
        quote_ansible(goes ? item->name : item->value), "\n");
}

static void put_ansible_phase(FILE *out, const struct fragment *f, const struct phase *s)
{
    if (s->kind == PHASE_SET)
        put_ansible_set(out, f, s);
    for (size_t i = 0; s->kind != PHASE_SET && i < f->count; i++) {
        if (!phase_has(s, &f->item[i]))
            continue;
        if (s->kind == PHASE_GIVE_BACK)
            put_ansible_back(out, f, s, &f->item[i]);
        else
            put_ansible_service(out, f, s, &f->item[i]);
    }
    begin_task(out, f, "Postfix works by it", s->what);
    put_argument(out, f->program);
    put_argument(out, "-c");
    put_argument(out, f->configuration);
    put_argument(out, "--json");
    put_argument(out, "reload");
    fprintf(out, "  register: detourd_reload\n"
                 "  changed_when: '\"unchanged\" not in detourd_reload.stdout'\n");
}

void put_ansible(FILE *out, const struct fragment *f)
{
    struct phase phases[PHASES];
    size_t count = phases_of(f, phases);

    put_fragment_head(out, f);
    fprintf(out, "# Tasks, for ansible.builtin.include_tasks.\n---");
    if (f->maps != NULL) {
        begin_task(out, f, "its maps are there", "");
        put_argument(out, "test");
        put_argument(out, "-d");
        put_argument(out, f->maps);
        fprintf(out, "  changed_when: false\n  check_mode: false\n");
    }
    put_question(out, f, "-n", "detourd_main_cf", "what main.cf says");
    if (fragment_has_services(f))
        put_question(out, f, "-M", "detourd_master_cf", "what master.cf says");
    for (size_t i = 0; i < count; i++)
        put_ansible_phase(out, f, &phases[i]);
}

/* Salt: states that run commands, one after the other. */

struct states {
    FILE *out;
    const struct fragment *f;
    unsigned count; /* so far */
};

/* COMMAND is freed. */
static void put_state(struct states *s, const char *what, char *command)
{
    s->count++;
    fprintf(s->out, "\n# %s\ndetourd-%lu-%u:\n  cmd.run:\n", what, s->f->generation, s->count);
    put(s->out, "    - name: ", quote_yaml(command), "\n");
    if (s->count > 1)
        fprintf(s->out, "    - require:\n      - cmd: detourd-%lu-%u\n", s->f->generation,
                s->count - 1);
    free(command);
}

/* TEST is freed. */
static void put_condition(struct states *s, const char *word, char *test)
{
    char *scalar = quote_yaml(test);

    fprintf(s->out, "    - %s: %s\n", word, scalar);
    free(scalar);
    free(test);
}

static char *postconf(const struct fragment *f, const char *option, char *rest)
{
    char *directory = quote_shell(f->config_directory);
    char *line = memory_format("postconf -c %s %s%s", directory, option, rest);

    free(directory);
    free(rest);
    return line;
}

static char *lines_of_phase(const struct fragment *f, const struct phase *phase)
{
    struct text text;

    text_open(&text);
    for (size_t i = 0; i < f->count; i++)
        if (phase_has(phase, &f->item[i]))
            put(text.out, " ", quote_line(&f->item[i], quote_shell), "");
    text_close(&text);
    return text.bytes;
}

static void put_salt_set(struct states *s, const struct phase *phase)
{
    char *lines = lines_of_phase(s->f, phase), *asked = postconf(s->f, "-n", memory_copy(""));

    put_state(s, phase->what, postconf(s->f, "-e", memory_copy(lines)));
    put_condition(s, "unless",
                  memory_format("for line in%s; do %s | grep -qxF -e \"$line\" || exit 1; done",
                                lines, asked));
    free(lines);
    free(asked);
}

static void put_salt_back(struct states *s, const struct phase *phase,
                          const struct fragment_item *item)
{
    struct text patterns;
    char *word = item->owner == NULL ? quote_shell(item->name) : quote_owner(item, quote_shell);
    char *asked = postconf(s->f, "-n", memory_copy(""));

    put_state(s, phase->what,
              postconf(s->f, item->owner == NULL ? "-X " : "-e ", memory_copy(word)));
    text_open(&patterns);
    for (size_t i = 0; i < item->stale_count; i++)
        put(patterns.out, " -e ", quote_stale(item, i, quote_shell), "");
    text_close(&patterns);
    put_condition(s, "onlyif", memory_format("%s | grep -qxF%s", asked, patterns.bytes));
    free(patterns.bytes);
    free(word);
    free(asked);
}

static void put_salt_service(struct states *s, const struct phase *phase,
                             const struct fragment_item *item)
{
    bool goes = phase->kind == PHASE_NO_SERVICES;
    char *name = quote_shell(item->name);
    char *asked = postconf(s->f, "-M ", memory_copy(name));

    put_state(s, phase->what,
              goes ? postconf(s->f, "-MX ", memory_copy(name))
                   : postconf(s->f, "-Me ", quote_line(item, quote_shell)));
    if (goes) {
        put_condition(s, "onlyif", memory_format("%s 2>/dev/null | grep -q .", asked));
    } else {
        char *entry = quote_shell(item->value);
        put_condition(
            s, "unless",
            memory_format("%s 2>/dev/null | tr -s ' \\t' ' ' | grep -qxF -e %s", asked, entry));
        free(entry);
    }
    free(name);
    free(asked);
}

static void put_salt_phase(struct states *s, const struct phase *phase)
{
    unsigned first = s->count + 1;

    if (phase->kind == PHASE_SET)
        put_salt_set(s, phase);
    for (size_t i = 0; phase->kind != PHASE_SET && i < s->f->count; i++) {
        if (!phase_has(phase, &s->f->item[i]))
            continue;
        if (phase->kind == PHASE_GIVE_BACK)
            put_salt_back(s, phase, &s->f->item[i]);
        else
            put_salt_service(s, phase, &s->f->item[i]);
    }
    unsigned last = s->count;
    put_state(s, "Postfix works by it", reload_command(s->f));
    fprintf(s->out, "    - onchanges_any:\n");
    for (unsigned n = first; n <= last; n++)
        fprintf(s->out, "      - cmd: detourd-%lu-%u\n", s->f->generation, n);
}

void put_salt(FILE *out, const struct fragment *f)
{
    struct states s = { .out = out, .f = f };
    struct phase phases[PHASES];
    size_t count = phases_of(f, phases);

    /* Without this line Salt takes what is in braces for Jinja. */
    fprintf(out, "#!yaml\n");
    put_fragment_head(out, f);
    if (f->maps != NULL) {
        char *maps = quote_shell(f->maps);
        put_state(&s, "its maps are there", memory_copy("echo the maps are missing >&2; exit 1"));
        put_condition(&s, "unless", memory_format("test -d %s", maps));
        free(maps);
    }
    for (size_t i = 0; i < count; i++)
        put_salt_phase(&s, &phases[i]);
}
