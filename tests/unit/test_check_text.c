/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What `check` prints: for each document in tests/unit/check, NAME.json, the text in NAME.txt, and
 * the French in NAME.fr.txt where there is one; the lines for monitoring in nagios.txt. With
 * DETOURD_WRITE set, what is printed now is written there, to be read before it is committed.
 */
#include "tests/unit/unit.h"

#include "daemon/report/check.h"
#include "daemon/report/phrases.h"
#include "daemon/report/translate.h"
#include "lib/memory.h"
#include "tests/unit/french.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOCUMENTS_MAX 100
#define NBSP          "\u00a0"

static char *directory;
static char *names[DOCUMENTS_MAX];
static size_t name_count;

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int find_documents(void **state)
{
    (void)state;
    directory = memory_format("%s/tests/unit/check", getenv("TOP_SRCDIR"));
    DIR *found = opendir(directory);
    assert_non_null(found);
    for (const struct dirent *entry; (entry = readdir(found)) != NULL;) {
        const char *end = strstr(entry->d_name, ".json");
        if (end != NULL && name_count < DOCUMENTS_MAX)
            names[name_count++] = memory_format("%.*s", (int)(end - entry->d_name), entry->d_name);
    }
    closedir(found);
    qsort(names, name_count, sizeof *names, by_name);
    return name_count > 0 ? 0 : -1;
}

static int forget_documents(void **state)
{
    (void)state;
    while (name_count > 0)
        free(names[--name_count]);
    free(directory);
    return 0;
}

static json_t *load(const char *name)
{
    char *path = memory_format("%s/%s.json", directory, name);
    json_t *document = json_load_file(path, 0, NULL);

    if (document == NULL)
        fail_msg("%s cannot be read", path);
    free(path);
    return document;
}

