/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/fragment/live.h"

#include "lib/clock.h"
#include "lib/memory.h"
#include "postfix/base/command.h"
#include "postfix/base/paths.h"
#include "postfix/method/senders.h"
#include "postfix/running/activate.h"
#include "postfix/running/processes.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* proc(5) counts the start of a process in steps of 10 ms, cut off. */
#define START_STEP_MS 10

/* Every run of blanks as one space, in place. */
static void squeeze(char *text)
{
    char *to = text;

    for (const char *p = text; *p != '\0'; p++) {
        bool blank = *p == ' ' || *p == '\t';
        if (!blank || to == text || to[-1] != ' ')
            *to++ = blank ? ' ' : *p;
    }
    *to = '\0';
}

static char *read_services(const struct config *config, struct why *why)
{
    const char *const argv[] = { "postconf", "-c", config->postfix.config_directory, "-M", NULL };
    struct command_result result = { 0 };
    char *text = NULL;

    if (command_ok(argv, COMMAND_TIMEOUT_MS, &result, why) == 0) {
        text = memory_copy(result.out);
        squeeze(text);
    }
    command_result_free(&result);
    return text;
}

int live_read(const struct config *config, struct live *out, struct why *why)
{
    const char *home = config->postfix.config_directory;

    out->services = NULL;
    if (reading_take(home, home, &out->main_cf, why) == -1)
        return -1;
    out->services = read_services(config, why);
    return out->services == NULL ? -1 : 0;
}

char *live_one_line(const char *entry)
{
    char *line = memory_copy(entry);
    size_t len = strlen(line);

    while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == ' '))
        line[--len] = '\0';
    for (char *p = line; *p != '\0'; p++)
        if (*p == '\n')
            *p = ' ';
    squeeze(line);
    return line;
}

void live_free(struct live *live)
{
    reading_free(&live->main_cf);
    free(live->services);
    *live = (struct live){ 0 };
}

/* Of "detour-ses/unix". */
static char *service_entry(const char *services, const char *name)
{
    char *begin = memory_format("%s ", name), *slash = strrchr(begin, '/'), *entry = NULL;

    if (slash != NULL)
        *slash = ' ';
    for (const char *line = services; line != NULL && *line != '\0';) {
        size_t n = strcspn(line, "\n");
        if (strncmp(line, begin, strlen(begin)) == 0)
            entry = memory_format("%.*s", (int)n, line);
        if (entry != NULL)
            break;
        line += n + (line[n] == '\n');
    }
    free(begin);
    return entry;
}

char *live_value(const struct live *live, const struct fragment_item *item)
{
    if (item->is_service)
        return service_entry(live->services, item->name);
    const char *value = parameters_value(live->main_cf.set, item->name);
    return value == NULL ? NULL : memory_copy(value);
}

/* When the file became what it is, as clock_mono_ms() counts. Not the time of its content, which a
 * copy may bring along. */
static int changed_at(const struct config *config, const char *name, int64_t *at, struct why *why)
{
    char *path = home_path(config, name);
    struct timespec now;
    struct stat st;
    int rc = 0;

    if (stat(path, &st) == -1 || clock_gettime(CLOCK_REALTIME, &now) == -1)
        rc = why_errno(why, "%s", path);
    else
        *at = clock_mono_ms() - ((now.tv_sec - st.st_ctim.tv_sec) * INT64_C(1000) +
                                 (now.tv_nsec - st.st_ctim.tv_nsec) / 1000000);
    free(path);
    return rc;
}

int live_changed_at(const struct config *config, int64_t *at, struct why *why)
{
    int64_t master_cf;

    if (changed_at(config, "main.cf", at, why) == -1 ||
        changed_at(config, "master.cf", &master_cf, why) == -1)
        return -1;
    *at = *at > master_cf ? *at : master_cf;
    return 0;
}

/* A reload ends with a new qmgr(8) (settle.h). */
static int qmgr_is_newer(const struct config *config, int64_t than, struct why *why)
{
    struct processes all = { 0 };
    pid_t master = processes_master(config, why);
    int rc = master == 0 || processes_of(master, &all, why) == -1 ? -1 : 0;

    for (size_t i = 0; rc == 0 && i < all.count; i++)
        if (all.item[i].program == PROGRAM_QMGR && all.item[i].started + START_STEP_MS >= than)
            rc = 1;
    processes_free(&all);
    return rc;
}

int live_is_taken_up(const struct config *config, struct why *why)
{
    int64_t at;
    int running = activate_running(config, why);

    if (running != 1)
        return running == 0 ? 1 : -1;
    if (live_changed_at(config, &at, why) == -1)
        return -1;
    return qmgr_is_newer(config, at, why);
}

