/* SPDX-License-Identifier: BSD-2-Clause */
/* Which connections hang in a block, and the end of one: by proc(5) and by the kernel's own list.
 */
#include "tests/unit/unit.h"

#include "lib/clock.h"
#include "postfix/running/connections.h"
#include "postfix/running/sock_diag.h"
#include "tests/unit/fake_net.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 20000

static bool has_network;

static void the_rule(void **state)
{
    static const struct {
        uint8_t state, timer, retransmits;
        bool stuck;
    } cases[] = {
        { TCP_SYN_SENT, 1, 1, true },     { TCP_SYN_SENT, 1, 6, true },
        { TCP_SYN_SENT, 1, 0, false },    { TCP_SYN_SENT, 2, 1, false },
        { TCP_SYN_SENT, 0, 1, false },    { TCP_ESTABLISHED, 1, 1, false },
        { TCP_ESTABLISHED, 0, 0, false }, { TCP_SYN_RECV, 1, 1, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct connection c = { .state = cases[i].state,
                                .timer = cases[i].timer,
                                .retransmits = cases[i].retransmits };
        assert_int_equal(connection_is_stuck(&c), cases[i].stuck);
    }
}

static void lines_of_proc(void **state)
{
    static const char v4[] = "   3: 0A0000C6:B0C4 016512C6:0019 02 00000001:00000000 01:00000129 "
                             "00000003   101        0 123456789 2 0000000000000000 800 0 0 1 7";
    static const char v6[] =
        "   0: B80D01200001000000000000100000000:C000 000080FE00000000000000000100000000:0019 01 "
        "00000000:00000000 00:00000000 00000000     0        0 77 1 0 20 4 30 10 -1";
    struct connection c;
    char text[ADDRESS_TEXT];

    (void)state;
    assert_true(connection_parse(v4, &c));
    address_text(&c.peer, text);
    assert_true(connection_is_stuck(&c));
    assert_int_equal(c.inode, 123456789);
    assert_int_equal(c.retransmits, 3);
    /* The words are in this machine's byte order. */
    if (htonl(1) != 1)
        assert_string_equal(text, "198.18.101.1");
    assert_false(connection_parse(v6, &c)); /* an address of 33 digits */
    assert_false(connection_parse("  sl  local_address rem_address   st tx_queue", &c));
    assert_false(connection_parse("", &c));
    /* Another port, another state, a word cut short. */
    assert_false(connection_parse("3: 0A0000C6:B0C4 016512C6:001A 02 0:0 01:1 3 101 0 5", &c));
    assert_false(connection_parse("3: 0A0000C6:B0C4 016512C6:0019 06 0:0 01:1 3 101 0 5", &c));
    assert_false(connection_parse("3: 0A0000C6:B0C4 016512:0019 02 0:0 01:1 3 101 0 5", &c));
    assert_false(connection_parse("3: 0A0000C6:B0C4 016512C6:0019 02 0:0 01:1 3 101", &c));
}

static void found_by_inode(void **state)
{
    struct connections list = { 0 };

    (void)state;
    for (uint64_t i = 1; i <= 1000; i++)
        connections_add(&list, &(struct connection){ .inode = i * 7919 % 1009 });
    connections_add(&list, &(struct connection){ .inode = 0 });
    connections_sort(&list);
    assert_non_null(connections_find(&list, 7919 % 1009));
    assert_int_equal(connections_find(&list, 3 * 7919 % 1009)->inode, 3 * 7919 % 1009);
    assert_null(connections_find(&list, 0));
    assert_null(connections_find(&list, 5000));
    connections_free(&list);
    assert_null(connections_find(&list, 1));
}

/* A connection that is not waited for; whether it is up already. */
static int begin_connect(const char *peer, uint16_t port)
{
    struct address a = fake_net_address(peer, port);
    int fd = socket(a.u.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    assert_int_not_equal(fd, -1);
    if (connect(fd, &a.u.sa, a.len) == -1)
        assert_int_equal(errno, EINPROGRESS);
    return fd;
}

static int error_of(int fd)
{
    int error = 0;
    socklen_t len = sizeof error;

    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len), 0);
    return error;
}

static uint64_t inode_of(int fd)
{
    struct stat st;

    assert_int_equal(fstat(fd, &st), 0);
    return st.st_ino;
}

/* FD's entry, as soon as it is stuck. */
static struct connection wait_stuck(struct sock_diag *diag, int fd)
{
    struct connection result = { 0 };
    int64_t deadline = clock_mono_ms() + PATIENCE_MS;
    struct why why;

    while (result.inode == 0) {
        struct connections list = { 0 };
        assert_true(clock_mono_ms() < deadline);
        assert_int_equal(sock_diag_list(diag, &list, &why), 0);
        connections_sort(&list);
        const struct connection *c = connections_find(&list, inode_of(fd));
        assert_non_null(c);
        if (connection_is_stuck(c))
            result = *c;
        connections_free(&list);
        poll(NULL, 0, 20);
    }
    return result;
}

