/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/main_cf_generator.h"

#include "tests/unit/generator.h"
#include <stdio.h>
#include <string.h>

#define LONG_LINE 100000

/* What a route sets, names that only look like it, and others; the last are legal at all times. */
static const char *const names[] = {
    "relayhost",
    "relayhost",
    "smtp_sasl_auth_enable",
    "smtp_sasl_password_maps",
    "smtp_sasl_password_maps",
    "smtp_tls_policy_maps",
    "smtp_tls_CAfile",
    "smtp_delivery_status_filter",
    "relayhosts",
    "relay",
    "Relayhost",
    "xrelayhost",
    "smtp_tls_policy_map",
    "smtp_tls_policy_maps2",
    "mydestination",
    "mynetworks",
    "smtpd_banner",
    "smtpd_relay_restrictions",
    "my_own",
    "detourd",
    "always_bcc",
};

static const char *const odd_names[] = {
    "relayhost\xc3\xa4", "\xff\xfe", "relayhost:", "$relayhost", "{relayhost}", "", "-o", "a,b"
};

static const char *const equals[] = { " = ",   "=",       " =",    "= ",
                                      "\t=\t", " \v=\f ", "  =  ", "\r= ",
                                      "\n = ", "\n\t=",   " =\n ", " =\n# not a value\n  " };

static const char *const values[] = {
    "",
    "yes",
    "no",
    "[home.example]:587",
    "$myhostname, localhost.$mydomain, localhost",
    "$relayhost",
    "${relayhost}",
    "${relayhost?yes}",
    "${relayhost?{a}:{b}}",
    "${my_own:none}",
    "{ a, b }, { c = d }",
    "check_policy_service { inet:127.0.0.1:9, timeout=2s }",
    "hash:/etc/aliases",
    "static:user:pass#word",
    "inline:{ { relay.example = a:b } }",
    "$$dollar",
    "= leading equals",
    "a = b",
    "name # no comment",
    "\"quoted\" 'too' \\",
    "#detourd: relayhost = x",
    "# detourd: end 0123456789abcdef",
    "caf\xc3\xa9",
    "latin \xe9\xff\xfe",
    "bell\a esc\033 del\177",
    "form\ffeed\vtab\tend",
};

/* Postfix's programs end at these ("macro processing error") where they need the value. */
static const char *const bad_values[] = { "$", "${relayhost", "${", "$()", "a $ b" };

/* NAME is whose value it is: Postfix's programs end at one that refers to itself. */
static const char *pick_value(enum generator_kind kind, const char *name)
{
    const char *value = PICK(values);

    while (kind == GENERATE_LEGAL && strchr(value, '$') != NULL && strstr(value, name) != NULL)
        value = PICK(values);
    return value;
}

static void put_value(FILE *out, enum generator_kind kind, const char *name)
{
    fputs(kind == GENERATE_ANY && generate_one_in(30) ? PICK(bad_values) : pick_value(kind, name),
          out);
    if (generate_one_in(300))
        for (int i = 0; i < LONG_LINE / 10; i++)
            fputs("host.test, ", out);
}

static void put_continuation(FILE *out, enum generator_kind kind, const char *name)
{
    static const char *const indents[] = { " ", "\t", "  ", " \t", "\v", "\f", "\r", "        " };

    fputc('\n', out);
    generate_between(out);
    fputs(PICK(indents), out);
    put_value(out, kind, name);
}

static void put_parameter(FILE *out, enum generator_kind kind)
{
    static const char *const ends[] = { "\n", "\n", "\n", "\n", " \n", "\t\n", "\r\n", "\n\n" };

    const char *name = kind == GENERATE_ANY && generate_one_in(12) ? PICK(odd_names) : PICK(names);

    fputs(name, out);
    if (kind == GENERATE_LEGAL || !generate_one_in(15))
        fputs(PICK(equals), out);
    put_value(out, kind, name);
    while (generate_one_in(3))
        put_continuation(out, kind, name);
    fputs(PICK(ends), out);
}

static void put_lines(FILE *out, enum generator_kind kind)
{
    static const char *const ends[] = { "  ", "\t", " # c", "#", "  continued", "\n \n", "\r" };

    if (generate_one_in(12) && kind == GENERATE_ANY)
        fputs(generate_one_in(2) ? " relayhost = continues nothing\n" : "\t# c\n \n  x\n\ty\n",
              out);
    generate_between(out);
    for (uint32_t n = generate_one_in(20) ? 0 : 1 + generate_below(12); n > 0; n--) {
        put_parameter(out, kind);
        generate_between(out);
    }
    /* A continuation of nothing is a line of its own for a parser of another kind. */
    if (generate_one_in(6))
        fputs(PICK(ends), out);
}

