/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes by proc(5): whose children, since when, with which sockets. */
#include "tests/unit/unit.h"

#include "lib/clock.h"
#include "postfix/running/processes.h"
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A child that has taken NAME. */
static pid_t child_named(const char *name)
{
    int ready[2];
    char byte;

    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_NAME, name);
        if (write(ready[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static void end_child(pid_t pid)
{
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static const struct process *find(const struct processes *list, pid_t pid)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->item[i].pid == pid)
            return &list->item[i];
    return NULL;
}

static void children(void **state)
{
    int64_t before = clock_mono_ms();
    pid_t smtp = child_named("smtp"), odd = child_named("a) R 1 (b"), qmgr = child_named("qmgr");
    struct processes all, clients, none;
    struct why why;

    (void)state;
    assert_int_equal(processes_of(getpid(), &all, &why), 0);
    assert_int_equal(all.count, 3);
    assert_int_equal(find(&all, smtp)->program, PROGRAM_SMTP);
    assert_int_equal(find(&all, qmgr)->program, PROGRAM_QMGR);
    assert_int_equal(find(&all, odd)->program, PROGRAM_OTHER);
    struct process p = *find(&all, smtp);
    /* In steps of 10 ms, rounded down. */
    assert_true(p.started >= before - 20 && p.started <= clock_mono_ms());
    clients = processes_clients(&all, INT64_MAX);
    assert_int_equal(clients.count, 1);
    none = processes_clients(&all, p.started);
    assert_int_equal(none.count, 0);
    assert_true(process_runs(&p));
    assert_true(processes_hold(&all, &p));
    p.started -= 10; /* the pid was used before */
    assert_false(processes_hold(&all, &p));
    assert_false(process_runs(&p));
    end_child(smtp);
    end_child(odd);
    end_child(qmgr);
    assert_false(process_runs(&clients.item[0]));
    processes_free(&all);
    processes_free(&clients);
    processes_free(&none);
}

static void sockets(void **state)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    uint64_t inodes[64];
    struct stat st;
    bool found = false;

    (void)state;
    assert_int_equal(fstat(fd, &st), 0);
    int count = process_sockets(getpid(), inodes, 64);
    assert_true(count >= 1 && count <= 64);
    for (int i = 0; i < count; i++)
        found = found || inodes[i] == st.st_ino;
    assert_true(found);
    assert_int_equal(process_sockets(getpid(), inodes, 0), 0);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(children),
        cmocka_unit_test(sockets),
    };
    return cmocka_run_group_tests_name("processes", tests, NULL, NULL);
}
