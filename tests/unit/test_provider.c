/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose network a host stands in, by what it says of itself and by its name. */
#include "tests/unit/unit.h"

#include "daemon/decide/provider.h"
#include "daemon/probe/host_facts.h"
#include "lib/memory.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct provider_catalogue *catalogue;
static char root[] = "/tmp/detourd-machine-XXXXXX";

static int load(void **state)
{
    struct complaints *c = complaints_new();
    char *directory = memory_format("%s/conf", getenv("TOP_SRCDIR"));

    (void)state;
    catalogue = provider_catalogue_load(directory, c);
    free(directory);
    complaints_free(c);
    return catalogue != NULL ? 0 : -1;
}

static int unload(void **state)
{
    (void)state;
    provider_catalogue_free(catalogue);
    return 0;
}

static void expect(const struct machine *machine, const char *name, const char *provider,
                   const char *by, const char *evidence)
{
    const char *const names[] = { name };
    struct recognised r;

    assert_true(provider_recognise(catalogue, machine, names, name != NULL, &r));
    assert_string_equal(r.provider->name, provider);
    assert_string_equal(recognition_name(r.by), by);
    assert_string_equal(r.evidence, evidence);
}

static bool is_known(const struct machine *machine, const char *name)
{
    const char *const names[] = { name };
    struct recognised r;

    return provider_recognise(catalogue, machine, names, name != NULL, &r);
}

static void dmi_names_it(void **state)
{
    const struct machine hetzner = { .sys_vendor = "Hetzner", .product_name = "vServer" };
    const struct machine google = { .sys_vendor = "Google",
                                    .product_name = "Google Compute Engine" };
    const struct machine azure = { .sys_vendor = "Microsoft Corporation",
                                   .chassis_asset_tag = "7783-7084-3265-9085-8269-3286-77" };
    const struct machine linode = { .sys_vendor = "Linode" };

    (void)state;
    expect(&hetzner, NULL, "hetzner", "dmi", "sys_vendor Hetzner");
    expect(&google, NULL, "gcp", "dmi", "product_name Google Compute Engine");
    expect(&azure, NULL, "azure", "dmi", "chassis_asset_tag 7783-7084-3265-9085-8269-3286-77");
    expect(&linode, NULL, "akamai", "dmi", "sys_vendor Linode");
}

/* A Hyper-V at home says as much as Azure, but for the tag. */
static void what_others_say_too_names_nobody(void **state)
{
    const struct machine hyper_v = { .sys_vendor = "Microsoft Corporation",
                                     .product_name = "Virtual Machine" };
    const struct machine similar = { .sys_vendor = "Hetzner Online" };
    const struct machine nothing = { .sys_vendor = "" };

    (void)state;
    assert_false(is_known(&hyper_v, NULL));
    assert_false(is_known(&similar, NULL));
    assert_false(is_known(&nothing, NULL));
    assert_false(is_known(NULL, NULL));
}

static void the_surest_way_wins(void **state)
{
    const struct machine both = { .sys_vendor = "Hetzner", .cloud_id = "aws" };
    const struct machine tagged = { .sys_vendor = "Hetzner",
                                    .chassis_asset_tag = "OracleCloud.com" };
    const struct machine cloud = { .sys_vendor = "QEMU", .cloud_id = "vultr" };

    (void)state;
    expect(&both, "x.compute.amazonaws.com", "hetzner", "dmi", "sys_vendor Hetzner");
    expect(&tagged, NULL, "oracle", "dmi", "chassis_asset_tag OracleCloud.com");
    expect(&cloud, "static.1.2.clients.your-server.de", "vultr", "cloud-init", "cloud-id vultr");
}

static void the_name_tells_where_the_machine_does_not(void **state)
{
    const struct machine qemu = { .sys_vendor = "QEMU", .cloud_id = "nocloud" };

    (void)state;
    expect(&qemu, "static.10.2.0.192.clients.your-server.de", "hetzner", "reverse-name",
           "name static.10.2.0.192.clients.your-server.de");
    expect(NULL, "LPoitiers-657-1.W80-11.abo.WANADOO.fr.", "orange", "reverse-name",
           "name LPoitiers-657-1.W80-11.abo.WANADOO.fr.");
    expect(NULL, "proxad.net", "free", "reverse-name", "name proxad.net");
}

