/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/conf_file.h"

#include "lib/conf_pairs.h"
#include "lib/conf_scan.h"
#include "lib/memory.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* So many unknown names are found before the reader gives up. */
#define ROUNDS_MAX     20
#define FILE_BYTES_MAX (1024 * 1024)

struct conf_file {
    char *path, *text;
    cfg_t *root;
    struct complaints *complaints;
    char unknown[128]; /* the name that libconfuse stopped at in this round */
    int unknown_line;
};

/* libconfuse's callbacks carry no context. Reading is not re-entrant and needs no more than this.
 */
static struct conf_file *reading;

static char *read_text(const char *path, size_t *len, char *why, size_t whylen)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat st;
    char *text = NULL;

    *len = 0;
    if (fd == -1 || fstat(fd, &st) == -1) {
        snprintf(why, whylen, "%s", strerror(errno));
    } else if (!S_ISREG(st.st_mode) || st.st_size > FILE_BYTES_MAX) {
        snprintf(why, whylen, "not a regular file of at most %d bytes", FILE_BYTES_MAX);
    } else {
        text = memory_zero(1, (size_t)st.st_size + 1);
        for (ssize_t n; (n = read(fd, text + *len, (size_t)st.st_size - *len)) > 0;)
            *len += (size_t)n;
    }
    if (fd != -1)
        close(fd);
    return text;
}

static char *empty_text(size_t *len)
{
    *len = 0;
    return memory_copy("");
}

static int check_bytes(struct conf_file *file, size_t len)
{
    int line = 1;

    for (size_t i = 0; i < len; i++) {
        if (file->text[i] == '\0') {
            complain(file->complaints, file->path, line, "a NUL byte; this must be a text file");
            return -1;
        }
        line += file->text[i] == '\n';
    }
    return 0;
}

/* A `$` outside a comment; libconfuse would take "${NAME}" from the environment. */
static void check_dollars(struct conf_file *file)
{
    struct conf_scanner s;

    conf_scan_begin(&s, file->text);
    for (struct conf_token t = conf_scan_next(&s); t.kind != CONF_END; t = conf_scan_next(&s))
        if (memchr(file->text + t.start, '$', t.end - t.start) != NULL)
            complain(file->complaints, file->path, t.line,
                     "$ is not allowed; variables are not expanded, write the value itself");
}

static void copy_word(const struct conf_file *file, const struct conf_token *t, char *out,
                      size_t size)
{
    size_t start = t->start, end = t->end;

    if (end - start >= 2 && strchr("\"'", file->text[start]) != NULL) {
        start++;
        end--;
    }
    snprintf(out, size, "%.*s", (int)(end - start), file->text + start);
}

static bool same_word(const struct conf_file *file, const struct conf_token *a,
                      const struct conf_token *b)
{
    char x[128] = "", y[128] = "";

    if (a->kind == CONF_WORD)
        copy_word(file, a, x, sizeof x);
    if (b->kind == CONF_WORD)
        copy_word(file, b, y, sizeof y);
    return strcmp(x, y) == 0;
}

static void complain_repeat(struct conf_file *file, const struct conf_statement *st, int first)
{
    char name[64], title[64] = "";

    copy_word(file, &st->name, name, sizeof name);
    if (st->title.kind == CONF_WORD)
        copy_word(file, &st->title, title, sizeof title);
    complain(file->complaints, file->path, st->name.line,
             "%s%s%s%s stands here a second time; it stands on line %d already, keep one",
             st->is_section ? "section " : "", name, *title != '\0' ? " " : "", title, first);
}

/* Whatever stands twice on one level, here and in the sections below: libconfuse would merge it or
 * let the last one win. */
static void check_repeats(struct conf_file *file, struct conf_scanner scanner)
{
    const struct conf_scanner begin = scanner;
    struct conf_statement st, earlier;

    while (conf_scan_statement(&scanner, &st)) {
        for (struct conf_scanner s = begin;
             conf_scan_statement(&s, &earlier) && earlier.name.start < st.name.start;)
            if (same_word(file, &earlier.name, &st.name) &&
                same_word(file, &earlier.title, &st.title))
                complain_repeat(file, &st, earlier.name.line);
        if (st.is_section)
            check_repeats(file, st.body);
    }
}

/* libconfuse takes no comment within a statement, such as between the values of a list, and takes
 * the end of the file for the end of a comment. */
static int blank_comments(struct conf_file *file)
{
    int unclosed = conf_scan_blank_comments(file->text);

    if (unclosed != 0)
        complain(file->complaints, file->path, unclosed,
                 "this comment is never closed; a */ is missing");
    return unclosed != 0 ? -1 : 0;
}

/* libconfuse takes the end of the file for the end of a section, and of a string where nobody needs
 * it. */
