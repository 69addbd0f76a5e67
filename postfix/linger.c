/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/linger.h"

#include "lib/clock.h"
#include "lib/log.h"
#include "postfix/activate.h"
#include "postfix/home.h"
#include "postfix/view.h"
#include <poll.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define LIMIT_MS       300000
#define LOOK_EVERY_MS  500
#define FLUSH_EVERY_MS 10000

#define SYN_SENT 2 /* TCP_SYN_SENT of the kernel's include/net/tcp_states.h */
#define SMTP     25

static unsigned count_in(const char *path, uid_t owner)
{
    char line[512];
    unsigned port, state, uid, count = 0;
    FILE *table = fopen(path, "re");

    /* sl, local, remote, st, tx_queue:rx_queue, tr:tm->when, retrnsmt, uid (proc(5)) */
    while (table != NULL && fgets(line, sizeof line, table) != NULL)
        if (sscanf(line, " %*u: %*[0-9A-Fa-f]:%*x %*[0-9A-Fa-f]:%x %x %*x:%*x %*x:%*x %*x %u",
                   &port, &state, &uid) == 3 &&
            port == SMTP && state == SYN_SENT && uid == owner)
            count++;
    if (table != NULL)
        fclose(table);
    return count;
}

/* False where there is no such user. */
static bool find_owner(const struct config *config, uid_t *owner)
{
    static const char *const names[] = { "mail_owner", NULL };
    struct why ignored;
    struct parameters *p = view_some(config->postfix.config_directory, true, names, &ignored);
    const char *name = p == NULL ? NULL : parameters_value(p, names[0]);
    const struct passwd *entry = name == NULL ? NULL : getpwnam(name);

    if (entry != NULL)
        *owner = entry->pw_uid;
    parameters_free(p);
    return entry != NULL;
}

static unsigned count_of(uid_t owner)
{
    return count_in("/proc/net/tcp", owner) + count_in("/proc/net/tcp6", owner);
}

unsigned linger_count(const struct config *config)
{
    uid_t owner;

    return find_owner(config, &owner) ? count_of(owner) : 0;
}

static bool still_in_force(const struct config *config, const struct route *route)
{
    struct main_cf_now now;
    struct why ignored;
    bool same =
        main_cf_now_read(config, &now, &ignored) == 0 && route_equal(&now.mark->route, route);

    main_cf_now_free(&now);
    return same;
}

static void flush(const struct config *config)
{
    struct why why;

    if (activate_flush(config, &why) == -1)
        log_warning("%s", why.text);
}

void linger(const struct config *config, const struct route *route)
{
    int64_t start = clock_mono_ms(), flushed = start;
    uid_t owner;
    bool fell = false;

    if (!find_owner(config, &owner))
        return;
    unsigned last = count_of(owner);

    /* None at one look may be a process on its way to the next address; none at two is the end. */
    for (unsigned zeros = last == 0 ? 2 : 0; zeros < 2;) {
        poll(NULL, 0, LOOK_EVERY_MS);
        int64_t now = clock_mono_ms();
        unsigned count = count_of(owner);
        if (now - start > LIMIT_MS || !still_in_force(config, route))
            return;
        fell = fell || count < last;
        zeros = count == 0 ? zeros + 1 : 0;
        last = count;
        if (zeros == 2 || (fell && now - flushed >= FLUSH_EVERY_MS)) {
            flush(config);
            flushed = now;
            fell = false;
        }
    }
}
