/*
 * The signs that leaving is foretold by, as they stood at an instant: see internal.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "value/churn.h"

const char *const sign_names[SIGNS] = {
#define X(name, text) text,
    SIGN_TABLE(X)
#undef X
};

int standing_read(struct standing *standing, struct estimation *run,
                  const struct churn_setup *setup, int32_t day, struct err *err) {
    struct gather *gather = &run->gather;
    int64_t at_ms = gather_after_day(gather, day);
    static const char *const metrics[MOODS] = {"nps", "csat", "ces"};
    standing->day = day;
    int code = gather_signals(gather, at_ms, setup->deeds, setup->n_deeds, standing->signals, err);
    for (int m = 0; m < MOODS && !code; m++)
        code = gather_mood(gather, at_ms, metrics[m], standing->mood[m], err);
    if (code || run->contracts)
        return code;
    free(standing->rows);
    code = gather_purchases(gather, run->plan, day, &standing->rows, &standing->n_rows, err);
    memset(standing->row_of, 0, gather->n * sizeof *standing->row_of);
    for (size_t i = 0; i < standing->n_rows; i++)
        standing->row_of[standing->rows[i].owner] = (uint32_t)i + 1;
    return code;
}

void standing_init(struct standing *standing, struct estimation *run) {
    uint32_t n = run->gather.n;
    struct arena *arena = &run->gather.arena;
    *standing = (struct standing){.signals = ARENA_ARRAY(arena, struct signals, n)};
    for (int m = 0; m < MOODS; m++)
        standing->mood[m] = ARENA_ARRAY(arena, float, n);
    if (!run->contracts)
        standing->row_of = ARENA_ARRAY(arena, uint32_t, n);
}

void standing_release(struct standing *standing) { free(standing->rows); }

static const struct purchase_history *history_of(const struct standing *standing, uint32_t owner) {
    uint32_t place = standing->row_of ? standing->row_of[owner] : 0;
    return place ? &standing->rows[place - 1] : NULL;
}

bool standing_has(const struct standing *standing, const struct estimation *run,
                  const struct churn_setup *setup, uint32_t owner) {
    if (standing->table)
        return run->spells[owner].is;
    if (run->contracts) {
        const struct spell *spell = &run->spells[owner];
        return spell->is && spell->start_day <= standing->day &&
               !(spell->ended && spell->end_day <= standing->day);
    }
    const struct purchase_history *history = history_of(standing, owner);
    return history && standing->day - history->last_day <= setup->window_days;
}

bool standing_left(const struct standing *standing, const struct standing *later,
                   const struct estimation *run, uint32_t owner) {
    if (run->contracts)
        return run->spells[owner].ended && run->spells[owner].end_day <= later->day;
    const struct purchase_history *then = history_of(standing, owner),
                                  *now = history_of(later, owner);
    return !now || now->days == then->days;
}

/* ---- the numbers of one customer ---- */

static bool is(const struct standing *standing, uint32_t owner, bool bad) {
    float nps = standing->mood[0][owner];
    bool found = bad ? nps < 0 : nps > 0;
    for (int m = 1; m < MOODS; m++) {
        float points = standing->mood[m][owner];
        found |= bad ? points <= 0 : points > 0;
    }
    return found;
}

static void of_contract(const struct estimation *run, const struct churn_setup *setup, int32_t day,
                        uint32_t owner, double *raw) {
    double age = day - run->spells[owner].start_day, year = YEAR_DAYS;
    raw[SIGN_TENURE] = age;
    raw[SIGN_FEE] = isnan(run->fees[owner]) ? 0 : (double)run->fees[owner];
    raw[SIGN_FIRST_YEAR] = age < year;
    if (run->table) /* how long they had been there, not when: no window begins now */
        return;
    /* a whole number of years is passed within the window, or was in the month before it */
    raw[SIGN_ANNIVERSARY] = age > year / 2 && floor((age + setup->window_days) / year) >
                                                  floor((age - SIGNAL_SHORT_DAYS) / year);
    raw[SIGN_COMMITMENT] = age + setup->window_days > year && age < year + SIGNAL_SHORT_DAYS;
}

static void of_purchases(const struct standing *standing, int32_t day, uint32_t owner,
                         double *raw) {
    const struct purchase_history *history = history_of(standing, owner);
    double silence = day - history->last_day, repeats = history->days - 1;
    double gap = repeats > 0 ? (history->last_day - history->first_day) / repeats : 0;
    raw[SIGN_TENURE] = day - history->first_day;
    raw[SIGN_PURCHASES] = history->days;
    raw[SIGN_SPEND] = fmax(0, history->spend);
    raw[SIGN_SINCE_PURCHASE] = silence;
    raw[SIGN_OWN_RATE] = gap > 0 ? fmin(silence / gap, 20) : 0;
}

void standing_signs(const struct standing *standing, const struct estimation *run,
                    const struct churn_setup *setup, uint32_t owner, double *raw) {
    int32_t day = standing->day;
    memset(raw, 0, churn_width(setup) * sizeof *raw);
    if (run->contracts)
        of_contract(run, setup, day, owner, raw);
    else
        of_purchases(standing, day, owner, raw);
    for (uint32_t k = 0; k < setup->n_traits; k++)
        raw[FIRST_TRAIT + k] = churn_trait(&setup->traits[k], owner);
    if (run->table) /* which says nothing of what they did before */
        return;
    const struct signals *signals = &standing->signals[owner];
    int32_t last = signals->last_s ? local_day(run->gather.zone, (int64_t)signals->last_s * 1000)
                                   : run->gather.from_day;
    raw[SIGN_SILENCE] = day - last;
    raw[SIGN_CONTACTS_30] = signals->contacts_short;
    raw[SIGN_CONTACTS_90] = signals->contacts_long;
    raw[SIGN_FEWER] = signals->contacts_before > signals->contacts_long
                          ? signals->contacts_before - signals->contacts_long
                          : 0;
    raw[SIGN_UNHAPPY] = is(standing, owner, true);
    raw[SIGN_HAPPY] = is(standing, owner, false);
    for (uint32_t k = 0; k < setup->n_deeds; k++)
        raw[SIGNS + k] = signals->events[k];
}

double sign_scaled(size_t sign, double raw) {
    bool as_is = sign == SIGN_UNHAPPY || sign == SIGN_HAPPY || sign == SIGN_FIRST_YEAR ||
                 sign == SIGN_ANNIVERSARY || sign == SIGN_COMMITMENT || sign >= FIRST_TRAIT;
    return as_is ? raw : log1p(fmax(0, raw));
}
