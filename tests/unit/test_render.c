/* SPDX-License-Identifier: BSD-2-Clause */
/* What a route sets, for every kind of owner's configuration; and what cannot be written. */
#include "tests/unit/unit.h"

#include "postfix/method/render.h"
#include <string.h>

#define DIRECTORY "/etc/postfix/detourd/private/7"

static struct relay relay = { .name = (char *)(uintptr_t) "ses" };

static struct render_input plain(void)
{
    relay.host = (char *)(uintptr_t) "Relay.Example";
    relay.username = (char *)(uintptr_t) "user";
    relay.ca_file = (char *)(uintptr_t) "/etc/ssl/certs/ca-certificates.crt";
    return (struct render_input){
        .relay = &relay,
        .port = 587,
        .tls_level = TLS_LEVEL_SECURE,
        .password = "secret",
        .map_type = "hash",
        .directory = DIRECTORY,
        .sasl_auth_enable = "no",
        .sasl_password_maps = "",
        .sasl_security_options = "noplaintext, noanonymous",
        .tls_policy_maps = "",
        .tls_ca_file = "",
        .status_filter = "",
        .relay_ca = "RELAY\n",
    };
}

static struct rendering rendered(const struct render_input *in)
{
    struct rendering out;
    struct why why;

    if (render(in, &out, &why) == -1)
        fail_msg("%s", why.text);
    return out;
}

static void expect(const struct rendering *r, const char *name, const char *value)
{
    const char *found = settings_value(&r->settings, name);

    if (value == NULL)
        assert_null(found);
    else if (found == NULL)
        fail_msg("%s is not set", name);
    else
        assert_string_equal(found, value);
}

static void expect_file(const struct rendering *r, const char *name, const char *text)
{
    const char *found = contents_text(&r->contents, name);

    if (text == NULL)
        assert_null(found);
    else if (found == NULL)
        fail_msg("there is no %s", name);
    else
        assert_string_equal(found, text);
}

static void a_plain_host(void **state)
{
    struct render_input in = plain();
    struct rendering r = rendered(&in);

    (void)state;
    expect(&r, "relayhost", "[relay.example]:587");
    expect(&r, "smtp_sasl_auth_enable", "yes");
    expect(&r, "smtp_sasl_password_maps", "hash:" DIRECTORY "/sasl");
    expect(&r, "smtp_sasl_tls_verified_security_options", "noanonymous");
    expect(&r, "smtp_sasl_tls_security_options", NULL);
    expect(&r, "smtp_tls_policy_maps", "hash:" DIRECTORY "/policy");
    expect(&r, "smtp_tls_CAfile", "/etc/ssl/certs/ca-certificates.crt");
    expect(&r, "smtp_delivery_status_filter", "regexp:" DIRECTORY "/shield");
    assert_int_equal(r.settings.count, 7);
    expect_file(&r, "ca.pem", NULL);
    expect_file(&r, "shield.marks", NULL);
    expect_file(&r, "sasl", "relay.example user:secret\n[relay.example]:587 user:secret\n");
    expect_file(&r, "policy", "[relay.example]:587 secure match=relay.example\n");
    render_free(&r);
}

/* Their maps stay and are asked after ours; what is in effect already is not set again. */
static void an_owner_with_settings_of_their_own(void **state)
{
    struct render_input in = plain();

    (void)state;
    in.map_type = "lmdb";
    in.sasl_auth_enable = "yes";
    in.sasl_password_maps = "hash:$config_directory/mine, pcre:/x";
    in.tls_policy_maps = "cdb:/y";
    in.sasl_security_options = "noanonymous";
    in.status_filter = "regexp:/z";
    struct rendering r = rendered(&in);
    expect(&r, "smtp_sasl_auth_enable", NULL);
    expect(&r, "smtp_sasl_password_maps",
           "lmdb:" DIRECTORY "/sasl, hash:$config_directory/mine, pcre:/x");
    expect(&r, "smtp_tls_policy_maps", "lmdb:" DIRECTORY "/policy, cdb:/y");
    expect(&r, "smtp_delivery_status_filter",
           "regexp:" DIRECTORY "/shield, "
           "pipemap:{unionmap:{regexp:" DIRECTORY "/shield.marks,regexp:/z},"
           "regexp:" DIRECTORY "/shield}, "
           "pipemap:{regexp:/z,regexp:" DIRECTORY "/shield}, regexp:/z");
    assert_non_null(contents_text(&r.contents, "shield.marks"));
    expect(&r, "smtp_sasl_tls_verified_security_options", NULL);
    render_free(&r);
}

