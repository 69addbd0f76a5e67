/* SPDX-License-Identifier: BSD-2-Clause */
/* Which mail a route leaves out or takes along, from postconf's answers and tables made up here. */
#include "tests/unit/unit.h"

#include "lib/memory.h"
#include "postfix/base/findings.h"
#include "postfix/host/instances.h"
#include "postfix/host/table.h"
#include "postfix/method/consequences.h"
#include <stdlib.h>
#include <string.h>

#define SERVICES                                               \
    "smtp unix - - y - - smtp\n"                               \
    "relay unix - - y - - smtp -o syslog_name=postfix/relay\n" \
    "lmtp unix - - y - - lmtp\n"                               \
    "slow unix - - n - 1 smtp\n"                               \
    "submission inet n - y - - smtpd\n"

/* What the tables are said to hold: "key value" lines, or the word for a kind. */
static struct {
    const char *name, *content;
} tables[8];

static void have_table(const char *name, const char *content)
{
    size_t i = 0;

    while (tables[i].name != NULL)
        i++;
    tables[i].name = name;
    tables[i].content = content;
}

static void add_line(struct table *table, const char *line)
{
    size_t key = table->kind == TABLE_PATTERNS ? 0 : strcspn(line, " ");
    size_t end = strcspn(line, "\n");

    table->entry = memory_grow(table->entry, table->count + 1, sizeof *table->entry);
    table->entry[table->count++] = (struct table_entry){
        .key = memory_format("%.*s", (int)key, line),
        .value = memory_format("%.*s", (int)(end - key - (key > 0)), line + key + (key > 0)),
    };
}

static struct table *read_fake(const char *name, const char *default_type)
{
    struct table *table = memory_zero(1, sizeof *table);

    (void)default_type;
    table->kind = strncmp(name, "static:", 7) == 0   ? TABLE_STATIC
                  : strncmp(name, "regexp:", 7) == 0 ? TABLE_PATTERNS
                                                     : TABLE_CLOSED;
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        if (tables[i].name == NULL || strcmp(tables[i].name, name) != 0)
            continue;
        if (table->kind == TABLE_CLOSED)
            table->kind = TABLE_ENTRIES;
        for (const char *line = tables[i].content; *line != '\0'; line = strchr(line, '\n') + 1)
            add_line(table, line);
    }
    return table;
}

static struct view *view_of(const char *settings, const char *overrides)
{
    struct view_texts texts = { .expanded = memory_copy(settings),
                                .raw = memory_copy(settings),
                                .written = memory_copy(settings),
                                .overrides = memory_copy(overrides),
                                .services = memory_copy(SERVICES) };

    return view_new(&texts);
}

static char *both;

/* The relay of a route by the method transport; NULL: by relayhost. */
static const struct relay *through;

/* All sentences, "-" before those of what does not follow and "+" before the others. */
static const char *sentences_with(const char *settings, const char *overrides,
                                  const struct instances *others)
{
    struct view *view = view_of(settings, overrides);
    struct consequences c;

    if (through == NULL)
        consequences_of_relayhost(view, others, read_fake, &c);
    else
        consequences_of_transport(view, through, others, read_fake, &c);
    free(both);
    both = memory_copy("");
    for (size_t i = 0; i < c.not_following.count + c.following_unexpectedly.count; i++) {
        bool follows = i >= c.not_following.count;
        const char *text = follows ? c.following_unexpectedly.text[i - c.not_following.count]
                                   : c.not_following.text[i];
        char *longer = memory_format("%s%c %s\n", both, follows ? '+' : '-', text);
        free(both);
        both = longer;
    }
    consequences_free(&c);
    view_free(view);
    return both;
}

static const char *sentences(const char *settings)
{
    const struct instances none = { 0 };

    return sentences_with(settings, "", &none);
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in:\n%s", part, text);
}

static void assert_lacks(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        fail_msg("\"%s\" is in:\n%s", part, text);
}

static void a_plain_host_has_the_common_ones_alone(void **state)
{
    const char *text = sentences("mynetworks = 127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128\n"
                                 "virtual_transport = virtual\nlocal_transport = local:$my\n"
                                 "relay_transport = relay\nrelay_domains = \n");

    (void)state;
    assert_has(text, "- mail that programs on this host send by themselves");
    assert_has(text, "+ bounces");
    assert_has(text, "+ mail for hosts of the local network");
    assert_lacks(text, "relay/unix");
    /* slow/unix is nobody's but the owner's. */
    assert_has(text, "- master.cf: the service slow/unix runs smtp(8) too");
    int lines = 0;
    for (const char *p = text; *p != '\0'; p++)
        lines += *p == '\n';
    assert_int_equal(lines, 4);
}

