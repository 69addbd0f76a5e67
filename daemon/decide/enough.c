/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/decide/enough.h"

int syns_sent(int64_t ms)
{
    static const int64_t leave_at[] = { 0, 1000, 3000, 7000, 15000, 31000 };
    int sent = 0;

    for (size_t i = 0; i < sizeof leave_at / sizeof leave_at[0]; i++)
        sent += ms >= leave_at[i];
    return sent;
}

static bool wave_ended(enum wave_state wave)
{
    return wave == WAVE_ANSWERED || wave == WAVE_SILENT;
}

/* Every probe has ended and no lookup can bring another. */
static bool all_ended(const struct round_view *v)
{
    return v->lookups == 0 && v->running == 0;
}

static enum round_step after_the_silence(const struct round_view *v)
{
    if (v->after == WAVE_UNSENT && wave_ended(v->before))
        return ROUND_CONTROLS_AFTER;
    if (!wave_ended(v->after))
        return ROUND_WAIT;
    /* Without controls the silence proves nothing yet; probes may still connect. */
    return v->after == WAVE_ANSWERED || all_ended(v) ? ROUND_DONE : ROUND_WAIT;
}

enum round_step enough(const struct round_view *v)
{
    bool long_enough = v->silent_ms >= ENOUGH_SILENCE_MS;

    if (v->anyone_connected || v->operators == 0)
        return all_ended(v) ? ROUND_DONE : ROUND_WAIT;
    if (v->before == WAVE_UNSENT && (v->silent_ms >= ENOUGH_SUSPICION_MS || all_ended(v)))
        return ROUND_CONTROLS_BEFORE;
    if (all_ended(v) || (long_enough && v->silent == v->running))
        return after_the_silence(v);
    return ROUND_WAIT;
}