bool fragment_installs(const struct fragment *f)
{
    return !route_is_direct(&f->route) && strcmp(f->method, method_name(METHOD_TRANSPORT)) == 0;
}

bool fragment_awaits_map(const struct shelf *shelf, const struct fragment *f)
{
    return fragment_installs(f) && shelf->applied < f->generation;
}

/* Of one that is applied. */
static struct route route_in_force(const struct config *config, const struct fragment *f)
{
    struct senders senders;
    struct why ignored;

    if (!fragment_installs(f))
        return f->route;
    return senders_now(config, &senders, &ignored) == 0 ? senders.route : route_direct();
}

struct route fragment_route(const struct config *config, const struct shelf *shelf,
                            const struct fragment *f)
{
    return fragment_awaits_map(shelf, f) ? f->route : route_in_force(config, f);
}

const char *standing_name(enum standing_state state)
{
    static const char *const names[] = { [STANDING_NONE] = "none",
                                         [STANDING_WAITING] = "waiting",
                                         [STANDING_PARTLY] = "partly applied",
                                         [STANDING_UNLOADED] = "not reloaded",
                                         [STANDING_APPLIED] = "applied" };

    return names[state];
}

static bool item_is_applied(const struct live *live, const struct fragment_item *item)
{
    char *value = live_value(live, item);
    bool applied = fragment_item_is_applied(item, value);

    free(value);
    return applied;
}

/* Whether the item tells anything: not where it asks for what was there before. */
static bool item_changes(const struct fragment_item *item)
{
    if (item->restores)
        return fragment_item_is_stale(item, item->before);
    return item->before == NULL || strcmp(item->before, item->value) != 0;
}

static void look_at_current(const struct fragment *f, const struct live *live, struct standing *out)
{
    size_t done = 0;

    for (size_t i = 0; i < f->count; i++) {
        if (!item_is_applied(live, &f->item[i]))
            findings_add(&out->missing, "%s", f->item[i].name);
        else
            done += item_changes(&f->item[i]);
    }
    out->state = out->missing.count == 0 ? STANDING_APPLIED
                 : done == 0             ? STANDING_WAITING
                                         : STANDING_PARTLY;
}

static bool is_applied(const struct fragment *f, const struct live *live, bool only_leading)
{
    size_t asked = 0;

    for (size_t i = 0; i < f->count; i++) {
        if (only_leading && !f->item[i].leads)
            continue;
        asked++;
        if (!item_is_applied(live, &f->item[i]))
            return false;
    }
    return asked > 0;
}

/* While the current fragment is not in force, one before it may be; and where that is being taken
 * out, it is as long as it gets the mail. */
static int route_before(const struct config *config, const struct shelf *shelf,
                        const struct live *live, struct route *out, struct why *why)
{
    for (size_t n = shelf->count - 1; n-- > 0;) {
        const struct fragment *f = shelf->kept[n];
        if (!is_applied(f, live, false))
            continue;
        int taken_up = f->generation > shelf->applied ? live_is_taken_up(config, why) : 1;
        if (taken_up == 1)
            *out = route_in_force(config, f);
        if (taken_up != 0)
            return taken_up == 1 ? 0 : -1;
    }
    for (size_t n = shelf->count - 1; n-- > 0;) {
        const struct fragment *f = shelf->kept[n];
        if (f->generation > shelf->applied || route_is_direct(&f->route) ||
            !is_applied(f, live, true))
            continue;
        *out = route_in_force(config, f);
        return 0;
    }
    return 0;
}

int standing_find(const struct config *config, const struct shelf *shelf, const struct live *live,
                  struct standing *out, struct why *why)
{
    const struct fragment *f = shelf->current;

    *out = (struct standing){ .route = route_direct() };
    if (f == NULL)
        return 0;
    look_at_current(f, live, out);
    /* What was in force once stays so, also when main.cf is changed elsewhere without a reload. */
    if (out->state == STANDING_APPLIED && shelf->applied != f->generation) {
        int taken_up = live_is_taken_up(config, why);
        if (taken_up == -1)
            return -1;
        out->state = taken_up == 1 ? STANDING_APPLIED : STANDING_UNLOADED;
    }
    if (out->state != STANDING_APPLIED)
        return route_before(config, shelf, live, &out->route, why);
    out->route = route_in_force(config, f);
    return 0;
}

void standing_free(struct standing *standing)
{
    findings_free(&standing->missing);
}
