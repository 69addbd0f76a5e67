/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs one of the host's tools: no shell, a fixed environment and PATH, no descriptors but the
 * three standard ones, standard input empty, a process group of its own that is killed when the
 * deadline passes. What it prints is kept up to a bound; the rest is read and dropped, so that a
 * talkative tool never blocks.
 */
#ifndef DETOURD_POSTFIX_COMMAND_H
#define DETOURD_POSTFIX_COMMAND_H

#include "postfix/base/why.h"
#include <stdbool.h>
#include <stddef.h>

#define COMMAND_PATH "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"
/* Bytes of each of the two outputs: postconf may have a warning for each line of a main.cf. */
#define COMMAND_OUTPUT_MAX ((size_t)16 * 1024 * 1024)
#define COMMAND_TIMEOUT_MS 60000
/* For tools that look at every message of the queue (postsuper, in check and reload). */
#define COMMAND_QUEUE_TIMEOUT_MS 120000

struct command_result {
    int status; /* exit status; 128 + N when signal N ended it, as a shell says it */
    char *out;  /* ended by NUL */
    size_t out_len;
    char *err; /* ended by NUL */
    size_t err_len;
    bool truncated;
};

/* ARGV[0] is a name to be found in COMMAND_PATH, or an absolute path. 0 when the tool ran and
 * ended by itself, whatever its exit status; -1 with a reason when it is missing, could not be
 * started or was killed at the deadline. Either way command_result_free ends RESULT. */
int command_run(const char *const argv[], int timeout_ms, struct command_result *result,
                struct why *why);

/* What a tool prints, as it comes. False when that was enough: the tool is then ended. */
typedef bool command_sink(void *context, const char *bytes, size_t len);

/* command_run for an output of any size: it goes to SINK, and RESULT->out stays empty. A tool that
 * says nothing for SILENCE_MS hangs and is killed (0: never for that alone). */
int command_stream(const char *const argv[], int timeout_ms, int silence_ms, command_sink *sink,
                   void *context, struct command_result *result, struct why *why);

/* So many at the same time. */
#define COMMAND_PARALLEL 4

/* Runs ARGV (NULL at its end) once for each of WORDS, which becomes its last word, for TIMEOUT_MS
 * in all. How many ended with status 0; WHY is set when it was not every one. */
size_t command_each(const char *const argv[], const char *const words[], size_t count,
                    int timeout_ms, struct why *why);

/* command_run, and a failure when the exit status is not 0: the reason holds the first lines of
 * what the tool had to say. */
int command_ok(const char *const argv[], int timeout_ms, struct command_result *result,
               struct why *why);

/* Wipes what was read: postmap's answer may be a password. */
void command_result_free(struct command_result *result);

/* The tool's own words on stderr (or else stdout), on one line, cut to fit. OUT holds LEN bytes. */
void command_words(const struct command_result *result, char *out, size_t len);

/* Whether a tool of that name is there at all. */
bool command_exists(const char *name);

#endif
