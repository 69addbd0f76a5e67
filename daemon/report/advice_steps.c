/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/report/advice_steps.h"

const json_t *advice_of_family(const struct adviser *a, const char *key)
{
    return json_object_get(json_object_get(a->in->document, key), a->family);
}

json_t *advice_step(struct adviser *a, const char *name)
{
    json_t *step = json_pack("{s:s}", "step", name);

    json_array_append_new(a->steps, step);
    return step;
}
