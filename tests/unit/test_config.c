/* SPDX-License-Identifier: BSD-2-Clause */
/* detourd.conf: what it means, and every error at once with its line. */
#include "tests/unit/unit.h"

#include "lib/config_load.h"
#include "lib/memory.h"
#include "lib/relay.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/detourd-conf-XXXXXX";

static int make_file(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    if (fd == -1)
        return -1;
    close(fd);
    return 0;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static struct config *load_bytes(const char *text, size_t len, struct complaints *c)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, len, f), len);
    fclose(f);
    return config_load(path, c);
}

/* TEXT with the catalogues of the source tree. */
static struct config *load(const char *text, struct complaints *c)
{
    char *whole =
        memory_format("catalogue_directory = \"%s/conf\"\n%s", getenv("TOP_SRCDIR"), text);
    struct config *config = load_bytes(whole, strlen(whole), c);

    free(whole);
    return config;
}

static void print_all(struct complaints *c)
{
    const char *line;

    for (size_t i = 0; (line = complaints_line(c, i, NULL)) != NULL; i++)
        print_message("%s\n", line);
}

/* Line numbers as they stand in TEXT, the catalogue line not counted. */
static void expect(const char *text, const char *const expected[])
{
    struct complaints *c = complaints_new();
    struct config *config = load(text, c);

    assert_null(config);
    for (size_t i = 0; expected[i] != NULL; i++) {
        int line = atoi(expected[i]);
        const char *words = strchr(expected[i], ' ') + 1, *got;
        char *start = memory_format("%s:%d: ", path, line + 1);
        bool found = false;
        for (size_t k = 0; (got = complaints_line(c, k, NULL)) != NULL; k++)
            found =
                found || (strncmp(got, start, strlen(start)) == 0 && strstr(got, words) != NULL);
        if (!found) {
            print_all(c);
            fail_msg("no complaint '%s' on line %d", words, line);
        }
        free(start);
    }
    complaints_free(c);
}

#define EXPECT(text, ...) expect(text, (const char *const[]){ __VA_ARGS__, NULL })

static void the_documented_file_is_taken(void **state)
{
    static const char text[] = "mode = switch\n"
                               "user = detourd\n"
                               "state_directory = \"/var/lib/detourd\"\n"
                               "probe {\n"
                               "  targets   = { \"gmail.com\", \"outlook.com\", \"yahoo.com\", "
                               "\"[mx.example.net]:25\" }\n"
                               "  interval  = 300\n  fastinter = 5\n  timeout   = 8\n"
                               "  fall      = 2\n  rise      = 3\n  stay      = 600\n"
                               "  quorum    = 3\n"
                               "}\n"
                               "relay ses {\n"
                               "  provider      = amazon-ses\n"
                               "  region        = eu-west-1\n"
                               "  username      = \"AKIA...\"\n"
                               "  password_file = \"/etc/detourd/ses.password\"\n"
                               "}\n"
                               "relay office {\n"
                               "  host          = \"smtp.example.net\"\n"
                               "  ports         = { 587, 2525 }\n"
                               "  username      = \"user\"\n"
                               "  password_file = \"/etc/detourd/office.password\"\n"
                               "  ca_file       = \"/etc/ssl/certs/ca-certificates.crt\"\n"
                               "}\n"
                               "postfix {\n  config_directory = \"/etc/postfix\"\n"
                               "  method = relayhost\n  tls_level = secure\n}\n"
                               "status { socket = \"/run/detourd/detourd.sock\"  group = adm  "
                               "admin_group = adm }\n"
                               "apply  { socket = \"/run/detour-apply/apply.sock\" }\n";
    struct complaints *c = complaints_new();
    struct config *config = load(text, c);

    (void)state;
    if (config == NULL) {
        print_all(c);
        fail();
    }
    assert_int_equal(config->mode, MODE_SWITCH);
    assert_int_equal(config->probe.target_count, 4);
    assert_false(config->probe.targets[3].use_mx);
    assert_int_equal(config->probe.stay, 600);
    assert_int_equal(config->relay_count, 2);
    assert_string_equal(config->relays[0].host, "email-smtp.eu-west-1.amazonaws.com");
    assert_int_equal(config->relays[0].ports.count, 2); /* those without implicit TLS */
    assert_int_equal(config->relays[0].ports.port[0], 587);
    assert_int_equal(config->relays[1].ports.port[1], 2525);
    assert_int_equal(config->postfix.tls_level, TLS_LEVEL_SECURE);
    assert_string_equal(config->status.admin_group, "adm");
    assert_ptr_equal(config_relay(config, "office"), &config->relays[1]);
    assert_null(config_relay(config, "nobody"));
    config_free(config);
    complaints_free(c);
}

