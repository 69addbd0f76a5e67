/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/decide/interception.h"

#include "daemon/decide/operators.h"
#include "lib/memory.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define OTHERS_MAX 3 /* so many of those who see the same are looked for, the last for "others" */

/* What two hosts may have in common: a name, or a fingerprint. */
struct key {
    const char *text;
    size_t host;
};

struct search {
    const struct interception_host *hosts;
    size_t count;
    struct operators *operators; /* of the targets */
    struct interception *out;
    enum interception_sign sign; /* that is looked for */
    struct key *keys;            /* two a host at most */
    size_t key_count;
};

static bool is_one_of(const char *text, size_t len, const char *const *words)
{
    for (; *words != NULL; words++)
        if (strlen(*words) == len && strncasecmp(*words, text, len) == 0)
            return true;
    return false;
}

/* The start of the last COUNT labels. */
static const char *last_labels(const char *host, int count)
{
    const char *p = host + strlen(host);

    while (p > host && (p[-1] != '.' || --count > 0))
        p--;
    return p;
}

const char *organisational_domain(const char *host)
{
    static const char *const registries[] = { "ac",  "co", "com", "edu", "go", "gob",
                                              "gov", "gv", "ltd", "mil", "ne", "net",
                                              "nom", "or", "org", "plc", NULL };
    const char *two = last_labels(host, 2), *one = last_labels(host, 1);
    bool by_country = strlen(one) == 2 && one > two;

    if (by_country && is_one_of(two, (size_t)(one - two) - 1, registries))
        return last_labels(host, 3);
    return two;
}

static bool lies_under(const char *name, const char *domain)
{
    size_t len = strlen(name), tail = strlen(domain);

    return len >= tail && strcasecmp(name + len - tail, domain) == 0 &&
           (len == tail || name[len - tail - 1] == '.');
}

static bool is_unrelated(const struct search *s, const struct interception_host *a,
                         const struct interception_host *b)
{
    return a->host[0] != '\0' && b->host[0] != '\0' &&
           operators_of(s->operators, a->target) != operators_of(s->operators, b->target) &&
           (a->operator_name[0] == '\0' || strcmp(a->operator_name, b->operator_name) != 0) &&
           strcasecmp(organisational_domain(a->host), organisational_domain(b->host)) != 0;
}

/* A name that somebody owns: "localhost.localdomain" is what many call themselves. */
static bool is_owned(const char *name)
{
    static const char *const nobodys[] = { "arpa",  "home",        "internal",  "invalid", "lan",
                                           "local", "localdomain", "localhost", NULL };
    const char *last = last_labels(name, 1);

    return last > name && !is_one_of(last, strlen(last), nobodys);
}

static bool is_known_to_be_good(const struct interception_host *h)
{
    return h->known >= PROBE_TLS_SECURE;
}

/* Keys */

static void add_key(struct search *s, const char *text, size_t host)
{
    if (text[0] != '\0')
        s->keys[s->key_count++] = (struct key){ .text = text, .host = host };
}

static void add_keys(struct search *s, size_t i)
{
    const struct interception_host *h = &s->hosts[i];

    switch (s->sign) {
    case INTERCEPTION_NAME:
        add_key(s, is_owned(h->banner_name) ? h->banner_name : "", i);
        if (strcasecmp(h->banner_name, h->ehlo_name) != 0)
            add_key(s, is_owned(h->ehlo_name) ? h->ehlo_name : "", i);
        break;
    case INTERCEPTION_CERTIFICATE:
        add_key(s, h->certificate, i);
        break;
    case INTERCEPTION_AUTHORITY:
        add_key(s, is_known_to_be_good(h) ? h->issuer : "", i);
        break;
    default:
        break;
    }
}

static int by_text(const void *a, const void *b)
{
    return strcasecmp(((const struct key *)a)->text, ((const struct key *)b)->text);
}

/* Whether A and B cannot both be meant by what they show alike. */
static bool contradicts(const struct search *s, const struct key *a, const struct key *b)
{
    const struct interception_host *x = &s->hosts[a->host], *y = &s->hosts[b->host];
    const char *name = s->sign == INTERCEPTION_NAME          ? a->text
                       : s->sign == INTERCEPTION_CERTIFICATE ? x->certificate_name
                                                             : "";

    if (strncmp(name, "*.", 2) == 0)
        name += 2;
    return is_unrelated(s, x, y) &&
           (name[0] == '\0' || (!lies_under(name, organisational_domain(x->host)) &&
                                !lies_under(name, organisational_domain(y->host))));
}

/* Others */

struct others {
    size_t target[OTHERS_MAX];
    const char *name[OTHERS_MAX];
    size_t count;
};

static void add_other(struct others *o, const struct interception_host *h)
{
    for (size_t i = 0; i < o->count; i++)
        if (o->target[i] == h->target)
            return;
    o->target[o->count] = h->target;
    o->name[o->count++] = h->target_name;
}

/* "op2.example", "op2.example and op3.example", "op2.example, op3.example and others". */
static void others_text(const struct others *o, char *out, size_t len)
{
    if (o->count == 1)
        snprintf(out, len, "%.60s", o->name[0]);
    else
        snprintf(out, len, "%.60s%s%.60s%s", o->name[0], o->count == 2 ? " and " : ", ", o->name[1],
                 o->count == 2 ? "" : " and others");
}