/* "" where there is no such file. */
static char *read_text(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = memory_zero(1 << 16, 1);

    if (file != NULL) {
        assert_true(fread(text, 1, (1 << 16) - 1, file) < (1 << 16) - 1);
        fclose(file);
    }
    return text;
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

/* NAME and the text behind it, compared with a file. */
static void compare(const char *name, const char *suffix, const char *text)
{
    char *path = memory_format("%s/%s%s", directory, name, suffix);

    if (getenv("DETOURD_WRITE") != NULL)
        write_text(path, text);
    char *expected = read_text(path);
    assert_string_equal(text, expected);
    free(expected);
    free(path);
}

static const struct layout pipe_layout = { .width = LAYOUT_WIDTH };

static void test_english(void **state)
{
    (void)state;
    for (size_t i = 0; i < name_count; i++) {
        json_t *document = load(names[i]);
        char *text = check_text(document, &pipe_layout);
        compare(names[i], ".txt", text);
        free(text);
        json_decref(document);
    }
}

static void test_no_line_is_too_long(void **state)
{
    const struct layout narrow = { .width = 10 }; /* 40 is as narrow as it gets */

    (void)state;
    for (size_t i = 0; i < name_count; i++) {
        json_t *document = load(names[i]);
        char *text = check_text(document, &pipe_layout), *rest = text;
        for (char *line; (line = strsep(&rest, "\n")) != NULL;)
            /* A word that is longer than a line stands alone behind its mark. */
            if (strlen(line) > LAYOUT_WIDTH && strchr(line + LAYOUT_WIDTH / 2, ' ') != NULL)
                fail_msg("%s: %s", names[i], line);
        free(text);
        free(check_text(document, &narrow));
        json_decref(document);
    }
}

static void test_no_escape_without_colour(void **state)
{
    const struct layout coloured = { .width = LAYOUT_WIDTH, .colour = true };
    json_t *document = load("provider");
    char *plain = check_text(document, &pipe_layout), *colour = check_text(document, &coloured);

    (void)state;
    assert_null(strchr(plain, '\033'));
    assert_memory_equal(colour, "\033[31m", 5);
    assert_non_null(strstr(colour, "\033[0m\n"));
    free(colour);
    free(plain);
    json_decref(document);
}

/* Each member in its turn is missing, null, and of a type that nobody expects. */
static void test_members_may_be_missing(void **state)
{
    static const char *const members[] = { "cause",      "trace",      "local_rules", "provider",
                                           "reputation", "submission", "verdict" };

    (void)state;
    for (size_t i = 0; i < name_count; i++)
        for (size_t m = 0; m < sizeof members / sizeof members[0]; m++)
            for (int how = 0; how < 3; how++) {
                json_t *document = load(names[i]);
                if (how == 0)
                    json_object_del(document, members[m]);
                else
                    json_object_set_new(document, members[m],
                                        how == 1 ? json_null() : json_integer(7));
                free(check_text(document, &pipe_layout));
                free(check_nagios(document));
                json_decref(document);
            }
}

static void test_nagios(void **state)
{
    struct text all;

    (void)state;
    text_begin(&all);
    for (size_t i = 0; i < name_count; i++) {
        json_t *document = load(names[i]);
        char *text = check_nagios(document);
        int lines = 0, bars = 0;
        for (const char *p = text; *p != '\0'; p++) {
            lines += *p == '\n';
            bars += *p == '|';
        }
        assert_in_range(lines, 1, 5);
        assert_int_equal(bars, 1);
        text_add(&all, "# %s\n%s", names[i], text);
        free(text);
        json_decref(document);
    }
    char *text = text_end(&all);
    compare("nagios", ".txt", text);
    free(text);
}

static void test_a_bar_is_no_perfdata(void **state)
{
    json_t *document = load("recipient");
    json_t *outcomes =
        json_object_get(json_object_get(json_object_get(document, "verdict"), "ipv4"), "outcomes");

    (void)state;
    json_object_set_new(json_array_get(outcomes, 5), "target", json_string("a|b"));
    char *text = check_nagios(document);
    assert_null(strstr(text, "a|b"));
    assert_non_null(strstr(text, "a/b"));
    free(text);
    json_decref(document);
}

/* French */

static bool is_translated(const char *name)
{
    char *path = memory_format("%s/%s.fr.txt", directory, name);
    char *text = read_text(path);
    bool there = *text != '\0' || getenv("DETOURD_WRITE") != NULL;

    free(text);
    free(path);
    return there;
}

static void test_french(void **state)
{
    int compared = 0;

    (void)state;
    if (!french_begin())
        skip();
    for (size_t i = 0; i < name_count; i++) {
        if (!is_translated(names[i]))
            continue;
        json_t *document = load(names[i]);
        char *text = check_text(document, &pipe_layout);
        compare(names[i], ".fr.txt", text);
        free(text);
        json_decref(document);
        compared++;
    }
    french_end();
    assert_true(compared > 0);
}

static void test_monitoring_stays_english(void **state)
{
    json_t *document = load("provider");
    char *english = check_nagios(document), *text;

    (void)state;
    if (!french_begin())
        skip();
    text = check_nagios(document);
    assert_string_equal(text, english);
    locale_t before = english_begin();
    assert_string_equal(phrase("blocked"), "blocked");
    english_end(before);
    assert_string_equal(phrase("blocked"), "bloqué");
    french_end();
    free(text);
    free(english);
    json_decref(document);
}

static void assert_french(const char *english, const char *expected)
{
    char *text = translated(english);

    assert_string_equal(text, expected);
    free(text);
}

static void test_sentences_of_other_floors(void **state)
{
    (void)state;
    if (!french_begin())
        skip();
    assert_french("no answer to SYN in 3.4 s", "aucune réponse au SYN en 3.4" NBSP "s");
    assert_french("connected, then no banner in 8.0 s",
                  "connecté, puis aucune bannière en 8.0" NBSP "s");
    assert_french("certificate is for a.example, not for b.example",
                  "le certificat est pour a.example et non pour b.example");
    assert_french("would switch to a relay now, but mode is observe",
                  "voudrait passer à un relais maintenant, mais le mode est observe");
    assert_french("192.0.2.1 is called a.example, which does not lead back to it",
                  "192.0.2.1 s’appelle a.example, qui n’y ramène pas");
    assert_french("SPF of the name in EHLO, a.example: none, a.example has no SPF record",
                  "SPF du nom dans EHLO, a.example" NBSP
                  ": none, a.example n’a pas d’enregistrement SPF");
    /* What a server said is not ours to translate. */
    assert_french("554 5.7.1 go away", "554 5.7.1 go away");
    assert_french("", "");
    french_end();
    assert_french("connection refused", "connection refused");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_english),
        cmocka_unit_test(test_no_line_is_too_long),
        cmocka_unit_test(test_no_escape_without_colour),
        cmocka_unit_test(test_members_may_be_missing),
        cmocka_unit_test(test_nagios),
        cmocka_unit_test(test_a_bar_is_no_perfdata),
        cmocka_unit_test(test_french),
        cmocka_unit_test(test_monitoring_stays_english),
        cmocka_unit_test(test_sentences_of_other_floors),
    };
    return cmocka_run_group_tests(tests, find_documents, forget_documents);
}