static void defaults_observe(void **state)
{
    struct config *config = config_defaults();

    (void)state;
    assert_non_null(config);
    assert_int_equal(config->mode, MODE_OBSERVE);
    assert_true(config->probe.target_count >= 5);
    assert_int_equal(config->probe.quorum, 3);
    config_free(config);
}

static void all_errors_come_at_once(void **state)
{
    (void)state;
    EXPECT("mode = swich\n"
           "colour = red\n"
           "probe {\n"
           "  interval = soon\n"
           "  timeout = 0\n"
           "  intervall = 3\n"
           "  targets = { \"gmail.com\", \"mx:99999\", \"1.2.3.4\" }\n"
           "}\n"
           "relay Bad_Name {\n"
           "  host = \"[x]\"\n"
           "  ports = { 587, 465, 70000 }\n"
           "}\n"
           "relay two { provider = nobody }\n"
           "nonsense { a = 1 }\n"
           "postfix { tls_level = may method = magic config_directory = etc }\n"
           "status { socket = relative }\n",
           "1 mode = swich; expected one of: observe, fragment, switch", "2 unknown name colour",
           "4 interval = soon; expected a whole number", "5 timeout = 0",
           "6 unknown name intervall in probe", "7 target mx:99999", "7 target 1.2.3.4",
           "9 a relay's name is", "10 host = [x]; expected a host name",
           "11 port 465 begins with TLS", "11 70000 is not a port", "9 needs a username",
           "9 needs a password_file",
           "13 provider = nobody is not in the catalogue; known are: amazon-ses",
           "14 unknown name nonsense", "15 tls_level = may; expected one of: encrypt",
           "15 method = magic", "15 config_directory = etc; expected an absolute path",
           "16 socket = relative");
}

static void what_libconfuse_would_merge_is_an_error(void **state)
{
    (void)state;
    EXPECT("probe { fall = 2 }\nprobe { rise = 3 }\n", "2 section probe stands here a second time");
    EXPECT("mode = observe\nmode = observe\n", "2 mode stands here a second time");
    EXPECT("relay a { host = \"a.example\" username = u password_file = \"/p\" }\n"
           "relay a { host = \"b.example\" username = u password_file = \"/p\" }\n",
           "2 section relay a stands here a second time");
}

static void variables_are_refused(void **state)
{
    (void)state;
    EXPECT("user = \"${HOME}\"\n", "1 $ is not allowed");
    EXPECT("# a $ in a comment is fine\nuser = ${USER}\n", "2 $ is not allowed");
}

static void nul_bytes_are_refused(void **state)
{
    struct complaints *c = complaints_new();

    (void)state;
    assert_null(load_bytes("mode = observe\n\0x = 1\n", 22, c));
    assert_non_null(strstr(complaints_line(c, 0, NULL), ":2: a NUL byte"));
    complaints_free(c);
}

static void quorum_is_held_against_targets(void **state)
{
    (void)state;
    EXPECT("probe {\n targets = { \"a.example\", \"b.example\" }\n quorum = 3\n}\n",
           "3 quorum = 3 with 2 targets");
    EXPECT("probe { targets = { \"a.example\" } }\n", "1 quorum = 2 with 1 targets");
}

static void switch_needs_a_relay(void **state)
{
    (void)state;
    EXPECT("mode = switch\n", "1 mode = switch has nothing to switch to");
}

/* libconfuse has one scanner for the whole process, and where a text ends within a string it stays
 * there: the next one, be it of the same configuration, would begin inside a string. */
