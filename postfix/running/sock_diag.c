/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/running/sock_diag.h"

#include "lib/memory.h"
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

/* The kernel answers within the call; only a kernel that is none would keep us waiting. */
#define PATIENCE_S 2

struct sock_diag {
    struct mnl_socket *socket;
    unsigned sequence;
};

struct request {
    struct nlmsghdr header;
    struct inet_diag_req_v2 body;
    struct nlattr filter;
    struct inet_diag_bc_op code[4];
};

struct sock_diag *sock_diag_open(struct why *why)
{
    struct timeval patience = { .tv_sec = PATIENCE_S };
    struct mnl_socket *socket = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);

    if (socket == NULL) {
        why_errno(why, "sock_diag");
        return NULL;
    }
    if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) == -1 ||
        setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVTIMEO, &patience,
                   sizeof patience) == -1) {
        why_errno(why, "sock_diag");
        mnl_socket_close(socket);
        return NULL;
    }
    struct sock_diag *diag = memory_zero(1, sizeof *diag);
    diag->socket = socket;
    diag->sequence = (unsigned)time(NULL);
    return diag;
}

void sock_diag_close(struct sock_diag *diag)
{
    if (diag == NULL)
        return;
    mnl_socket_close(diag->socket);
    free(diag);
}

static void make_request(struct request *r, uint16_t type, uint16_t flags, int family)
{
    memset(r, 0, sizeof *r);
    r->header.nlmsg_type = type;
    r->header.nlmsg_flags = NLM_F_REQUEST | flags;
    r->header.nlmsg_len = offsetof(struct request, filter);
    r->body.sdiag_family = (uint8_t)family;
    r->body.sdiag_protocol = IPPROTO_TCP;
    r->body.idiag_states = 1u << TCP_SYN_SENT | 1u << TCP_ESTABLISHED;
}

/* "The peer's port is at least 25, and at most 25." Each comparison is followed by its port; on
 * "no" it jumps behind the end, which means: not this one (net/ipv4/inet_diag.c,
 * inet_diag_bc_run). */
static void only_smtp(struct request *r)
{
    const size_t op = sizeof r->code[0];

    r->code[0] = (struct inet_diag_bc_op){ INET_DIAG_BC_D_GE, (unsigned char)(2 * op),
                                           (unsigned short)(4 * op + 4) };
    r->code[1].no = SMTP_PORT;
    r->code[2] = (struct inet_diag_bc_op){ INET_DIAG_BC_D_LE, (unsigned char)(2 * op),
                                           (unsigned short)(2 * op + 4) };
    r->code[3].no = SMTP_PORT;
    r->filter.nla_type = INET_DIAG_REQ_BYTECODE;
    r->filter.nla_len = (uint16_t)(sizeof r->filter + sizeof r->code);
    r->header.nlmsg_len = sizeof *r;
}

/* Sends the request and hands each answer to CALLBACK: 0, or -1 with errno. */
static int ask(struct sock_diag *diag, struct request *r, mnl_cb_t callback, void *context)
{
    _Alignas(struct nlmsghdr) char bytes[32768]; /* the most that the kernel sends at once */
    unsigned port = mnl_socket_get_portid(diag->socket);
    int rc = MNL_CB_OK;

    r->header.nlmsg_seq = ++diag->sequence;
    if (mnl_socket_sendto(diag->socket, r, r->header.nlmsg_len) == -1)
        return -1;
    while (rc > MNL_CB_STOP) {
        ssize_t n = mnl_socket_recvfrom(diag->socket, bytes, sizeof bytes);
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return -1;
        rc = mnl_cb_run(bytes, (size_t)n, diag->sequence, port, callback, context);
    }
    return rc == MNL_CB_ERROR ? -1 : 0;
}

static bool read_message(const struct nlmsghdr *header, struct connection *out)
{
    const struct inet_diag_msg *m = mnl_nlmsg_get_payload(header);

    if (mnl_nlmsg_get_payload_len(header) < sizeof *m || ntohs(m->id.idiag_dport) != SMTP_PORT ||
        (m->idiag_family != AF_INET && m->idiag_family != AF_INET6))
        return false;
    *out = (struct connection){ .inode = m->idiag_inode,
                                .state = m->idiag_state,
                                .timer = m->idiag_timer,
                                .retransmits = m->idiag_retrans,
                                .id = m->id };
    out->peer.u.sa.sa_family = m->idiag_family;
    if (m->idiag_family == AF_INET) {
        out->peer.len = sizeof out->peer.u.in;
        memcpy(&out->peer.u.in.sin_addr, m->id.idiag_dst, sizeof out->peer.u.in.sin_addr);
    } else {
        out->peer.len = sizeof out->peer.u.in6;
        memcpy(&out->peer.u.in6.sin6_addr, m->id.idiag_dst, sizeof out->peer.u.in6.sin6_addr);
    }
    address_set_port(&out->peer, SMTP_PORT);
    return true;
}

static int take(const struct nlmsghdr *header, void *context)
{
    struct connection c;

    if (read_message(header, &c))
        connections_add(context, &c);
    return MNL_CB_OK;
}

int sock_diag_list(struct sock_diag *diag, struct connections *list, struct why *why)
{
    static const int families[] = { AF_INET, AF_INET6 };
    struct request r;

    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        make_request(&r, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, families[i]);
        only_smtp(&r);
        /* Where there is no IPv6, there are no such connections. */
        if (ask(diag, &r, take, list) == -1 && (i == 0 || errno != ENOENT))
            return why_errno(why, "sock_diag");
    }
    return 0;
}

static int take_one(const struct nlmsghdr *header, void *context)
{
    struct connection *c = context;

    if (!read_message(header, c))
        c->state = 0;
    return MNL_CB_OK;
}

/* A connection that has gone is no error: it reads as one that is not stuck. */
static int look_again(struct sock_diag *diag, const struct connection *c, struct connection *now)
{
    struct request r;

    *now = (struct connection){ 0 };
    make_request(&r, SOCK_DIAG_BY_FAMILY, NLM_F_ACK, c->peer.u.sa.sa_family);
    r.body.id = c->id;
    if (ask(diag, &r, take_one, now) == 0)
        return 0;
    return errno == ENOENT || errno == ESTALE ? 0 : -1;
}

int sock_diag_end_stuck(struct sock_diag *diag, const struct connection *c, struct why *why)
{
    struct connection now;
    struct request r;

    if (look_again(diag, c, &now) == -1)
        return why_errno(why, "sock_diag");
    if (!connection_is_stuck(&now) || now.inode != c->inode)
        return 0;
    make_request(&r, SOCK_DESTROY, NLM_F_ACK, c->peer.u.sa.sa_family);
    r.body.id = c->id;
    if (ask(diag, &r, NULL, NULL) == 0)
        return 1;
    return errno == ENOENT || errno == ESTALE ? 0 : why_errno(why, "the kernel refuses");
}
