/* SPDX-License-Identifier: BSD-2-Clause */
/* Passwords that the owner wrote into main.cf or master.cf itself do not show in a plan. */
#include "tests/unit/unit.h"

#include "lib/memory.h"
#include "postfix/host/hide.h"
#include <stdlib.h>
#include <string.h>

static void expect(const char *file, const char *value, const char *text, bool hidden)
{
    struct main_cf *cf = main_cf_parse(file, strlen(file));
    char *shown = hide_passwords(text, cf, value);

    if (hidden == (strstr(shown, "s3cr3t") != NULL))
        fail_msg("%s", shown);
    if (!hidden)
        assert_string_equal(shown, text);
    free(shown);
    main_cf_free(cf);
}

static void passwords_are_hidden(void **state)
{
    static const char one[] = "a = 1\nsmtp_sasl_password_maps = static:user:s3cr3t\n";
    static const char many[] = "smtp_sasl_password_maps =\n  hash:/x,\n"
                               "# comment\n  inline:{\n  {h = u:s3cr3t and spaces}\n  }\n";

    (void)state;
    expect(one, "static:user:s3cr3t",
           "-smtp_sasl_password_maps = static:user:s3cr3t\n"
           "+#detourd: smtp_sasl_password_maps = static:user:s3cr3t\n"
           "+x = hash:/ours, static:user:s3cr3t\n",
           true);
    expect(many, "hash:/x, inline:{ {h = u:s3cr3t and spaces} }",
           " smtp_sasl_password_maps =\n-  {h = u:s3cr3t and spaces}\n"
           "+x = hash:/y, hash:/x, inline:{ {h = u:s3cr3t and spaces} }\n",
           true);
}

static void other_passwords_are_hidden(void **state)
{
    (void)state;
    expect("lmtp_sasl_password_maps = inline:{x=s3cr3t}\n", NULL,
           " lmtp_sasl_password_maps = inline:{x=s3cr3t}\n", true);
    expect("smtp_sasl_password_maps = hash:/x ${mine}\nmine = static:u:s3cr3t\nminer = 1234\n",
           "hash:/x ${mine}", " mine = static:u:s3cr3t\n", true);
    expect("users_password = s3cr3t\n", NULL, " users_password = s3cr3t\n", true);
    expect("ldap_bind_pw=s3cr3t\n", NULL, "-ldap_bind_pw=s3cr3t\n", true);
    expect("# smtp_sasl_password_maps = static:u:s3cr3t\n", NULL,
           " # smtp_sasl_password_maps = static:u:s3cr3t\n", true);
    expect("a = 1\n#users_password = s3cr3t\n", NULL, " #users_password = s3cr3t\n", true);
    expect("users_password =\n # s\n  s3cr3t\n", NULL, " users_password =\n # s\n  s3cr3t\n", true);
}

static void the_rest_is_shown(void **state)
{
    (void)state;
    expect("smtp_sasl_password_maps = hash:/s3cr3t\n", "hash:/s3cr3t",
           "smtp_sasl_password_maps = hash:/s3cr3t\n", false);
    expect("a = 1\n", NULL, "s3cr3t\n", false);
    expect("mine = static:s3cr3t\ntransport_maps = $mine\n", NULL, " mine = static:s3cr3t\n",
           false);
    expect("# the password maps: s3cr3t\n", NULL, " # the password maps: s3cr3t\n", false);
}

static void expect_master(const char *file, const char *text, bool hidden)
{
    struct main_cf *cf = main_cf_parse(file, strlen(file));
    char *shown = hide_master_passwords(text, cf);

    if (hidden == (strstr(shown, "s3cr3t") != NULL))
        fail_msg("%s", shown);
    if (!hidden)
        assert_string_equal(shown, text);
    free(shown);
    main_cf_free(cf);
}

static void passwords_in_master_cf_are_hidden(void **state)
{
    static const char head[] = "slow unix - - n - - smtp\n";
    static const char *const secret[] = {
        "  -o smtp_sasl_password_maps=static:u:s3cr3t\n",
        "  -o { smtp_sasl_password_maps = static:u:s3cr3t and more }\n",
        "  -o { smtp_sasl_password_maps = hash:/x,\n    inline:{\n  {[h]:25 = u:s3cr3t}} }\n",
        "  -o users_password=s3cr3t -o x=y\n",
        "  -o { ldap_bind_pw = s3cr3t }\n",
        "# -o smtp_sasl_password_maps=static:u:s3cr3t\n",
    };
    static const char *const plain[] = {
        "  -o smtp_sasl_password_maps=hash:/s3cr3t\n",
        "  -o transport_maps=static:s3cr3t\n",
        "  -o { smtp_sasl_password_maps = static:u:other }\n  -o x=s3cr3t\n",
        "# s3cr3t\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof secret / sizeof secret[0]; i++) {
        char *file = memory_format("%s%s", head, secret[i]);
        expect_master(file, file, true);
        free(file);
    }
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        char *file = memory_format("%s%s", head, plain[i]);
        struct main_cf *cf = main_cf_parse(file, strlen(file));
        char *shown = hide_master_passwords(file, cf);
        assert_non_null(strstr(shown, "s3cr3t"));
        free(shown);
        main_cf_free(cf);
        free(file);
    }
    expect_master(head, "s3cr3t", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passwords_are_hidden),
        cmocka_unit_test(other_passwords_are_hidden),
        cmocka_unit_test(the_rest_is_shown),
        cmocka_unit_test(passwords_in_master_cf_are_hidden),
    };
    return cmocka_run_group_tests_name("hide", tests, NULL, NULL);
}
