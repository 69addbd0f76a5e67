/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/host/stage.h"

#include "lib/memory.h"
#include "postfix/base/command.h"
#include "postfix/base/files.h"
#include "postfix/cf/main_cf.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define TEMPLATE "/tmp/detour-apply.XXXXXX"

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

static int write_file(const struct stage *stage, const char *name, const char *bytes, size_t len,
                      struct why *why)
{
    char *path = memory_format("%s/%s", stage->path, name);
    int rc = file_create(path, 0644, bytes, len, why);

    free(path);
    return rc;
}

static int write_master_cf(const struct config *config, const struct stage *stage,
                           const struct stage_texts *texts, struct why *why)
{
    if (texts->master_cf != NULL)
        return write_file(stage, "master.cf", texts->master_cf, texts->master_cf_len, why);
    char *from = memory_format("%s/master.cf", config->postfix.config_directory);
    size_t len;
    char *bytes = file_read(from, MAIN_CF_MAX, &len, why);
    int rc = bytes == NULL ? -1 : write_file(stage, "master.cf", bytes, len, why);

    free(bytes);
    free(from);
    return rc;
}

static int write_main_cf(const struct stage *stage, const struct stage_texts *texts,
                         struct why *why)
{
    char *path = memory_format("%s/main.cf", stage->path);
    struct timespec times[2];
    int rc = write_file(stage, "main.cf", texts->main_cf, texts->main_cf_len, why);

    clock_gettime(CLOCK_REALTIME, &times[0]);
    times[1] = times[0];
    times[1].tv_sec -= MTIME_BACK_S;
    if (rc == 0 && utimensat(AT_FDCWD, path, times, 0) == -1)
        rc = why_errno(why, "cannot set the time of %s", path);
    free(path);
    return rc;
}

struct stage *stage_new(const struct config *config, const char *workspace, const char *name,
                        const struct stage_texts *texts, struct why *why)
{
    struct stage *stage = memory_zero(1, sizeof *stage);

    if (make_directory(stage, workspace, name, why) == 0 &&
        write_master_cf(config, stage, texts, why) == 0 && write_main_cf(stage, texts, why) == 0)
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

struct view *view_staged(const struct config *config, const char *workspace,
                         const struct stage_texts *texts, struct why *why)
{
    const char *home = config->postfix.config_directory;
    struct stage *stage = stage_new(config, workspace, "owner", texts, why);
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

int stage_adds(const struct config *config, const char *before, const char *after,
               const struct stage_ours *ours, struct reading *expected, struct why *why)
{
    const char *home = config->postfix.config_directory;
    struct reading old;
    int rc = -1;

    *expected = (struct reading){ 0 };
    if (reading_take(before, home, &old, why) == 0 &&
        reading_take(after, home, expected, why) == 0 &&
        reading_same_without(&old, expected, ours->settings, why) == 0 &&
        reading_same_services(&old, expected, ours->services, why) == 0 &&
        reading_has(expected, ours->settings, why) == 0 &&
        reading_has_services(expected, ours->services, why) == 0)
        rc = reading_no_new_warning(&old, expected, why);
    reading_free(&old);
    return rc;
}

int stage_removes(const struct config *config, const char *before, const char *after,
                  const struct stage_ours *ours, struct reading *expected, struct why *why)
{
    const char *home = config->postfix.config_directory;
    struct reading old;
    int rc = -1;

    *expected = (struct reading){ 0 };
    if (reading_take(before, home, &old, why) == 0 &&
        reading_take(after, home, expected, why) == 0 &&
        reading_same_without(&old, expected, ours->settings, why) == 0)
        rc = reading_same_services(&old, expected, ours->services, why);
    reading_free(&old);
    return rc;
}
