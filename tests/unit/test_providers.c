/* SPDX-License-Identifier: BSD-2-Clause */
/* What is known of providers, as a document, a table and records. */
#include "tests/unit/unit.h"

#include "daemon/report/csv.h"
#include "daemon/report/providers.h"
#include "lib/memory.h"
#include <stdlib.h>
#include <string.h>

static void expect_record(const char *const fields[], size_t count, const char *expected)
{
    struct text t;

    text_begin(&t);
    csv_record(&t, fields, count);
    char *record = text_end(&t);
    assert_string_equal(record, expected);
    free(record);
}

#define RECORD(...) ((const char *const[]){ __VA_ARGS__ })

static void records_are_those_of_rfc_4180(void **state)
{
    (void)state;
    expect_record(RECORD("a", "b c"), 2, "a,b c\r\n");
    expect_record(RECORD("a,b", ""), 2, "\"a,b\",\r\n");
    expect_record(RECORD("say \"no\"", NULL, "x"), 3, "\"say \"\"no\"\"\",,x\r\n");
    expect_record(RECORD("two\r\nlines", "\""), 2, "\"two\r\nlines\",\"\"\"\"\r\n");
    expect_record(RECORD("100 %s %n"), 1, "100 %s %n\r\n");
}

static json_t *document(const char *name)
{
    struct complaints *c = complaints_new();
    char *directory = memory_format("%s/conf", getenv("TOP_SRCDIR"));
    struct provider_catalogue *catalogue = provider_catalogue_load(directory, c);

    assert_non_null(catalogue);
    json_t *made =
        providers_json(catalogue, name != NULL ? provider_catalogue_find(catalogue, name) : NULL);
    assert_non_null(made);
    provider_catalogue_free(catalogue);
    free(directory);
    complaints_free(c);
    return made;
}

static size_t count_of(const char *text, const char *part)
{
    size_t n = 0;

    for (; (text = strstr(text, part)) != NULL; text += strlen(part))
        n++;
    return n;
}

static void the_document_keeps_what_is_known_from_what_is_not(void **state)
{
    json_t *all = document(NULL), *gcp = document("gcp"), *scaleway = document("scaleway");
    const json_t *p = json_array_get(json_object_get(gcp, "providers"), 0);

    (void)state;
    assert_true(json_array_size(json_object_get(all, "providers")) > 15);
    assert_int_equal(json_array_size(json_object_get(gcp, "providers")), 1);
    assert_true(json_is_null(json_object_get(p, "lift")));
    assert_true(json_is_null(json_object_get(json_object_get(p, "policy"), "since")));
    assert_non_null(json_string_value(json_object_get(json_object_get(p, "policy"), "source")));
    p = json_object_get(json_array_get(json_object_get(scaleway, "providers"), 0), "lift");
    assert_int_equal(json_array_size(json_object_get(p, "hours")), 2);
    json_decref(all);
    json_decref(gcp);
    json_decref(scaleway);
}

static const struct layout wide = { .width = 1000 };

static void people_get_a_line_a_provider_or_all_of_one(void **state)
{
    json_t *all = document(NULL), *one = document("hetzner");
    char *table = providers_text(all), *text = provider_text(one, &wide);

    (void)state;
    assert_int_equal(count_of(table, "\n"), json_array_size(json_object_get(all, "providers")) + 1);
    assert_non_null(strstr(table, "digitalocean  blocked         25, 465, 587  -"));
    assert_non_null(strstr(table, "azure         partly blocked  25            2017-11-15"));
    assert_non_null(strstr(text, "closed: 25, 465\n"));
    assert_non_null(strstr(text, "where: https://console.hetzner.cloud/limits\n"));
    assert_non_null(strstr(text, "sys_vendor: Hetzner\n"));
    assert_int_equal(count_of(text, "(read at "), 4);
    assert_null(strstr(text, "hours"));
    free(table);
    free(text);
    json_decref(all);
    json_decref(one);
}

static void a_spreadsheet_gets_a_record_a_provider(void **state)
{
    json_t *all = document(NULL);
    char *csv = providers_csv(all);

    (void)state;
    assert_int_equal(strncmp(csv, "name,title,policy,", 18), 0);
    assert_int_equal(count_of(csv, "\r\n"), json_array_size(json_object_get(all, "providers")) + 1);
    assert_non_null(strstr(csv, "\r\nvultr,Vultr,blocked,,,25,https://docs.vultr.com/"));
    assert_non_null(strstr(csv, "\r\ncomcast,Comcast Xfinity,blocked,Closed for residential"));
    free(csv);
    json_decref(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_those_of_rfc_4180),
        cmocka_unit_test(the_document_keeps_what_is_known_from_what_is_not),
        cmocka_unit_test(people_get_a_line_a_provider_or_all_of_one),
        cmocka_unit_test(a_spreadsheet_gets_a_record_a_provider),
    };
    return cmocka_run_group_tests_name("providers", tests, NULL, NULL);
}
