/* SPDX-License-Identifier: BSD-2-Clause */
/* detour-apply: knows and changes Postfix, as root, one request a process. */
#include "lib/complaints.h"
#include "lib/config_load.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "lib/request.h"
#include "lib/trust.h"
#include "postfix/base/command.h"
#include "postfix/base/text.h"
#include "postfix/change/prepare.h"
#include "postfix/change/transaction.h"
#include "postfix/facts.h"
#include "postfix/fragment/handover.h"
#include "postfix/linger.h"
#include "postfix/plan.h"
#include "postfix/queue/rest.h"
#include "postfix/request/answer.h"
#include "postfix/request/intake.h"
#include "postfix/request/listen.h"
#include "postfix/request/peer.h"
#include "postfix/take_up.h"
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Enough to take back a change that has begun: two outputs of a tool, main.cf a few times. */
#define MEMORY_RESERVE ((size_t)8 * 1024 * 1024)

enum { EXIT_OK, EXIT_FAILED, EXIT_USAGE };

struct options {
    const char *config_path;
    const char *listen_path;
    bool json, dry_run;
    char **words; /* the request by hand */
    int word_count;
};

static int usage(FILE *out, int status)
{
    fputs("usage: detour-apply [-c FILE] [--json] facts | status\n"
          "       detour-apply [-c FILE] [--json] [--dry-run] direct | relay NAME PORT\n"
          "       detour-apply [-c FILE] [--json] [--dry-run] install | remove | release\n"
          "       detour-apply [-c FILE] [--json] rescue\n"
          "       detour-apply [-c FILE] [--json] plan direct | plan relay NAME PORT\n"
          "       detour-apply [-c FILE] [--json] fragment direct | fragment relay NAME PORT\n"
          "       detour-apply [-c FILE] [--json] applied GENERATION | reload\n"
          "       detour-apply [-c FILE] --listen PATH\n"
          "       detour-apply [-c FILE]    (one request line on standard input)\n",
          out);
    return status;
}

/* Nothing of the caller's but the three standard descriptors: no environment, no directory, no
 * umask, no core file in which a password could be found. */
static void leave_callers_world(void)
{
    struct rlimit none = { 0, 0 };
    int fd;

    clearenv();
    setenv("PATH", COMMAND_PATH, 1);
    do
        fd = open("/dev/null", O_RDWR);
    while (fd != -1 && fd <= STDERR_FILENO);
    close_range(STDERR_FILENO + 1, ~0U, 0);
    umask(077);
    if (chdir("/") == -1)
        log_warning("chdir /: %m");
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0);
    /* A caller that goes away must not stop a change halfway. */
    signal(SIGPIPE, SIG_IGN);
}

/* Ctrl-C, a hangup or the end of the service do not stop a change halfway either. */
static void hold_signals(int how)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGQUIT);
    sigprocmask(how, &set, NULL);
}

/* All complaints on stderr; the first error in WHY. */
static void report(struct complaints *complaints, struct why *why)
{
    const char *line;
    bool is_error;

    for (size_t n = 0; (line = complaints_line(complaints, n, &is_error)) != NULL; n++) {
        log_at(is_error ? LOG_ERR : LOG_WARNING, "%s", line);
        if (is_error && why->text[0] == '\0')
            why_set(why, "%s", line);
    }
}

static int trust_in(const char *directory, const char *name, struct why *why)
{
    char *path = memory_format("%s/%s", directory, name);
    int rc = trust_check(path, why->text, sizeof why->text);

    free(path);
    return rc;
}

/* Only from files that root alone can write. */
static struct config *load(const char *path, struct why *why)
{
    struct complaints *complaints = complaints_new();
    struct config *config = NULL;

    why->text[0] = '\0';
    if (trust_check(path, why->text, sizeof why->text) == 0)
        config = config_load(path, complaints);
    report(complaints, why);
    complaints_free(complaints);
    if (config == NULL)
        return NULL;
    if (trust_in(config->catalogue_directory, "relays.conf", why) == 0)
        return config;
    config_free(config);
    return NULL;
}

