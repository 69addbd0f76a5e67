/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file in libconfuse's syntax, read so that all its errors are found in one pass.
 *
 * libconfuse stops at the first unknown name, merges repeated sections, expands "${HOME}" from the
 * environment, ends at a NUL, and takes no comment within a statement. Here every value is taken as
 * a string and judged later with its line at hand; unknown statements are noted, blanked out and
 * the rest is parsed again; `$`, NUL, a name or a section that stands twice, a comment without an
 * end are errors. Only a syntax error ends the reading.
 */
#ifndef DETOURD_CONF_FILE_H
#define DETOURD_CONF_FILE_H

#include "lib/complaints.h"
#include <confuse.h>
#include <stdbool.h>
#include <stdint.h>

struct conf_file;

/* OPTS as for cfg_init: strings, lists of strings, and sections with CFGF_MULTI, which may hold
 * sections. A PATH of NULL
 * reads as an empty file. NULL when the file cannot be read or its syntax is broken; other errors
 * are in COMPLAINTS beside a result. */
struct conf_file *conf_file_read(const char *path, cfg_opt_t *opts, struct complaints *complaints);
void conf_file_free(struct conf_file *file);

cfg_t *conf_file_root(const struct conf_file *file);
const char *conf_file_path(const struct conf_file *file);
struct complaints *conf_file_complaints(const struct conf_file *file);

/* The line of the value OPT of SECTION, or that of SECTION where it does not stand there. */
int conf_file_line(const struct conf_file *file, cfg_t *section, const char *opt);

/* The line of the Nth value of the list OPT of SECTION. */
int conf_file_item_line(const struct conf_file *file, cfg_t *section, const char *opt, unsigned n);

/* Whether OPT stands in SECTION, be it with an empty list. */
bool conf_file_stands(const struct conf_file *file, cfg_t *section, const char *opt);

/* The line on which SECTION begins. */
int conf_file_section_line(const struct conf_file *file, cfg_t *section);

/* The value, or NULL where it does not stand there. Owned by the file. */
const char *conf_file_text(cfg_t *section, const char *opt);

/* A copy of the value, or of FALLBACK (which may be NULL) where it does not stand. */
char *conf_file_copy(cfg_t *section, const char *opt, const char *fallback);
/* The same for a value that must stand there; NULL with a complaint where it does not. */
char *conf_file_required(struct conf_file *file, cfg_t *section, const char *opt);
/* The same for a day, "2026-11-28", or where no more is known "2026-11" or "2026"; complains about
 * anything else. */
char *conf_file_date(struct conf_file *file, cfg_t *section, const char *opt);
/* The list OPT, ended by NULL. The caller frees it. */
char **conf_file_list(cfg_t *section, const char *opt);
void conf_file_list_free(char **list);
/* The same for an absolute path; complains about any other. */
char *conf_file_path_copy(struct conf_file *file, cfg_t *section, const char *opt,
                          const char *fallback);

/* What follows complains at the value's line and returns the fallback when the value is wrong. */
int conf_file_int(struct conf_file *file, cfg_t *section, const char *opt, int min, int max,
                  int fallback);
bool conf_file_bool(struct conf_file *file, cfg_t *section, const char *opt, bool fallback);
/* CHOICES ends with NULL; the index of the word, or FALLBACK. */
int conf_file_choice(struct conf_file *file, cfg_t *section, const char *opt,
                     const char *const choices[], int fallback);
/* A port from 1 to 65535 out of TEXT, or 0 with a complaint at OPT. */
uint16_t conf_file_port(struct conf_file *file, cfg_t *section, const char *opt, const char *text);

/* "20/s", "100/min" or "5000/h", in messages an hour. */
int conf_file_rate(struct conf_file *file, cfg_t *section, const char *opt, int fallback);

void conf_file_complain(struct conf_file *file, cfg_t *section, const char *opt, const char *format,
                        ...) __attribute__((format(printf, 4, 5)));
void conf_file_warn(struct conf_file *file, cfg_t *section, const char *opt, const char *format,
                    ...) __attribute__((format(printf, 4, 5)));
/* At the line of the Nth value of a list. */
void conf_file_complain_item(struct conf_file *file, cfg_t *section, const char *opt, unsigned n,
                             const char *format, ...) __attribute__((format(printf, 5, 6)));

#endif