static void levels(void **state)
{
    struct render_input in = plain();

    (void)state;
    in.tls_level = TLS_LEVEL_VERIFY;
    struct rendering r = rendered(&in);
    expect_file(&r, "policy", "[relay.example]:587 verify match=relay.example\n");
    expect(&r, "smtp_sasl_tls_verified_security_options", "noanonymous");
    render_free(&r);
    in.tls_level = TLS_LEVEL_ENCRYPT;
    r = rendered(&in);
    expect_file(&r, "policy", "[relay.example]:587 encrypt\n");
    expect(&r, "smtp_sasl_tls_security_options", "noanonymous");
    expect(&r, "smtp_sasl_tls_verified_security_options", NULL);
    render_free(&r);
}

static void security_options(void **state)
{
    static const struct {
        const char *value;
        bool set;
    } cases[] = {
        { "", false },
        { "noanonymous", false },
        { "noanonymous,noplaintext", true },
        { "NoPlainText", true },
        { "noanonymous nodictionary", true },
        { "noactive", true },
        { "mutual_auth, noanonymous", true },
        { "forward_secrecy", true },
        { "notplaintext", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct render_input in = plain();
        in.sasl_security_options = cases[i].value;
        struct rendering r = rendered(&in);
        expect(&r, "smtp_sasl_tls_verified_security_options", cases[i].set ? "noanonymous" : NULL);
        render_free(&r);
    }
}

/* The owner's own authorities must go on to count. */
static void certificate_authorities(void **state)
{
    struct render_input in = plain();

    (void)state;
    in.tls_ca_file = relay.ca_file;
    in.owner_ca = "OTHER\n";
    struct rendering same_path = rendered(&in);
    expect(&same_path, "smtp_tls_CAfile", NULL);
    render_free(&same_path);

    in.tls_ca_file = "/mine.pem";
    in.owner_ca = "MINE\nRELAY\nMORE\n";
    struct rendering contained = rendered(&in);
    expect(&contained, "smtp_tls_CAfile", NULL);
    expect_file(&contained, "ca.pem", NULL);
    render_free(&contained);

    in.owner_ca = "MINE";
    struct rendering merged = rendered(&in);
    expect(&merged, "smtp_tls_CAfile", DIRECTORY "/ca.pem");
    expect_file(&merged, "ca.pem", "MINE\nRELAY\n");
    render_free(&merged);

    in.owner_ca = NULL;
    struct rendering unreadable = rendered(&in);
    expect_file(&unreadable, "ca.pem", "RELAY\n");
    render_free(&unreadable);

    relay.ca_file = (char *)(uintptr_t) "/etc/$x/ca.pem";
    in.tls_ca_file = "";
    struct rendering dollar = rendered(&in);
    expect(&dollar, "smtp_tls_CAfile", "/etc/$$x/ca.pem");
    render_free(&dollar);
}

static void passwords_that_work(void **state)
{
    char many[1001];
    static const char *const good[] = { "a:b",         "#x",  "a b  c",     " leading", "$x${y}",
                                        "p\xc3\xa4ss", "\\n", "\"quoted\"", "=" };

    (void)state;
    memset(many, 'x', sizeof many - 1);
    many[sizeof many - 1] = '\0';
    for (size_t i = 0; i <= sizeof good / sizeof good[0]; i++) {
        struct render_input in = plain();
        in.password = i < sizeof good / sizeof good[0] ? good[i] : many;
        struct rendering r = rendered(&in);
        const struct content_answer *answer = &r.contents.answer[0];
        assert_string_equal(answer->map, "sasl");
        assert_memory_equal(answer->value, "user:", 5);
        assert_string_equal(answer->value + 5, in.password);
        render_free(&r);
    }
}

static void expect_refusal(const struct render_input *in, const char *word)
{
    struct rendering r;
    struct why why;

    assert_int_equal(render(in, &r, &why), -1);
    if (strstr(why.text, word) == NULL)
        fail_msg("expected '%s' in: %s", word, why.text);
    assert_null(strstr(why.text, "s3cr3t"));
    assert_int_equal(r.settings.count, 0);
    render_free(&r);
}

static void what_cannot_be_written(void **state)
{
    static const char *const passwords[] = { "", "s3cr3t\nx", "s3cr3t\r", "s3cr3t ", "s3cr3t\t" };
    static const char *const usernames[] = { "", "a:b", "a\nb", " a" };
    static const char *const hosts[] = { "",   "a b",  "a]b",       "a,b",        "$x",
                                         "-a", "a..b", "192.0.2.1", "2001:db8::1" };

    (void)state;
    for (size_t i = 0; i < sizeof passwords / sizeof passwords[0]; i++) {
        struct render_input in = plain();
        in.password = passwords[i];
        expect_refusal(&in, "password");
    }
    for (size_t i = 0; i < sizeof usernames / sizeof usernames[0]; i++) {
        struct render_input in = plain();
        relay.username = (char *)(uintptr_t)usernames[i];
        expect_refusal(&in, "username");
    }
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        struct render_input in = plain();
        relay.host = (char *)(uintptr_t)hosts[i];
        expect_refusal(&in, "host");
    }
    struct render_input in = plain();
    in.directory = "/etc/post fix/detourd/private/7";
    expect_refusal(&in, "config_directory");
    in.directory = "/etc/$x/private/7";
    expect_refusal(&in, "config_directory");
    in = plain();
    relay.ca_file = (char *)(uintptr_t) "/x\n/y";
    expect_refusal(&in, "ca_file");
}

