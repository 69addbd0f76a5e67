/* SPDX-License-Identifier: BSD-2-Clause */
/* Fragments: the texts that others run. Nothing that a value holds may mean anything in them. */
#include "tests/unit/unit.h"

#include "lib/memory.h"
#include "postfix/base/quote.h"
#include "postfix/base/sha256.h"
#include "postfix/fragment/formats.h"
#include "postfix/fragment/phases.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* FIPS 180-4's examples, and the lengths at which the padding takes another block. */
static void sha256_is_sha256(void **state)
{
    static const struct {
        const char *text;
        size_t times;
        const char *sum;
    } rows[] = {
        { "", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
        { "abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
        { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
        { "a", 55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318" },
        { "a", 56, "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a" },
        { "a", 64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb" },
        { "a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t n = strlen(rows[i].text), len = n * rows[i].times;
        char *bytes = memory_zero(len + 1, 1), sum[SHA256_TEXT];
        for (size_t k = 0; k < rows[i].times; k++)
            memcpy(bytes + k * n, rows[i].text, n);
        sha256(bytes, len, sum);
        assert_string_equal(sum, rows[i].sum);
        free(bytes);
    }
}

static const char *const hostile[] = {
    "",
    " leading and trailing ",
    "it's",
    "'",
    "''\\''",
    "a\"b",
    "$HOME ${x} $(id) `id` \\n \\",
    "!history #comment ; & | < > * ? [a] {b} ~ % @",
    "{{ j }} {% if %} {# c #}",
    "- a: b",
    "yes",
    "0x10",
    "tab\there",
    "\xc3\xbc \xe2\x80\xa8 \xf0\x9f\x90\x8c \xc2\x85",
};

/* What a shell makes of it. */
static void a_shell_reads_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        char *word = quote_shell(hostile[i]), read[256] = "";
        char *command = memory_format("printf '%%s' %s", word);
        FILE *shell = popen(command, "re");
        assert_non_null(shell);
        size_t n = fread(read, 1, sizeof read - 1, shell);
        assert_int_equal(pclose(shell), 0);
        assert_int_equal(n, strlen(hostile[i]));
        assert_string_equal(read, hostile[i]);
        free(command);
        free(word);
    }
}

static void yaml_scalars(void **state)
{
    static const struct {
        const char *text, *yaml, *ansible;
    } rows[] = {
        { "", "''", "''" },
        { "yes", "'yes'", "'yes'" },
        { "it's", "'it''s'", "'it''s'" },
        { "a: b # c \\n \"d\"", "'a: b # c \\n \"d\"'", "'a: b # c \\n \"d\"'" },
        { "{{ x }}'", "'{{ x }}'''", "!unsafe '{{ x }}'''" },
        { "{% x %}", "'{% x %}'", "!unsafe '{% x %}'" },
        { "{# x #}", "'{# x #}'", "!unsafe '{# x #}'" },
        { "${x}", "'${x}'", "'${x}'" },
        { "t\tt", "\"t\\u0009t\"", "\"t\\u0009t\"" },
        { "\xc3\xbc\"\\", "\"\\u00fc\\\"\\\\\"", "\"\\u00fc\\\"\\\\\"" },
        { "\xe2\x80\xa8", "\"\\u2028\"", "\"\\u2028\"" },
        { "\xf0\x9f\x90\x8c", "\"\\U0001f40c\"", "\"\\U0001f40c\"" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *yaml = quote_yaml(rows[i].text), *ansible = quote_ansible(rows[i].text);
        assert_string_equal(yaml, rows[i].yaml);
        assert_string_equal(ansible, rows[i].ansible);
        free(yaml);
        free(ansible);
    }
}

static struct fragment *fragment(void)
{
    struct fragment *f = memory_zero(1, sizeof *f);

    f->generation = 7;
    f->route = route_relay("ses", 587);
    f->method = memory_copy("relayhost");
    f->config_directory = memory_copy("/etc/post'fix");
    f->maps = memory_copy("/etc/post'fix/detourd/private/7");
    f->program = memory_copy("/usr/libexec/detourd/detour-apply");
    f->configuration = memory_copy("/etc/detourd/detourd.conf");
    f->written = 1795384591;
    return f;
}

static struct fragment *to_relay(void)
{
    struct fragment *f = fragment();
    struct fragment_item *item = fragment_add(f, "relayhost", "[b]:587", "[a]:587", "");

    item->leads = true;
    fragment_item_add_stale(item, "[a]:587");
    fragment_add(f, "smtp_sasl_password_maps", "hash:/x/7/sasl, hash:/it's", "hash:/it's",
                 "hash:/it's");
    item = fragment_add(f, "smtp_tls_CAfile", NULL, "/x/6/ca", NULL);
    item->restores = true;
    fragment_item_add_stale(item, "/x/6/ca");
    item =
        fragment_add(f, "detour-ses/unix", "detour-ses unix - - n - - smtp -o a={{x}}", NULL, NULL);
    item->is_service = true;
    return f;
}

static void a_manifest_comes_back_the_same(void **state)
{
    struct fragment *f = to_relay();
    json_t *first = fragment_json(f);
    char *text = json_dumps(first, 0);
    struct why why;

    (void)state;
    struct fragment *again = fragment_parse(text, strlen(text), &why);
    assert_non_null(again);
    json_t *second = fragment_json(again);
    assert_true(json_equal(first, second));
    json_decref(first);
    json_decref(second);
    fragment_free(again);
    fragment_free(f);
    free(text);
}

static void what_is_no_manifest_is_refused(void **state)
{
    static const char *const members[] = { "schema",       "generation", "route",
                                           "method",       "program",    "maps",
                                           "parameters",   "services",   "config_directory",
                                           "configuration" };
    struct why why;

    (void)state;
    assert_null(fragment_parse("", 0, &why));
    assert_null(fragment_parse("[]", 2, &why));
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        struct fragment *f = to_relay();
        json_t *o = fragment_json(f);
        json_object_del(o, members[i]);
        char *text = json_dumps(o, 0);
        if (fragment_parse(text, strlen(text), &why) != NULL)
            fail_msg("without %s", members[i]);
        free(text);
        json_decref(o);
        fragment_free(f);
    }
}

static void when_an_item_is_applied(void **state)
{
    struct fragment *f = to_relay();
    const struct fragment_item *set = fragment_parameter(f, "relayhost");
    const struct fragment_item *back = fragment_parameter(f, "smtp_tls_CAfile");

    (void)state;
    assert_true(fragment_item_is_applied(set, "[b]:587"));
    assert_false(fragment_item_is_applied(set, "[a]:587"));
    assert_false(fragment_item_is_applied(set, NULL));
    assert_true(fragment_item_is_applied(back, NULL));
    assert_true(fragment_item_is_applied(back, "/somebody/else"));
    assert_false(fragment_item_is_applied(back, "/x/6/ca"));
    fragment_free(f);
}

/* The relay that was in use gets no mail before what it needs goes, and the next one none before
 * what it needs is there. */
static void the_steps_come_in_their_order(void **state)
{
    static const struct {
        enum phase_kind kind;
        bool leads;
    } rows[] = { { PHASE_SERVICES, false },
                 { PHASE_GIVE_BACK, true },
                 { PHASE_GIVE_BACK, false },
                 { PHASE_SET, false },
                 { PHASE_SET, true } };
    struct fragment *f = to_relay();
    struct phase phases[PHASES];

    (void)state;
    assert_int_equal(phases_of(f, phases), sizeof rows / sizeof rows[0]);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(phases[i].kind, rows[i].kind);
        assert_int_equal(phases[i].leads, rows[i].leads);
    }
    fragment_free(f);
}

static void expect(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("%s\nis not in\n%s", part, text);
}

static void each_format_says_it_all(void **state)
{
    static const struct {
        enum fragment_format format;
        const char *parts[6];
    } rows[] = {
        { FORMAT_MAIN_CF,
          { "\nrelayhost = [b]:587\n", "# in the place of: relayhost = [a]:587\n",
            "# without the route: relayhost =\n", "# take out: smtp_tls_CAfile\n",
            "\nsmtp_sasl_password_maps = hash:/x/7/sasl, hash:/it's\n", "detourctl applied 7\n" } },
        { FORMAT_MASTER_CF, { "\ndetour-ses unix - - n - - smtp -o a={{x}}\n" } },
        { FORMAT_POSTCONF,
          { "directory='/etc/post'\\''fix'\n",
            "    'smtp_sasl_password_maps = hash:/x/7/sasl, hash:/it'\\''s'",
            "give_back 'smtp_tls_CAfile' '' \\\n    'smtp_tls_CAfile = /x/6/ca'\n",
            "give_back 'relayhost' 'relayhost =' \\\n    'relayhost = [a]:587'\n",
            "-Me 'detour-ses/unix=detour-ses unix - - n - - smtp -o a={{x}}'\n",
            "[ -d '/etc/post'\\''fix/detourd/private/7' ]" } },
        { FORMAT_ANSIBLE,
          { "        - 'relayhost = [b]:587'\n",
            "        - 'smtp_sasl_password_maps = hash:/x/7/sasl, hash:/it''s'\n",
            "        - !unsafe 'detour-ses/unix=detour-ses unix - - n - - smtp -o a={{x}}'\n" } },
        { FORMAT_SALT,
          { "#!yaml\n", "''smtp_sasl_password_maps = hash:/x/7/sasl, hash:/it''\\''''s''",
            "onlyif: 'postconf -c ''/etc/post''\\''''fix'' -n | grep -qxF -e "
            "''smtp_tls_CAfile = /x/6/ca'''\n" } },
    };
    struct fragment *f = to_relay();

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *text = format_text(f, rows[i].format);
        for (size_t k = 0; k < 6 && rows[i].parts[k] != NULL; k++)
            expect(text, rows[i].parts[k]);
        free(text);
    }
    fragment_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_is_sha256),
        cmocka_unit_test(a_shell_reads_the_same),
        cmocka_unit_test(yaml_scalars),
        cmocka_unit_test(a_manifest_comes_back_the_same),
        cmocka_unit_test(what_is_no_manifest_is_refused),
        cmocka_unit_test(when_an_item_is_applied),
        cmocka_unit_test(the_steps_come_in_their_order),
        cmocka_unit_test(each_format_says_it_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