static void entries_are_counted_and_named(void **state)
{
    (void)state;
    have_table("hash:/t", "z.example lmtp:unix:x\nb.example smtp:\na.example :[gw]\n"
                          "c.example slow:[h]:587\nd.example :\ne.example error:no\n");
    have_table("hash:/one", "only.example relay:[h]:25\n");
    have_table("hash:/none", "x.example :\n");
    const char *text = sentences("transport_maps = hash:/t, hash:/one hash:/none,\n"
                                 "default_database_type = hash\n");
    assert_has(text, "- transport_maps: hash:/t has 5 entries (a.example, b.example, c.example, "
                     "...)");
    assert_has(text, "2 of them go to port 25");
    assert_has(text, "hash:/one has 1 entry (only.example)");
    assert_has(text, "1 of them goes to port 25");
    assert_lacks(text, "hash:/none");
    assert_lacks(text, "z.example");
    assert_has(text, "the service relay/unix runs smtp(8) too");
}

static void other_tables_are_named_as_what_they_are(void **state)
{
    (void)state;
    have_table("regexp:/r", "/a/ smtp:\n/b/ smtp:\n");
    const char *text = sentences("transport_maps = regexp:/r, mysql:/m.cf, static:smtp:[x]\n"
                                 "sender_dependent_relayhost_maps = ldap:/l.cf\n");
    assert_has(text, "regexp:/r is a table of patterns (2 of them)");
    assert_has(text, "mysql:/m.cf cannot be looked into from here");
    assert_has(text, "postmap -q DOMAIN mysql:/m.cf");
    assert_has(text, "static:smtp:[x] gives the same answer for all mail");
    assert_has(text, "- sender_dependent_relayhost_maps: ldap:/l.cf");
}

static void relay_domains_follow_unless_their_transport_says_where(void **state)
{
    (void)state;
    assert_has(sentences("relay_domains = x.example\nrelay_transport = relay\n"),
               "+ relay_domains = x.example: mail for these domains follows relayhost");
    const char *text = sentences("relay_domains = x.example\nrelay_transport = relay:[h]\n");
    assert_has(text, "- relay_domains = x.example: mail for these domains goes to relay_transport "
                     "= relay:[h], which goes before relayhost, to port 25");
    assert_lacks(text, "+ relay_domains");
    assert_lacks(sentences("relay_domains = a\nmydestination = a\n"), "relay_domains");
}

static void transports_and_filters_are_named(void **state)
{
    const char *text = sentences("virtual_transport = smtp:[in]:2525\n"
                                 "mailbox_transport = lmtp:unix:x\n"
                                 "content_filter = scan:[127.0.0.1]:10025\n"
                                 "smtp_fallback_relay = [last.example]\n");

    (void)state;
    assert_has(text, "- virtual_transport = smtp:[in]:2525:");
    assert_lacks(text, "mailbox_transport");
    assert_has(text, "- content_filter = scan:[127.0.0.1]:10025");
    assert_has(text, "- smtp_fallback_relay = [last.example]");
}

static void actions_are_found_in_tables(void **state)
{
    (void)state;
    have_table("regexp:/h", "/^Subject: FILTERED/ WARN\n/^X: y/\tfilter smtp:[x]\n");
    have_table("hash:/acc", "a@b REDIRECT c@d\nb@c OK\n");
    const char *text = sentences(
        "header_checks = regexp:/h\nmime_header_checks = regexp:/h\nbody_checks = regexp:/r\n"
        "smtpd_recipient_restrictions = permit_mynetworks, check_sender_access hash:/acc, reject\n"
        "smtpd_sender_restrictions = hash:/acc\n");
    assert_has(text, "- header_checks: regexp:/h has FILTER");
    assert_lacks(text, "mime_header_checks");
    assert_lacks(text, "body_checks");
    assert_has(text, "+ smtpd_recipient_restrictions: hash:/acc has REDIRECT or BCC");
    assert_lacks(text, "smtpd_sender_restrictions");
    have_table("regexp:/w", "/FILTER-me/ REJECT\n/x/ PREPEND FILTERs: no\n");
    assert_lacks(sentences("header_checks = regexp:/w\n"), "has FILTER");
}

static void overrides_show_without_passwords(void **state)
{
    const struct instances none = { 0 };
    const char *text = sentences_with("x = y\n",
                                      "submission/inet/content_filter = scan:[h]\n"
                                      "reinject/inet/content_filter = \n"
                                      "submission/inet/smtpd_tls_security_level = encrypt\n"
                                      "slow/unix/smtp_sasl_password_maps = static:u:hushhush\n"
                                      "slow/unix/smtp_helo_timeout = 3\n"
                                      "smtp/unix/smtp_tls_security_level = none\n",
                                      &none);

    (void)state;
    assert_has(text, "- master.cf: the service submission/inet has -o content_filter=scan:[h],");
    assert_has(text, "slow/unix runs smtp(8) too, with -o smtp_sasl_password_maps=...;");
    assert_has(text,
               "the service smtp/unix has -o smtp_tls_security_level=none, which goes before");
    assert_lacks(text, "hushhush");
    assert_lacks(text, "helo_timeout");
    assert_lacks(text, "reinject");
}

