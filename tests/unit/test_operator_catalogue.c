/* SPDX-License-Identifier: BSD-2-Clause */
/* What is known of mail operators, and what the owner of a configuration says above it. */
#include "tests/unit/unit.h"

#include "lib/config_load.h"
#include "lib/memory.h"
#include "lib/target_tls.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/detourd-operators-XXXXXX", path[64];

static int make_directory(void **state)
{
    (void)state;
    if (mkdtemp(directory) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/operators.conf", directory);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(directory);
}

static void put(const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    fclose(f);
}

#define OP(name, rest)                                                                   \
    "operator " name " {\ntitle = T\ntargets = { \"" name ".example\" }\nmx = { \"" name \
    ".net\" }\nsource = S\ndate = 2026-11-28\n" rest "}\n"

static struct operator_catalogue *load(struct complaints *complaints)
{
    return operator_catalogue_load(directory, complaints);
}

/* The one that is shipped. */
static void the_catalogue(void **state)
{
    struct complaints *complaints = complaints_new();
    char *conf = memory_format("%s/conf", getenv("TOP_SRCDIR"));
    struct operator_catalogue *c = operator_catalogue_load(conf, complaints);
    const struct mail_operator *o;
    size_t count = 0;

    (void)state;
    assert_non_null(c);
    assert_int_equal(complaints_count(complaints), 0);
    for (; (o = operator_catalogue_at(c, count)) != NULL; count++) {
        assert_true(strncmp(o->source, "https://", 8) == 0);
        assert_int_equal(strlen(o->date), 10);
        for (char **t = o->targets; *t != NULL; t++) /* no domain stands at two operators */
            assert_ptr_equal(operator_catalogue_target(c, *t), o);
        for (char **d = o->mx; *d != NULL; d++)
            assert_ptr_equal(operator_catalogue_host(c, *d), o);
    }
    assert_true(count >= 15);
    assert_int_equal(operator_catalogue_target(c, "gmail.com")->tls, PROBE_TLS_SECURE);
    operator_catalogue_free(c);
    operator_catalogue_free(NULL);
    complaints_free(complaints);
    free(conf);
}

static void domains(void **state)
{
    struct complaints *complaints = complaints_new();

    (void)state;
    put(OP("one", "") OP("two", "tls_level = encrypt\n"));
    struct operator_catalogue *c = load(complaints);
    assert_non_null(c);
    assert_string_equal(operator_catalogue_target(c, "TWO.example")->name, "two");
    assert_int_equal(operator_catalogue_target(c, "two.example")->tls, PROBE_TLS_ENCRYPT);
    assert_int_equal(operator_catalogue_target(c, "one.example")->tls, PROBE_TLS_MAY);
    assert_null(operator_catalogue_target(c, "sub.one.example"));
    assert_string_equal(operator_catalogue_host(c, "mx.ONE.net")->name, "one");
    assert_string_equal(operator_catalogue_host(c, "one.net")->name, "one");
    assert_null(operator_catalogue_host(c, "phone.net"));
    assert_null(operator_catalogue_host(c, "net"));
    assert_null(operator_catalogue_host(c, ""));
    assert_null(operator_catalogue_at(c, 2));
    operator_catalogue_free(c);
    complaints_free(complaints);
}

static void expect_errors(const char *text, size_t errors, const char *one)
{
    struct complaints *complaints = complaints_new();
    const char *line;
    bool found = false;

    put(text);
    assert_null(load(complaints));
    for (size_t i = 0; (line = complaints_line(complaints, i, NULL)) != NULL; i++)
        found = found || strstr(line, one) != NULL;
    if (!found || complaints_errors(complaints) != errors)
        fail_msg("%zu errors, %s\"%s\"", complaints_errors(complaints), found ? "" : "without ",
                 one);
    complaints_free(complaints);
}

static void every_error_has_its_line(void **state)
{
    (void)state;
    expect_errors("operator one {\n}\n", 5, "operators.conf:1: operator one needs targets");
    expect_errors(OP("one", "tls_level = dane\n"), 1,
                  "operators.conf:7: tls_level = dane; expected one of: may, encrypt, secure");
    expect_errors(OP("one", "colour = red\n"), 1, "operators.conf:7: unknown name colour");
    expect_errors(OP("one", "") OP("Two", ""), 1, "operator Two: a name is");
    expect_errors("operator one {\ntitle = T\ntargets = { \"a b\" }\nmx = { \"a.net\" }\n"
                  "source = S\ndate = D\n}\n",
                  1, "operators.conf:3: targets: a b is not a domain");
    unlink(path);
    struct complaints *complaints = complaints_new();
    assert_null(load(complaints));
    assert_string_equal(strrchr(complaints_line(complaints, 0, NULL), ':'),
                        ": No such file or directory");
    complaints_free(complaints);
}

/* The configuration */

static struct config *configure(const char *text, struct complaints *complaints)
{
    char conf[] = "/tmp/detourd-conf-XXXXXX";
    FILE *f = fdopen(mkstemp(conf), "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    struct config *config = config_load(conf, complaints);
    unlink(conf);
    return config;
}

static enum probe_tls known(const struct config *config, const struct operator_catalogue *c,
                            const char *target)
{
    struct endpoint e;
    const char *why;

    assert_int_equal(endpoint_parse(target, 25, &e, &why), 0);
    return target_tls(config, c, &e);
}

/* detour-apply reads such a configuration where no operators.conf is. */
static void the_owner_stands_above_the_catalogue(void **state)
{
    struct complaints *complaints = complaints_new();

    (void)state;
    put(OP("one", "tls_level = secure\n") OP("two", "tls_level = encrypt\n"));
    struct operator_catalogue *c = load(complaints);
    struct config *config = configure(
        "catalogue_directory = \"/nonexistent\"\nprobe {\n"
        "targets = { \"one.example\", \"two.example\", \"[mx.two.net]\", three.example }\n"
        "tls_policy = { \"ONE.example\" = \"may\", \"[mx.two.net]:25\" = secure }\n}\n",
        complaints);
    assert_non_null(config);
    assert_int_equal(complaints_count(complaints), 0);
    assert_int_equal(known(config, c, "one.example"), PROBE_TLS_MAY);
    assert_int_equal(known(config, c, "two.example"), PROBE_TLS_ENCRYPT);
    assert_int_equal(known(config, c, "[mx.two.net]"), PROBE_TLS_SECURE);
    assert_int_equal(known(config, c, "[two.example]"), PROBE_TLS_MAY);
    assert_int_equal(known(config, c, "two.example:587"), PROBE_TLS_MAY);
    assert_int_equal(known(config, c, "three.example"), PROBE_TLS_MAY);
    assert_int_equal(known(config, NULL, "two.example"), PROBE_TLS_MAY);
    config_free(config);
    operator_catalogue_free(c);
    complaints_free(complaints);
}

static void bad_policies(void **state)
{
    static const char *const errors[] = {
        ":3: tls_policy \"a.example\" = \"dane\": expected one of: may, encrypt, secure",
        ":4: tls_policy \"b.example\" = \"secure\": it is not among the targets",
        ":5: tls_policy \"a b\" = \"may\": not a host name",
        ":7: tls_policy \"c.example\" = \"may\": the target stands in the list twice",
    };
    struct complaints *complaints = complaints_new();

    (void)state;
    assert_null(
        configure("probe {\ntargets = { a.example, c.example }\n"
                  "tls_policy = { \"a.example\" = \"dane\",\n\"b.example\" = \"secure\",\n"
                  "\"a b\" = \"may\",\n\"c.example\" = \"may\",\n\"c.example\" = \"may\" }\n"
                  "quorum = 2\n}\n",
                  complaints));
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        assert_non_null(strstr(complaints_line(complaints, i, NULL), errors[i]));
    assert_int_equal(complaints_count(complaints), 4);
    complaints_free(complaints);

    complaints = complaints_new();
    assert_null(configure("probe {\ntls_policy = { \"gmail.com\" }\n}\n", complaints));
    assert_non_null(
        strstr(complaints_line(complaints, 0, NULL), ":2: tls_policy: these are no pairs"));
    complaints_free(complaints);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_catalogue),
        cmocka_unit_test(domains),
        cmocka_unit_test(every_error_has_its_line),
        cmocka_unit_test(the_owner_stands_above_the_catalogue),
        cmocka_unit_test(bad_policies),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