static int answer_members(struct answer *answer, json_t *members, const struct why *why)
{
    if (members == NULL)
        answer_end(answer, "failed", why->text, NULL);
    else
        answer_end(answer, "ok", NULL, members);
    return members == NULL ? EXIT_FAILED : EXIT_OK;
}

/* For whoever sits at a terminal; PROCESS sees to it. */
static void say_rest(const struct rest *rest, pid_t process)
{
    if (rest->hung.count > 0)
        fprintf(stderr, "%zu hung deliveries are waited for, to flush again", rest->hung.count);
    if (rest->backlog != NULL)
        fprintf(stderr, "%s%zu messages more leave at the relay's pace",
                rest->hung.count > 0 ? "; " : "", backlog_left(rest->backlog));
    fprintf(stderr,
            " (process %d, in the background; ending it does no harm: they then leave with "
            "Postfix's own retries)\n",
            process);
}

/* The answer is out: the terminal goes back to its user. True in the process that sees to what is
 * left. */
static bool leave_terminal(const struct rest *rest)
{
    /* The terminal may be gone before the session is another one. */
    signal(SIGHUP, SIG_IGN);
    pid_t process = fork();
    if (process > 0)
        say_rest(rest, process);
    if (process == 0)
        setsid();
    return process <= 0;
}

/* The caller has its answer: let it go, and see to what is left. */
static void linger_after(const struct config *config, const struct route *route, struct rest *rest,
                         const struct answer *answer)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    hold_signals(SIG_UNBLOCK);
    if (answer->human && !leave_terminal(rest)) {
        close(null);
        return;
    }
    if (null != -1) {
        /* systemd holds the connection open as long as the unit runs. */
        shutdown(STDOUT_FILENO, SHUT_RDWR);
        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
        if (answer->human)
            dup2(null, STDERR_FILENO);
        close(null);
    }
    linger(config, route, rest);
}

static enum change_wish wish_of(enum verb verb)
{
    switch (verb) {
    case VERB_RELEASE:
        return WISH_RELEASE;
    case VERB_INSTALL:
        return WISH_INSTALL;
    case VERB_REMOVE:
        return WISH_REMOVE;
    default:
        return WISH_ROUTE;
    }
}

static int change_route(const struct config *config, const struct request *request,
                        struct answer *answer)
{
    const struct route *route = &request->route;
    struct change_request wanted = { .route = *route, .wish = wish_of(request->verb) };
    struct rest rest;

    hold_signals(SIG_BLOCK);
    enum transaction_result result = config->mode == MODE_FRAGMENT
                                         ? handover_run(config, request, answer, &rest)
                                         : transaction_run(config, &wanted, answer, &rest);
    if (result != TRANSACTION_FAILED && !rest_is_empty(&rest))
        linger_after(config, route, &rest, answer);
    rest_free(&rest);
    return result == TRANSACTION_FAILED ? EXIT_FAILED : EXIT_OK;
}

static int change_installation(const struct config *config, const struct request *request,
                               struct answer *answer)
{
    if (config->mode != MODE_FRAGMENT || request->verb == VERB_REMOVE)
        return change_route(config, request, answer);
    answer_end(answer, "refused",
               "mode = fragment: configuration management installs the services; \"detour-apply "
               "relay NAME PORT\" hands them over",
               NULL);
    return EXIT_FAILED;
}

static int rescue(const struct config *config, struct answer *answer)
{
    struct rest rest;
    struct route route;

    hold_signals(SIG_BLOCK);
    enum transaction_result result = transaction_rescue(config, answer, &route, &rest);
    if (result != TRANSACTION_FAILED && !rest_is_empty(&rest))
        linger_after(config, &route, &rest, answer);
    rest_free(&rest);
    return result == TRANSACTION_FAILED ? EXIT_FAILED : EXIT_OK;
}

