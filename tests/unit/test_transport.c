/* SPDX-License-Identifier: BSD-2-Clause */
/* What the method transport installs, for every kind of owner's configuration, and which senders'
 * mail its map leads where. */
#include "tests/unit/unit.h"

#include "lib/memory.h"
#include "postfix/method/senders.h"
#include "postfix/method/transport.h"
#include <stdlib.h>
#include <string.h>

#define DIRECTORY "/etc/postfix/detourd/private/7"
#define SENDERS   "/etc/postfix/" ROUTE_LINK "/senders"
#define MAP       "hash:" SENDERS
#define EVERYBODY MAP ", pipemap:{static:*," MAP "}"
#define TYPES     "hash\npipemap\nregexp\nstatic\n"
#define DEFAULTS                                                                     \
    "default_database_type = hash\nsyslog_name = postfix\nrecipient_delimiter = +\n" \
    "empty_address_default_transport_maps_lookup_key = <>\n"                         \
    "address_verify_sender_dependent_default_transport_maps = "                      \
    "$sender_dependent_default_transport_maps\n"

#define CONST(text) ((char *)(uintptr_t)(text))

static char *vip[] = { CONST("vip@example.com"), CONST("@example.com") };
static struct rewrite rewrites[] = { { CONST("root@host.local"), CONST("ops@example.com") } };

static struct relay relays[2];
static struct config config = { .relays = relays,
                                .relay_count = 2,
                                .postfix = { .config_directory = CONST("/etc/postfix"),
                                             .tls_level = TLS_LEVEL_SECURE } };

static int make(void **state)
{
    (void)state;
    relays[0] = (struct relay){ .name = CONST("ses"),
                                .host = CONST("Relay.Example"),
                                .ports = { .port = { 587, 465 }, .count = 2 },
                                .username = CONST("user"),
                                .ca_file = CONST("/etc/ssl/$ca.pem"),
                                .null_sender = true };
    relays[1] = relays[0];
    relays[1].name = CONST("other");
    relays[1].ports.count = 1;
    return 0;
}

/* The tables of the owner's: "key value" lines. */
static struct {
    const char *name, *content;
} tables[4];

static void add_line(struct table *table, const char *line)
{
    size_t key = strcspn(line, " "), end = strcspn(line, "\n");

    table->entry = memory_grow(table->entry, table->count + 1, sizeof *table->entry);
    table->entry[table->count++] =
        (struct table_entry){ .key = memory_format("%.*s", (int)key, line),
                              .value =
                                  memory_format("%.*s", (int)(end - key - 1), line + key + 1) };
}

static struct table *read_fake(const char *name, const char *default_type)
{
    struct table *table = memory_zero(1, sizeof *table);

    (void)default_type;
    table->kind = TABLE_CLOSED;
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        if (tables[i].name == NULL || strcmp(tables[i].name, name) != 0)
            continue;
        table->kind = TABLE_ENTRIES;
        for (const char *line = tables[i].content; *line != '\0'; line = strchr(line, '\n') + 1)
            add_line(table, line);
    }
    return table;
}

static struct view *view_of(const char *expanded, const char *raw, const char *overrides)
{
    struct view_texts texts = { .expanded = memory_format("%s%s", expanded, DEFAULTS),
                                .raw = memory_format("%s%s", raw, DEFAULTS),
                                .overrides = memory_copy(overrides),
                                .map_types = memory_copy(TYPES) };

    return view_new(&texts);
}

static struct rendering r;
static struct why why;

/* SETTINGS of main.cf, OVERRIDES as "postconf -P" prints them. */
static int rendered(const char *settings, const char *overrides)
{
    static char *const passwords[] = { CONST("secret"), NULL };
    struct view *view = view_of(settings, settings, overrides);
    struct transport_input in = {
        .config = &config,
        .view = view,
        .directory = DIRECTORY,
        .route_map = MAP,
        .chroot = "y",
        .maxproc = "5",
        .read = read_fake,
        .passwords = passwords,
    };

    render_free(&r);
    why.text[0] = '\0';
    int rc = transport_render(&in, &r, &why);
    view_free(view);
    return rc;
}

static void render_well(const char *settings, const char *overrides)
{
    if (rendered(settings, overrides) == -1)
        fail_msg("%s", why.text);
}

static const char *service(const char *name)
{
    size_t n = services_find(&r.services, name);

    if (n == NO_SERVICE)
        fail_msg("there is no %s", name);
    return r.services.item[n].text;
}

