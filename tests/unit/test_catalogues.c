/* SPDX-License-Identifier: BSD-2-Clause */
/* The catalogues: those that are shipped hold together, and a wrong one is told all at once. */
#include "tests/unit/unit.h"

#include "lib/endpoint.h"
#include "lib/memory.h"
#include "lib/provider_catalogue.h"
#include "lib/relay_catalogue.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void print_all(struct complaints *c)
{
    const char *line;

    for (size_t i = 0; (line = complaints_line(c, i, NULL)) != NULL; i++)
        print_message("%s\n", line);
}

/* Whether what is said is true stands in the sources; that there are some, here. */
static void check_citation(const struct citation *citation)
{
    assert_int_equal(strncmp(citation->source, "http", 4), 0);
    assert_int_equal(strlen(citation->date), strlen("2026-11-28"));
}

static void check_service(const struct relay_service *s)
{
    char *host = relay_service_host(s, s->needs_region ? s->default_region : NULL);

    assert_true(s->needs_region == (s->default_region != NULL));
    assert_true(host == NULL ? strcmp(s->name, "generic") == 0 : hostname_valid(host));
    for (size_t i = 0; i < s->ports.count; i++) {
        assert_int_not_equal(s->ports.port[i], 25);
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(s->ports.port[i], s->ports.port[k]);
    }
    assert_false(port_is_implicit_tls(s->ports.port[0]));
    check_citation(&s->citation);
    if (s->price != NULL || s->free_of_charge != NULL)
        check_citation(&s->price_citation);
    free(host);
}

static void the_relays_hold_together(void **state)
{
    struct complaints *c = complaints_new();
    char *directory = memory_format("%s/conf", getenv("TOP_SRCDIR"));
    const struct relay_service *s;
    struct relay_catalogue *catalogue = relay_catalogue_load(directory, c);

    (void)state;
    print_all(c);
    assert_non_null(catalogue);
    assert_non_null(relay_catalogue_find(catalogue, "sendgrid"));
    assert_string_equal(relay_catalogue_find(catalogue, "sendgrid")->username, "apikey");
    for (size_t i = 0; (s = relay_catalogue_at(catalogue, i)) != NULL; i++)
        check_service(s);
    assert_true(relay_catalogue_find(catalogue, "amazon-ses")->refuses_null_sender);
    assert_non_null(relay_catalogue_find(catalogue, "amazon-ses")->price);
    assert_null(relay_catalogue_with_host(catalogue, "email-smtp..amazonaws.com.example"));
    assert_null(relay_catalogue_with_host(catalogue, "email-smtp.amazonaws.com"));
    relay_catalogue_free(catalogue);
    complaints_free(c);
    free(directory);
}

static void check_provider(const struct provider *p)
{
    assert_true(p->policy.kind == POLICY_OPEN || ports_contain(&p->policy.closed, 25));
    check_citation(&p->policy.citation);
    if (p->machine.citation.source != NULL)
        check_citation(&p->machine.citation);
    if (p->address.citation.source != NULL)
        check_citation(&p->address.citation);
    if (!p->lift_known)
        return;
    check_citation(&p->lift.citation);
    /* Who says that it can be had says how. */
    assert_true(p->lift.possible == LIFTING_NO || p->lift.how != NULL);
}

static void the_providers_hold_together(void **state)
{
    struct complaints *c = complaints_new();
    char *directory = memory_format("%s/conf", getenv("TOP_SRCDIR"));
    struct provider_catalogue *catalogue = provider_catalogue_load(directory, c);
    const struct provider *p;

    (void)state;
    print_all(c);
    assert_non_null(catalogue);
    for (size_t i = 0; (p = provider_catalogue_at(catalogue, i)) != NULL; i++)
        check_provider(p);
    p = provider_catalogue_find(catalogue, "hetzner");
    assert_true(ports_contain(&p->policy.closed, 465));
    assert_int_equal(p->lift.possible, LIFTING_CASE_BY_CASE);
    assert_false(p->lift.has_hours);
    assert_string_equal(provider_catalogue_find(catalogue, "azure")->policy.since, "2017-11-15");
    assert_true(provider_catalogue_find(catalogue, "scaleway")->lift.has_hours);
    assert_false(provider_catalogue_find(catalogue, "gcp")->lift_known);
    assert_null(provider_catalogue_find(catalogue, "nobody"));
    provider_catalogue_free(catalogue);
    complaints_free(c);
    free(directory);
}

static char directory[] = "/tmp/detourd-catalogue-XXXXXX";

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) != NULL ? 0 : -1;
}

static int remove_directory(void **state)
{
    static const char *const names[] = { "relays.conf", "providers.conf" };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char *path = memory_format("%s/%s", directory, names[i]);
        unlink(path);
        free(path);
    }
    return rmdir(directory);
}

static void put(const char *name, const char *text)
{
    char *path = memory_format("%s/%s", directory, name);
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    free(path);
}