static void silence(const char *peers_port)
{
    assert_true(fake_net_filter("add table inet t; add chain inet t c { type filter hook input "
                                "priority 0; }; flush chain inet t c"));
    if (peers_port != NULL)
        assert_true(fake_net_filter(peers_port));
}

static bool may_work(void)
{
    return has_network && fake_net_filter("list ruleset");
}

static void the_stuck_is_ended(void **state)
{
    static const char *const peers[] = { "198.18.2.1", "2001:db8:2::1" };
    struct why why;

    (void)state;
    if (!may_work())
        skip();
    struct sock_diag *diag = sock_diag_open(&why);
    assert_non_null(diag);
    for (size_t i = 0; i < 2; i++) {
        int fd = begin_connect(peers[i], SMTP_PORT), other = begin_connect(peers[i], 26);
        struct connection c = wait_stuck(diag, fd);
        char text[ADDRESS_TEXT];
        address_text(&c.peer, text);
        assert_string_equal(text, peers[i]);
        assert_int_equal(sock_diag_end_stuck(diag, &c, &why), 1);
        assert_int_equal(error_of(fd), ECONNABORTED);
        assert_int_equal(error_of(other), 0);
        assert_int_equal(sock_diag_end_stuck(diag, &c, &why), 0); /* gone */
        close(fd);
        close(other);
    }
    sock_diag_close(diag);
}

/* The list is old when it is used: an answer may have come since. */
static void what_was_answered_since_is_not_ended(void **state)
{
    struct why why;
    char byte = 'x';

    (void)state;
    if (!may_work())
        skip();
    fake_net_to_internet();
    struct address here = fake_net_address("198.18.1.1", SMTP_PORT);
    int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server, &here.u.sa, here.len), 0);
    assert_int_equal(listen(server, 1), 0);
    fake_net_to_host();
    struct sock_diag *diag = sock_diag_open(&why);
    silence("add rule inet t c tcp dport 25 drop");
    int fd = begin_connect("198.18.1.1", SMTP_PORT);
    struct connection c = wait_stuck(diag, fd);
    silence(NULL);
    struct pollfd up = { .fd = fd, .events = POLLOUT };
    assert_int_equal(poll(&up, 1, PATIENCE_MS), 1);
    assert_int_equal(sock_diag_end_stuck(diag, &c, &why), 0);
    assert_int_equal(error_of(fd), 0);
    assert_int_equal(write(fd, &byte, 1), 1);
    close(fd);
    close(server);
    sock_diag_close(diag);
}

static void give_up_net_admin(void)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[2];

    if (syscall(SYS_capget, &header, data) == -1)
        _exit(10);
    data[0].effective &= ~(1u << CAP_NET_ADMIN);
    data[0].permitted &= ~(1u << CAP_NET_ADMIN);
    if (syscall(SYS_capset, &header, data) == -1)
        _exit(11);
}

static void without_the_capability(void **state)
{
    struct why why;
    int status;

    (void)state;
    if (!may_work())
        skip();
    int fd = begin_connect("198.18.2.2", SMTP_PORT);
    pid_t child = fork();
    if (child == 0) {
        give_up_net_admin();
        struct sock_diag *diag = sock_diag_open(&why);
        struct connection c = wait_stuck(diag, fd);
        int rc = sock_diag_end_stuck(diag, &c, &why);
        _exit(rc == -1 && errno == EPERM && strstr(why.text, "not permitted") != NULL ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(error_of(fd), 0);
    close(fd);
}

/* Both lists say the same. */
static void proc_agrees(void **state)
{
    struct connections list = { 0 };
    struct why why;

    (void)state;
    if (!may_work())
        skip();
    struct sock_diag *diag = sock_diag_open(&why);
    int fds[] = { begin_connect("198.18.2.3", SMTP_PORT),
                  begin_connect("2001:db8:2::3", SMTP_PORT) };
    for (size_t i = 0; i < 2; i++)
        wait_stuck(diag, fds[i]);
    /* Its own /proc/net is of the namespace in which the thread is. */
    connections_from_proc(&list);
    connections_sort(&list);
    for (size_t i = 0; i < 2; i++) {
        struct connection c = wait_stuck(diag, fds[i]);
        const struct connection *same = connections_find(&list, c.inode);
        assert_non_null(same);
        assert_true(address_equal(&same->peer, &c.peer));
        assert_true(connection_is_stuck(same));
        close(fds[i]);
    }
    connections_free(&list);
    sock_diag_close(diag);
}

static int set_up(void **state)
{
    (void)state;
    has_network = fake_net_enter();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rule),
        cmocka_unit_test(lines_of_proc),
        cmocka_unit_test(found_by_inode),
        cmocka_unit_test(the_stuck_is_ended),
        cmocka_unit_test(what_was_answered_since_is_not_ended),
        cmocka_unit_test(without_the_capability),
        cmocka_unit_test(proc_agrees),
    };
    return cmocka_run_group_tests_name("connections", tests, set_up, NULL);
}