static int check_ends(struct conf_file *file)
{
    struct conf_scanner s;
    int depth = 0, line = 0;

    conf_scan_begin(&s, file->text);
    for (struct conf_token t = conf_scan_next(&s); t.kind != CONF_END; t = conf_scan_next(&s)) {
        if (t.kind == CONF_OPEN && depth++ == 0)
            line = t.line;
        else if (t.kind == CONF_CLOSE && depth > 0)
            depth--;
    }
    if (s.unclosed_string != 0)
        complain(file->complaints, file->path, s.unclosed_string,
                 "this string is never closed; a quote is missing");
    else if (depth > 0)
        complain(file->complaints, file->path, line, "this brace is never closed; a } is missing");
    return depth > 0 || s.unclosed_string != 0 ? -1 : 0;
}

static void note_error(cfg_t *cfg, const char *format, va_list args)
{
    static const char unknown[] = "no such option '%s'";
    char text[256];

    vsnprintf(text, sizeof text, format, args);
    if (strcmp(format, unknown) == 0) {
        size_t before = strcspn(unknown, "%"), after = strlen(unknown) - before - 2;
        snprintf(reading->unknown, sizeof reading->unknown, "%.*s",
                 (int)(strlen(text) - before - after), text + before);
        reading->unknown_line = cfg->line;
        return;
    }
    complain(reading->complaints, reading->path, cfg->line, "%s", text);
}

