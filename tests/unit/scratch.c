/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/scratch.h"

#include "postfix/base/command.h"
#include "postfix/base/files.h"
#include "postfix/cf/main_cf.h"
#include "tests/unit/unit.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

char scratch[64];

static const char *path_of(const char *name)
{
    static char path[128];

    snprintf(path, sizeof path, "%s/%s", scratch, name);
    return path;
}

int scratch_make(void **state)
{
    const struct bytes empty = { (char[]){ "" }, 0 };

    (void)state;
    /* Hundreds of files are synced: not on a disk, where there is another place. */
    snprintf(scratch, sizeof scratch, "%s/detourd-postconf-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (mkdtemp(scratch) == NULL)
        return -1;
    scratch_put("main.cf", &empty);
    scratch_put("master.cf", &empty);
    return 0;
}

int scratch_remove(void **state)
{
    struct why why;

    (void)state;
    return tree_remove(scratch, &why);
}

/* In the past, since Postfix's programs wait until main.cf is two seconds old. */
void scratch_put(const char *name, const struct bytes *file)
{
    struct timespec times[2];
    struct why why;

    if (file_replace(path_of(name), 0644, file->text, file->len, &why) == -1)
        fail_msg("%s", why.text);
    clock_gettime(CLOCK_REALTIME, &times[0]);
    times[0].tv_sec -= 10;
    times[1] = times[0];
    assert_int_equal(utimensat(AT_FDCWD, path_of(name), times, 0), 0);
}

struct bytes scratch_read(const char *name)
{
    struct why why;
    struct bytes file;

    file.text = file_read(path_of(name), MAIN_CF_MAX, &file.len, &why);
    if (file.text == NULL)
        fail_msg("%s", why.text);
    return file;
}

static _Noreturn void edit_on_and_on(int editor, const char *option, fill_in *edit)
{
    struct command_result result = { 0 };
    char argument[100];
    struct why why;

    for (int i = 0; i < EDITS; i++) {
        const char *const argv[] = { "postconf", "-c", scratch, option, argument, NULL };
        edit(editor, i, argument, sizeof argument);
        if (command_ok(argv, COMMAND_TIMEOUT_MS, &result, &why) == -1)
            _exit(1);
        command_result_free(&result);
    }
    _exit(0);
}

void editors_start(struct editors *editors, const char *option, fill_in *edit)
{
    for (int i = 0; i < EDITORS; i++) {
        editors->pids[i] = fork();
        if (editors->pids[i] == 0)
            edit_on_and_on(i, option, edit);
        assert_true(editors->pids[i] > 0);
    }
}

bool editors_ended(struct editors *editors)
{
    bool all = true;
    int status;

    for (int i = 0; i < EDITORS; i++) {
        pid_t *pid = &editors->pids[i];
        if (*pid == 0)
            continue;
        pid_t ended = waitpid(*pid, &status, WNOHANG);
        assert_true(ended == 0 || (ended == *pid && status == 0));
        *pid = ended == 0 ? *pid : 0;
        all = all && *pid == 0;
    }
    return all;
}
