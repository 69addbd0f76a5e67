/* SPDX-License-Identifier: BSD-2-Clause */
/* One hop trace, for tests/lab: trace ADDRESS CONTROL_PORT one|all|some [SOURCE [CONTROL_ADDRESS]].
 * Says what it saw and concludes, a line each. */
#include "daemon/decide/trace.h"
#include "daemon/probe/hop_trace.h"
#include "lib/clock.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const ends[] = {
    [HOP_UNTRIED] = "untried",
    [HOP_SILENT] = "silent",
    [HOP_PASSED] = "passed",
    [HOP_REACHED] = "reached",
    [HOP_RESET] = "reset",
    [HOP_REFUSED] = "refused",
    [HOP_UNREACHABLE] = "unreachable",
    [HOP_PROHIBITED] = "prohibited",
    [HOP_DENIED] = "denied",
    [HOP_LOCAL] = "local",
};
static const char *const places[] = {
    [TRACE_UNKNOWN] = "unknown",   [TRACE_OPEN] = "open",
    [TRACE_HOST] = "host",         [TRACE_FIRST_HOP] = "first-hop",
    [TRACE_PROVIDER] = "provider", [TRACE_PATH] = "path",
    [TRACE_FAR] = "far",
};
static const char *const manners[] = { [TRACE_SILENTLY] = "silently",
                                       [TRACE_BY_RESET] = "reset",
                                       [TRACE_BY_ICMP] = "icmp",
                                       [TRACE_BY_KERNEL] = "kernel" };
static enum trace_scope scope;

static const char *text_of(const struct address *at, char *out)
{
    snprintf(out, ADDRESS_TEXT, "-");
    if (at->len > 0)
        address_text(at, out);
    return out;
}

static void say_point(const char *name, const struct trace_point *p)
{
    char at[ADDRESS_TEXT];

    printf("%s %zu %s %s\n", name, p->hop, text_of(&p->at, at),
           p->kind == ADDRESS_PUBLIC    ? "public"
           : p->kind == ADDRESS_PRIVATE ? "private"
                                        : "shared");
}

static void on_end(const struct hop_trace_result *t, void *context)
{
    char a[ADDRESS_TEXT], b[ADDRESS_TEXT];
    struct trace_conclusion c = trace_decide(t, scope);

    for (size_t i = 0; i < t->hop_count; i++) {
        const struct hop *h = &t->hops[i];
        printf("hop %zu %s %s %s %s\n", i + 1, ends[h->port25.end], text_of(&h->port25.at, a),
               ends[h->control.end], text_of(&h->control.at, b));
    }
    printf("reached %d control %d kept %d ms %lld\n", t->reached, t->control_reached, t->kept,
           (long long)t->ms);
    printf("where %s %s %d\n", places[c.where], manners[c.how], c.early);
    say_point("last", &c.last);
    say_point("next", &c.next);
    say_point("reporter", &c.reporter);
    event_base_loopbreak(context);
}

int main(int argc, char **argv)
{
    struct event_base *base = event_base_new();
    struct probe_settings settings = { .helo_name = "mail.example" };
    struct hop_trace_plan plan = { .settings = &settings };
    const char *source = argc > 4 ? argv[4] : "-", *control = argc > 5 ? argv[5] : argv[1];

    if (argc < 4 || !address_parse(argv[1], 25, &plan.address) ||
        !address_parse(control, (uint16_t)atoi(argv[2]), &plan.control))
        return 2;
    scope = strcmp(argv[3], "one") == 0   ? TRACE_OF_ONE
            : strcmp(argv[3], "all") == 0 ? TRACE_OF_ALL
                                          : TRACE_OF_SOME;
    enum family family = address_family(&plan.address);
    settings.has_source[family] = address_parse(source, 0, &settings.source[family]);
    signal(SIGPIPE, SIG_IGN);
    plan.deadline_ms = clock_mono_ms() + HOP_TRACE_MS;
    hop_trace_start(base, &plan, on_end, base);
    event_base_dispatch(base);
    event_base_free(base);
    return 0;
}