static void list_names(const cfg_opt_t *opts, char *out, size_t size)
{
    size_t used = 0;

    out[0] = '\0';
    for (; opts->name != NULL && used < size; opts++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", used > 0 ? ", " : "", opts->name);
}

static const cfg_opt_t *options_of_section(const cfg_opt_t *opts, const char *name)
{
    const cfg_opt_t *below = NULL;

    for (; opts->name != NULL && below == NULL; opts++)
        if (opts->type == CFGT_SEC)
            below = strcmp(opts->name, name) == 0 ? opts->subopts
                                                  : options_of_section(opts->subopts, name);
    return below;
}

/* Finds the statement that libconfuse stopped at on this level and below; SECTION is left at the
 * name of the section that holds it, or empty. */
static bool find_unknown(const struct conf_file *file, struct conf_scanner scanner,
                         struct conf_statement *found, char *section, size_t size)
{
    struct conf_statement st;

    while (conf_scan_statement(&scanner, &st)) {
        if (st.name.line == file->unknown_line &&
            conf_token_is(file->text, &st.name, file->unknown)) {
            *found = st;
            return true;
        }
        if (st.is_section && find_unknown(file, st.body, found, section, size)) {
            if (*section == '\0')
                copy_word(file, &st.name, section, size);
            return true;
        }
    }
    return false;
}

/* Says what is unknown and overwrites it with blanks, so that the next round gets past it. */
static bool blank_unknown(struct conf_file *file, const cfg_opt_t *opts)
{
    char section[64] = "", known[400];
    struct conf_scanner scanner;
    struct conf_statement st;

    conf_scan_begin(&scanner, file->text);
    if (!find_unknown(file, scanner, &st, section, sizeof section))
        return false;
    const cfg_opt_t *names = *section != '\0' ? options_of_section(opts, section) : opts;
    list_names(names != NULL ? names : opts, known, sizeof known);
    complain(file->complaints, file->path, st.name.line, "unknown name %s%s%s; known here: %s",
             file->unknown, *section != '\0' ? " in " : "", section, known);
    conf_scan_blank(file->text, st.name.start, st.end);
    return true;
}

/* One round; true when another one is wanted. */
static bool parse_once(struct conf_file *file, cfg_opt_t *opts, int *result)
{
    if (file->root != NULL)
        cfg_free(file->root);
    file->root = cfg_init(opts, CFGF_NONE);
    cfg_set_error_function(file->root, note_error);
    file->unknown[0] = '\0';
    reading = file;
    size_t before = complaints_count(file->complaints);
    *result = cfg_parse_buf(file->root, file->text);
    reading = NULL;
    if (*result == CFG_SUCCESS)
        return false;
    if (file->unknown[0] != '\0')
        return blank_unknown(file, opts);
    if (complaints_count(file->complaints) == before)
        complain(file->complaints, file->path, file->root->line, "syntax error");
    return false;
}

static int parse(struct conf_file *file, cfg_opt_t *opts)
{
    int result = CFG_PARSE_ERROR;

    for (int round = 0; round < ROUNDS_MAX && parse_once(file, opts, &result); round++)
        continue;
    return result == CFG_SUCCESS ? 0 : -1;
}

struct conf_file *conf_file_read(const char *path, cfg_opt_t *opts, struct complaints *complaints)
{
    struct conf_file *file = memory_zero(1, sizeof *file);
    struct conf_scanner scanner;
    char why[256];
    size_t len;

    file->path = memory_copy(path != NULL ? path : "defaults");
    file->complaints = complaints;
    file->text = path != NULL ? read_text(path, &len, why, sizeof why) : empty_text(&len);
    if (file->text == NULL) {
        complain(complaints, path, 0, "%s", why);
    } else if (check_bytes(file, len) == 0) {
        check_dollars(file);
        conf_scan_begin(&scanner, file->text);
        check_repeats(file, scanner);
        if (blank_comments(file) == 0 && check_ends(file) == 0) {
            conf_pairs_flatten(file->text, opts, file->path, complaints);
            if (parse(file, opts) == 0)
                return file;
        }
        if (complaints_errors(complaints) == 0)
            complain(complaints, path, 0, "cannot be parsed");
    }
    conf_file_free(file);
    return NULL;
}

void conf_file_free(struct conf_file *file)
{
    if (file == NULL)
        return;
    if (file->root != NULL)
        cfg_free(file->root);
    free(file->text);
    free(file->path);
    free(file);
}

cfg_t *conf_file_root(const struct conf_file *file)
{
    return file->root;
}

const char *conf_file_path(const struct conf_file *file)
{
    return file->path;
}

struct complaints *conf_file_complaints(const struct conf_file *file)
{
    return file->complaints;
}

/* The statement on this level called NAME. */
static bool find_statement(const struct conf_file *file, struct conf_scanner scanner,
                           const char *name, struct conf_statement *out)
{
    while (conf_scan_statement(&scanner, out))
        if (conf_token_is(file->text, &out->name, name))
            return true;
    return false;
}

/* cfg_getopt() would call it an error where there is none. */
static cfg_opt_t *section_option(cfg_t *parent, const char *name)
{
    for (cfg_opt_t *opt = parent->opts; opt->name != NULL; opt++)
        if (opt->type == CFGT_SEC && strcmp(opt->name, name) == 0)
            return opt;
    return NULL;
}

/* The section of PARENT that ST begins; NULL where libconfuse has read ST otherwise. */
static cfg_t *section_of(const struct conf_file *file, cfg_t *parent,
                         const struct conf_statement *st)
{
    char name[128], title[128];

    copy_word(file, &st->name, name, sizeof name);
    cfg_opt_t *option = section_option(parent, name);
    if (option == NULL)
        return NULL;
    if (st->title.kind != CONF_WORD)
        return cfg_opt_size(option) > 0 ? cfg_opt_getnsec(option, 0) : NULL;
    copy_word(file, &st->title, title, sizeof title);
    for (unsigned i = 0; i < cfg_opt_size(option); i++) {
        cfg_t *section = cfg_opt_getnsec(option, i);
        if (cfg_title(section) != NULL && strcmp(cfg_title(section), title) == 0)
            return section;
    }
    return NULL;
}

/* A section's name says too little where several sections have one of that name. */
static bool find_below(const struct conf_file *file, struct conf_scanner scanner, cfg_t *parent,
                       cfg_t *section, struct conf_statement *out)
{
    struct conf_statement st;

    while (conf_scan_statement(&scanner, &st)) {
        cfg_t *here = st.is_section ? section_of(file, parent, &st) : NULL;
        if (here == section)
            *out = st;
        if (here != NULL && (here == section || find_below(file, st.body, here, section, out)))
            return true;
    }
    return false;
}

static bool find_section(const struct conf_file *file, cfg_t *section, struct conf_statement *out)
{
    struct conf_scanner scanner;

    conf_scan_begin(&scanner, file->text);
    return find_below(file, scanner, file->root, section, out);
}

int conf_file_section_line(const struct conf_file *file, cfg_t *section)
{
    struct conf_statement st;

    return find_section(file, section, &st) ? st.name.line : 0;
}

static bool find_value(const struct conf_file *file, cfg_t *section, const char *opt,
                       struct conf_statement *out)
{
    struct conf_scanner scanner;
    struct conf_statement st;

    conf_scan_begin(&scanner, file->text);
    if (section == file->root)
        return find_statement(file, scanner, opt, out);
    return find_section(file, section, &st) && find_statement(file, st.body, opt, out);
}

bool conf_file_stands(const struct conf_file *file, cfg_t *section, const char *opt)
{
    struct conf_statement st;

    return find_value(file, section, opt, &st);
}

int conf_file_line(const struct conf_file *file, cfg_t *section, const char *opt)
{
    struct conf_statement st;

    if (find_value(file, section, opt, &st))
        return st.name.line;
    return section == file->root ? 0 : conf_file_section_line(file, section);
}

int conf_file_item_line(const struct conf_file *file, cfg_t *section, const char *opt, unsigned n)
{
    struct conf_statement st;

    if (!find_value(file, section, opt, &st))
        return conf_file_line(file, section, opt);
    struct conf_scanner s = { .text = file->text, .at = st.name.end, .line = st.name.line };
    while (s.at < st.end) {
        struct conf_token token = conf_scan_next(&s);
        if (token.kind == CONF_WORD && n-- == 0)
            return token.line;
    }
    return st.name.line;
}

void conf_file_complain(struct conf_file *file, cfg_t *section, const char *opt, const char *format,
                        ...)
{
    char text[400];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    complain(file->complaints, file->path, conf_file_line(file, section, opt), "%s", text);
}

void conf_file_warn(struct conf_file *file, cfg_t *section, const char *opt, const char *format,
                    ...)
{
    char text[400];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    complain_warning(file->complaints, file->path, conf_file_line(file, section, opt), "%s", text);
}

void conf_file_complain_item(struct conf_file *file, cfg_t *section, const char *opt, unsigned n,
                             const char *format, ...)
{
    char text[400];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    complain(file->complaints, file->path, conf_file_item_line(file, section, opt, n), "%s", text);
}
