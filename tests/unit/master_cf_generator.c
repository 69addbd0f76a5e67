/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/master_cf_generator.h"

#include "tests/unit/generator.h"
#include <stdio.h>
#include <string.h>

#define LONG_LINE 100000

/* Names that Debian ships, others, and such as only look like ours. */
static const char *const names[] = { "smtp",        "smtp",       "relay",      "127.0.0.1:10025",
                                     "submission",  "uucp",       "maildrop",   "detour-se",
                                     "detour-ses2", "Detour-ses", "detour_ses", "detour-ses_tls2",
                                     "xdetour-ses", "my.own-one", "[::1]:smtp", "detourd",
                                     "last",        "a" };

static const char *const types[] = { "unix", "unix", "inet", "pass", "fifo", "unix-dgram" };

static const char *const odd_starts[] = { "one",           "one\n  unix", "unix\vunix unix",
                                          "a/b unix",      "= unix",      "name=x unix",
                                          "\xff\xfe unix", "detour-ses",  "detour-ses\n ",
                                          "-o a=b",        "{ unix",      "a unix/b" };

static const char *const gaps[] = { " ", "  ", "\t", " \t", "       ", "\r " };

/* The fields from "private" to "maxproc". */
static const char *const fields[][5] = {
    { "-", "-", "n", "-", "-" },     { "n", "-", "y", "-", "-" },  { "-", "n", "n", "-", "10" },
    { "y", "y", "-", "1000?", "1" }, { "n", "-", "-", "60", "0" }, { "-", "-", "y", "300", "-" },
};

static const char *const commands[] = { "smtp", "smtpd", "pipe", "error", "lmtp -v", "qmgr" };

static const char *const arguments[] = {
    "-o a=b",
    "-o smtp_sasl_auth_enable=yes",
    "-o smtp_tls_security_level=secure",
    "-o { smtp_x = a b  c }",
    "-o {smtp_y=${a?{b}:{c}}}",
    "-oname=value",
    "-v",
    "-v -v",
    "flags=Fqhu user=uucp argv=uux -r -n -z -a$sender - $nexthop!rmail ($recipient)",
    "argv=/bin/a { b c } #no comment",
    "-o syslog_name=postfix/$service_name",
    "-o empty=",
    "caf\xc3\xa9",
    "latin\xe9\xff\xfe",
    "#",
    "\"quoted\" 'too' \\",
    "detour-ses unix - - n - - smtp",
};

static void put_fields(FILE *out)
{
    size_t n = generate_below(sizeof fields / sizeof fields[0]);

    for (size_t i = 0; i < sizeof fields[0] / sizeof fields[0][0]; i++)
        fprintf(out, "%s%s", PICK(gaps), fields[n][i]);
    fprintf(out, "%s%s", PICK(gaps), PICK(commands));
}

static void put_continuation(FILE *out)
{
    static const char *const indents[] = { " ", "\t", "  ", "    ", "\v", "\f", "\r", "        " };

    fputc('\n', out);
    generate_between(out);
    fprintf(out, "%s%s", PICK(indents), PICK(arguments));
    if (generate_one_in(300))
        for (int i = 0; i < LONG_LINE / 10; i++)
            fputs(" -o ab=cde", out);
}

static void put_entry(FILE *out, enum generator_kind kind)
{
    static const char *const ends[] = { "\n", "\n", "\n", "\n", " \n", "\t\n", "\r\n", "\n\n" };

    if (kind == GENERATE_ANY && generate_one_in(8))
        fputs(PICK(odd_starts), out);
    else
        fprintf(out, "%s%s%s", PICK(names), PICK(gaps), PICK(types));
    if (kind == GENERATE_LEGAL || !generate_one_in(15))
        put_fields(out);
    while (generate_one_in(4))
        fprintf(out, "%s%s", PICK(gaps), PICK(arguments));
    while (generate_one_in(2))
        put_continuation(out);
    fputs(PICK(ends), out);
}

static void put_lines(FILE *out, enum generator_kind kind)
{
    static const char *const ends[] = { "  ", "\t", " # c", "#", "  -o a=b", "\n \n", "\r" };

    if (kind == GENERATE_ANY && generate_one_in(12))
        fputs(generate_one_in(2) ? " detour-ses unix - - n - - smtp\n" : "\t# c\n \n  x\n\ty\n",
              out);
    generate_between(out);
    for (uint32_t n = generate_one_in(20) ? 0 : 1 + generate_below(9); n > 0; n--) {
        put_entry(out, kind);
        generate_between(out);
    }
    if (generate_one_in(6))
        fputs(PICK(ends), out);
}

struct bytes generate_master_cf(uint32_t seed, enum generator_kind kind)
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

const char *master_trait_name(enum master_trait trait)
{
    static const char *const texts[MASTER_TRAITS] = {
        [MASTER_EMPTY] = "empty",
        [MASTER_NO_FINAL_NEWLINE] = "no newline at the end",
        [MASTER_CARRIAGE_RETURNS] = "carriage returns",
        [MASTER_CONTINUED] = "continuation lines",
        [MASTER_COMMENT_INSIDE] = "comments inside of them",
        [MASTER_CONTINUED_AT_END] = "a continuation at the end",
        [MASTER_LEADING_SPACE] = "white space first",
        [MASTER_TWICE] = "smtp unix twice or more",
        [MASTER_TYPE_BELOW] = "the type on the next line",
        [MASTER_NO_TYPE] = "a name without a type",
        [MASTER_BRACES] = "braces",
        [MASTER_NOT_UTF8] = "other bytes than UTF-8",
        [MASTER_LONG_LINE] = "lines of 100 kB",
        [MASTER_NEAR_NAME] = "what is nearly our name",
    };

    return texts[trait];
}

static bool any_without_type(const struct entries *services)
{
    for (size_t i = 0; i < services->count; i++)
        if (strchr(services->item[i].name, '/') == NULL)
            return true;
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

bool has_master_trait(const struct bytes *file, const struct entries *services,
                      enum master_trait trait)
{
    switch (trait) {
    case MASTER_EMPTY:
        return file->len == 0;
    case MASTER_NO_FINAL_NEWLINE:
        return file->len > 0 && file->text[file->len - 1] != '\n';
    case MASTER_CARRIAGE_RETURNS:
        return has(file, "\r\n");
    case MASTER_CONTINUED:
        return has(file, "\n ") || has(file, "\n\t");
    case MASTER_COMMENT_INSIDE:
        return has(file, "\n# a comment\n ") || has(file, "\n\n ");
    case MASTER_CONTINUED_AT_END:
        return ends_in_continuation(file);
    case MASTER_LEADING_SPACE:
        return file->text[0] == ' ' || file->text[0] == '\t';
    case MASTER_TWICE:
        return entries_named(services, "smtp/unix") > 1;
    case MASTER_TYPE_BELOW:
        return entries_named(services, "one/unix") > 0 && has(file, "one\n");
    case MASTER_NO_TYPE:
        return any_without_type(services);
    case MASTER_BRACES:
        return has(file, "{ ");
    case MASTER_NOT_UTF8:
        return has(file, "\xff");
    case MASTER_LONG_LINE:
        return file->len > LONG_LINE;
    default:
        return entries_named(services, "detour-ses2/unix") > 0;
    }
}
