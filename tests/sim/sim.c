/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Plays every scenario and prints what came of it. With an open port, "blocked" is false; the exit
 * status is 1 when that happens where it must not.
 *
 *     sim [ROUNDS [SEED]]
 */
#include "tests/sim/play.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS   2
#define LONGEST   32000 /* ms */
#define ROUNDS    3000000
#define SEED      1
#define VERY_MANY 1000000000

struct tally {
    uint64_t verdicts[VERDICTS];
    uint64_t took[LONGEST]; /* rounds that took so many ms */
    uint64_t connections, controls;
};

static void play_part(const struct scenario *s, uint64_t seed, uint64_t from, uint64_t to,
                      struct tally *t)
{
    for (uint64_t i = from; i < to; i++) {
        struct played played;
        struct chance chance = { seed * VERY_MANY + i };
        play(s, chance_next(&chance), &played);
        t->verdicts[played.verdict]++;
        t->took[played.ms < LONGEST ? played.ms : LONGEST - 1]++;
        t->connections += played.connections;
        t->controls += played.controls;
    }
}

/* Half of the rounds in a process of its own. */
static void play_all(const struct scenario *s, uint64_t seed, uint64_t rounds, struct tally *t)
{
    pid_t child = fork();

    if (child == 0) {
        play_part(s, seed, rounds / WORKERS, rounds, &t[1]);
        _exit(EXIT_SUCCESS);
    }
    play_part(s, seed, 0, rounds / WORKERS, &t[0]);
    int status = 0;
    if (child == -1 || waitpid(child, &status, 0) == -1 || status != 0) {
        fputs("a worker failed\n", stderr);
        exit(EXIT_FAILURE);
    }
}

static int64_t quantile(const struct tally *t, uint64_t rounds, double part)
{
    uint64_t sum = 0;

    for (int64_t ms = 0; ms < LONGEST; ms++) {
        sum += t[0].took[ms] + t[1].took[ms];
        if ((double)sum >= part * (double)rounds)
            return ms;
    }
    return LONGEST;
}

static void print(const struct scenario *s, const struct tally *t, uint64_t rounds)
{
    double all = (double)rounds;

    printf("%-46s %8" PRIu64 " %6.2f %6.2f %5.1f %5.1f ", s->name, rounds,
           (double)quantile(t, rounds, 0.5) / 1000, (double)quantile(t, rounds, 0.99) / 1000,
           (double)(t[0].connections + t[1].connections) / all,
           (double)(t[0].controls + t[1].controls) / all);
    for (int kind = 0; kind < VERDICTS; kind++) {
        uint64_t count = t[0].verdicts[kind] + t[1].verdicts[kind];
        if (count > 0)
            printf(" %s %" PRIu64, verdict_name((enum verdict_kind)kind), count);
    }
    putchar('\n');
    fflush(stdout);
}

/* False: blocked, where it must not be. */
static bool try_scenario(const struct scenario *s, uint64_t rounds, uint64_t seed)
{
    size_t size = WORKERS * sizeof(struct tally);
    struct tally *t = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (t == MAP_FAILED) {
        perror("mmap");
        exit(EXIT_FAILURE);
    }
    rounds = (uint64_t)((double)rounds * s->share);
    play_all(s, seed, rounds, t);
    print(s, t, rounds);
    bool fine =
        !s->innocent || t[0].verdicts[VERDICT_BLOCKED] + t[1].verdicts[VERDICT_BLOCKED] == 0;
    munmap(t, size);
    return fine;
}

int main(int argc, char *argv[])
{
    uint64_t rounds = argc > 1 ? strtoull(argv[1], NULL, 10) : ROUNDS;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : SEED;
    bool fine = true;

    printf("seed %" PRIu64 "; a round takes s (median, 99 of 100), connections, controls\n", seed);
    for (const struct scenario *s = scenarios; s->name != NULL; s++)
        fine = try_scenario(s, rounds, seed) && fine;
    puts(fine ? "no false blocked where there must be none" : "FALSE BLOCKED");
    return fine ? EXIT_SUCCESS : EXIT_FAILURE;
}
