/* SPDX-License-Identifier: BSD-2-Clause */
/* Single values out of a configuration file. */
#include "lib/conf_file.h"

#include "lib/memory.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RATE_MAX (1000 * 3600) /* messages an hour */

const char *conf_file_text(cfg_t *section, const char *opt)
{
    return cfg_getstr(section, opt);
}

char *conf_file_copy(cfg_t *section, const char *opt, const char *fallback)
{
    const char *text = conf_file_text(section, opt);

    if (text == NULL)
        text = fallback;
    return text != NULL ? memory_copy(text) : NULL;
}

char *conf_file_required(struct conf_file *file, cfg_t *section, const char *opt)
{
    const char *title = cfg_title(section);

    if (conf_file_text(section, opt) == NULL)
        conf_file_complain(file, section, opt, "%s%s%s needs %s", cfg_name(section),
                           title != NULL ? " " : "", title != NULL ? title : "", opt);
    return conf_file_copy(section, opt, NULL);
}

static bool is_date(const char *text)
{
    static const char shape[] = "dddd-dd-dd";
    size_t len = strlen(text);

    for (size_t i = 0; i < len && i < sizeof shape - 1; i++)
        if (shape[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != shape[i])
            return false;
    return len == strlen("dddd") || len == strlen("dddd-dd") || len == strlen(shape);
}

char *conf_file_date(struct conf_file *file, cfg_t *section, const char *opt)
{
    char *date = conf_file_copy(section, opt, NULL);

    if (date != NULL && !is_date(date))
        conf_file_complain(file, section, opt, "%s = %s; expected a day like 2026-11-28", opt,
                           date);
    return date;
}

char **conf_file_list(cfg_t *section, const char *opt)
{
    unsigned count = cfg_size(section, opt);
    char **list = memory_zero(count + 1, sizeof *list);

    for (unsigned i = 0; i < count; i++)
        list[i] = memory_copy(cfg_getnstr(section, opt, i));
    return list;
}

void conf_file_list_free(char **list)
{
    for (size_t i = 0; list != NULL && list[i] != NULL; i++)
        free(list[i]);
    free(list);
}

char *conf_file_path_copy(struct conf_file *file, cfg_t *section, const char *opt,
                          const char *fallback)
{
    char *path = conf_file_copy(section, opt, fallback);

    if (path != NULL && path[0] != '/')
        conf_file_complain(file, section, opt,
                           "%s = %s; expected an absolute path, beginning with /", opt, path);
    return path;
}

int conf_file_int(struct conf_file *file, cfg_t *section, const char *opt, int min, int max,
                  int fallback)
{
    const char *text = conf_file_text(section, opt);
    char *end;

    if (text == NULL)
        return fallback;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno == 0 && *text >= '0' && *text <= '9' && *end == '\0' && value >= min && value <= max)
        return (int)value;
    conf_file_complain(file, section, opt, "%s = %s; expected a whole number from %d to %d", opt,
                       text, min, max);
    return fallback;
}

bool conf_file_bool(struct conf_file *file, cfg_t *section, const char *opt, bool fallback)
{
    static const char *const words[] = { "no", "yes", NULL };

    return conf_file_choice(file, section, opt, words, fallback) == 1;
}

int conf_file_choice(struct conf_file *file, cfg_t *section, const char *opt,
                     const char *const choices[], int fallback)
{
    const char *text = conf_file_text(section, opt);
    char known[200];
    size_t used = 0;

    if (text == NULL)
        return fallback;
    known[0] = '\0';
    for (int i = 0; choices[i] != NULL; i++) {
        if (strcmp(text, choices[i]) == 0)
            return i;
        if (used < sizeof known)
            used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i > 0 ? ", " : "",
                                     choices[i]);
    }
    conf_file_complain(file, section, opt, "%s = %s; expected one of: %s", opt, text, known);
    return fallback;
}

/* A number, a slash and a unit; 0 where TEXT is not that or leads beyond RATE_MAX. */
static int parse_rate(const char *text)
{
    static const struct {
        const char *name;
        int an_hour;
    } units[] = { { "/s", 3600 }, { "/min", 60 }, { "/h", 1 } };
    char *end;

    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno != 0 || *text < '0' || *text > '9' || value < 1 || value > RATE_MAX)
        return 0;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(end, units[i].name) == 0)
            return value <= RATE_MAX / units[i].an_hour ? (int)value * units[i].an_hour : 0;
    return 0;
}

int conf_file_rate(struct conf_file *file, cfg_t *section, const char *opt, int fallback)
{
    const char *text = conf_file_text(section, opt);
    int rate = text != NULL ? parse_rate(text) : fallback;

    if (text != NULL && rate == 0)
        conf_file_complain(file, section, opt,
                           "%s = %s; expected a number of messages by the second, minute or hour, "
                           "like \"20/s\", \"100/min\" or \"5000/h\", up to 1000/s",
                           opt, text);
    return rate;
}

uint16_t conf_file_port(struct conf_file *file, cfg_t *section, const char *opt, const char *text)
{
    char *end;
    long value = strtol(text, &end, 10);

    if (*text >= '0' && *text <= '9' && *end == '\0' && value >= 1 && value <= 65535)
        return (uint16_t)value;
    conf_file_complain(file, section, opt,
                       "%s: %s is not a port; expected a number from 1 to 65535", opt, text);
    return 0;
}