static void an_open_string_ends_with_its_file(void **state)
{
    static const char *const broken[] = { "user = \"detourd\nmode = observe\n",
                                          "user = 'detourd\n",
                                          "\"x",
                                          "'x",
                                          "user = \"\\999\"\n",
                                          "user = \"\\400\"\n",
                                          "k{region}\"s\"s\"\n  date = 8907\n}\n" };

    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        struct complaints *c = complaints_new();
        struct config *config = load(broken[i], c);

        if (config != NULL || complaints_errors(c) == 0)
            fail_msg("%s was taken", broken[i]);
        complaints_free(c);
        c = complaints_new();
        config = load("user = mail\nprobe { interval = 60 }\n", c);
        if (config == NULL) {
            print_all(c);
            fail_msg("after %s", broken[i]);
        }
        assert_string_equal(config->user, "mail");
        assert_int_equal(config->probe.interval, 60);
        config_free(config);
        complaints_free(c);
    }
}

static void a_string_that_is_never_closed_is_found(void **state)
{
    (void)state;
    EXPECT("user = detourd\nmode = \"observe\nprobe {\n}\n", "2 this string is never closed");
    EXPECT("user = detourd\n\n\"", "3 this string is never closed");
}

static void a_complaint_is_one_line(void **state)
{
    (void)state;
    EXPECT("user = \"one\ntwo \033[2J\"\n", "1 user = one?two ?[2J; expected the name");
}

static void syntax_errors_have_a_line(void **state)
{
    (void)state;
    EXPECT("mode = observe\nprobe {\n  fall = = 2\n}\n", "3 ");
    EXPECT("mode = observe\nprobe {\n  fall = 2\n", "2 this brace is never closed");
    EXPECT("mode = observe\n}\n", "2 ");
}

static void regions_are_needed_and_checked(void **state)
{
    (void)state;
    EXPECT("relay s { provider = amazon-ses username = u password_file = \"/p\" }\n",
           "1 relay s needs a region");
    EXPECT("relay s {\n provider = amazon-ses\n region = \"x/../y\"\n username = u\n"
           " password_file = \"/p\" }\n",
           "3 region = x/../y; expected a word like");
}

static void force_is_off_unless_it_is_written_out(void **state)
{
    struct complaints *c = complaints_new();
    struct config *config = load("postfix { force = yes }\n", c), *defaults = load("", c);

    (void)state;
    assert_non_null(config);
    assert_true(config->postfix.force);
    assert_non_null(defaults);
    assert_false(defaults->postfix.force);
    config_free(config);
    config_free(defaults);
    complaints_free(c);
    EXPECT("mode = observe\npostfix {\n  force = maybe\n}\n", "3 force = maybe");
}

static void encrypt_is_warned_about(void **state)
{
    struct complaints *c = complaints_new();
    struct config *config = load("postfix { tls_level = encrypt }\n", c);
    bool is_error = true;

    (void)state;
    assert_non_null(config);
    assert_non_null(strstr(complaints_line(c, 0, &is_error), "does not check who the relay is"));
    assert_false(is_error);
    config_free(config);
    complaints_free(c);
}

static void what_others_see_is_read(void **state)
{
    struct complaints *c = complaints_new();
    struct config *config = load("reputation {\n  sender_domain = \"example.com\"\n"
                                 "  dnsbl = { \"zen.spamhaus.org\", \"bl.example\" }\n"
                                 "  dkim_selectors = { \"mail\", \"s1.news\" }\n}\n",
                                 c);

    (void)state;
    assert_non_null(config);
    assert_string_equal(config->reputation.sender_domain, "example.com");
    assert_int_equal(config->reputation.dnsbl_count, 2);
    assert_string_equal(config->reputation.dnsbl[1], "bl.example");
    assert_int_equal(config->reputation.dkim_selector_count, 2);
    assert_string_equal(config->reputation.dkim_selectors[1], "s1.news");
    config_free(config);

    config = load("", c);
    assert_null(config->reputation.sender_domain);
    assert_int_equal(config->reputation.dnsbl_count + config->reputation.dkim_selector_count, 0);
    config_free(config);
    complaints_free(c);

    EXPECT("reputation {\n  sender_domain = localhost\n"
           "  dnsbl = {\n    \"zen.spamhaus.org\",\n    \"https://x.example\",\n    bl\n  }\n"
           "  dkim_selectors = { \"a b\" }\n  selectors = x\n}\n",
           "2 sender_domain = localhost; expected a domain", "5 dnsbl: https://x.example is not",
           "6 dnsbl: bl is not the zone", "8 dkim_selectors: a b is not a selector",
           "9 unknown name selectors in reputation; known here: sender_domain, dnsbl");
    EXPECT("reputation { dnsbl = { a.b, b.b, c.b, d.b, e.b, f.b, g.b, h.b, i.b } }\n",
           "1 dnsbl: at most 8 of them");
}