/* An option stands in the service, just so; once, since of two the last one would count. */
static void expect_option(const char *name, const char *option)
{
    char *line = memory_format("    -o %s\n", option);
    char *begin = memory_format("%.*s=", (int)strcspn(option + (option[0] == '{'), "="),
                                option + (option[0] == '{'));
    const char *text = service(name), *hit = strstr(text, line);

    if (hit == NULL)
        fail_msg("%s is not in\n%s", option, text);
    const char *first = strstr(text, begin);
    assert_null(strstr(first + 1, begin));
    free(begin);
    free(line);
}

static void expect_route(const char *value)
{
    assert_string_equal(settings_value(&r.settings, TRANSPORT_SETTING), value);
}

static void expect_file(const char *name, const char *text)
{
    const char *found = contents_text(&r.contents, name);

    if (found == NULL)
        fail_msg("there is no %s", name);
    assert_string_equal(found, text);
}

/* Services. */

static void a_plain_host(void **state)
{
    (void)state;
    render_well("", "");
    assert_int_equal(r.services.count, 2);
    assert_int_equal(r.settings.count, 2);
    expect_route(EVERYBODY);
    assert_non_null(strstr(service("detour-ses/unix"), " y  "));
    assert_memory_equal(service("detour-ses/unix"), "detour-ses unix", 15);
    assert_non_null(strstr(service("detour-ses/unix"), " 5       smtp\n"));
    expect_option("detour-ses/unix", "syslog_name=postfix/detour-ses");
    expect_option("detour-ses/unix", "smtp_sasl_password_maps=hash:" DIRECTORY "/ses.sasl");
    expect_option("detour-ses/unix", "smtp_tls_security_level=secure");
    expect_option("detour-ses/unix", "smtp_tls_secure_cert_match=relay.example");
    expect_option("detour-ses/unix", "smtp_tls_CAfile=/etc/ssl/$$ca.pem");
    expect_option("detour-ses/unix", "smtp_tls_wrappermode=no");
    expect_option("detour-ses_tls/unix", "smtp_tls_wrappermode=yes");
    expect_option("detour-ses/unix", "smtp_sender_dependent_authentication=no");
    expect_option("detour-ses/unix", "smtp_generic_maps=");
    expect_option("detour-ses/unix", "smtp_always_send_ehlo=yes");
    expect_option("detour-ses/unix", "smtp_delivery_status_filter=regexp:" DIRECTORY "/shield");
    expect_file("ses.sasl", "relay.example user:secret\n");
    /* Whose password is not there is left out, and nobody's password is anywhere else. */
    assert_null(contents_text(&r.contents, "other.sasl"));
    for (size_t i = 0; i < r.services.count; i++)
        assert_null(strstr(r.services.item[i].text, "secret"));
}

static void what_the_owner_does_to_mail_is_done_here_too(void **state)
{
    (void)state;
    relays[0].rewrites = rewrites;
    relays[0].rewrite_count = 1;
    render_well("smtp_header_checks = pcre:$config_directory/checks\n"
                "smtp_generic_maps = hash:/mine, inline:{a@b=c@d}\n"
                "smtp_discard_ehlo_keywords = chunking, STARTTLS auth,dsn\n"
                "smtp_delivery_status_filter = regexp:/mine\n"
                "smtp_tls_trust_anchor_file = /anchor\n",
                "");
    expect_option("detour-ses/unix", "smtp_header_checks=pcre:$config_directory/checks");
    expect_option("detour-ses/unix", "{smtp_generic_maps=hash:" DIRECTORY
                                     "/ses.generic, hash:/mine, inline:{a@b=c@d}}");
    expect_option("detour-ses/unix", "{smtp_discard_ehlo_keywords=chunking, dsn}");
    expect_option("detour-ses/unix", "smtp_tls_trust_anchor_file=");
    assert_non_null(strstr(service("detour-ses/unix"), "pipemap:{regexp:/mine,regexp:" DIRECTORY));
    expect_file("ses.generic", "root@host.local ops@example.com\n");
}

/* What stands with the owner's service counts before main.cf; ours before that. */
static void options_of_the_owners_service(void **state)
{
    (void)state;
    render_well("smtp_header_checks = pcre:/global\nsmtp_bind_address = 192.0.2.9\n",
                "smtp/unix/smtp_bind_address = 192.0.2.1\n"
                "smtp/unix/smtp_header_checks = pcre:/own $dir\n"
                "smtp/unix/smtp_helo_name = a {b} $c\n"
                "smtp/unix/syslog_name = mine\n"
                "smtp/unix/smtp_sasl_password_maps = static:a:b\n"
                "smtp/unix/smtp_tls_security_level = none\n"
                "relay/unix/smtp_quit_timeout = 1s\n");
    expect_option("detour-ses/unix", "smtp_bind_address=192.0.2.1");
    expect_option("detour-ses/unix", "{smtp_header_checks=pcre:/own $$dir}");
    expect_option("detour-ses/unix", "{smtp_helo_name=a {b} $$c}");
    expect_option("detour-ses/unix", "syslog_name=postfix/detour-ses");
    expect_option("detour-ses/unix", "smtp_tls_security_level=secure");
    assert_null(strstr(service("detour-ses/unix"), "static:a:b"));
    assert_null(strstr(service("detour-ses/unix"), "smtp_quit_timeout"));
}