/* Where maps hold UTF-8 alone, postmap would leave the entry out. */
static void what_a_utf8_map_cannot_hold(void **state)
{
    static const char *const bad[] = { "s3cr3t\xe9",       "\xc3",     "\xc0\x80", "\xed\xa0\x80",
                                       "\xf4\x90\x80\x80", "\xe2\x82", "a\x80",    "\xe0\x9f\xbf",
                                       "\xf0\x8f\xbf\xbf", "\xff" };
    static const char *const good[] = { "p\xc3\xa4ss", "\xe2\x82\xac", "\xf0\x9f\x94\x91",
                                        "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf" };
    struct render_input in = plain();

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        in.utf8_maps = true;
        in.password = bad[i];
        expect_refusal(&in, "password is not UTF-8");
        in.utf8_maps = false;
        struct rendering r = rendered(&in);
        render_free(&r);
    }
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        in.utf8_maps = true;
        in.password = good[i];
        struct rendering r = rendered(&in);
        render_free(&r);
    }
    relay.username = (char *)(uintptr_t) "us\xe9r";
    expect_refusal(&in, "username is not UTF-8");
}

/* Without a certificate's name to check, an address will do. */
static void an_address_under_encrypt(void **state)
{
    struct render_input in = plain();

    (void)state;
    in.tls_level = TLS_LEVEL_ENCRYPT;
    relay.host = (char *)(uintptr_t) "192.0.2.1";
    struct rendering r = rendered(&in);
    expect(&r, "relayhost", "[192.0.2.1]:587");
    render_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_host),
        cmocka_unit_test(an_owner_with_settings_of_their_own),
        cmocka_unit_test(levels),
        cmocka_unit_test(security_options),
        cmocka_unit_test(certificate_authorities),
        cmocka_unit_test(passwords_that_work),
        cmocka_unit_test(what_cannot_be_written),
        cmocka_unit_test(what_a_utf8_map_cannot_hold),
        cmocka_unit_test(an_address_under_encrypt),
    };
    return cmocka_run_group_tests_name("render", tests, NULL, NULL);
}
