/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "journey/signals.h"

#include <math.h>

#include "base/time.h"

static uint16_t one_more(uint16_t count) { return (uint16_t)(count + (count < UINT16_MAX)); }

static void count_row(const struct signals_spec *spec, struct signals *signals,
                      const struct view *view, uint32_t row) {
    uint32_t ago_s = spec->at_s - view->sec[row];
    if (ago_s >= 2 * SIGNAL_LONG_DAYS * DAY_S)
        return;
    if (ago_s >= SIGNAL_LONG_DAYS * DAY_S) {
        signals->contacts_before = one_more(signals->contacts_before);
        return;
    }
    signals->contacts_long = one_more(signals->contacts_long);
    if (ago_s < SIGNAL_SHORT_DAYS * DAY_S)
        signals->contacts_short = one_more(signals->contacts_short);
    if (!spec->n_events)
        return;
    for (uint64_t bits = view_mask(view, spec->lut, row); bits; bits &= bits - 1) {
        uint8_t *count = &signals->events[__builtin_ctzll(bits)];
        *count = (uint8_t)(*count + (*count < UINT8_MAX));
    }
}

static void note_signals(void *opaque, uint32_t owner, const struct run *runs, size_t n) {
    const struct signals_spec *spec = opaque;
    struct signals *signals = &spec->by_owner[owner];
    for (size_t r = 0; r < n; r++)
        for (uint32_t row = runs[r].from; row < runs[r].to; row++) {
            uint32_t sec = runs[r].view->sec[row];
            if (sec >= spec->at_s)
                continue;
            signals->first_s = signals->first_s && signals->first_s < sec ? signals->first_s : sec;
            signals->last_s = sec > signals->last_s ? sec : signals->last_s;
            count_row(spec, signals, runs[r].view, row);
        }
}
const struct operator signals_operator = {.customer = note_signals};

static void note_mood(void *opaque, uint32_t owner, const struct run *runs, size_t n) {
    const struct mood_spec *spec = opaque;
    uint32_t newest = 0;
    for (size_t r = 0; r < n; r++)
        for (uint32_t row = runs[r].from; row < runs[r].to; row++) {
            const struct view *view = runs[r].view;
            if (isnan(view->number[row]) || view->sec[row] < newest)
                continue;
            newest = view->sec[row];
            spec->by_owner[owner] = (float)view->number[row];
        }
}
const struct operator mood_operator = {.customer = note_mood};

static void note_span(void *opaque, uint32_t owner, const struct run *runs, size_t n) {
    const struct spans_spec *spec = opaque;
    struct span *span = &spec->by_owner[owner];
    for (size_t r = 0; r < n; r++)
        for (uint32_t row = runs[r].from; row < runs[r].to; row++) {
            uint32_t sec = runs[r].view->sec[row];
            span->first_s = span->first_s && span->first_s < sec ? span->first_s : sec;
            span->last_s = sec > span->last_s ? sec : span->last_s;
        }
}
const struct operator spans_operator = {.customer = note_span};

static void note_seen(void *opaque, uint32_t owner, const struct run *runs, size_t n) {
    const struct seen_spec *spec = opaque;
    for (size_t r = 0; r < n; r++)
        for (uint32_t row = runs[r].from; row < runs[r].to; row++)
            spec->by_owner[owner] |= view_mask(runs[r].view, spec->lut, row);
}
const struct operator seen_operator = {.customer = note_seen};