static void what_cannot_stand_in_master_cf(void **state)
{
    (void)state;
    assert_int_equal(rendered("smtp_header_checks = pcre:{{/a}/ DUNNO}}\n", ""), -1);
    assert_non_null(strstr(why.text, "smtp_header_checks"));
    assert_int_equal(rendered("", "smtp/unix/smtp_helo_name = a } b {\n"), -1);
    assert_non_null(strstr(why.text, "smtp_helo_name"));
}

static void names(void **state)
{
    char *nexthop = transport_nexthop(&relays[0], 2465);

    (void)state;
    assert_string_equal(nexthop, "detour-ses_tls:[relay.example]:2465");
    free(nexthop);
    nexthop = transport_nexthop(&relays[0], 2587);
    assert_string_equal(nexthop, "detour-ses:[relay.example]:2587");
    free(nexthop);
    assert_true(transport_is_service_of(&config, "detour-ses/unix"));
    assert_true(transport_is_service_of(&config, "detour-other_tls/inet"));
    assert_false(transport_is_service_of(&config, "detour-ses2/unix"));
    assert_false(transport_is_service_of(&config, "detour-se/unix"));
}

static void pace(void **state)
{
    (void)state;
    relays[0].concurrency = 3;
    relays[0].rate = 1700;
    render_well("", "");
    assert_string_equal(settings_value(&r.settings, "detour-ses_destination_concurrency_limit"),
                        "3");
    assert_string_equal(settings_value(&r.settings, "detour-ses_initial_destination_concurrency"),
                        "3");
    assert_string_equal(settings_value(&r.settings, "detour-ses_tls_destination_recipient_limit"),
                        "50");
    assert_string_equal(settings_value(&r.settings, "detour-ses_destination_rate_delay"), "3");
    relays[0].concurrency = 20;
    relays[0].rate = 3600;
    render_well("", "");
    assert_null(settings_value(&r.settings, "detour-ses_initial_destination_concurrency"));
    assert_null(settings_value(&r.settings, "detour-ses_destination_rate_delay"));
}

/* The owner's tables. */

static void transports_of_the_owners(void **state)
{
    (void)state;
    tables[0].name = "hash:/$a";
    tables[0].content = "full@a.example own:\n@a.example own:\n<> own:\nx+y@b.example own:\n";
    tables[1].name = "/b";
    tables[1].content = "@b.example own:\n";
    render_well(TRANSPORT_SETTING " = hash:/$a, /b, regexp:/c\n", "");
    expect_route("hash:/$$a, hash:/b, regexp:/c, "
                 "pipemap:{regexp:" DIRECTORY "/keys.1,hash:/$$a}, "
                 "pipemap:{regexp:" DIRECTORY "/keys.2,hash:/$$a}, "
                 "pipemap:{regexp:" DIRECTORY "/keys.3,hash:/b}, " EVERYBODY);
    expect_file("keys.1", "/^full((\\+)[^@]*)@a\\.example$/ full@a.example\n/^\"<>\"$/ <>\n");
    expect_file("keys.2", "/@a\\.example$/ @a.example\n");
    expect_file("keys.3", "/@b\\.example$/ @b.example\n");
}

static void delimiters(void **state)
{
    (void)state;
    tables[0].name = "hash:/a";
    tables[0].content = "a.b$@x own:\n";
    render_well("recipient_delimiter = +-\n" TRANSPORT_SETTING " = hash:/a\n", "");
    expect_file("keys.1", "/^a\\.b\\$((\\+|-)[^@]*)@x$/ a.b$$@x\n");
    render_well("recipient_delimiter = \n" TRANSPORT_SETTING " = hash:/a\n", "");
    assert_null(contents_text(&r.contents, "keys.1"));
    expect_route("hash:/a, " EVERYBODY);
}

/* Their mail goes by main.cf; DUNNO, their word for that it does anyway, is no such mail, whatever
 * stands for the domain. */