static void mark(struct search *s, const struct key *key, const struct others *others)
{
    const struct interception_host *h = &s->hosts[key->host];
    struct interception *out = &s->out[key->host];
    char list[160];

    if (out->sign != INTERCEPTION_NONE)
        return;
    out->sign = s->sign;
    out->false_certificate = h->certificate[0] != '\0';
    others_text(others, list, sizeof list);
    if (s->sign == INTERCEPTION_NAME)
        snprintf(out->detail, sizeof out->detail, "%.80s answers here as for %.140s", key->text,
                 list);
    else if (s->sign == INTERCEPTION_CERTIFICATE)
        snprintf(out->detail, sizeof out->detail,
                 "the certificate of %.60s is shown here as for %.140s",
                 h->certificate_name[0] != '\0' ? h->certificate_name : "nobody", list);
    else
        snprintf(out->detail, sizeof out->detail,
                 "the certificate is of the same unknown authority here as for %.140s", list);
}

/* Keys of the same text, LEN of them. */
static void judge_run(struct search *s, const struct key *run, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        struct others others = { .count = 0 };
        for (size_t k = 0; k < len && others.count < OTHERS_MAX; k++)
            if (contradicts(s, &run[i], &run[k]))
                add_other(&others, &s->hosts[run[k].host]);
        if (others.count > 0)
            mark(s, &run[i], &others);
    }
}

static void look_for(struct search *s, enum interception_sign sign)
{
    s->sign = sign;
    s->key_count = 0;
    for (size_t i = 0; i < s->count; i++)
        if (!s->hosts[i].verified)
            add_keys(s, i);
    qsort(s->keys, s->key_count, sizeof *s->keys, by_text);
    for (size_t i = 0, end; i < s->key_count; i = end) {
        for (end = i + 1; end < s->key_count && by_text(&s->keys[i], &s->keys[end]) == 0; end++)
            continue;
        judge_run(s, &s->keys[i], end - i);
    }
}

/* Where one certificate of a public authority verifies, this host's own store is at fault if others
 * do not. */
static bool any_good_one_verifies(const struct search *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (is_known_to_be_good(&s->hosts[i]) && s->hosts[i].verified)
            return true;
    return false;
}

/* STARTTLS */

static bool has_unrelated(const struct search *s, const bool *missing)
{
    for (size_t i = 0; i < s->count; i++)
        for (size_t k = 0; k < i && missing[s->hosts[i].target]; k++)
            if (missing[s->hosts[k].target] && is_unrelated(s, &s->hosts[i], &s->hosts[k]))
                return true;
    return false;
}

/* The targets known to offer STARTTLS that answered, in KNOWN, and those of them none of whose
 * hosts offers it, in MISSING; how many, in COUNTS in this order. */
static void find_missing(const struct search *s, bool *known, bool *missing, size_t counts[2])
{
    for (size_t i = 0; i < s->count; i++) {
        const struct interception_host *h = &s->hosts[i];
        if (h->answered && h->known >= PROBE_TLS_ENCRYPT) {
            missing[h->target] = (missing[h->target] || !known[h->target]) && !h->starttls_offered;
            known[h->target] = true;
        }
    }
    for (size_t i = 0; i < s->count; i++) {
        const struct interception_host *h = &s->hosts[i];
        bool first = i == 0 || s->hosts[i - 1].target != h->target;
        counts[0] += first && known[h->target];
        counts[1] += first && missing[h->target];
    }
}

static size_t count_targets(const struct search *s)
{
    return s->count > 0 ? s->hosts[s->count - 1].target + 1 : 0;
}

static void look_for_stripped(struct search *s)
{
    size_t targets = count_targets(s), counts[2] = { 0, 0 };
    bool *known = memory_zero(targets, sizeof *known);
    bool *missing = memory_zero(targets, sizeof *missing);

    find_missing(s, known, missing, counts);
    bool most = counts[1] >= 2 && counts[1] * 2 > counts[0] && has_unrelated(s, missing);
    for (size_t i = 0; most && i < s->count; i++) {
        struct interception *out = &s->out[i];
        if (!missing[s->hosts[i].target] || !s->hosts[i].answered || out->sign != INTERCEPTION_NONE)
            continue;
        out->sign = INTERCEPTION_STRIPPED;
        snprintf(out->detail, sizeof out->detail,
                 "STARTTLS is missing here and at %zu other operator%s known to offer it",
                 counts[1] - 1, counts[1] == 2 ? "" : "s");
    }
    free(known);
    free(missing);
}

static void look_for_masked(struct search *s)
{
    for (size_t i = 0; i < s->count; i++) {
        struct interception *out = &s->out[i];
        if (!s->hosts[i].masked || s->hosts[i].verified || out->sign != INTERCEPTION_NONE)
            continue;
        out->sign = INTERCEPTION_MASKED;
        snprintf(out->detail, sizeof out->detail,
                 "something between masks what the server says and offers");
    }
}

void interception_find(const struct interception_host *hosts, size_t count,
                       struct interception *out)
{
    struct search s = { .hosts = hosts, .count = count, .out = out };

    s.operators = operators_new(count_targets(&s));
    for (size_t i = 0; i < count; i++) {
        out[i] = (struct interception){ .sign = INTERCEPTION_NONE };
        operators_add(s.operators, hosts[i].target, hosts[i].network);
    }
    s.keys = memory_zero(2 * count, sizeof *s.keys);
    look_for(&s, INTERCEPTION_NAME);
    look_for(&s, INTERCEPTION_CERTIFICATE);
    if (!any_good_one_verifies(&s))
        look_for(&s, INTERCEPTION_AUTHORITY);
    look_for_stripped(&s);
    look_for_masked(&s);
    operators_free(s.operators);
    free(s.keys);
}
