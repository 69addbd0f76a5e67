/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/report/providers.h"

#define SCHEMA 1

static json_t *text_json(const char *text)
{
    return text != NULL ? json_string(text) : json_null();
}

static json_t *list_json(char **list)
{
    json_t *array = json_array();

    for (; list != NULL && *list != NULL; list++)
        json_array_append_new(array, json_string(*list));
    return array;
}

static json_t *ports_json(const struct ports *ports)
{
    json_t *array = json_array();

    for (size_t i = 0; i < ports->count; i++)
        json_array_append_new(array, json_integer(ports->port[i]));
    return array;
}

static json_t *cited(json_t *object, const struct citation *citation)
{
    json_object_set_new(object, "source", text_json(citation->source));
    json_object_set_new(object, "date", text_json(citation->date));
    return object;
}

static json_t *policy_json(const struct provider_policy *p)
{
    return cited(json_pack("{s:s, s:o, s:o, s:o}", "default", policy_name(p->kind), "condition",
                           text_json(p->condition), "since", text_json(p->since), "closed",
                           ports_json(&p->closed)),
                 &p->citation);
}

static json_t *lift_json(const struct provider *p)
{
    const struct provider_lift *l = &p->lift;

    if (!p->lift_known)
        return json_null();
    return cited(
        json_pack("{s:s, s:o, s:o, s:o, s:o}", "possible", lifting_name(l->possible), "how",
                  text_json(l->how), "needs", text_json(l->needs), "url", text_json(l->url),
                  "hours",
                  l->has_hours ? json_pack("[i, i]", l->hours_min, l->hours_max) : json_null()),
        &l->citation);
}

static json_t *machine_json(const struct provider_machine *m)
{
    if (m->citation.source == NULL)
        return json_null();
    return cited(json_pack("{s:o, s:o, s:o, s:o, s:o}", "sys_vendor", list_json(m->sys_vendor),
                           "product_name", list_json(m->product_name), "chassis_asset_tag",
                           list_json(m->chassis_asset_tag), "board_vendor",
                           list_json(m->board_vendor), "cloud_id", list_json(m->cloud_id)),
                 &m->citation);
}

static json_t *address_json(const struct provider_address *a)
{
    if (a->citation.source == NULL)
        return json_null();
    return cited(json_pack("{s:o}", "reverse_name", list_json(a->reverse_name)), &a->citation);
}

static json_t *provider_json(const struct provider *p)
{
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "name", p->name, "title", p->title, "policy",
                     policy_json(&p->policy), "lift", lift_json(p), "machine",
                     machine_json(&p->machine), "address", address_json(&p->address));
}

json_t *providers_json(const struct provider_catalogue *catalogue, const struct provider *only)
{
    json_t *list = json_array();
    const struct provider *p;

    for (size_t i = 0; (p = provider_catalogue_at(catalogue, i)) != NULL; i++)
        if (only == NULL || p == only)
            json_array_append_new(list, provider_json(p));
    return json_pack("{s:i, s:o}", "schema", SCHEMA, "providers", list);
}

json_t *recognised_json(const struct recognised *r)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "name", r->provider->name, "title",
                     r->provider->title, "by", recognition_name(r->by), "evidence", r->evidence,
                     "policy", policy_json(&r->provider->policy), "lift", lift_json(r->provider));
}