static void names_are_compared_by_whole_labels(void **state)
{
    (void)state;
    assert_false(is_known(NULL, "mail.notproxad.net"));
    assert_false(is_known(NULL, "proxad.net.example.com"));
    assert_false(is_known(NULL, "linode.com"));
    assert_false(is_known(NULL, "net"));
    assert_false(is_known(NULL, "."));
    assert_false(is_known(NULL, ""));
}

/* The second address may say more than the first. */
static void every_name_is_looked_at(void **state)
{
    const char *const names[] = { "mail.example.com", "c-192-0-2-1.hsd1.ca.comcast.net" };
    struct recognised r;

    (void)state;
    assert_true(provider_recognise(catalogue, NULL, names, 2, &r));
    assert_string_equal(r.provider->name, "comcast");
    assert_string_equal(r.evidence, "name c-192-0-2-1.hsd1.ca.comcast.net");
}

/* The machine */

static int make_root(void **state)
{
    (void)state;
    return mkdtemp(root) != NULL ? 0 : -1;
}

static int remove_root(void **state)
{
    char *command = memory_format("rm -rf %s", root);
    int rc = system(command);

    (void)state;
    free(command);
    return rc;
}

/* Writes LEN bytes of TEXT below the root, whose directories it makes. */
static void put(const char *name, const char *text, size_t len)
{
    char *path = memory_format("%s%s", root, name);

    for (char *p = path + strlen(root) + 1; (p = strchr(p, '/')) != NULL; p++) {
        *p = '\0';
        mkdir(path, 0755);
        *p = '/';
    }
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, len, f), len);
    fclose(f);
    free(path);
}

static void a_machine_may_say_nothing(void **state)
{
    static const struct machine nothing;
    struct machine m;

    (void)state;
    memset(&m, 'x', sizeof m);
    host_facts_read("/nowhere", &m);
    assert_string_equal(m.sys_vendor, nothing.sys_vendor);
    assert_string_equal(m.cloud_id, "");
}

static void what_it_says_is_made_printable(void **state)
{
    static const char vendor[] = "  Hetzner \t\nmore";
    static const char product[] = "a\033[31m\xc3\xa9\x7f!";
    char board[1000];
    struct machine m;

    (void)state;
    memset(board, 'b', sizeof board);
    put("/sys/class/dmi/id/sys_vendor", vendor, sizeof vendor - 1);
    put("/sys/class/dmi/id/product_name", product, sizeof product - 1);
    put("/sys/class/dmi/id/chassis_asset_tag", " \n", 2);
    put("/sys/class/dmi/id/board_vendor", board, sizeof board);
    put("/run/cloud-init/cloud-id", "hetzner\n", 8);
    host_facts_read(root, &m);
    assert_string_equal(m.sys_vendor, "Hetzner");
    assert_string_equal(m.product_name, "a?[31m??"
                                        "?!");
    assert_string_equal(m.chassis_asset_tag, "");
    assert_int_equal(strlen(m.board_vendor), MACHINE_TEXT - 1);
    assert_string_equal(m.cloud_id, "hetzner");
}

/* Neither waits nor reads on without an end. */
static void what_is_no_file_says_nothing(void **state)
{
    char *path = memory_format("%s/run/cloud-init/cloud-id", root);
    struct machine m;

    (void)state;
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    host_facts_read(root, &m);
    assert_string_equal(m.cloud_id, "");
    unlink(path);
    assert_int_equal(mkdir(path, 0755), 0);
    host_facts_read(root, &m);
    assert_string_equal(m.cloud_id, "");
    free(path);
}

static int set_up(void **state)
{
    return load(state) == 0 ? make_root(state) : -1;
}

static int tear_down(void **state)
{
    unload(state);
    return remove_root(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dmi_names_it),
        cmocka_unit_test(what_others_say_too_names_nobody),
        cmocka_unit_test(the_surest_way_wins),
        cmocka_unit_test(the_name_tells_where_the_machine_does_not),
        cmocka_unit_test(names_are_compared_by_whole_labels),
        cmocka_unit_test(every_name_is_looked_at),
        cmocka_unit_test(a_machine_may_say_nothing),
        cmocka_unit_test(what_it_says_is_made_printable),
        cmocka_unit_test(what_is_no_file_says_nothing),
    };
    return cmocka_run_group_tests_name("provider", tests, set_up, tear_down);
}
