/* SPDX-License-Identifier: BSD-2-Clause */
/* Whole files and small directory trees, as root handles them under the configuration directory. */
#ifndef DETOURD_POSTFIX_FILES_H
#define DETOURD_POSTFIX_FILES_H

#include "postfix/base/why.h"
#include <dirent.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The whole of a regular file of at most MAX bytes, ended by NUL; the caller frees it. */
char *file_read(const char *path, size_t max, size_t *len, struct why *why);

/* The same from an open descriptor, from where it stands; NAME is for the reason. */
char *file_read_fd(int fd, const char *name, size_t max, size_t *len, struct why *why);

/* When PATH was last written, as clock_mono_ms() counts; 0 where it is not there. */
int64_t file_written_at(const char *path);

int file_write_fd(int fd, const char *name, const char *bytes, size_t len, struct why *why);

/* Creates PATH, which must not exist. Not synced: that is for whoever gives it its place. */
int file_create(const char *path, mode_t mode, const char *bytes, size_t len, struct why *why);

/* Puts a new file at PATH in the place of whatever file is there, whole at every instant, also
 * after a loss of power. */
int file_replace(const char *path, mode_t mode, const char *bytes, size_t len, struct why *why);

/* The next entry of DIR, which is called NAME, or NULL; *RC is then -1, with a reason, when that is
 * not the end: half a directory must not be taken for the whole. */
struct dirent *directory_next(DIR *dir, const char *name, int *rc, struct why *why);

/* Removes from the directory PATH what a file_replace() that was cut off left there. */
int temporaries_remove(const char *path, struct why *why);

/* Makes the directory, or takes the one that is there when it is root's own and gives nobody more
 * than MODE does. */
int directory_make(const char *path, mode_t mode, struct why *why);

/* Makes the names in the directory durable. */
int directory_sync(const char *path, struct why *why);

/* Makes the files below PATH, all of one directory, durable. */
int directory_sync_files(const char *path, struct why *why);

/* Removes PATH and what is below it; links are removed, never followed. What is not there is
 * removed already. */
int tree_remove(const char *path, struct why *why);

#endif
