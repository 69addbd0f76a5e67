/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/fake_net.h"

#include "lib/memory.h"
#include "tests/unit/unit.h"
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int host = -1, internet = -1;

static const char make_host[] = "set -e\n"
                                "ip link set lo up\n"
                                "ip link add outer type veth peer name inner netns /proc/%d/fd/%d\n"
                                "ip addr add 10.99.0.1/30 dev outer\n"
                                "ip addr add fd99::1/64 dev outer nodad\n"
                                "ip addr add 198.18.100.1/32 dev lo\n"
                                "ip addr add 2001:db8:100::1/128 dev lo nodad\n"
                                "ip link set outer up\n"
                                "ip route add default via 10.99.0.2\n"
                                "ip -6 route add default via fd99::2\n"
                                "ip route add prohibit 198.18.6.0/24\n"
                                "ip -6 route add prohibit 2001:db8:6::/48\n"
                                "ip route add unreachable 198.18.7.0/24\n"
                                "ip -6 route add unreachable 2001:db8:7::/48\n";

static const char make_internet[] = "set -e\n"
                                    "ip link set lo up\n"
                                    "ip addr add 10.99.0.2/30 dev inner\n"
                                    "ip addr add fd99::2/64 dev inner nodad\n"
                                    "ip addr add 198.18.1.1/32 dev lo\n"
                                    "ip addr add 2001:db8:1::1/128 dev lo nodad\n"
                                    "ip link set inner up\n"
                                    "ip route add 198.18.100.0/24 via 10.99.0.1\n"
                                    "ip -6 route add 2001:db8:100::/48 via fd99::1\n"
                                    "ip route add blackhole 198.18.2.0/24\n"
                                    "ip -6 route add blackhole 2001:db8:2::/48\n"
                                    "ip route add prohibit 198.18.3.0/24\n"
                                    "ip -6 route add prohibit 2001:db8:3::/48\n"
                                    "ip route add unreachable 198.18.4.0/24\n"
                                    "ip -6 route add unreachable 2001:db8:4::/48\n"
                                    "echo 1 > /proc/sys/net/ipv4/ip_forward\n"
                                    "echo 1 > /proc/sys/net/ipv6/conf/all/forwarding\n"
                                    /* Each of many tests in a row has to get its ICMP message. */
                                    "echo 0 > /proc/sys/net/ipv4/icmp_ratelimit\n"
                                    "echo 0 > /proc/sys/net/ipv6/icmp/ratelimit\n";

static bool write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool ok = fd != -1 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

    if (fd != -1)
        close(fd);
    return ok;
}

/* Whoever is not root becomes it in a user namespace, where the system lets them. */
static bool become_able(void)
{
    unsigned uid = getuid(), gid = getgid();
    char uid_map[32], gid_map[32];

    if (geteuid() == 0)
        return true;
    snprintf(uid_map, sizeof uid_map, "0 %u 1", uid);
    snprintf(gid_map, sizeof gid_map, "0 %u 1", gid);
    return unshare(CLONE_NEWUSER) == 0 && write_text("/proc/self/setgroups", "deny") &&
           write_text("/proc/self/uid_map", uid_map) && write_text("/proc/self/gid_map", gid_map);
}

static int new_namespace(void)
{
    if (unshare(CLONE_NEWNET) == -1)
        return -1;
    return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

bool fake_net_enter(void)
{
    char command[sizeof make_host + 64];

    if (system("command -v ip >/dev/null") != 0 || !become_able())
        return false;
    internet = new_namespace();
    host = internet != -1 ? new_namespace() : -1;
    if (host == -1)
        return false;
    /* Whoever may do this can do the rest as well: from here on a failure is one. */
    snprintf(command, sizeof command, make_host, getpid(), internet);
    assert_int_equal(system(command), 0);
    fake_net_to_internet();
    assert_int_equal(system(make_internet), 0);
    fake_net_to_host();
    return true;
}

void fake_net_to_host(void)
{
    assert_int_equal(setns(host, CLONE_NEWNET), 0);
}

void fake_net_to_internet(void)
{
    assert_int_equal(setns(internet, CLONE_NEWNET), 0);
}

bool fake_net_filter(const char *rules)
{
    char *command = memory_format("nft '%s'", rules);

    fake_net_to_internet();
    bool ok = system(command) == 0;
    fake_net_to_host();
    free(command);
    return ok;
}

struct address fake_net_address(const char *text, uint16_t port)
{
    struct address a;

    assert_true(address_parse(text, port, &a));
    return a;
}