struct bytes generate_main_cf(uint32_t seed, enum generator_kind kind)
{
    struct bytes file = { NULL, 0 };
    FILE *out = open_memstream(&file.text, &file.len);

    generate_start(seed);
    if (!generate_one_in(100))
        put_lines(out, kind);
    fclose(out);
    if (generate_one_in(6))
        generate_carriage_returns(&file);
    if (generate_one_in(4))
        generate_no_end(&file);
    if (kind == GENERATE_ANY && generate_one_in(3))
        generate_disturbance(&file);
    if (kind == GENERATE_ANY && generate_one_in(8))
        generate_cut(&file, generate_below((uint32_t)file.len + 1));
    return file;
}

const char *trait_name(enum trait trait)
{
    static const char *const texts[TRAITS] = {
        [TRAIT_EMPTY] = "empty",
        [TRAIT_ONLY_COMMENTS] = "comments alone",
        [TRAIT_NO_FINAL_NEWLINE] = "no newline at the end",
        [TRAIT_CARRIAGE_RETURNS] = "carriage returns",
        [TRAIT_CONTINUED] = "continuation lines",
        [TRAIT_COMMENT_INSIDE] = "comments inside of them",
        [TRAIT_CONTINUED_AT_END] = "a continuation at the end",
        [TRAIT_LEADING_SPACE] = "white space first",
        [TRAIT_TWICE] = "relayhost twice or more",
        [TRAIT_EMPTY_VALUE] = "empty values",
        [TRAIT_NO_EQUALS] = "lines without =",
        [TRAIT_BRACES] = "braces",
        [TRAIT_DOLLAR] = "$name",
        [TRAIT_NOT_UTF8] = "other bytes than UTF-8",
        [TRAIT_LONG_LINE] = "lines of 100 kB",
        [TRAIT_FORM_FEED] = "form feeds and vertical tabs",
        [TRAIT_NEAR_MARK] = "what is nearly our mark",
    };

    return texts[trait];
}

static bool any_entry(const struct entries *entries, enum trait trait)
{
    for (size_t i = 0; i < entries->count; i++) {
        const char *value = entries->item[i].value;
        if (trait == TRAIT_NO_EQUALS ? value == NULL : value != NULL && *value == '\0')
            return true;
    }
    return false;
}

static bool has(const struct bytes *file, const char *text)
{
    return strstr(file->text, text) != NULL;
}

static bool ends_in_continuation(const struct bytes *file)
{
    const char *last = strrchr(file->text, '\n');

    return last != NULL && (last[1] == ' ' || last[1] == '\t');
}

bool has_trait(const struct bytes *file, const struct entries *entries, enum trait trait)
{
    switch (trait) {
    case TRAIT_EMPTY:
        return file->len == 0;
    case TRAIT_ONLY_COMMENTS:
        return file->len > 0 && file->text[0] == '#' && entries->count == 0;
    case TRAIT_NO_FINAL_NEWLINE:
        return file->len > 0 && file->text[file->len - 1] != '\n';
    case TRAIT_CARRIAGE_RETURNS:
        return has(file, "\r\n");
    case TRAIT_CONTINUED:
        return has(file, "\n ") || has(file, "\n\t");
    case TRAIT_COMMENT_INSIDE:
        return has(file, "\n# a comment\n ") || has(file, "\n\n ");
    case TRAIT_CONTINUED_AT_END:
        return ends_in_continuation(file);
    case TRAIT_LEADING_SPACE:
        return file->text[0] == ' ' || file->text[0] == '\t';
    case TRAIT_TWICE:
        return entries_named(entries, "relayhost") > 1;
    case TRAIT_EMPTY_VALUE:
    case TRAIT_NO_EQUALS:
        return any_entry(entries, trait);
    case TRAIT_BRACES:
        return has(file, "{ ");
    case TRAIT_DOLLAR:
        return has(file, "${");
    case TRAIT_NOT_UTF8:
        return has(file, "\xff");
    case TRAIT_LONG_LINE:
        return file->len > LONG_LINE;
    case TRAIT_FORM_FEED:
        return has(file, "\f") || has(file, "\v");
    default:
        return has(file, "#detourd:relayhost") || has(file, "# detourd:begin");
    }
}
