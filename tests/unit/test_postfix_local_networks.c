/* SPDX-License-Identifier: BSD-2-Clause */
/* mynetworks, as postconf(5) describes it. */
#include "tests/unit/unit.h"

#include "lib/memory.h"
#include "postfix/running/local_networks.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool matches(const char *mynetworks, const char *text)
{
    struct local_networks *n = local_networks_parse(mynetworks);
    struct address a;

    assert_true(address_parse(text, 25, &a));
    bool found = local_networks_match(n, &a);
    local_networks_free(n);
    return found;
}

static void networks(void **state)
{
    static const struct {
        const char *mynetworks, *address;
        bool match;
    } cases[] = {
        { "127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128", "127.3.2.1", true },
        { "127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128", "::1", true },
        { "127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128", "::2", false },
        { "127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128", "128.0.0.1", false },
        { "[::ffff:127.0.0.0]/104", "127.0.0.1", true },
        { "10.0.0.0/8", "::ffff:10.1.2.3", true },
        { "192.0.2.128/25", "192.0.2.127", false },
        { "192.0.2.128/25", "192.0.2.128", true },
        { "198.51.100.4/31", "198.51.100.5", true },
        { "198.51.100.4/31", "198.51.100.6", false },
        { "198.51.100.4", "198.51.100.4", true },
        { "198.51.100.4", "198.51.100.5", false },
        { "10.0.0.0/8,192.0.2.0/24,\n\t[2001:db8::]/32", "2001:db8:1::1", true },
        { "10.0.0.0/8,192.0.2.0/24", "192.0.2.9", true },
        { "[2001:db8::/33]", "2001:db8:7fff::1", true },
        { "[2001:db8::/33]", "2001:db8:8000::1", false },
        { "2001:db8::1", "2001:db8::1", true },
        { "0.0.0.0/0", "203.0.113.1", true },
        { "0.0.0.0/0", "2001:db8::1", false },
        /* The first pattern that matches counts. */
        { "!10.1.0.0/16 10.0.0.0/8", "10.1.2.3", false },
        { "!10.1.0.0/16 10.0.0.0/8", "10.2.2.3", true },
        { "10.0.0.0/8 !10.1.0.0/16", "10.1.2.3", true },
        /* Tables, names, nonsense: not known, so they match nothing and hide nothing. */
        { "hash:/etc/postfix/networks 10.0.0.0/8", "10.0.0.1", true },
        { "hash:/etc/postfix/networks", "10.0.0.1", false },
        { "/no/such/file cidr:/no/such/file 10.0.0.0/8", "10.0.0.1", true },
        { "!/no/such/file 10.0.0.0/8", "10.0.0.1", true },
        { "10.0.0.0/33 10.0.0.0/ 10.0.0.0/x /8 [] ! , 10.0.0/8", "10.0.0.1", false },
        { "10.0.0.0/8888888888888888888888", "10.0.0.1", false },
        { "", "10.0.0.1", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (matches(cases[i].mynetworks, cases[i].address) != cases[i].match)
            fail_msg("%s, %s", cases[i].mynetworks, cases[i].address);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void files(void **state)
{
    char path[] = "/tmp/networks-XXXXXX";
    int fd = mkstemp(path);

    (void)state;
    assert_int_not_equal(fd, -1);
    close(fd);
    char *plain = memory_format("%s, 203.0.113.0/24", path);
    char *table = memory_format("cidr:%s 203.0.113.0/24", path);
    write_file(path, "# 10.9.0.0/16\n10.1.0.0/16\n!10.2.3.4 10.2.0.0/16, 10.3.0.0/16\r\n");
    assert_true(matches(plain, "10.1.2.3"));
    assert_false(matches(plain, "10.2.3.4"));
    assert_true(matches(plain, "10.2.3.5"));
    assert_true(matches(plain, "10.3.3.5"));
    assert_false(matches(plain, "10.9.0.1"));
    assert_true(matches(plain, "203.0.113.1"));
    write_file(path, "10.1.0.0/16 10.4.0.0\n#10.9.0.0/16 x\n\n[2001:db8::]/32\tOK");
    assert_true(matches(table, "10.1.2.3"));
    assert_false(matches(table, "10.4.0.0"));
    assert_false(matches(table, "10.9.0.1"));
    assert_true(matches(table, "2001:db8::5"));
    assert_true(matches(table, "203.0.113.1"));
    write_file(path, path); /* itself */
    assert_false(matches(plain, "10.1.2.3"));
    unlink(path);
    free(plain);
    free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks),
        cmocka_unit_test(files),
    };
    return cmocka_run_group_tests_name("local_networks", tests, NULL, NULL);
}