/* "LINE words": in the order in which they come, all of them. */
static void expect(struct complaints *c, const char *name, const char *const expected[])
{
    size_t i = 0;

    for (const char *line; (line = complaints_line(c, i, NULL)) != NULL; i++) {
        assert_non_null(expected[i]);
        char *start = memory_format("%s/%s:%d: ", directory, name, atoi(expected[i]));
        if (strncmp(line, start, strlen(start)) != 0 ||
            strstr(line, strchr(expected[i], ' ') + 1) == NULL)
            fail_msg("%s, but expected was: %s", line, expected[i]);
        free(start);
    }
    assert_null(expected[i]);
}

static void all_that_is_wrong_with_a_provider_is_said(void **state)
{
    static const char *const expected[] = {
        "1 provider bare needs title",
        "1 provider bare needs machine or address",
        "1 provider bare needs policy",
        "5 provider Bad_Name: a name is",
        "6 unknown name sys_vender in machine; known here: sys_vendor, product_name",
        "8 reverse_name not a domain; expected a domain",
        "9 source = somebody; expected a page",
        "10 date = yesterday; expected a day like",
        "13 default = shut; expected one of: blocked, partly, open",
        "14 closed: 99999 is not a port",
        "15 since = 2017-11-5; expected a day like",
        "17 lift needs source",
        "17 lift needs date",
        "18 possible = perhaps; expected one of: no, yes, case-by-case",
        "19 hours: expected the least and the most",
        NULL,
    };
    struct complaints *c = complaints_new();

    (void)state;
    put("providers.conf",
        "provider bare {\n}\n"
        "# line 3\n"
        "provider Bad_Name {\n title = x\n machine { sys_vender = x source = \"https://a\" date = "
        "2026 }\n"
        " address {\n  reverse_name = { \"not a domain\" }\n  source = somebody\n  date = "
        "yesterday\n }\n"
        " policy { source = \"https://a\" date = 2026\n  default = shut\n  closed = { 25, 99999 "
        "}\n"
        "  since = 2017-11-5\n }\n lift {\n  possible = perhaps\n  hours = { 48, 24 }\n }\n}\n");
    assert_null(provider_catalogue_load(directory, c));
    print_all(c);
    expect(c, "providers.conf", expected);
    complaints_free(c);
}

/* Sections of one name in several providers: each complaint has the line of its own. */
static void a_line_is_that_of_the_right_section(void **state)
{
    static const char *const expected[] = { "6 policy needs condition", "6 policy needs closed",
                                            NULL };
    struct complaints *c = complaints_new();

    (void)state;
    put("providers.conf",
        "provider a { title = a address { source = \"https://a\" date = 2026 }\n"
        " policy { default = blocked closed = { 25 } source = \"https://a\" date = 2026 } }\n"
        "\nprovider b { title = b address { source = \"https://a\" date = 2026 }\n\n"
        " policy { default = partly source = \"https://a\" date = 2026 } }\n");
    assert_null(provider_catalogue_load(directory, c));
    expect(c, "providers.conf", expected);
    complaints_free(c);
}

static void a_price_needs_a_source(void **state)
{
    static const char *const expected[] = { "1 relay r needs price_source",
                                            "1 relay r needs price_date", NULL };
    struct complaints *c = complaints_new();

    (void)state;
    put("relays.conf", "relay r { title = r ports = { 587 } source = \"https://a\" date = 2026 "
                       "free = \"1 a day\" }\n");
    assert_null(relay_catalogue_load(directory, c));
    expect(c, "relays.conf", expected);
    complaints_free(c);
}

static void a_file_that_is_not_there_is_said(void **state)
{
    struct complaints *c = complaints_new();

    (void)state;
    assert_null(provider_catalogue_load("/nowhere", c));
    assert_null(relay_catalogue_load("/nowhere", c));
    assert_int_equal(complaints_errors(c), 2);
    complaints_free(c);
}

/* libconfuse takes "aws+" for a title, and the text in the braces for other statements than it
 * seems; the lines that complaints name are looked for all the same. */
static void what_is_read_in_two_ways_is_complained_about(void **state)
{
    struct complaints *c = complaints_new();

    (void)state;
    put("providers.conf", "provider aws+{\n  /title = \"a\n *r aws+{\n  /title = \"b\n *c = \"s\"\n"
                          "  datec = \"s\"\n  date = 2026\n}\n");
    assert_null(provider_catalogue_load(directory, c));
    assert_true(complaints_errors(c) > 0);
    complaints_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_relays_hold_together),
        cmocka_unit_test(the_providers_hold_together),
        cmocka_unit_test(all_that_is_wrong_with_a_provider_is_said),
        cmocka_unit_test(a_line_is_that_of_the_right_section),
        cmocka_unit_test(a_price_needs_a_source),
        cmocka_unit_test(a_file_that_is_not_there_is_said),
        cmocka_unit_test(what_is_read_in_two_ways_is_complained_about),
    };
    return cmocka_run_group_tests_name("catalogues", tests, make_directory, remove_directory);
}
