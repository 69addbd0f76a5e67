/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/home.h"

#include "lib/memory.h"
#include "lib/trust.h"
#include "postfix/command.h"
#include "postfix/files.h"
#include "postfix/record.h"
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

char *home_path(const struct config *config, const char *name)
{
    return memory_format("%s/%s", config->postfix.config_directory, name);
}

static int check_file(const struct config *config, const char *name, struct why *why)
{
    char *path = home_path(config, name);
    struct stat st;
    int rc = 0;

    if (stat(path, &st) == -1)
        rc = why_errno(why, "Postfix is not configured: %s", path);
    else if (!S_ISREG(st.st_mode))
        rc = why_set(why, "Postfix is not configured: %s is not a regular file", path);
    free(path);
    return rc;
}

int home_check(const struct config *config, struct why *why)
{
    if (!command_exists("postconf"))
        return why_set(why, "Postfix is not installed: no postconf in %s", COMMAND_PATH);
    if (config->postfix.config_directory[0] != '/')
        return why_set(why, "config_directory %s is not an absolute path",
                       config->postfix.config_directory);
    if (check_file(config, "main.cf", why) == -1 || check_file(config, "master.cf", why) == -1)
        return -1;
    return trust_check(config->postfix.config_directory, why->text, sizeof why->text);
}

static int make(const struct config *config, const char *name, mode_t mode, struct why *why)
{
    char *path = home_path(config, name);
    int rc = directory_make(path, mode, why);

    free(path);
    return rc;
}

int home_prepare(const struct config *config, struct why *why)
{
    if (make(config, OUR_DIRECTORY, 0755, why) == -1)
        return -1;
    return make(config, PRIVATE, 0700, why);
}

bool home_is_unfinished(const struct config *config)
{
    char *path = home_path(config, UNFINISHED);
    bool found = access(path, F_OK) == 0;

    free(path);
    return found;
}

/* What was written for the route that main.cf speaks of. A main.cf without a word of a route is
 * what a run that was cut off may have found or left; otherwise somebody took our words out. */
static struct main_cf *find_record(const struct config *config, const struct main_cf *cf)
{
    bool any;
    unsigned long generation = mark_generation(cf, &any);

    if (generation != 0)
        return record_read(config, RECORD, generation);
    return any || !home_is_unfinished(config) ? record_latest(config, RECORD) : NULL;
}

int main_cf_now_read(const struct config *config, struct main_cf_now *now, struct why *why)
{
    char *path = home_path(config, "main.cf");

    *now = (struct main_cf_now){ 0 };
    now->bytes = file_read(path, MAIN_CF_MAX, &now->len, why);
    if (now->bytes != NULL) {
        now->cf = main_cf_parse(now->bytes, now->len);
        if (now->cf == NULL) {
            why_set(why, "%s holds a NUL byte", path);
        } else {
            struct main_cf *record = find_record(config, now->cf);
            now->mark = mark_read(now->cf, record);
            main_cf_free(record);
        }
    }
    free(path);
    return now->mark == NULL ? -1 : 0;
}

void main_cf_now_free(struct main_cf_now *now)
{
    free(now->bytes);
    main_cf_free(now->cf);
    mark_free(now->mark);
    *now = (struct main_cf_now){ 0 };
}
