/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/host/instances.h"

#include "lib/memory.h"
#include "postfix/base/command.h"
#include "postfix/base/json_text.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Where the first instance has its configuration: what Postfix is built with on every
 * distribution. It alone lists the others. */
#define FIRST "/etc/postfix"

static const char separators[] = ", \t\r\n";

/* Also by another name: a symbolic link, a slash at the end. */
static bool is_same(const char *a, const char *b)
{
    struct stat one, other;

    if (strcmp(a, b) == 0)
        return true;
    return stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino;
}

static bool is_known(const struct instances *instances, const char *directory)
{
    for (size_t i = 0; i < instances->count; i++)
        if (is_same(instances->item[i].directory, directory))
            return true;
    return false;
}

static void add(struct instances *instances, const char *name, const char *directory,
                const char *own)
{
    if (directory[0] != '/' || is_same(directory, own) || is_known(instances, directory))
        return;
    instances->item = memory_grow(instances->item, instances->count + 1, sizeof *instances->item);
    instances->item[instances->count++] =
        (struct instance){ .name = memory_copy(strcmp(name, "-") == 0 ? directory : name),
                           .directory = memory_copy(directory) };
}

struct instances instances_parse(const char *listed, const char *alternate, const char *own)
{
    struct instances found = { 0 };
    char *lines = memory_copy(listed), *words = memory_copy(alternate), *rest = lines;
    char name[256], directory[1024];

    /* name, group, enabled, directory */
    for (char *line; (line = strsep(&rest, "\n")) != NULL;)
        if (sscanf(line, "%255s %*s %*s %1023s", name, directory) == 2)
            add(&found, name, directory, own);
    rest = words;
    for (char *word; (word = strsep(&rest, separators)) != NULL;)
        add(&found, "-", word, own);
    free(lines);
    free(words);
    return found;
}

static char *list_instances(void)
{
    const char *const argv[] = { "postmulti", "-l", NULL };
    struct command_result result = { 0 };
    struct why ignored;
    bool listed =
        command_run(argv, COMMAND_TIMEOUT_MS, &result, &ignored) == 0 && result.status == 0;
    char *text = memory_copy(listed ? result.out : "");

    command_result_free(&result);
    return text;
}

/* What the first instance says of others, for one that is not the first. */
static char *alternates_of_first(void)
{
    static const char *const names[] = { "alternate_config_directories", NULL };
    struct why ignored;
    struct parameters *p = view_some(FIRST, true, names, &ignored);
    const char *value = p == NULL ? NULL : parameters_value(p, names[0]);
    char *text = memory_copy(value == NULL ? "" : value);

    if (p != NULL)
        parameters_free(p);
    return text;
}

char *instance_words(const struct instance *instance)
{
    if (strcmp(instance->name, instance->directory) == 0)
        return memory_format("the instance of Postfix in %s", instance->directory);
    return memory_format("the instance %s of Postfix (%s)", instance->name, instance->directory);
}

struct instances instances_besides(const struct view *view)
{
    const char *own = view_value(view, "config_directory");
    bool is_first = is_same(own, FIRST);
    bool has_others = !is_first || view_value(view, "multi_instance_directories")[0] != '\0';
    char *alternate = is_first ? memory_copy(view_value(view, "alternate_config_directories"))
                               : alternates_of_first();
    char *listed = has_others ? list_instances() : memory_copy("");
    struct instances found = instances_parse(listed, alternate, own);

    free(listed);
    free(alternate);
    return found;
}

void instances_free(struct instances *instances)
{
    for (size_t i = 0; i < instances->count; i++) {
        free(instances->item[i].name);
        free(instances->item[i].directory);
    }
    free(instances->item);
    *instances = (struct instances){ 0 };
}

json_t *instances_json(const struct instances *instances)
{
    json_t *list = json_array();

    for (size_t i = 0; i < instances->count; i++)
        json_array_append_new(list,
                              json_pack("{s:o, s:o}", "name", text_json(instances->item[i].name),
                                        "directory", text_json(instances->item[i].directory)));
    return list;
}