/* Also a rescue where a fragment has brought the route: it ends with the same. */
static int applied(const struct config *config, unsigned long generation, struct answer *answer)
{
    struct rest rest;
    struct route route;

    hold_signals(SIG_BLOCK);
    enum transaction_result result = handover_applied(config, generation, answer, &route, &rest);
    if (result != TRANSACTION_FAILED && !rest_is_empty(&rest))
        linger_after(config, &route, &rest, answer);
    rest_free(&rest);
    return result == TRANSACTION_FAILED ? EXIT_FAILED : EXIT_OK;
}

/* Texts of many lines, which are for programs. */
static int show_fragment(const struct config *config, const struct route *route,
                         struct answer *answer)
{
    answer->human = false;
    return handover_show(config, route, answer) ? EXIT_OK : EXIT_FAILED;
}

static int plan(const struct config *config, const struct request *request, struct answer *answer)
{
    struct change_request wanted = { .route = request->route, .wish = wish_of(request->verb) };

    return plan_run(config, &wanted, answer) ? EXIT_OK : EXIT_FAILED;
}

static bool changes_something(enum verb verb)
{
    return verb == VERB_DIRECT || verb == VERB_RELAY || verb == VERB_INSTALL ||
           verb == VERB_REMOVE || verb == VERB_RELEASE;
}

static int perform(const struct config *config, const struct request *request,
                   struct answer *answer)
{
    struct why why;

    switch (request->verb) {
    case VERB_FACTS:
        return answer_members(answer, facts_members(config, &why), &why);
    case VERB_STATUS:
        return answer_members(answer, status_members(config, &why), &why);
    case VERB_PLAN:
        return plan(config, request, answer);
    case VERB_DIRECT:
    case VERB_RELAY:
    case VERB_RELEASE:
        return change_route(config, request, answer);
    case VERB_INSTALL:
    case VERB_REMOVE:
        return change_installation(config, request, answer);
    case VERB_RESCUE:
        return config->mode == MODE_FRAGMENT ? applied(config, 0, answer) : rescue(config, answer);
    case VERB_FRAGMENT:
        return show_fragment(config, &request->route, answer);
    case VERB_APPLIED:
        return applied(config, request->generation, answer);
    case VERB_RELOAD:
        return take_up(config, answer) ? EXIT_OK : EXIT_FAILED;
    }
    return EXIT_FAILED;
}

/* One request from standard input, as systemd and the listener hand it to us. */
static int serve_stdin(const struct config *config, struct answer *answer)
{
    struct request request;
    struct why why;
    int rc = -1;

    if (!peer_allowed(STDIN_FILENO, config->user))
        why_set(&why, "only root and the user %s may ask", config->user);
    else
        rc = intake_read(STDIN_FILENO, INTAKE_TIMEOUT_MS, &request, &why);
    intake_discard(STDIN_FILENO);
    if (rc == 0 && request.verb == VERB_RELAY && config->mode == MODE_OBSERVE)
        rc = why_set(&why, "mode = observe: nothing is changed unless mode is switch or fragment");
    if (rc == 0 && (request.verb == VERB_INSTALL || request.verb == VERB_REMOVE))
        rc = why_set(&why, "what is installed is for the postmaster to decide: by hand, "
                           "\"detour-apply install\" or \"remove\"");
    if (rc == 0 && request.verb == VERB_RELOAD)
        rc = why_set(&why, "reload is asked for by hand alone");
    if (rc == 0)
        return perform(config, &request, answer);
    answer_end(answer, "refused", why.text, NULL);
    return EXIT_FAILED;
}

/* The words of the command line, by the same rules as a line from the socket. */
static int serve_words(const struct options *options, const struct config *config,
                       struct answer *answer)
{
    struct request request;
    const char *wrong;
    struct text line;