static void a_missing_file_is_said(void **state)
{
    struct complaints *c = complaints_new();

    (void)state;
    assert_null(config_load("/nonexistent/detourd.conf", c));
    assert_non_null(strstr(complaints_line(c, 0, NULL), "No such file"));
    complaints_free(c);
}

#define TRANSPORT "postfix { method = transport }\n"
#define LOGIN     "username = u password_file = \"/p\" "

/* TEXT without an error, with the warnings in *C where that is not NULL. */
static struct config *load_good(const char *text, struct complaints **c)
{
    struct complaints *complaints = complaints_new();
    struct config *config = load(text, complaints);

    if (config == NULL)
        print_all(complaints);
    assert_non_null(config);
    if (c != NULL)
        *c = complaints;
    else
        complaints_free(complaints);
    return config;
}

/* The one relay with OPTS, by the method transport. */
static struct config *load_relay(const char *opts, struct complaints **c)
{
    char *text = memory_format(TRANSPORT "relay r { " LOGIN "%s }\n", opts);
    struct config *config = load_good(text, c);

    free(text);
    return config;
}

static void a_scope_is_read(void **state)
{
    struct config *config = load_good(
        TRANSPORT
        "relay r {\n host = \"r.example\" " LOGIN "\n"
        " senders = { \"@Example.COM\", # ours\n  \"boss@example.org\" /* his */ }\n"
        " null_sender = relay\n"
        " rewrite = { \"Root@host.local\" = \"Ops@example.com\", // cron\n"
        "   \"daemon\" = \"ops@example.com\",\n   \"@old.example\" = \"@example.com\", }\n"
        " concurrency = 7\n rate = \"20/s\"\n}\n",
        NULL);
    const struct relay *r = &config->relays[0];

    (void)state;
    assert_string_equal(r->senders[0], "@example.com");
    assert_string_equal(r->senders[1], "boss@example.org");
    assert_true(r->null_sender);
    assert_int_equal(r->rewrite_count, 3);
    assert_string_equal(r->rewrites[0].from, "root@host.local");
    assert_string_equal(r->rewrites[0].to, "Ops@example.com");
    assert_string_equal(r->rewrites[1].from, "daemon");
    assert_string_equal(r->rewrites[2].to, "@example.com");
    assert_int_equal(r->concurrency, 7);
    assert_int_equal(r->rate, 72000);
    config_free(config);
}

static void who_is_rewritten_into_the_scope_is_of_it(void **state)
{
    struct complaints *c;
    struct config *config =
        load_relay("host = \"r.example\" senders = { \"@example.com\", \"boss@example.org\" } "
                   "rewrite = { \"root@host.local\" = \"ops@example.com\", "
                   "\"@host.local\" = \"@example.com\", \"cron@b.local\" = \"boss@example.org\", "
                   "\"www@b.local\" = \"www@example.org\", \"daemon\" = \"ops@example.com\" }",
                   &c);
    const struct relay *r = &config->relays[0];

    (void)state;
    assert_int_equal(r->sender_count, 5);
    assert_true(relay_takes(r, "root@host.local", ""));
    assert_true(relay_takes(r, "anybody@host.local", ""));
    assert_true(relay_takes(r, "cron@b.local", ""));
    assert_false(relay_takes(r, "www@b.local", ""));
    assert_int_equal(complaints_count(c), 2);
    assert_non_null(strstr(complaints_line(c, 0, NULL), "\"www@b.local\" = \"www@example.org\""));
    assert_non_null(strstr(complaints_line(c, 1, NULL), "rewrite \"daemon\" does not bring"));
    config_free(config);
    complaints_free(c);
}