static void who_else_sends_is_named(void **state)
{
    struct instances others = instances_parse("-  -  y  /etc/postfix\nout - y /etc/postfix-out\n",
                                              "/etc/x, /etc/y", "/etc/postfix");
    const char *text = sentences_with("mynetworks = 127.0.0.1 [::1] 10.0.0.0/8 [2001:db8::]/32\n"
                                      "always_bcc = archive@x.example\n",
                                      "", &others);

    (void)state;
    assert_int_equal(others.count, 3);
    assert_has(text, "- the instance out of Postfix (/etc/postfix-out) is not touched");
    assert_has(text, "- the instance of Postfix in /etc/x is not touched");
    assert_has(text, "+ mynetworks: mail that other hosts (10.0.0.0/8 [2001:db8::]/32) send");
    assert_has(text, "+ always_bcc = archive@x.example");
    instances_free(&others);
    others = instances_parse("-  -  y  /etc/postfix\nout - y /etc/postfix-out\n", "",
                             "/etc/postfix-out");
    assert_int_equal(others.count, 1);
    assert_string_equal(others.item[0].directory, "/etc/postfix");
    instances_free(&others);
}

static void verification_counts_where_it_goes_by_the_relay(void **state)
{
    (void)state;
    assert_has(sentences("smtpd_recipient_restrictions = reject_unverified_recipient\n"
                         "address_verify_relayhost = $relayhost\n"),
               "+ smtpd_recipient_restrictions: addresses are verified by way of the relay");
    assert_lacks(sentences("smtpd_recipient_restrictions = reject_unverified_recipient\n"
                           "address_verify_relayhost = \n"),
                 "verified by way");
}

static void the_return_goes_to_the_owners_relayhost(void **state)
{
    struct consequences c;
    struct view *view = view_of("relayhost = [home.example]\n", "");

    (void)state;
    consequences_of_direct(view, &c);
    assert_int_equal(c.not_following.count, 1);
    assert_has(c.not_following.text[0], "relayhost = [home.example]");
    consequences_free(&c);
    view_free(view);
}

/* With the method transport. */

static char some_name[] = "office", some_domain[] = "@example.com";
static char *some_senders[] = { some_domain, some_domain, some_domain, some_domain };

static void the_map_of_senders_leaves_other_classes_alone(void **state)
{
    const struct relay relay = { .name = some_name, .null_sender = true };

    (void)state;
    through = &relay;
    have_table("hash:/t", "a.example smtp:\n");
    have_table("hash:/d", "x@a.example slow:[h]:587\ny@a.example DUNNO\n");
    have_table("hash:/r", "@b.example [home.example]\n@c.example [home.example]:587\n"
                          "@d.example DUNNO\n");
    const char *text = sentences_with(
        "relay_domains = x.example\nrelay_transport = relay\nvirtual_transport = smtp:[in]\n"
        "transport_maps = hash:/t\nsender_dependent_default_transport_maps = hash:/d\n"
        "sender_dependent_relayhost_maps = hash:/r\nsmtp_fallback_relay = [last.example]\n"
        "header_checks = regexp:/h\nmynetworks = 10.0.0.0/8\n",
        "smtp/unix/smtp_tls_security_level = none\n", &(struct instances){ 0 });
    assert_has(text, "- relay_domains = x.example: mail for these domains keeps its way, "
                     "relay_transport = relay, to port 25");
    assert_lacks(text, "+ relay_domains");
    assert_has(text, "- virtual_transport = smtp:[in]: mail for the hosted domains "
                     "(virtual_mailbox_domains) leaves by smtp(8) without asking the map");
    assert_has(text, "- transport_maps: hash:/t has 1 entry (a.example) and it is asked before the "
                     "map of senders");
    /* DUNNO of theirs is an answer, and keeps its sender out. */
    assert_has(text, "hash:/d has 2 entries (x@a.example, y@a.example)");
    assert_has(text, "hash:/r has 2 entries (@b.example, @c.example) and it goes before the map of "
                     "senders, so mail that it matches goes its own way; 1 of them goes to port");
    /* Pinned in the relay's service. */
    assert_lacks(text, "smtp_fallback_relay");
    assert_lacks(text, "smtp/unix");
    assert_lacks(text, "relayhost is");
    assert_has(text, "+ mynetworks");
    assert_has(text, "+ bounces (from the null sender) and forwarded mail");
    assert_has(text, "unless mydestination, relay_domains or transport_maps names");
}