static void relays_of_the_owners(void **state)
{
    (void)state;
    tables[0].name = "hash:/r";
    tables[0].content = "bob@a.example [own]\nfrank@a.example DUNNO\n@a.example [own]\n";
    render_well("sender_dependent_relayhost_maps = hash:/r\n", "");
    expect_route("pipemap:{hash:/r,regexp:" DIRECTORY "/theirs}, "
                 "pipemap:{regexp:" DIRECTORY "/keys.1,hash:/r,regexp:" DIRECTORY "/theirs}, "
                 "pipemap:{regexp:" DIRECTORY "/keys.2,hash:/r,regexp:" DIRECTORY
                 "/theirs}, " EVERYBODY);
    expect_file("theirs", "!/^DUNNO$/ DUNNO\n");
    expect_file("keys.2", "/^frank((\\+)[^@]*)?@a\\.example$/ frank@a.example\n"
                          "/@a\\.example$/ @a.example\n");
}

static void tables_that_cannot_be_merged(void **state)
{
    struct view *view = view_of("", "", "");

    (void)state;
    tables[0].name = "hash:/good";
    tables[0].content = "a@b c\n@b c\n<> c\n";
    tables[1].name = "hash:/bare";
    tables[1].content = "root c\n";
    assert_null(transport_cannot_merge(view, "hash:/good", read_fake));
    assert_null(transport_cannot_merge(view, "regexp:/x", read_fake));
    assert_null(transport_cannot_merge(view, "proxy:pcre:/x", read_fake));
    assert_non_null(strstr(transport_cannot_merge(view, "mysql:/x", read_fake), "listed"));
    assert_non_null(strstr(transport_cannot_merge(view, "hash:/bare", read_fake), "domain"));
    view_free(view);
}

/* Where the owner has said something else for address verification, it stays. */
static void verification(void **state)
{
    const char *name = "address_verify_sender_dependent_default_transport_maps";
    struct rendering *rendering = &r;

    (void)state;
    render_well("", "");
    assert_non_null(settings_value(&rendering->settings, name));
    render_well("address_verify_sender_dependent_default_transport_maps = hash:/verify\n", "");
    assert_null(settings_value(&rendering->settings, name));
}

/* The map. */

static void expect_map(const struct route *route, const char *text)
{
    struct senders senders = { .route = *route,
                               .proof = route_relay("other", 587),
                               .proof_sender = "double-bounce@[127.0.0.1]" };
    struct view *view = view_of("", "", "");
    struct contents contents;
    char *whole =
        memory_format("double-bounce@[127.0.0.1] detour-other:[relay.example]:587\n%s", text);

    senders_contents(&config, view, &senders, &contents);
    assert_string_equal(contents_text(&contents, "senders"), whole);
    contents_free(&contents);
    free(whole);
    view_free(view);
}

static void whose_mail(void **state)
{
    struct route direct = route_direct(), ses = route_relay("ses", 465);

    (void)state;
    expect_map(&direct, "");
    expect_map(&ses, "* detour-ses_tls:[relay.example]:465\n");
    relays[0].null_sender = false;
    expect_map(&ses, "\"<>\" DUNNO\n<> DUNNO\n* detour-ses_tls:[relay.example]:465\n");
    relays[0].senders = vip;
    relays[0].sender_count = 2;
    expect_map(&ses, "vip@example.com detour-ses_tls:[relay.example]:465\n"
                     "@example.com detour-ses_tls:[relay.example]:465\n");
    relays[0].null_sender = true;
    expect_map(&ses, "vip@example.com detour-ses_tls:[relay.example]:465\n"
                     "@example.com detour-ses_tls:[relay.example]:465\n"
                     "\"<>\" detour-ses_tls:[relay.example]:465\n"
                     "<> detour-ses_tls:[relay.example]:465\n");
}

static void the_type_of_the_map(void **state)
{
    static const struct {
        const char *setting, *type;
    } cases[] = { { EVERYBODY, "hash" },
                  { "hash:/a, lmdb:" SENDERS ", x", "lmdb" },
                  { "pipemap:{static:*,cdb:" SENDERS "}", "cdb" },
                  { "hash:/a", "" } };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *type = senders_type(&config, cases[i].setting);
        assert_string_equal(type, cases[i].type);
        free(type);
    }
}

static int forget(void **state)
{
    (void)state;
    memset(tables, 0, sizeof tables);
    render_free(&r);
    r = (struct rendering){ 0 };
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, forget)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_plain_host),
        TEST(what_the_owner_does_to_mail_is_done_here_too),
        TEST(options_of_the_owners_service),
        TEST(what_cannot_stand_in_master_cf),
        TEST(names),
        TEST(pace),
        TEST(transports_of_the_owners),
        TEST(delimiters),
        TEST(relays_of_the_owners),
        TEST(tables_that_cannot_be_merged),
        TEST(verification),
        TEST(whose_mail),
        TEST(the_type_of_the_map),
    };

    return cmocka_run_group_tests_name("transport", tests, NULL, NULL);
}
