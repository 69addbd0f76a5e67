/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/fragment/shelf.h"

#include "lib/memory.h"
#include "postfix/base/directory.h"
#include "postfix/base/files.h"
#include "postfix/base/numbers.h"
#include "postfix/base/paths.h"
#include "postfix/base/sha256.h"
#include "postfix/base/text.h"
#include "postfix/fragment/formats.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CURRENT      FRAGMENTS "/current"
#define APPLIED      FRAGMENTS "/applied"
#define MANIFEST     "manifest.json"
#define CHECKSUMS    "SHA256SUMS"
#define MANIFEST_MAX ((size_t)4 * 1024 * 1024)

/* Where configuration management never applies anything, the oldest go. */
#define KEPT_MAX 16

char *shelf_path(const struct config *config, unsigned long generation)
{
    return memory_format("%s/" FRAGMENTS "/%lu", config->postfix.config_directory, generation);
}

/* 0 where there is no such link. */
static unsigned long current_number(const struct config *config)
{
    char *path = home_path(config, CURRENT), name[32];
    ssize_t n = readlink(path, name, sizeof name - 1);

    free(path);
    name[n > 0 ? n : 0] = '\0';
    return number_of(name);
}

static unsigned long applied_number(const struct config *config)
{
    char *path = home_path(config, APPLIED);
    struct why ignored;
    size_t len;
    char *text = file_read(path, 64, &len, &ignored);
    unsigned long number = 0;

    if (text != NULL) {
        text[strcspn(text, "\n")] = '\0';
        number = number_of(text);
    }
    free(text);
    free(path);
    return number;
}

static struct fragment *read_one(const struct config *config, unsigned long number, struct why *why)
{
    char *path =
        memory_format("%s/" FRAGMENTS "/%lu/" MANIFEST, config->postfix.config_directory, number);
    size_t len;
    char *text = file_read(path, MANIFEST_MAX, &len, why);
    struct why wrong;
    struct fragment *f = text == NULL ? NULL : fragment_parse(text, len, &wrong);

    if (text != NULL && (f == NULL || f->generation != number)) {
        why_set(why,
                "%s is not what detour-apply has written; remove %s/" CURRENT
                " and ask for the route again",
                path, config->postfix.config_directory);
        fragment_free(f);
        f = NULL;
    }
    free(text);
    free(path);
    return f;
}

static int by_number(const void *a, const void *b)
{
    unsigned long x = *(const unsigned long *)a, y = *(const unsigned long *)b;

    return x < y ? -1 : x > y;
}

/* All numbers that are there, in order; the caller frees them. */
static int list_numbers(const struct config *config, unsigned long **out, size_t *count,
                        struct why *why)
{
    char *path = home_path(config, FRAGMENTS);
    DIR *dir = opendir(path);
    int rc = dir == NULL && errno != ENOENT ? why_errno(why, "%s", path) : 0;

    *out = NULL;
    *count = 0;
    for (struct dirent *entry;
         dir != NULL && rc == 0 && (entry = directory_next(dir, path, &rc, why)) != NULL;) {
        unsigned long number = number_of(entry->d_name);
        if (number == 0)
            continue;
        *out = memory_grow(*out, *count + 1, sizeof **out);
        (*out)[(*count)++] = number;
    }
    if (dir != NULL)
        closedir(dir);
    if (*count > 1)
        qsort(*out, *count, sizeof **out, by_number);
    free(path);
    return rc;
}

int shelf_read(const struct config *config, struct shelf *out, struct why *why)
{
    unsigned long current = current_number(config), *numbers;
    size_t count;
    int rc = list_numbers(config, &numbers, &count, why);

    *out = (struct shelf){ .applied = applied_number(config) };
    for (size_t i = 0; rc == 0 && i < count; i++) {
        out->highest = numbers[i];
        if (numbers[i] > current)
            continue;
        struct fragment *f = read_one(config, numbers[i], why);
        if (f == NULL) {
            rc = -1;
            break;
        }
        out->kept = memory_grow(out->kept, out->count + 1, sizeof *out->kept);
        out->kept[out->count++] = f;
        if (numbers[i] == current)
            out->current = f;
    }
    free(numbers);
    if (rc == 0 && current != 0 && out->current == NULL)
        rc = why_set(why, "%s/" CURRENT " leads nowhere; remove it and ask for the route again",
                     config->postfix.config_directory);
    return rc;
}

void shelf_free(struct shelf *shelf)
{
    for (size_t i = 0; i < shelf->count; i++)
        fragment_free(shelf->kept[i]);
    free(shelf->kept);
    *shelf = (struct shelf){ 0 };
}

