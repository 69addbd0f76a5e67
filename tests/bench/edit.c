/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What it takes to edit a main.cf of 10,000 lines, against what it takes to read it. Reading is
 * what "detour-apply status" does: from the file to its lines and to what is ours among them.
 * Editing is that, and the text with a route in force or without. "make bench" prints medians of
 * many turns, in CPU time, which other programs on the machine spoil least.
 */
#include "postfix/base/files.h"
#include "postfix/cf/main_cf.h"
#include "postfix/cf/mark.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINES 10000
#define TURNS 51

static char path[] = "/tmp/detourd-bench-XXXXXX";

static double now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double median(double *turns)
{
    qsort(turns, TURNS, sizeof *turns, compare);
    return turns[TURNS / 2];
}

/* Kinds of files, line by line. */
typedef void put_line(FILE *out, int i);

static void mixed(FILE *out, int i)
{
    if (i % 4 == 0)
        fprintf(out, "parameter_%d = a value, another value, $mydomain\n", i);
    else if (i % 100 == 1)
        fputs("relayhost = [home.example]:587\n", out);
    else if (i % 4 == 1)
        fprintf(out, "    continued_%d.example,\n", i);
    else
        fprintf(out, "# a comment as the shipped file has them, number %d\n", i);
}

static void parameters(FILE *out, int i)
{
    fprintf(out, "parameter_%d = value\n", i);
}

static void one_name(FILE *out, int i)
{
    fprintf(out, "relayhost = [host%d.example]\n", i);
}

static void continued(FILE *out, int i)
{
    fprintf(out, i == 0 ? "mydestination =\n" : "  host%d.example,\n", i);
}

static void comments(FILE *out, int i)
{
    fprintf(out, "#parameter_%d = commented out\n", i);
}

static char *read_file(size_t *len)
{
    struct why why;
    char *bytes = file_read(path, MAIN_CF_MAX, len, &why);

    if (bytes == NULL) {
        fprintf(stderr, "%s\n", why.text);
        exit(EXIT_FAILURE);
    }
    return bytes;
}

static struct settings route_settings(void)
{
    static const char *const names[] = { "relayhost", "smtp_sasl_auth_enable",
                                         "smtp_sasl_password_maps", "smtp_tls_policy_maps",
                                         "smtp_tls_CAfile" };
    struct settings settings = { 0 };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        settings_add(&settings, names[i], "hash:/etc/postfix/detourd/private/7/x");
    return settings;
}

enum what { READ, SET, REMOVE };

/* From the file to what it says, and on to the text that is to be. */
static char *turn(enum what what, const struct settings *settings, size_t *len)
{
    struct route route = route_relay("ses", 587);
    char *bytes = read_file(len), *text = NULL;
    struct main_cf *cf = main_cf_parse(bytes, *len);
    struct mark *mark = mark_read(cf, cf);

    if (what == SET)
        text = mark_set(cf, &route, 7, settings, len);
    else if (what == REMOVE)
        text = mark_remove(cf, mark, len);
    mark_free(mark);
    main_cf_free(cf);
    free(bytes);
    return text;
}

static double time_of(enum what what)
{
    struct settings settings = route_settings();
    double turns[TURNS];
    size_t len;

    for (int i = 0; i < TURNS; i++) {
        double start = now_us();
        free(turn(what, &settings, &len));
        turns[i] = now_us() - start;
    }
    settings_free(&settings);
    return median(turns);
}

static void write_file(const char *bytes, size_t len)
{
    FILE *out = fopen(path, "we");

    if (out == NULL || fwrite(bytes, 1, len, out) != len || fclose(out) != 0) {
        perror(path);
        exit(EXIT_FAILURE);
    }
}

static void print_row(const char *name, const char *what, double reading, double editing)
{
    printf("  %-26s %-16s %8.0f us %8.0f us %6.2f\n", name, what, reading, editing,
           editing / reading);
}

static void bench(const char *name, put_line *put)
{
    struct settings settings = route_settings();
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    for (int i = 0; i < LINES; i++)
        put(out, i);
    fclose(out);
    write_file(text, len);
    free(text);
    print_row(name, "setting a route", time_of(READ), time_of(SET));
    text = turn(SET, &settings, &len);
    write_file(text, len);
    free(text);
    print_row(name, "taking it off", time_of(READ), time_of(REMOVE));
    settings_free(&settings);
}

int main(void)
{
    int fd = mkstemp(path);

    if (fd == -1) {
        perror(path);
        return EXIT_FAILURE;
    }
    close(fd);
    printf("main.cf of %d lines: reading it, and reading and editing it (wanted: at most 3 times)\n"
           "  %-43s %11s %11s %6s\n",
           LINES, "", "read", "edit", "times");
    bench("mixed", mixed);
    bench("parameters", parameters);
    bench("one name, again and again", one_name);
    bench("one line, continued", continued);
    bench("comments", comments);
    unlink(path);
    return EXIT_SUCCESS;
}