static void without_a_scope_rewriting_makes_none(void **state)
{
    struct config *config = load_relay(
        "host = \"r.example\" rewrite = { \"root@host.local\" = \"ops@example.com\" }", NULL);

    (void)state;
    assert_int_equal(config->relays[0].sender_count, 0);
    assert_int_equal(config->relays[0].rewrite_count, 1);
    config_free(config);
}

static void what_is_no_sender_is_said(void **state)
{
    (void)state;
    EXPECT(TRANSPORT
           "relay r { host = \"r.example\" " LOGIN "\n"
           " senders = {\n  \"example.com\",\n  \"boss\",\n  \"@\",\n  \"a@b..c\",\n"
           "  \"<>\",\n  \"\",\n  \"@a.example\",\n  \"@A.example\",\n  \"*@a.example\",\n"
           "  \"@.a.example\",\n  \"a b@c.example\",\n  \"#a@c.example\",\n"
           "  \".a@c.example\",\n  \"a@[192.0.2.1]\",\n  \"@b\303\274cher.example\",\n"
           "  '\"a\"@c.example'\n}\n null_sender = maybe }\n",
           "4 sender \"example.com\": a domain is written with an @ in front",
           "5 sender \"boss\": expected \"user@example.com\"", "6 what follows the @",
           "7 what follows the @", "8 null_sender says", "9 null_sender says",
           "11 it stands in the list twice", "12 a * stands for nothing", "13 each subdomain",
           "14 a local part is", "15 no # in front", "16 a local part is", "17 what follows the @",
           "18 as xn--", "19 nothing in quotes",
           "21 null_sender = maybe; expected one of: direct, relay");
    EXPECT(TRANSPORT "relay r { host = \"r.example\" " LOGIN "\n senders = { } }\n",
           "3 senders: expected 1 to 1000");
}

static void what_is_no_rewriting_is_said(void **state)
{
    (void)state;
    EXPECT(TRANSPORT
           "relay r { host = \"r.example\" " LOGIN "\n"
           " rewrite = {\n  \"a@b.example\" = \"A@B.example\",\n"
           "  \"a@c.example\" = \"b\",\n  \"d@c.example\" = \"@d.example\",\n"
           "  \"@c.example\" = \"d\",\n  \"@e.example\" = \"\",\n  \"<>\" = \"a@b.example\",\n"
           "  \"f\" = \"f@b.example\",\n  \"F\" = \"g@b.example\"\n } }\n",
           "4 it is rewritten to itself", "5 the new address must be whole",
           "6 the new address must be whole", "7 the new address must be \"user@example.com\" or",
           "8 what follows the @", "9 a local part is",
           "11 the old address stands in the list twice");
}

static void a_rewriting_that_is_no_list_of_pairs_hides_no_other_error(void **state)
{
    static const char *const lists[] = {
        "\"a\"",
        "\"a\", \"b@c.example\"",
        "\"a\" = \"b@c.example\", \"d\"",
        "\"a\" =",
        "\"a\" = = \"b\"",
        "\"a\" += \"b\"",
        "\"a\" = \"b\" = \"c\"",
        "= \"b\"",
        "\"a\" = { \"b\" }",
        ", \"a\" = \"b\"",
        "\"a\" = \"b\" \"c\" = \"d\"",
        "root+x@a.example = \"b@c.example\"",
    };

    (void)state;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        char *text = memory_format(TRANSPORT "relay r { host = \"r.example\" " LOGIN "\n"
                                             " rewrite = {\n %s }\n rate = fast }\n",
                                   lists[i]);
        EXPECT(text, "4 rewrite: these are no pairs", "5 rate = fast; expected a number");
        free(text);
    }
    EXPECT(TRANSPORT "relay r { host = \"r.example\" " LOGIN "\n rewrite = a }\n",
           "3 rewrite: expected up to 1000 pairs");
}