    text_open(&line);
    fprintf(line.out, "%d", REQUEST_VERSION);
    for (int i = 0; i < options->word_count; i++)
        fprintf(line.out, " %s", options->words[i]);
    text_close(&line);
    int rc = request_parse(line.bytes, line.len, &request, &wrong);
    free(line.bytes);
    if (rc == -1) {
        log_error("%s", wrong);
        return usage(stderr, EXIT_USAGE);
    }
    if (options->dry_run && changes_something(request.verb))
        return plan(config, &request, answer);
    if (options->dry_run && (request.verb == VERB_RESCUE || request.verb == VERB_APPLIED ||
                             request.verb == VERB_RELOAD)) {
        log_error("there is no plan of a %s", request.verb == VERB_RESCUE ? "rescue" : "reload");
        return usage(stderr, EXIT_USAGE);
    }
    return perform(config, &request, answer);
}

static struct answer own_answer = { .fd = STDOUT_FILENO };

/* Whoever asked learns the reason all the same. */
static void answer_out_of_memory(void)
{
    static const char json[] = "{\"result\":\"failed\",\"reason\":\"out of memory\"}\n",
                      text[] = "failed: out of memory\n";

    if (!own_answer.ended && !own_answer.gone &&
        write(own_answer.fd, own_answer.human ? text : json,
              (own_answer.human ? sizeof text : sizeof json) - 1) == -1)
        own_answer.gone = true;
}

static void prepare_for_shortage(void)
{
    memory_on_end(answer_out_of_memory);
    memory_keep_reserve(MEMORY_RESERVE);
    json_set_alloc_funcs(memory_block, free);
}

static int run(const struct options *options)
{
    struct why why;
    struct config *config = NULL;
    int status;

    own_answer.human = !options->json && isatty(STDOUT_FILENO);
    prepare_for_shortage();
    if (geteuid() != 0)
        why_set(&why, "only root can change Postfix");
    else
        config = load(options->config_path, &why);
    if (config == NULL) {
        answer_end(&own_answer, "failed", why.text, NULL);
        return EXIT_USAGE;
    }
    if (options->listen_path != NULL)
        status = listen_run(config, options->listen_path);
    else if (options->word_count > 0)
        status = serve_words(options, config, &own_answer);
    else
        status = serve_stdin(config, &own_answer);
    config_free(config);
    return status;
}

static int parse_options(int argc, char *argv[], struct options *options)
{
    static const struct option known[] = {
        { "config", required_argument, NULL, 'c' }, { "listen", required_argument, NULL, 'l' },
        { "json", no_argument, NULL, 'j' },         { "dry-run", no_argument, NULL, 'n' },
        { "help", no_argument, NULL, 'h' },         { NULL, 0, NULL, 0 }
    };

    for (int option; (option = getopt_long(argc, argv, "c:nh", known, NULL)) != -1;) {
        if (option == 'c')
            options->config_path = optarg;
        else if (option == 'l')
            options->listen_path = optarg;
        else if (option == 'j')
            options->json = true;
        else if (option == 'n')
            options->dry_run = true;
        else if (option == 'h')
            exit(usage(stdout, EXIT_OK));
        else
            return -1;
    }
    options->words = argv + optind;
    options->word_count = argc - optind;
    return options->listen_path != NULL && options->word_count > 0 ? -1 : 0;
}

int main(int argc, char *argv[])
{
    struct options options = { .config_path = CONFIG_DEFAULT_PATH };

    log_open("detour-apply", false);
    if (parse_options(argc, argv, &options) == -1 ||
        (options.listen_path == NULL && options.word_count == 0 && isatty(STDIN_FILENO)))
        return usage(stderr, EXIT_USAGE);
    /* Made absolute before the working directory is left. */
    char *path = realpath(options.config_path, NULL);
    if (path != NULL)
        options.config_path = path;
    leave_callers_world();
    int status = run(&options);
    free(path);
    return status;
}
