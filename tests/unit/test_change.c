/* SPDX-License-Identifier: BSD-2-Clause */
/* One change of the route: detour-apply is asked once, whatever the relays report meanwhile. */
#include "tests/unit/unit.h"

#include "daemon/act/change.h"
#include "lib/config.h"
#include "tests/unit/loop.h"
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define REQUESTS_MAX 4

/* detour-apply, as far as a change sees it: it takes a line and answers that all is well. */
struct fake_apply {
    struct evconnlistener *listener;
    char directory[40], path[60];
    struct bufferevent *streams[REQUESTS_MAX];
    int requests;
};

struct ending {
    bool came;
    bool ok;
    struct route route;
};

static void on_request(struct bufferevent *stream, void *context)
{
    static const char answer[] = "{\"result\":\"ok\",\"route\":{\"name\":\"direct\",\"port\":0}}\n";

    (void)context;
    bufferevent_write(stream, answer, sizeof answer - 1);
}

static void on_connection(struct evconnlistener *listener, evutil_socket_t fd,
                          struct sockaddr *from, int len, void *context)
{
    struct fake_apply *f = context;

    (void)from;
    (void)len;
    assert_true(f->requests < REQUESTS_MAX);
    f->streams[f->requests] =
        bufferevent_socket_new(evconnlistener_get_base(listener), fd, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_setcb(f->streams[f->requests], on_request, NULL, NULL, f);
    bufferevent_enable(f->streams[f->requests++], EV_READ);
}

static void fake_apply_open(struct fake_apply *f, struct event_base *base)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    *f = (struct fake_apply){ .directory = "/tmp/detourd-change-XXXXXX" };
    assert_non_null(mkdtemp(f->directory));
    snprintf(f->path, sizeof f->path, "%s/apply.sock", f->directory);
    memcpy(address.sun_path, f->path, strlen(f->path) + 1);
    f->listener = evconnlistener_new_bind(base, on_connection, f, LEV_OPT_CLOSE_ON_FREE, 8,
                                          (struct sockaddr *)&address, (int)sizeof address);
    assert_non_null(f->listener);
}

static void fake_apply_close(struct fake_apply *f)
{
    for (int i = 0; i < f->requests; i++)
        bufferevent_free(f->streams[i]);
    evconnlistener_free(f->listener);
    unlink(f->path);
    rmdir(f->directory);
}

static void ended(const struct change_result *result, void *context)
{
    struct ending *e = context;

    assert_false(e->came);
    e->came = true;
    e->ok = result->ok;
    e->route = result->route;
}

static void no_proofs(void *context)
{
    (void)context;
}

/* Lets WISH be granted, with proofs reported before its beginning. */
static struct ending change_with_early_proofs(struct change_wish wish, int *requests)
{
    struct event_base *base = loop_new();
    const struct config config = { .relay_count = 0 };
    const struct identity identity = { .families = { true, true } };
    struct ending ending = { .came = false };
    struct fake_apply apply;
    char why[200];
    struct relays *relays = relays_new(base, NULL, &config, (gid_t)-1, why, sizeof why);

    fake_apply_open(&apply, base);
    struct change_means means = { .base = base,
                                  .relays = relays,
                                  .socket = apply.path,
                                  .identity = &identity,
                                  .proofs_changed = no_proofs,
                                  .context = &ending };
    struct change *change = change_start(&means, &wish, ended);
    change_proofs_changed(change);
    change_proofs_changed(change);
    assert_false(ending.came);
    loop_until(base, &ending.came);
    *requests = apply.requests;
    fake_apply_close(&apply);
    relays_free(relays);
    loop_free(base);
    return ending;
}

static void proofs_before_the_beginning_ask_nothing(void **state)
{
    int requests;
    struct ending ending =
        change_with_early_proofs((struct change_wish){ .direct = true }, &requests);

    (void)state;
    assert_true(ending.ok);
    assert_true(route_is_direct(&ending.route));
    assert_int_equal(requests, 1);
}

static void without_a_relay_nothing_is_asked(void **state)
{
    int requests;
    struct ending ending = change_with_early_proofs((struct change_wish){ .relay = "" }, &requests);

    (void)state;
    assert_false(ending.ok);
    assert_int_equal(requests, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(proofs_before_the_beginning_ask_nothing),
        cmocka_unit_test(without_a_relay_nothing_is_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
