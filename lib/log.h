/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages for people, on stderr.
 *
 * Under systemd each line carries its priority as "<N>" (sd-daemon(3)), so that journald files it
 * under the right level; anywhere else the program's name and the level stand in front.
 * Bytes that would break a line or a terminal are replaced, since much of what is logged was sent
 * by somebody else.
 */
#ifndef DETOURD_LOG_H
#define DETOURD_LOG_H

#include <stdbool.h>
#include <syslog.h>

/* NAME must outlive the program. VERBOSE lets LOG_DEBUG through. */
void log_open(const char *name, bool verbose);

void log_at(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)   log_at(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_at(LOG_WARNING, __VA_ARGS__)
#define log_notice(...)  log_at(LOG_NOTICE, __VA_ARGS__)
#define log_info(...)    log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...)   log_at(LOG_DEBUG, __VA_ARGS__)

#endif
