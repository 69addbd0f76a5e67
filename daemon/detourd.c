/* SPDX-License-Identifier: BSD-2-Clause */
/* The daemon: configuration, privileges, signals, the loop. */
#include "daemon/act/state_file.h"
#include "daemon/engine/engine.h"
#include "daemon/notify.h"
#include "daemon/privilege.h"
#include "daemon/serve/control.h"
#include "lib/config_load.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "lib/secret.h"
#include <event2/event.h>
#include <getopt.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_USAGE 2
#define WHY_MAX    512

struct detourd {
    const char *config_path;
    struct privilege privilege;
    struct event_base *base;
    struct engine *engine;
    struct control_server *control;
    struct notify *notify;
    struct event *hup, *term, *interrupt;
};

static void log_complaints(struct complaints *complaints)
{
    const char *line;
    bool is_error;

    for (size_t i = 0; (line = complaints_line(complaints, i, &is_error)) != NULL; i++)
        log_at(is_error ? LOG_ERR : LOG_WARNING, "%s", line);
}

/* Password files are judged with the configuration, not in the middle of an outage. */
static void check_secrets(const struct config *config, gid_t group, struct complaints *complaints)
{
    char why[WHY_MAX];

    for (size_t i = 0; i < config->relay_count; i++)
        if (secret_check(config->relays[i].password_file, group, why, sizeof why) == -1)
            complain(complaints, config->path, config->relays[i].line, "relay %s: %s",
                     config->relays[i].name, why);
}

/* The configuration if it has no error at all; every complaint is logged. */
static struct config *load(const char *path, struct privilege *privilege)
{
    struct complaints *complaints = complaints_new();
    struct config *config = config_load(path, complaints);
    char why[WHY_MAX];

    if (config != NULL && privilege_find(config->user, privilege, why, sizeof why) == -1)
        complain(complaints, path, 0, "%s", why);
    else if (config != NULL)
        check_secrets(config, privilege->gid, complaints);
    log_complaints(complaints);
    if (complaints_errors(complaints) > 0) {
        config_free(config);
        config = NULL;
    }
    complaints_free(complaints);
    return config;
}

static int make_parent(const struct privilege *privilege, const char *path, mode_t mode, char *why)
{
    char *copy = memory_copy(path);
    int result = privilege_directory(privilege, dirname(copy), mode, why, WHY_MAX);

    free(copy);
    return result;
}

/* Root's last deeds: directories, and then no more root. */
static int settle(struct detourd *d, const struct config *config)
{
    char why[WHY_MAX];

    if (privilege_directory(&d->privilege, config->state_directory, 0700, why, sizeof why) == -1 ||
        make_parent(&d->privilege, config->status.socket, 0755, why) == -1 ||
        privilege_drop(&d->privilege, config->status.group, why, sizeof why) == -1 ||
        state_lock(config->state_directory, why, sizeof why) == -1) {
        log_error("%s", why);
        return -1;
    }
    return 0;
}

static bool same(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* What a process cannot change of itself. */
static void warn_of_fixed(const struct config *old, const struct config *new)
{
    if (!same(old->user, new->user) || !same(old->state_directory, new->state_directory) ||
        !same(old->status.socket, new->status.socket) ||
        !same(old->status.group, new->status.group))
        log_warning("user, state_directory, status socket and group take effect at a restart");
}

static void on_hup(evutil_socket_t fd, short events, void *context)
{
    struct detourd *d = context;
    struct privilege privilege;
    char why[WHY_MAX];

    (void)fd;
    (void)events;
    notify_reloading();
    struct config *config = load(d->config_path, &privilege);
    if (config == NULL) {
        log_error("the configuration was not reloaded; the one in use stays");
    } else {
        warn_of_fixed(engine_view(d->engine).config, config);
        if (engine_reload(d->engine, config, why, sizeof why) == -1) {
            log_error("the configuration was not reloaded: %s; the one in use stays", why);
        } else {
            control_server_reload(d->control, &engine_view(d->engine).config->status);
            log_notice("configuration reloaded");
        }
    }
    notify_ready();
}

static void on_end(evutil_socket_t signal, short events, void *context)
{
    struct detourd *d = context;

    (void)signal;
    (void)events;
    notify_stopping();
    event_base_loopbreak(d->base);
}

static struct event *watch(struct detourd *d, int signal, event_callback_fn callback)
{
    struct event *event = evsignal_new(d->base, signal, callback, d);

    event_add(event, NULL);
    return event;
}

static int start(struct detourd *d, struct config *config)
{
    char why[WHY_MAX];

    d->base = event_base_new();
    d->engine = engine_new(d->base, config, d->privilege.gid, why, sizeof why);
    if (d->engine != NULL)
        d->control = control_server_new(d->base, d->engine, &engine_view(d->engine).config->status,
                                        why, sizeof why);
    if (d->control == NULL) {
        log_error("%s", why);
        return -1;
    }
    d->notify = notify_new(d->base);
    d->hup = watch(d, SIGHUP, on_hup);
    d->term = watch(d, SIGTERM, on_end);
    d->interrupt = watch(d, SIGINT, on_end);
    return 0;
}

static void stop(struct detourd *d)
{
    struct event *signals[] = { d->hup, d->term, d->interrupt };

    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        if (signals[i] != NULL)
            event_free(signals[i]);
    notify_free(d->notify);
    control_server_free(d->control);
    engine_free(d->engine);
    if (d->base != NULL)
        event_base_free(d->base);
    libevent_global_shutdown();
}

static int run(struct detourd *d)
{
    struct config *config = load(d->config_path, &d->privilege);

    if (config == NULL)
        return EXIT_USAGE;
    if (settle(d, config) == -1) {
        config_free(config);
        return EXIT_FAILURE;
    }
    int code = EXIT_FAILURE;
    if (start(d, config) == 0) {
        log_notice("detourd %s, mode %s, %zu relay(s)", PACKAGE_VERSION_TEXT,
                   mode_name(engine_view(d->engine).config->mode),
                   engine_view(d->engine).config->relay_count);
        notify_ready();
        event_base_dispatch(d->base);
        log_notice("detourd ends; mail goes on by the route in force");
        code = EXIT_SUCCESS;
    }
    stop(d);
    return code;
}

static int usage(FILE *out, int code)
{
    fprintf(out, "usage: detourd [-c FILE] [-v]\n"
                 "  -c FILE    the configuration (default " CONFIG_DEFAULT_PATH ")\n"
                 "  -v         log every step\n");
    return code;
}

int main(int argc, char *argv[])
{
    static const struct option options[] = { { "help", no_argument, NULL, 'h' },
                                             { "version", no_argument, NULL, 'V' },
                                             { NULL, 0, NULL, 0 } };
    struct detourd d = { .config_path = CONFIG_DEFAULT_PATH };
    bool verbose = false;

    for (int c; (c = getopt_long(argc, argv, "c:hvV", options, NULL)) != -1;) {
        if (c == 'c')
            d.config_path = optarg;
        else if (c == 'v')
            verbose = true;
        else if (c == 'h')
            return usage(stdout, EXIT_SUCCESS);
        else if (c == 'V')
            return printf("detourd %s\n", PACKAGE_VERSION_TEXT) < 0;
        else
            return usage(stderr, EXIT_USAGE);
    }
    if (optind < argc)
        return usage(stderr, EXIT_USAGE);
    signal(SIGPIPE, SIG_IGN);
    log_open("detourd", verbose);
    return run(&d);
}
