/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/queue/queue_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* As in queue.c: hash_queue_depth is a few levels at most. */
#define DEPTH_MAX 5

#define TYPE_ATTRIBUTE 'A'
#define TYPE_SENDER    'S'
#define TYPE_RECIPIENT 'R'
#define TYPE_DONE      'D' /* a recipient that has been delivered to */
#define TYPE_MESSAGE   'M'

struct record {
    char type;
    const char *data;
    size_t len;
};

static bool next_record(const char **at, const char *end, struct record *out)
{
    const char *p = *at;

    if (p == end)
        return false;
    out->type = *p++;
    out->len = 0;
    for (unsigned shift = 0;; shift += 7) {
        if (p == end || shift > 21)
            return false;
        out->len |= (size_t)(*p & 0x7f) << shift;
        if ((*p++ & 0x80) == 0)
            break;
    }
    if (out->len > (size_t)(end - p))
        return false;
    out->data = p;
    *at = p + out->len;
    return true;
}

static bool copy(char *out, size_t room, const char *data, size_t len)
{
    if (len >= room || memchr(data, '\0', len) != NULL)
        return false;
    memcpy(out, data, len);
    out[len] = '\0';
    return true;
}

bool queue_file_parse(const char *bytes, size_t len, struct queue_file *out)
{
    static const char envelope_id[] = "envelope_id=";
    const size_t n = sizeof envelope_id - 1;
    const char *end = bytes + len;
    struct record r;
    bool found = false;

    memset(out, 0, sizeof *out);
    while (next_record(&bytes, end, &r) && r.type != TYPE_MESSAGE) {
        if (r.type == TYPE_SENDER)
            found = copy(out->sender, sizeof out->sender, r.data, r.len);
        else if ((r.type == TYPE_RECIPIENT || r.type == TYPE_DONE) && out->recipient[0] == '\0')
            copy(out->recipient, sizeof out->recipient, r.data, r.len);
        else if (r.type == TYPE_ATTRIBUTE && r.len > n && memcmp(r.data, envelope_id, n) == 0)
            copy(out->envelope_id, sizeof out->envelope_id, r.data + n, r.len - n);
    }
    return found;
}

static int open_directory(int parent, const char *name)
{
    return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static bool read_at(int parent, const char *name, struct queue_file *out)
{
    char bytes[QUEUE_FILE_HEAD];
    struct stat st;
    /* Not our files: no link is followed, and a FIFO must not hang us. */
    int fd = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (fd == -1)
        return false;
    ssize_t n = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? read(fd, bytes, sizeof bytes) : -1;
    close(fd);
    return n > 0 && queue_file_parse(bytes, (size_t)n, out);
}

static bool is_hash(const char *name)
{
    return name[0] != '\0' && name[0] != '.' && name[1] == '\0';
}

/* What to do with a file; true ends the walk. */
typedef bool (*visit)(void *context, int directory, const char *name);

/* Every file below the directory FD, which is closed. */
static bool walk(int fd, int depth, visit visitor, void *context)
{
    DIR *dir = fd == -1 ? NULL : fdopendir(fd);
    bool done = false;

    if (dir == NULL && fd != -1)
        close(fd);
    for (struct dirent *entry; !done && dir != NULL && (entry = readdir(dir)) != NULL;) {
        if (is_hash(entry->d_name) && depth < DEPTH_MAX)
            done = walk(open_directory(dirfd(dir), entry->d_name), depth + 1, visitor, context);
        else if (entry->d_name[0] != '.')
            done = visitor(context, dirfd(dir), entry->d_name);
    }
    if (dir != NULL)
        closedir(dir);
    return done;
}

static int open_queue(const char *queue_directory, const char *queue)
{
    int top = open(queue_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = top == -1 ? -1 : open_directory(top, queue);

    if (top != -1)
        close(top);
    return fd;
}

struct wanted {
    const char *id;                      /* or else */
    const char *envelope_id, *report_to; /* of a message that is not older than */
    time_t since;
    struct queue_file *file;
    char *found;
};

static bool has_id(void *context, int directory, const char *name)
{
    struct wanted *w = context;

    return strcmp(name, w->id) == 0 && read_at(directory, name, w->file);
}

bool queue_file_read(const char *queue_directory, const char *queue, const char *id,
                     struct queue_file *out)
{
    struct wanted w = { .id = id, .file = out };
    int fd = open_queue(queue_directory, queue);

    if (fd == -1)
        return false;
    if (read_at(fd, id, out)) {
        close(fd);
        return true;
    }
    return walk(fd, 0, has_id, &w);
}

static bool is_wanted(const struct wanted *w)
{
    if (w->report_to != NULL && w->file->sender[0] == '\0' &&
        strcmp(w->file->recipient, w->report_to) == 0)
        return true;
    return strcmp(w->file->envelope_id, w->envelope_id) == 0;
}

/* By the time of the last change of its state, which a queue manager that sets the time of the next
 * attempt does not set. */
static bool is_message(void *context, int directory, const char *name)
{
    struct wanted *w = context;
    struct stat st;

    if (fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) == -1 || st.st_ctime < w->since ||
        strlen(name) >= QUEUE_ID_MAX || !read_at(directory, name, w->file) || !is_wanted(w))
        return false;
    snprintf(w->found, QUEUE_ID_MAX, "%s", name);
    return true;
}

const char *queue_file_find(const char *queue_directory, const char *envelope_id,
                            const char *report_to, time_t since, char *id)
{
    static const char *const queues[] = { "maildrop", "incoming", "hold", "active", "deferred" };
    struct queue_file file;
    struct wanted w = { .envelope_id = envelope_id,
                        .report_to = report_to,
                        .since = since,
                        .file = &file,
                        .found = id };

    for (size_t i = 0; i < sizeof queues / sizeof queues[0]; i++)
        if (walk(open_queue(queue_directory, queues[i]), 0, is_message, &w))
            return queues[i];
    return NULL;
}
