/* SPDX-License-Identifier: BSD-2-Clause */
/* detourd.conf: what it means, and every error at once with its line. */
#include "tests/unit/unit.h"

#include "lib/config.h"
#include "lib/memory.h"
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

static void a_missing_file_is_said(void **state)
{
    struct complaints *c = complaints_new();

    (void)state;
    assert_null(config_load("/nonexistent/detourd.conf", c));
    assert_non_null(strstr(complaints_line(c, 0, NULL), "No such file"));
    complaints_free(c);
}

static void both_catalogues_are_read(void **state)
{
    struct complaints *c = complaints_new();
    char *directory = memory_format("%s/conf", getenv("TOP_SRCDIR"));
    struct catalogue *catalogue = catalogue_load(directory, c);

    (void)state;
    print_all(c);
    assert_non_null(catalogue);
    assert_non_null(catalogue_relay(catalogue, "sendgrid"));
    assert_string_equal(catalogue_relay(catalogue, "sendgrid")->username, "apikey");
    assert_string_equal(catalogue_provider_at(catalogue, 1)->name, "hetzner");
    assert_true(ports_contain(&catalogue_provider_at(catalogue, 1)->closed, 465));
    catalogue_free(catalogue);
    complaints_free(c);
    free(directory);
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
        cmocka_unit_test(syntax_errors_have_a_line),
        cmocka_unit_test(regions_are_needed_and_checked),
        cmocka_unit_test(force_is_off_unless_it_is_written_out),
        cmocka_unit_test(encrypt_is_warned_about),
        cmocka_unit_test(a_missing_file_is_said),
        cmocka_unit_test(both_catalogues_are_read),
    };
    return cmocka_run_group_tests_name("config", tests, make_file, remove_file);
}
