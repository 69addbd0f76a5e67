/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/serve/commands.h"

#include "daemon/report/status.h"
#include "daemon/report/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 4

struct words {
    char *word[WORDS_MAX];
    size_t count;
};

static bool wants_json(const struct words *w)
{
    return w->count > 1 && strcmp(w->word[w->count - 1], "json") == 0;
}

static void run_status(struct client *client, struct words *w)
{
    struct engine_view view = engine_view(client_engine(client));
    json_t *document = status_json(&view);

    if (wants_json(w)) {
        client_say_json(client, document);
        return;
    }
    char *text = status_text(document);
    client_say(client, text);
    free(text);
    json_decref(document);
}

static void run_relays(struct client *client, struct words *w)
{
    struct engine_view view = engine_view(client_engine(client));
    json_t *document = relays_json(&view);

    if (wants_json(w)) {
        client_say_json(client, document);
        return;
    }
    char *text = relays_text(document);
    client_say(client, text);
    free(text);
    json_decref(document);
}

/* What an order led to; the first word tells programs whether it was done. */
static void answered(bool ok, const char *line, void *context)
{
    char text[600];

    snprintf(text, sizeof text, "%s: %s\n", ok ? "ok" : "failed", line);
    client_say(context, text);
}

static void run_route(struct client *client, struct words *w)
{
    if (w->count != 2) {
        client_say(client, "usage: route direct|NAME|auto\n");
        return;
    }
    client_wait(client, NULL);
    if (strcmp(w->word[1], "auto") == 0)
        engine_release(client_engine(client), answered, client);
    else
        engine_take_route(client_engine(client), w->word[1], answered, client);
}

static void run_hold(struct client *client, struct words *w)
{
    (void)w;
    client_wait(client, NULL);
    engine_hold(client_engine(client), answered, client);
}

static void run_release(struct client *client, struct words *w)
{
    (void)w;
    client_wait(client, NULL);
    engine_release(client_engine(client), answered, client);
}

static void planned(const struct apply_result *result, struct client *client, bool json)
{
    if (result->last == NULL) {
        answered(false, result->reason, client);
    } else if (json) {
        client_say_json(client, json_incref((json_t *)result->last));
    } else {
        char *text = plan_text(result->last);
        client_say(client, text);
        free(text);
    }
}

static void planned_text(const struct apply_result *result, void *context)
{
    planned(result, context, false);
}

static void planned_json(const struct apply_result *result, void *context)
{
    planned(result, context, true);
}

/* plan [direct|NAME [PORT]]: without a port, the relay's first one. */
static const char *plan_route(const struct engine *engine, const struct words *w, size_t count,
                              struct route *out)
{
    struct engine_view view = engine_view(engine);
    const struct relay *relay;

    if (count == 1)
        return engine_next_route(engine, out) ? NULL : "no relay is configured";
    *out = route_direct();
    if (strcmp(w->word[1], "direct") == 0)
        return count == 2 ? NULL : "direct has no port";
    relay = config_relay(view.config, w->word[1]);
    if (relay == NULL)
        return "no relay of that name is configured";
    uint16_t port = count > 2 ? (uint16_t)strtoul(w->word[2], NULL, 10) : relay->ports.port[0];
    if (!ports_contain(&relay->ports, port))
        return "that relay is not configured with that port";
    *out = route_relay(relay->name, port);
    return NULL;
}

static void run_applied(struct client *client, struct words *w)
{
    const char *number = w->count == 2 ? w->word[1] : "";
    size_t digits = strspn(number, "0123456789");

    if (number[0] < '1' || number[0] > '9' || number[digits] != '\0' || digits > 9) {
        client_say(client, "usage: applied GENERATION\n");
        return;
    }
    client_wait(client, NULL);
    engine_applied(client_engine(client), strtoul(number, NULL, 10), answered, client);
}

/* Always JSON: the texts of all formats. */
static void run_fragment(struct client *client, struct words *w)
{
    struct engine_view view = engine_view(client_engine(client));
    struct request request = { .verb = VERB_FRAGMENT };
    size_t count = w->count - wants_json(w);
    const char *why = count < 2 ? "usage: fragment direct|NAME [PORT] json"
                                : plan_route(client_engine(client), w, count, &request.route);

    if (why != NULL)
        answered(false, why, client);
    else
        client_wait(client, apply_start(client_base(client), view.config->apply.socket, &request,
                                        planned_json, client));
}

static void run_plan(struct client *client, struct words *w)
{
    struct engine_view view = engine_view(client_engine(client));
    struct request request = { .verb = VERB_PLAN };
    bool json = wants_json(w);
    const char *why = plan_route(client_engine(client), w, w->count - json, &request.route);

    if (why != NULL) {
        answered(false, why, client);
        return;
    }
    client_wait(client, apply_start(client_base(client), view.config->apply.socket, &request,
                                    json ? planned_json : planned_text, client));
}

static void run_help(struct client *client, struct words *w);

static const struct command {
    const char *name;
    bool changes;
    bool alone; /* it takes no word, other than json where USAGE has that */
    void (*run)(struct client *client, struct words *words);
    const char *usage, *summary;
} commands[] = {
    { "help", false, true, run_help, "help", "this list" },
    { "status", false, true, run_status, "status [json]", "route, verdict, relays, what is next" },
    { "relays", false, true, run_relays, "relays [json]", "each relay and its last proof" },
    { "plan", false, false, run_plan, "plan [direct|NAME [PORT]] [json]",
      "the difference that a switch would make" },
    { "fragment", false, false, run_fragment, "fragment direct|NAME [PORT] json",
      "what configuration management applies for it" },
    { "applied", true, false, run_applied, "applied GENERATION",
      "configuration management has applied that" },
    { "route", true, false, run_route, "route direct|NAME|auto", "take that route and hold it" },
    { "hold", true, true, run_hold, "hold", "stay on the present route" },
    { "release", true, true, run_release, "release", "end a hold" },
};

#define COMMANDS (sizeof commands / sizeof commands[0])

static void run_help(struct client *client, struct words *w)
{
    struct text t;

    (void)w;
    text_begin(&t);
    for (size_t i = 0; i < COMMANDS; i++)
        text_add(&t, "%-36s %s\n", commands[i].usage, commands[i].summary);
    char *text = text_end(&t);
    client_say(client, text);
    free(text);
}

static struct words split(char *line)
{
    struct words w = { .count = 0 };

    for (char *word; (word = strsep(&line, " \t")) != NULL;)
        if (*word != '\0' && w.count < WORDS_MAX)
            w.word[w.count++] = word;
    return w;
}

/* `hold NAME` is not `hold`: whoever says it means something else. */
static bool has_more(const struct command *command, const struct words *w)
{
    bool may_be_json = strstr(command->usage, "[json]") != NULL;

    return command->alone && w->count > 1 && !(may_be_json && w->count == 2 && wants_json(w));
}

static void say_usage(struct client *client, const char *usage)
{
    char text[80];

    snprintf(text, sizeof text, "usage: %s\n", usage);
    client_say(client, text);
}

void commands_run(struct client *client, char *line)
{
    struct words w = split(line);

    for (size_t i = 0; w.count > 0 && i < COMMANDS; i++) {
        if (strcmp(commands[i].name, w.word[0]) != 0)
            continue;
        if (has_more(&commands[i], &w))
            say_usage(client, commands[i].usage);
        else if (commands[i].changes && !client_may_change(client))
            client_say(client, "denied: root or a member of admin_group may do this\n");
        else
            commands[i].run(client, &w);
        return;
    }
    client_say(client, "unknown command; `help` lists what there is\n");
}
