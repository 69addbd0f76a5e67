/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/decide/provider.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

const char *recognition_name(enum recognition by)
{
    static const char *const names[] = { "dmi", "cloud-init", "reverse-name" };

    return names[by];
}

/* The ways in which a machine can be recognised, the surest first: a tag is made for this, a
 * vendor's name may stand on a machine that somebody else runs. */
enum mark { ASSET_TAG, PRODUCT_NAME, SYS_VENDOR, BOARD_VENDOR, CLOUD_ID, MARKS };

static const char *const mark_names[] = { "chassis_asset_tag", "product_name", "sys_vendor",
                                          "board_vendor", "cloud-id" };

static const char *mark_of(const struct machine *m, enum mark mark)
{
    const char *const marks[] = { m->chassis_asset_tag, m->product_name, m->sys_vendor,
                                  m->board_vendor, m->cloud_id };

    return marks[mark];
}

static char **known_marks(const struct provider *p, enum mark mark)
{
    char **const marks[] = { p->machine.chassis_asset_tag, p->machine.product_name,
                             p->machine.sys_vendor, p->machine.board_vendor, p->machine.cloud_id };

    return marks[mark];
}

static bool list_has(char **list, const char *text)
{
    for (; list != NULL && *list != NULL; list++)
        if (strcmp(*list, text) == 0)
            return true;
    return false;
}

static bool by_mark(const struct provider_catalogue *c, const struct machine *machine,
                    enum mark mark, struct recognised *out)
{
    const char *text = mark_of(machine, mark);
    const struct provider *p;

    for (size_t i = 0; *text != '\0' && (p = provider_catalogue_at(c, i)) != NULL; i++)
        if (list_has(known_marks(p, mark), text)) {
            out->provider = p;
            out->by = mark == CLOUD_ID ? RECOGNISED_BY_CLOUD_INIT : RECOGNISED_BY_DMI;
            snprintf(out->evidence, sizeof out->evidence, "%s %s", mark_names[mark], text);
            return true;
        }
    return false;
}

/* Whether NAME, of LEN bytes, is DOMAIN or stands below it: by whole labels, in any case. */
static bool is_below(const char *name, size_t len, const char *domain)
{
    size_t tail = strlen(domain);

    return len >= tail && strncasecmp(name + len - tail, domain, tail) == 0 &&
           (len == tail || name[len - tail - 1] == '.');
}

/* The length of the longest domain of P's that NAME is below; 0 where there is none. */
static size_t longest_domain(const struct provider *p, const char *name)
{
    size_t len = strlen(name), longest = 0;

    if (len > 0 && name[len - 1] == '.')
        len--;
    for (char **domain = p->address.reverse_name; domain != NULL && *domain != NULL; domain++)
        if (is_below(name, len, *domain) && strlen(*domain) > longest)
            longest = strlen(*domain);
    return longest;
}

static bool by_name(const struct provider_catalogue *c, const char *name, struct recognised *out)
{
    const struct provider *p;
    size_t longest = 0;

    for (size_t i = 0; (p = provider_catalogue_at(c, i)) != NULL; i++) {
        size_t len = longest_domain(p, name);
        if (len > longest) {
            longest = len;
            out->provider = p;
        }
    }
    out->by = RECOGNISED_BY_REVERSE_NAME;
    snprintf(out->evidence, sizeof out->evidence, "name %s", name);
    return longest > 0;
}

bool provider_recognise(const struct provider_catalogue *catalogue, const struct machine *machine,
                        const char *const reverse_names[], size_t count, struct recognised *out)
{
    for (enum mark mark = 0; machine != NULL && mark < MARKS; mark++)
        if (by_mark(catalogue, machine, mark, out))
            return true;
    for (size_t i = 0; i < count; i++)
        if (by_name(catalogue, reverse_names[i], out))
            return true;
    return false;
}