static void what_is_outside_the_scope_stays(void **state)
{
    const struct relay people = { .name = some_name };
    const struct relay some = {
        .name = some_name, .senders = some_senders, .sender_count = 4, .null_sender = true
    };
    const struct relay few = { .name = some_name, .senders = some_senders, .sender_count = 1 };

    (void)state;
    through = &people;
    const char *text = sentences("x = y\n");
    assert_has(text, "- relay office: mail from the null sender");
    assert_has(text, "+ forwarded mail (from senders elsewhere) follows");
    assert_lacks(text, "other envelope senders");
    through = &some;
    text = sentences("x = y\n");
    assert_has(text, "- relay office: mail from other envelope senders than its senders "
                     "(@example.com, @example.com, @example.com, ...) keeps its way");
    assert_has(text, "+ bounces (from the null sender) follow too");
    assert_lacks(text, "mail from the null sender");
    assert_lacks(text, "+ forwarded");
    through = &few;
    text = sentences("x = y\n");
    assert_has(text, "than its senders (@example.com) keeps");
    assert_has(text, "- relay office: mail from the null sender");
    assert_lacks(text, "+ bounces");
}

static void probes_of_verification_stay(void **state)
{
    const struct relay all = { .name = some_name, .null_sender = true };

    (void)state;
    through = &all;
    assert_has(sentences("smtpd_recipient_restrictions = reject_unverified_recipient\n"),
               "- smtpd_recipient");
    assert_lacks(sentences("x = y\n"), "verification");
}

static void the_return_goes_the_owners_way(void **state)
{
    struct consequences c;
    struct view *view = view_of("default_transport = lmtp:[in]\nrelayhost = \n", "");

    (void)state;
    consequences_of_direct(view, &c);
    assert_int_equal(c.not_following.count, 1);
    assert_has(c.not_following.text[0], "default_transport = lmtp:[in]");
    consequences_free(&c);
    view_free(view);
}

static void lists_of_tables_are_taken_apart(void **state)
{
    struct names names =
        tables_split(" hash:/a, inline:{ {k = a, b}, x=y } ,\n\tpipemap:{a:b,c:d} ");

    (void)state;
    assert_int_equal(names.count, 3);
    assert_string_equal(names.name[0], "hash:/a");
    assert_string_equal(names.name[1], "inline:{ {k = a, b}, x=y }");
    assert_string_equal(names.name[2], "pipemap:{a:b,c:d}");
    names_free(&names);
    names = tables_split("hash:/x}");
    assert_int_equal(names.count, 1);
    names_free(&names);
    names = tables_split("a:{b");
    assert_int_equal(names.count, 1);
    names_free(&names);
}

static void many_reasons_end_with_how_many_more(void **state)
{
    struct findings findings = { 0 };
    struct why why;

    (void)state;
    findings_add(&findings, "one");
    findings_join(&findings, &why);
    assert_string_equal(why.text, "one");
    findings_add(&findings, "two");
    findings_join(&findings, &why);
    assert_string_equal(why.text, "one; two");
    for (int i = 0; i < 20; i++)
        findings_add(&findings, "%0*d", 100, i);
    findings_join(&findings, &why);
    assert_has(why.text, "; and ");
    assert_has(why.text, " more; detour-apply plan has all");
    assert_true(strlen(why.text) < WHY_MAX);
    findings_free(&findings);
}

static int forget_tables(void **state)
{
    (void)state;
    memset(tables, 0, sizeof tables);
    free(both);
    both = NULL;
    through = NULL;
    return 0;
}

#define TEST(name) cmocka_unit_test_teardown(name, forget_tables)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_plain_host_has_the_common_ones_alone),
        TEST(entries_are_counted_and_named),
        TEST(other_tables_are_named_as_what_they_are),
        TEST(relay_domains_follow_unless_their_transport_says_where),
        TEST(transports_and_filters_are_named),
        TEST(actions_are_found_in_tables),
        TEST(overrides_show_without_passwords),
        TEST(who_else_sends_is_named),
        TEST(verification_counts_where_it_goes_by_the_relay),
        TEST(the_return_goes_to_the_owners_relayhost),
        TEST(the_map_of_senders_leaves_other_classes_alone),
        TEST(what_is_outside_the_scope_stays),
        TEST(probes_of_verification_stay),
        TEST(the_return_goes_the_owners_way),
        TEST(lists_of_tables_are_taken_apart),
        TEST(many_reasons_end_with_how_many_more),
    };
    return cmocka_run_group_tests_name("consequences", tests, NULL, NULL);
}
