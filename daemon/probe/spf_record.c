/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/probe/spf_record.h"

#include "daemon/probe/spf_macro.h"
#include "lib/memory.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char version[] = "v=spf1";

static const char *const result_names[] = {
    [SPF_NONE] = "none",           [SPF_NEUTRAL] = "neutral",   [SPF_PASS] = "pass",
    [SPF_FAIL] = "fail",           [SPF_SOFTFAIL] = "softfail", [SPF_TEMPERROR] = "temperror",
    [SPF_PERMERROR] = "permerror",
};

const char *spf_result_name(enum spf_result result)
{
    return result_names[result];
}

/* What may, or has to, follow the name of a mechanism. */
struct grammar {
    const char *name;
    bool needs_value, takes_domain, takes_prefix;
};

static const struct grammar grammars[] = {
    [SPF_ALL] = { "all", false, false, false }, [SPF_INCLUDE] = { "include", true, true, false },
    [SPF_A] = { "a", false, true, true },       [SPF_MX] = { "mx", false, true, true },
    [SPF_PTR] = { "ptr", false, true, false },  [SPF_IP4] = { "ip4", true, false, true },
    [SPF_IP6] = { "ip6", true, false, true },   [SPF_EXISTS] = { "exists", true, true, false },
};

/* One term of the record, or what is left of it. */
struct piece {
    const char *text;
    size_t len;
};

static bool piece_is(struct piece p, const char *word)
{
    return p.len == strlen(word) && strncasecmp(p.text, word, p.len) == 0;
}

static char *copy(struct piece p)
{
    return memory_format("%.*s", (int)p.len, p.text);
}

static enum spf_result take_qualifier(struct piece *p)
{
    static const char marks[] = "+-~?";
    static const enum spf_result results[] = { SPF_PASS, SPF_FAIL, SPF_SOFTFAIL, SPF_NEUTRAL };
    const char *mark = p->len > 0 && p->text[0] != '\0' ? strchr(marks, p->text[0]) : NULL;

    if (mark == NULL)
        return SPF_PASS;
    p->text++;
    p->len--;
    return results[mark - marks];
}

/* "0", or digits without a 0 in front, up to MAX. */
static bool read_prefix(struct piece p, unsigned max, unsigned *out)
{
    unsigned value = 0;

    if (p.len == 0 || p.len > 3 || (p.text[0] == '0' && p.len > 1))
        return false;
    for (size_t i = 0; i < p.len; i++) {
        if (p.text[i] < '0' || p.text[i] > '9')
            return false;
        value = value * 10 + (unsigned)(p.text[i] - '0');
    }
    *out = value;
    return value <= max;
}

/* Cuts MARK and the digits behind it off the end of P. A macro may hold a slash too, so only digits
 * up to the very end count: 1 when there were, 0 when not, -1 when they are no prefix. */
static int cut_prefix(struct piece *p, const char *mark, unsigned max, unsigned *out)
{
    size_t digits = 0, marks = strlen(mark);

    while (digits < p->len && isdigit((unsigned char)p->text[p->len - digits - 1]))
        digits++;
    if (digits == 0 || p->len < digits + marks ||
        strncmp(p->text + p->len - digits - marks, mark, marks) != 0)
        return 0;
    struct piece number = { p->text + p->len - digits, digits };
    p->len -= digits + marks;
    return read_prefix(number, max, out) ? 1 : -1;
}

/* "/24", "//64" or "/24//64" (5.3). */
static bool take_dual_prefix(struct piece *p, struct spf_term *term)
{
    if (cut_prefix(p, "//", 128, &term->prefix[FAMILY_IPV6]) == -1)
        return false;
    if (p->len > 0 && p->text[p->len - 1] == '/')
        return false;
    return cut_prefix(p, "/", 32, &term->prefix[FAMILY_IPV4]) != -1;
}

static bool take_network(struct piece p, struct spf_term *term)
{
    enum family family = term->mechanism == SPF_IP4 ? FAMILY_IPV4 : FAMILY_IPV6;
    char text[ADDRESS_TEXT];

    if (cut_prefix(&p, "/", family == FAMILY_IPV4 ? 32 : 128, &term->prefix[family]) == -1 ||
        p.len == 0 || p.len >= sizeof text)
        return false;
    snprintf(text, sizeof text, "%.*s", (int)p.len, p.text);
    return address_parse(text, 0, &term->network) && address_family(&term->network) == family;
}

