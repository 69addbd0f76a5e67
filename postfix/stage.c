/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/stage.h"

#include "lib/memory.h"
#include "postfix/command.h"
#include "postfix/files.h"
#include "postfix/main_cf.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MASTER_CF_MAX ((size_t)1024 * 1024)
#define TEMPLATE      "/tmp/detour-apply.XXXXXX"

/* Postfix's programs wait for a main.cf to be about two seconds old. */
#define MTIME_BACK_S 5

struct stage {
    char *path;
};

static int make_directory(struct stage *stage, const char *workspace, const char *name,
                          struct why *why)
{
    if (workspace == NULL) {
        stage->path = memory_copy(TEMPLATE);
        if (mkdtemp(stage->path) != NULL)
            return 0;
        free(stage->path);
        stage->path = NULL;
        return why_errno(why, "cannot create a directory %s", TEMPLATE);
    }
    stage->path = memory_format("%s/%s", workspace, name);
    if (directory_make(workspace, 0700, why) == -1 || tree_remove(stage->path, why) == -1)
        return -1;
    return directory_make(stage->path, 0700, why);
}

static int copy_master_cf(const struct config *config, const struct stage *stage, struct why *why)
{
    char *from = memory_format("%s/master.cf", config->postfix.config_directory);
    char *to = memory_format("%s/master.cf", stage->path);
    size_t len;
    char *bytes = file_read(from, MASTER_CF_MAX, &len, why);
    int rc = bytes == NULL ? -1 : file_create(to, 0644, bytes, len, why);

    free(bytes);
    free(from);
    free(to);
    return rc;
}

static int write_main_cf(const struct stage *stage, const char *main_cf, size_t len,
                         struct why *why)
{
    char *path = memory_format("%s/main.cf", stage->path);
    struct timespec times[2];
    int rc = file_create(path, 0644, main_cf, len, why);

    clock_gettime(CLOCK_REALTIME, &times[0]);
    times[1] = times[0];
    times[1].tv_sec -= MTIME_BACK_S;
    if (rc == 0 && utimensat(AT_FDCWD, path, times, 0) == -1)
        rc = why_errno(why, "cannot set the time of %s", path);
    free(path);
    return rc;
}

struct stage *stage_new(const struct config *config, const char *workspace, const char *name,
                        const char *main_cf, size_t len, struct why *why)
{
    struct stage *stage = memory_zero(1, sizeof *stage);

    if (make_directory(stage, workspace, name, why) == 0 &&
        copy_master_cf(config, stage, why) == 0 && write_main_cf(stage, main_cf, len, why) == 0)
        return stage;
    stage_free(stage);
    return NULL;
}

const char *stage_directory(const struct stage *stage)
{
    return stage->path;
}

void stage_free(struct stage *stage)
{
    struct why ignored;

    if (stage == NULL)
        return;
    if (stage->path != NULL)
        tree_remove(stage->path, &ignored);
    free(stage->path);
    free(stage);
}

struct view *view_staged(const struct config *config, const char *workspace, const char *main_cf,
                         size_t len, struct why *why)
{
    const char *home = config->postfix.config_directory;
    struct stage *stage = stage_new(config, workspace, "owner", main_cf, len, why);
    struct view *view = stage == NULL ? NULL : view_read(stage->path, home, why);

    stage_free(stage);
    return view;
}

int stage_check(const struct stage *stage, struct why *why)
{
    const char *const argv[] = { "postfix", "-c", stage->path, "check", NULL };
    struct command_result result = { 0 };
    int rc = command_ok(argv, COMMAND_QUEUE_TIMEOUT_MS, &result, why);

    command_result_free(&result);
    return rc;
}

/* A parameter of the owner's own making that nothing refers to any more is left out by "postconf
 * -n", with a warning that no other program gives. */
static bool unused(const char *warnings, const char *name)
{
    char *words = memory_format(": unused parameter: %s=", name);
    bool found = strstr(warnings, words) != NULL;

    free(words);
    return found;
}

/* Every parameter of A that is no setting of ours must stand in B with the same value. The name of
 * the directory itself may differ: it is what the stage is. */
static int contained(const struct parameters *a, const struct parameters *b, const char *warnings_b,
                     const struct settings *settings, struct why *why)
{
    for (size_t i = 0; i < parameters_count(a); i++) {
        const char *name = parameters_name(a, i), *value = parameters_value(b, name);
        if (settings_value(settings, name) != NULL || strcmp(name, "config_directory") == 0 ||
            (value == NULL && unused(warnings_b, name)))
            continue;
        if (value == NULL || strcmp(value, parameters_nth(a, i)) != 0)
            return why_set(why, "the change would also change %s, which it must not", name);
    }
    return 0;
}

static int settings_there(const struct parameters *after, const struct settings *settings,
                          struct why *why)
{
    for (size_t i = 0; i < settings->count; i++) {
        const char *value = parameters_value(after, settings->item[i].name);
        if (value == NULL || strcmp(value, settings->item[i].value) != 0)
            return why_set(why, "Postfix does not read %s as it was written",
                           settings->item[i].name);
    }
    return 0;
}

static int no_new_warning(const char *before, const char *after, struct why *why)
{
    char *copy = memory_copy(after), *rest = copy;
    int rc = 0;

    for (char *line; rc == 0 && (line = strsep(&rest, "\n")) != NULL;)
        if (*line != '\0' && strstr(before, line) == NULL &&
            strstr(line, ": unused parameter: ") == NULL)
            rc = why_set(why, "Postfix would warn: %s", line);
    free(copy);
    return rc;
}

/* What postconf says of the two. */
struct pair {
    struct parameters *before, *after;
    char *warnings_before, *warnings_after;
};

static int pair_read(const struct config *config, const char *before, const char *after,
                     struct pair *pair, struct why *why)
{
    const char *home = config->postfix.config_directory;

    *pair = (struct pair){ 0 };
    pair->before = view_explicit(before, home, &pair->warnings_before, why);
    if (pair->before != NULL)
        pair->after = view_explicit(after, home, &pair->warnings_after, why);
    return pair->after == NULL ? -1 : 0;
}

static void pair_free(struct pair *pair)
{
    parameters_free(pair->before);
    parameters_free(pair->after);
    free(pair->warnings_before);
    free(pair->warnings_after);
}

static int same_without(const struct pair *pair, const struct settings *settings, struct why *why)
{
    if (contained(pair->before, pair->after, pair->warnings_after, settings, why) == -1)
        return -1;
    return contained(pair->after, pair->before, pair->warnings_before, settings, why);
}

int stage_adds(const struct config *config, const char *before, const char *after,
               const struct settings *settings, struct why *why)
{
    struct pair pair;
    int rc = pair_read(config, before, after, &pair, why);

    if (rc == 0)
        rc = same_without(&pair, settings, why);
    if (rc == 0)
        rc = settings_there(pair.after, settings, why);
    if (rc == 0)
        rc = no_new_warning(pair.warnings_before, pair.warnings_after, why);
    pair_free(&pair);
    return rc;
}

int stage_removes(const struct config *config, const char *before, const char *after,
                  const struct settings *settings, struct why *why)
{
    struct pair pair;
    int rc = pair_read(config, before, after, &pair, why);

    if (rc == 0)
        rc = same_without(&pair, settings, why);
    pair_free(&pair);
    return rc;
}