static void what_relayhost_cannot_keep_names_the_other_method(void **state)
{
    struct config *config =
        load_good("relay r { host = \"r.example\" " LOGIN "null_sender = relay }\n", NULL);

    (void)state;
    assert_true(config->relays[0].null_sender);
    config_free(config);
    EXPECT(
        "relay r { host = \"r.example\" " LOGIN "\n senders = { \"@a.example\" }\n"
        " rewrite = { \"a@b\" = \"c@d\" }\n null_sender = direct\n ports = {\n 587,\n 2465 }\n}\n"
        "postfix { method = relayhost }\n",
        "2 senders cannot be kept by method = relayhost, which takes all mail as it is; write "
        "method = transport",
        "3 rewrite cannot be kept", "4 null_sender cannot be kept", "7 port 2465 begins with TLS");
}

static void transport_takes_ports_that_begin_with_tls(void **state)
{
    struct config *config =
        load_good(TRANSPORT "relay a { host = \"r.example\" " LOGIN "ports = { 2465, 587, 465 } }\n"
                            "relay b { provider = amazon-ses region = eu-west-1 " LOGIN "}\n",
                  NULL);
    const struct ports *a = &config->relays[0].ports, *b = &config->relays[1].ports;

    (void)state;
    assert_int_equal(a->count, 3);
    assert_int_equal(a->port[0], 2465);
    assert_int_equal(a->port[2], 465);
    assert_int_equal(b->count, 4);
    assert_int_equal(b->port[0], 587);
    assert_int_equal(b->port[2], 465);
    config_free(config);
    EXPECT(TRANSPORT "relay r { host = \"r.example\" " LOGIN "\n ports = { 587,\n 587 } }\n",
           "4 port 587 stands in the list twice");
}

static bool null_sender_with(const char *opts, size_t warnings)
{
    struct complaints *c;
    struct config *config = load_relay(opts, &c);
    bool takes = config->relays[0].null_sender;

    assert_int_equal(complaints_count(c), warnings);
    config_free(config);
    complaints_free(c);
    return takes;
}

static void the_null_sender_goes_where_it_is_taken(void **state)
{
    struct complaints *c;
    struct config *config;

    (void)state;
    assert_true(null_sender_with("host = \"r.example\"", 0));
    assert_false(null_sender_with("host = \"r.example\" null_sender = direct", 0));
    assert_false(null_sender_with("host = \"r.example\" senders = { \"@a.example\" }", 0));
    assert_true(null_sender_with(
        "host = \"r.example\" senders = { \"@a.example\" } null_sender = relay", 0));
    assert_false(null_sender_with("provider = amazon-ses region = eu-west-1", 0));
    assert_false(null_sender_with("host = \"email-smtp.eu-west-1.AMAZONAWS.com\"", 0));
    assert_true(
        null_sender_with("provider = amazon-ses region = eu-west-1 null_sender = relay", 1));

    config = load_good("relay r {\n provider = amazon-ses region = eu-west-1 " LOGIN "}\n", &c);
    assert_true(config->relays[0].null_sender);
    assert_non_null(
        strstr(complaints_line(c, 0, NULL), ":3: warning: relay r: Amazon SES refuses"));
    config_free(config);
    complaints_free(c);
}

static int rate_of(const char *opts)
{
    struct config *config = load_relay(opts, NULL);
    int rate = config->relays[0].rate;

    config_free(config);
    return rate;
}