/* What stands behind the name of a mechanism. */
static bool take_value(struct piece p, struct spf_term *term)
{
    const struct grammar *g = &grammars[term->mechanism];

    if (g->takes_prefix && g->takes_domain && !take_dual_prefix(&p, term))
        return false;
    if (p.len == 0)
        return !g->needs_value;
    if (p.text[0] != ':' || (!g->takes_domain && !g->takes_prefix))
        return false;
    p.text++;
    p.len--;
    if (!g->takes_domain)
        return take_network(p, term);
    if (!spf_domain_spec_valid(p.text, p.len))
        return false;
    term->domain = copy(p);
    return true;
}

static bool take_mechanism(struct piece p, struct spf_term *term)
{
    struct piece name = p;

    name.len = 0;
    while (name.len < p.len && isalnum((unsigned char)p.text[name.len]))
        name.len++;
    for (size_t i = 0; i < sizeof grammars / sizeof grammars[0]; i++)
        if (piece_is(name, grammars[i].name)) {
            term->mechanism = (enum spf_mechanism)i;
            return take_value((struct piece){ p.text + name.len, p.len - name.len }, term);
        }
    return false;
}

static void free_term(struct spf_term *term)
{
    free(term->text);
    free(term->domain);
}

static bool take_directive(struct piece p, struct spf_record *out)
{
    struct spf_term term = { .prefix = { 32, 128 }, .text = copy(p) };

    term.result = take_qualifier(&p);
    if (!take_mechanism(p, &term)) {
        free_term(&term);
        return false;
    }
    out->terms = memory_grow(out->terms, out->count + 1, sizeof *out->terms);
    out->terms[out->count++] = term;
    return true;
}

/* The length of the name of "name=value", 0 where P is no modifier (4.6.1). */
static size_t modifier_name(struct piece p)
{
    size_t n = 0;

    if (p.len == 0 || !isalpha((unsigned char)p.text[0]))
        return 0;
    while (n < p.len && (isalnum((unsigned char)p.text[n]) || strchr("-_.", p.text[n]) != NULL) &&
           p.text[n] != '\0')
        n++;
    return n < p.len && p.text[n] == '=' ? n : 0;
}

/* An explanation is only looked at, since nobody is refused here. */
static bool take_modifier(struct piece p, size_t name, struct spf_record *out, bool *has_exp)
{
    struct piece word = { p.text, name }, value = { p.text + name + 1, p.len - name - 1 };

    if (piece_is(word, "redirect")) {
        if (out->redirect != NULL || !spf_domain_spec_valid(value.text, value.len))
            return false;
        out->redirect = copy(value);
        return true;
    }
    if (piece_is(word, "exp")) {
        bool again = *has_exp;
        *has_exp = true;
        return !again && spf_domain_spec_valid(value.text, value.len);
    }
    return spf_macro_valid(value.text, value.len);
}

bool spf_record_is(const char *text, size_t len)
{
    size_t head = strlen(version);

    return len >= head && strncasecmp(text, version, head) == 0 &&
           (len == head || text[head] == ' ');
}

int spf_record_parse(const char *text, size_t len, struct spf_record *out, char *why, size_t whylen)
{
    bool has_exp = false;
    size_t at = strlen(version);

    memset(out, 0, sizeof *out);
    if (!spf_record_is(text, len)) {
        snprintf(why, whylen, "no SPF record");
        return -1;
    }
    while (at < len) {
        struct piece p = { text + at, 0 };
        while (at + p.len < len && p.text[p.len] != ' ')
            p.len++;
        at += p.len + 1;
        size_t name = modifier_name(p);
        if (p.len == 0)
            continue;
        if (name > 0 ? !take_modifier(p, name, out, &has_exp) : !take_directive(p, out)) {
            snprintf(why, whylen, "'%.*s' is not SPF", p.len < 100 ? (int)p.len : 100, p.text);
            spf_record_free(out);
            return -1;
        }
    }
    return 0;
}

void spf_record_free(struct spf_record *record)
{
    for (size_t i = 0; i < record->count; i++)
        free_term(&record->terms[i]);
    free(record->terms);
    free(record->redirect);
    memset(record, 0, sizeof *record);
}

bool spf_network_holds(const struct address *network, unsigned prefix,
                       const struct address *address)
{
    bool is_six = address_family(network) == FAMILY_IPV6;
    const unsigned char *x =
        is_six ? network->u.in6.sin6_addr.s6_addr : (const unsigned char *)&network->u.in.sin_addr;
    const unsigned char *y =
        is_six ? address->u.in6.sin6_addr.s6_addr : (const unsigned char *)&address->u.in.sin_addr;
    size_t whole = prefix / 8;
    unsigned char mask = (unsigned char)(0xff00U >> prefix % 8);

    if (address_family(network) != address_family(address) || memcmp(x, y, whole) != 0)
        return false;
    return prefix % 8 == 0 || (x[whole] & mask) == (y[whole] & mask);
}