static void add_sum(FILE *sums, json_t *files, const char *name, const char *text)
{
    char sum[SHA256_TEXT];

    sha256(text, strlen(text), sum);
    fprintf(sums, "%s  %s\n", sum, name);
    if (files != NULL)
        json_object_set_new(files, name, json_string(sum));
}

void shelf_contents(const struct fragment *f, struct contents *out)
{
    json_t *manifest = fragment_json(f), *files = json_object();
    struct text sums;

    *out = (struct contents){ 0 };
    text_open(&sums);
    for (int i = 0; i < FORMATS; i++) {
        enum fragment_format format = (enum fragment_format)i;
        if (format == FORMAT_MASTER_CF && !fragment_has_services(f))
            continue;
        char *text = format_text(f, format);
        contents_add_file(out, format_file(format), text);
        add_sum(sums.out, files, format_file(format), text);
        free(text);
    }
    json_object_set_new(manifest, "files", files);
    char *text = json_dumps(manifest, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    contents_add_file(out, MANIFEST, text);
    add_sum(sums.out, NULL, MANIFEST, text);
    text_close(&sums);
    contents_add_file(out, CHECKSUMS, sums.bytes);
    free(sums.bytes);
    free(text);
    json_decref(manifest);
}

/* Replaced by rename(2), so that there is always one. */
static int set_current(const struct config *config, unsigned long generation, struct why *why)
{
    char *path = home_path(config, CURRENT), *next = home_path(config, CURRENT ".new");
    char *directory = home_path(config, FRAGMENTS), target[32];
    int rc = 0;

    snprintf(target, sizeof target, "%lu", generation);
    if (unlink(next) == -1 && errno != ENOENT)
        rc = why_errno(why, "cannot remove %s", next);
    else if (symlink(target, next) == -1)
        rc = why_errno(why, "cannot create %s", next);
    else if (rename(next, path) == -1)
        rc = why_errno(why, "cannot rename %s", next);
    if (rc == 0)
        rc = directory_sync(directory, why);
    free(path);
    free(next);
    free(directory);
    return rc;
}

int shelf_put(const struct config *config, const struct fragment *f, struct why *why)
{
    char *parent = home_path(config, FRAGMENTS), *path = shelf_path(config, f->generation);
    struct contents contents;

    shelf_contents(f, &contents);
    int rc = directory_make(parent, 0700, why);
    if (rc == 0)
        rc = directory_build(config, parent, path, "", &contents, why);
    if (rc == 0)
        rc = set_current(config, f->generation, why);
    contents_free(&contents);
    free(parent);
    free(path);
    return rc;
}

int shelf_set_applied(const struct config *config, unsigned long generation, struct why *why)
{
    char *path = home_path(config, APPLIED), *directory = home_path(config, FRAGMENTS);
    char *text = memory_format("%lu\n", generation);
    int rc = file_replace(path, 0600, text, strlen(text), why);

    if (rc == 0)
        rc = directory_sync(directory, why);
    free(text);
    free(path);
    free(directory);
    return rc;
}

static bool is_wanted(const struct shelf *shelf, unsigned long number)
{
    unsigned long oldest =
        shelf->count > KEPT_MAX ? shelf->kept[shelf->count - KEPT_MAX]->generation : 0;

    if (shelf->current == NULL || number > shelf->current->generation)
        return false;
    return number == shelf->applied || (number > shelf->applied && number >= oldest);
}

/* Out of sight as a whole first: half a fragment is none. */
static int remove_one(const struct config *config, unsigned long number, struct why *why)
{
    char *path = shelf_path(config, number), *away = memory_format("%s.new", path);
    int rc = tree_remove(away, why);

    if (rc == 0 && rename(path, away) == -1)
        rc = why_errno(why, "cannot rename %s", path);
    if (rc == 0)
        rc = tree_remove(away, why);
    free(path);
    free(away);
    return rc;
}

int shelf_clean(const struct config *config, const struct shelf *shelf, struct why *why)
{
    char *directory = home_path(config, FRAGMENTS);
    unsigned long *numbers;
    size_t count;
    int rc = list_numbers(config, &numbers, &count, why);

    if (rc == 0 && count > 0)
        rc = temporaries_remove(directory, why);
    for (size_t i = 0; rc == 0 && i < count; i++)
        if (!is_wanted(shelf, numbers[i]))
            rc = remove_one(config, numbers[i], why);
    free(numbers);
    free(directory);
    return rc;
}