static void the_pace_is_read_or_known(void **state)
{
    struct config *config = load_relay("provider = microsoft365", NULL);

    (void)state;
    assert_int_equal(config->relays[0].concurrency, 3);
    assert_int_equal(config->relays[0].rate, 1800);
    config_free(config);
    assert_int_equal(rate_of("host = \"r.example\""), 0);
    assert_int_equal(rate_of("host = \"smtp.office365.com\""), 1800);
    assert_int_equal(rate_of("provider = microsoft365 rate = \"100/min\""), 6000);
    assert_int_equal(rate_of("host = \"r.example\" rate = \"5000/h\""), 5000);
    assert_int_equal(rate_of("host = \"r.example\" rate = \"1000/s\""), 3600000);
    EXPECT("relay r {\n host = \"r.example\" " LOGIN "\n rate = \"1001/s\"\n concurrency = 0 }\n",
           "3 rate = 1001/s; expected",
           "4 concurrency = 0; expected a whole number from 1 to 1000");
    EXPECT("relay r {\n host = \"r.example\" " LOGIN "\n rate = \"20\" }\n", "3 rate = 20;");
    EXPECT("relay r {\n host = \"r.example\" " LOGIN "\n rate = \"-1/s\" }\n", "3 rate = -1/s;");
    EXPECT("relay r {\n host = \"r.example\" " LOGIN "\n rate = \"0/s\" }\n", "3 rate = 0/s;");
    EXPECT("relay r {\n host = \"r.example\" " LOGIN "\n rate = \"99999999999999999999/h\" }\n",
           "3 rate = 9999");
}

static void a_mode_that_acts_needs_a_relay(void **state)
{
    struct config *config =
        load_good("mode = fragment\nrelay r { host = \"r.example\" " LOGIN "}\n", NULL);

    (void)state;
    assert_int_equal(config->mode, MODE_FRAGMENT);
    config_free(config);
    EXPECT("mode = fragment\n", "1 mode = fragment has nothing to switch to");
}

static void comments_may_stand_anywhere(void **state)
{
    struct config *config = load_good("probe { targets = { # one\n \"a.example\", /* = { \"x\" */\n"
                                      " // two }\n \"b.example\" } fall = /* few */ 4 }\n",
                                      NULL);

    (void)state;
    assert_int_equal(config->probe.target_count, 2);
    assert_int_equal(config->probe.fall, 4);
    config_free(config);
    EXPECT("mode = observe\n/* and so on\nrelay r {\n", "2 this comment is never closed");
    EXPECT("probe { # one\n # two\n targets = {\n \"a.example\",\n # x\n \"b:0\" } }\n",
           "6 target b:0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_documented_file_is_taken),
        cmocka_unit_test(defaults_observe),
        cmocka_unit_test(all_errors_come_at_once),
        cmocka_unit_test(what_libconfuse_would_merge_is_an_error),
        cmocka_unit_test(variables_are_refused),
        cmocka_unit_test(nul_bytes_are_refused),
        cmocka_unit_test(quorum_is_held_against_targets),
        cmocka_unit_test(switch_needs_a_relay),
        cmocka_unit_test(an_open_string_ends_with_its_file),
        cmocka_unit_test(a_string_that_is_never_closed_is_found),
        cmocka_unit_test(a_complaint_is_one_line),
        cmocka_unit_test(syntax_errors_have_a_line),
        cmocka_unit_test(regions_are_needed_and_checked),
        cmocka_unit_test(force_is_off_unless_it_is_written_out),
        cmocka_unit_test(encrypt_is_warned_about),
        cmocka_unit_test(what_others_see_is_read),
        cmocka_unit_test(a_missing_file_is_said),
        cmocka_unit_test(a_scope_is_read),
        cmocka_unit_test(who_is_rewritten_into_the_scope_is_of_it),
        cmocka_unit_test(without_a_scope_rewriting_makes_none),
        cmocka_unit_test(what_is_no_sender_is_said),
        cmocka_unit_test(what_is_no_rewriting_is_said),
        cmocka_unit_test(a_rewriting_that_is_no_list_of_pairs_hides_no_other_error),
        cmocka_unit_test(what_relayhost_cannot_keep_names_the_other_method),
        cmocka_unit_test(transport_takes_ports_that_begin_with_tls),
        cmocka_unit_test(the_null_sender_goes_where_it_is_taken),
        cmocka_unit_test(the_pace_is_read_or_known),
        cmocka_unit_test(a_mode_that_acts_needs_a_relay),
        cmocka_unit_test(comments_may_stand_anywhere),
    };
    return cmocka_run_group_tests_name("config", tests, make_file, remove_file);
}
