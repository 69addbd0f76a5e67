/* SPDX-License-Identifier: BSD-2-Clause */
/* Relays as the way around a closed port. */
#include "daemon/report/advice_steps.h"

#include "daemon/report/member.h"
#include "daemon/report/text.h"
#include <stdlib.h>
#include <string.h>

/* In the order of RFC 8314 3: TLS from the first byte before STARTTLS, the registered ports before
 * those that are only usual. */
static const uint16_t preferred[] = { 465, 587, 2465, 2587, 2525 };

#define PREFERRED (sizeof preferred / sizeof preferred[0])

static const json_t *submission(const struct adviser *a)
{
    return json_object_get(a->in->document, "submission");
}

/* What the ladder says of that relay's port; NULL where nobody has tried it. */
static const json_t *tried(const struct adviser *a, const char *relay, uint16_t port)
{
    json_t *entry;
    size_t i;

    json_array_foreach(submission(a), i, entry)
    {
        if (strcmp(word(entry, "relay"), relay) == 0 &&
            json_integer_value(json_object_get(entry, "port")) == port)
            return entry;
    }
    return NULL;
}

static bool is_usable(const json_t *entry)
{
    return strcmp(word(entry, "state"), "usable") == 0 &&
           !json_is_true(json_object_get(entry, "attack"));
}

/* A relay of the configuration */

static json_t *relay_step(struct adviser *a, const char *name, const struct relay *relay,
                          uint16_t port)
{
    json_t *step = advice_step(a, name);

    json_object_set_new(step, "relay", json_string(relay->name));
    json_object_set_new(step, "port", json_integer(port));
    json_object_set_new(step, "mode", json_string(mode_name(a->in->config->mode)));
    return step;
}

/* Whether one of its ports works from here, or was not tried. */
static bool take_relay(struct adviser *a, const struct relay *relay)
{
    for (size_t i = 0; i < relay->ports.count; i++) {
        const json_t *entry = tried(a, relay->name, relay->ports.port[i]);
        if (entry != NULL && !is_usable(entry))
            continue;
        json_object_set_new(relay_step(a, "use-relay", relay, relay->ports.port[i]), "tried",
                            json_boolean(entry != NULL));
        return true;
    }
    return false;
}

static void tell_failure(struct adviser *a, const struct relay *relay)
{
    for (size_t i = 0; i < relay->ports.count; i++) {
        const json_t *entry = tried(a, relay->name, relay->ports.port[i]);
        bool attack = json_is_true(json_object_get(entry, "attack"));
        json_t *step =
            relay_step(a, attack ? "downgraded" : "repair-relay", relay, relay->ports.port[i]);
        json_object_set_new(step, "state", json_string(word(entry, "state")));
        json_object_set_new(step, "detail", json_string(word(entry, "detail")));
    }
}

static bool use_configured(struct adviser *a)
{
    const struct config *config = a->in->config;

    for (size_t i = 0; i < config->relay_count; i++)
        if (take_relay(a, &config->relays[i]))
            return true;
    for (size_t i = 0; i < config->relay_count; i++)
        tell_failure(a, &config->relays[i]);
    return false;
}

/* A service of the catalogue */

static bool closed_by_provider(const struct adviser *a, uint16_t port)
{
    const json_t *policy = json_object_get(a->provider, "policy");
    json_t *closed;
    size_t i;

    json_array_foreach(json_object_get(policy, "closed"), i,
                       closed) if (json_integer_value(closed) == port) return true;
    return false;
}

static bool any_tried(const struct adviser *a, const struct relay_service *service)
{
    for (size_t i = 0; i < service->ports.count; i++)
        if (tried(a, service->name, service->ports.port[i]) != NULL)
            return true;
    return false;
}

/* Those that work from here; where nobody has tried, those that the provider does not close. */
static json_t *usable_ports(const struct adviser *a, const struct relay_service *service)
{
    bool known = any_tried(a, service);
    json_t *ports = json_array();

    for (size_t i = 0; i < PREFERRED; i++) {
        uint16_t port = preferred[i];
        const json_t *entry = tried(a, service->name, port);
        if (ports_contain(&service->ports, port) &&
            (known ? entry != NULL && is_usable(entry) : !closed_by_provider(a, port)))
            json_array_append_new(ports, json_integer(port));
    }
    return ports;
}

static json_t *text_json(const char *text)
{
    return text != NULL ? json_string(text) : json_null();
}

static json_t *candidate(const struct adviser *a, const struct relay_service *s, json_t *ports)
{
    return json_pack("{s:s, s:s, s:o, s:b, s:o, s:o, s:o, s:o}", "relay", s->name, "title",
                     s->title, "ports", ports, "tried", any_tried(a, s), "price",
                     text_json(s->price), "free", text_json(s->free_of_charge), "price_source",
                     text_json(s->price_citation.source), "price_date",
                     text_json(s->price_citation.date));
}

static json_t *candidates(const struct adviser *a)
{
    const struct relay_service *service;
    json_t *list = json_array();

    for (size_t i = 0;
         a->in->relays != NULL && (service = relay_catalogue_at(a->in->relays, i)) != NULL; i++) {
        json_t *ports = service->host != NULL ? usable_ports(a, service) : NULL;
        if (json_array_size(ports) > 0)
            json_array_append_new(list, candidate(a, service, ports));
        else
            json_decref(ports);
    }
    return list;
}

/* The ports of a section: with method = relayhost none that begins with TLS. */
static bool add_ports(struct text *t, const json_t *ports)
{
    size_t i, said = 0;
    json_t *port;

    json_array_foreach(ports, i, port)
    {
        uint16_t number = (uint16_t)json_integer_value(port);
        if (!port_is_implicit_tls(number))
            text_add(t, "%s%u", said++ > 0 ? ", " : "    ports = { ", number);
    }
    if (said == 0)
        json_array_foreach(ports, i, port) text_add(t, "%s%u", i > 0 ? ", " : "    ports = { ",
                                                    (unsigned)json_integer_value(port));
    text_add(t, " }\n");
    return said == 0;
}

/* A section of detourd.conf for SERVICE, ready but for what only its customer knows. */
static char *snippet(const struct relay_service *s, const json_t *ports)
{
    struct text t;

    text_begin(&t);
    text_add(&t, "mode = switch\n\nrelay %s {\n    provider = %s\n", s->name, s->name);
    if (s->needs_region)
        text_add(&t, "    region = %s\n", s->default_region);
    bool implicit_tls = add_ports(&t, ports);
    if (s->username == NULL)
        text_add(&t, "    username = \"...\"\n");
    text_add(&t, "    password_file = \"/etc/detourd/%s.password\"\n}\n", s->name);
    if (implicit_tls)
        text_add(&t, "\npostfix {\n    method = transport\n}\n");
    return text_end(&t);
}

static void suggest(struct adviser *a)
{
    json_t *list = candidates(a), *first = json_array_get(list, 0);
    json_t *step = advice_step(a, first != NULL ? "add-relay" : "no-relay");

    if (first != NULL) {
        const struct relay_service *service =
            relay_catalogue_find(a->in->relays, word(first, "relay"));
        char *text = snippet(service, json_object_get(first, "ports"));
        json_object_set_new(step, "snippet", json_string(text));
        json_object_set_new(step, "snippet_relay", json_string(service->name));
        free(text);
    }
    json_object_set_new(step, "candidates", list);
}

void advice_relays(struct adviser *a)
{
    if (!use_configured(a))
        suggest(a);
}
